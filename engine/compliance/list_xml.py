"""Lists in XML: the EU's consolidated list of financial sanctions (FSF XML 1.1) and OFAC's ``sdn.xml``.

Rule: pure and hardened: no document type, no entities, no network; namespaces are ignored, for publishers change them.
Sources: European Commission, FSF consolidated list, export 1.1 (everything is in attributes; the first strong alias
serves as primary name); OFAC, sdn.xsd (the name of an organisation stands in lastName; Record_Count is checked).
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from engine.compliance.countries import country_code
from engine.compliance.importing import Draft, Import, broken, finish, unknown
from engine.compliance.watchlist import Entry, EntryType, Identifier, ListedName, Measure, WatchList
from payments import Finding

_EU_TYPES: Final[dict[str, EntryType]] = {"P": "person", "E": "organisation"}
_EU_IDENTIFIERS: Final = frozenset(
    """
id passport diplopass regnumber fiscalcode socialsec ssn other drivinglic electoral travelDoc birthcert residentperm
tradelic swiftbic imo mmsi nationalid laissezpasser unlp servicepass permit taxid
""".split()
)
_BIC_KIND: Final = "swiftbic"
_OFAC_TYPES: Final[dict[str, EntryType]] = {
    "Individual": "person",
    "Entity": "organisation",
    "Vessel": "vessel",
    "Aircraft": "aircraft",
}
_OFAC_ALIASES: Final = frozenset({"a.k.a.", "f.k.a.", "n.k.a.", ""})
#: idType of sdn.xml that identify nobody.
_OFAC_ASIDE: Final = (
    "Gender",
    "Secondary sanctions risk",
    "Website",
    "Email Address",
    "Phone Number",
    "Additional Sanctions Information",
    "Executive Order",
    "Organization Established Date",
    "Organization Type",
    "Transactions Prohibited",
)
_OFAC_BIRTH_DATES: Final = ("dateOfBirthList/dateOfBirthItem/dateOfBirth",)
_OFAC_COUNTRIES: Final = (
    "nationalityList/nationality/country",
    "citizenshipList/citizenship/country",
    "addressList/address/country",
    "vesselInfo/vesselFlag",
)


def _root(data: bytes) -> etree._Element | str:
    """The root element with namespaces dropped, or what is wrong with the bytes."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as problem:
        return f"not well-formed XML: {problem}"
    if root.getroottree().docinfo.internalDTD is not None:
        return "a document type is not allowed"
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname
    return root


def _unusable(reason: str) -> Import:
    return Import(None, (broken("line 1", None, reason),))


def _eu_birth_date(draft: Draft, element: etree._Element) -> None:
    get = element.attrib.get
    first, last = get("yearRangeFrom", ""), get("yearRangeTo", "")
    span = f"{first}..{last}" if first and last else first or last
    text = get("birthdate", "")[:10] or span or get("year", "")
    if get("calendarType", "GREGORIAN") not in ("", "GREGORIAN"):
        draft.keep("calendar of a birth date", f"{text} {get('calendarType')}")
    elif text:
        draft.birth_date(text)


def _eu_names(draft: Draft, element: etree._Element) -> None:
    """Aliases, the first strong one as primary name."""
    for alias in element.iterfind("nameAlias"):
        parts = (alias.get("firstName"), alias.get("middleName"), alias.get("lastName"))
        remark = " ".join(child.text or "" for child in alias.iterfind("remark")).lower()
        weak = alias.get("strong") == "false" or "low quality" in remark or "lo quality" in remark
        draft.name(alias.get("wholeName") or " ".join(filter(None, parts)), "weak" if weak else "strong")
    first = next((at for at, name in enumerate(draft.names) if name.strength == "strong"), 0)
    if draft.names:
        draft.names.insert(0, ListedName(draft.names.pop(first).text))


def _eu_identification(draft: Draft, element: etree._Element) -> None:
    kind = element.get("identificationTypeCode", "")
    value = element.get("latinNumber") or element.get("number", "")
    if element.get("knownFalse") == "true" or not value:
        return
    if kind == _BIC_KIND:
        draft.bics.append(value.replace(" ", "").upper())
        return
    if kind not in _EU_IDENTIFIERS:
        draft.findings.append(unknown(draft.place, kind, "kind of identification"))
    country = country_code(element.get("countryIso2Code", ""))
    draft.identifiers.append(Identifier(kind or "identification", value, country))


def _eu_entry(element: etree._Element, list_name: str, measure: Measure, findings: list[Finding]) -> Entry | None:
    number = element.get("euReferenceNumber", "") or element.get("logicalId", "")
    draft = Draft(f"line {element.sourceline}, sanctionEntity {number}", findings)
    _eu_names(draft, element)
    for item in element.iterfind("birthdate"):
        _eu_birth_date(draft, item)
    for item in (item for tag in ("citizenship", "address") for item in element.iterfind(tag)):
        code = item.get("countryIso2Code", "")
        draft.country(code if country_code(code) else item.get("countryDescription", "") or code)
    for item in element.iterfind("identification"):
        _eu_identification(draft, item)
    subject = element.find("subjectType")
    code = subject.get("classificationCode", "") if subject is not None else ""
    kind = _EU_TYPES.get(code)
    if kind is None:
        findings.append(unknown(draft.place, code, "type of subject"))
    programmes = [item.get("programme", "") for item in element.iterfind("regulation")]
    return draft.entry(list_name, number, kind or "any", programmes, measure)


def import_eu_xml(
    data: bytes,
    *,
    date: str | None = None,
    list_name: str = "EU",
    measure: Measure = "block",
    previous: WatchList | None = None,
    force: bool = False,
) -> Import:
    """Read an FSF export. ``date`` (ISO 8601) stands in for a missing generationDate."""
    root = _root(data)
    if isinstance(root, str):
        return _unusable(root)
    if root.tag != "export":
        return _unusable(f"the root is {root.tag}; an EU list has the root export")
    findings: list[Finding] = []
    made = [_eu_entry(element, list_name, measure, findings) for element in root.iterfind("sanctionEntity")]
    entries = [entry for entry in made if entry is not None]
    day = root.get("generationDate", "")[:10] or date or ""
    if not day:
        findings.append(broken("generationDate", None, "the export has no date: give one"))
    source = f"European Union, financial sanctions: {list_name}"
    return finish(source, day, {"eu.xml": data}, entries, findings, previous, force=force)


def _text(element: etree._Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _person(element: etree._Element) -> str:
    return " ".join(filter(None, (_text(element, "firstName"), _text(element, "lastName"))))


def _ofac_identifier(draft: Draft, element: etree._Element) -> None:
    kind, value, country = _text(element, "idType"), _text(element, "idNumber"), _text(element, "idCountry")
    if kind.startswith("SWIFT/BIC") and value:
        draft.bics.append(value)
    elif value and not kind.startswith(_OFAC_ASIDE):
        place = country_code(country) or country or None
        draft.identifiers.append(Identifier(kind, value.removeprefix("IMO "), place))


def _ofac_entry(element: etree._Element, list_name: str, measure: Measure, findings: list[Finding]) -> Entry | None:
    number = _text(element, "uid")
    draft = Draft(f"line {element.sourceline}, sdnEntry {number}", findings)
    draft.name(_person(element), "primary")
    for alias in element.iterfind("akaList/aka"):
        if _text(alias, "type") not in _OFAC_ALIASES:
            findings.append(unknown(draft.place, _text(alias, "type"), "type of alias"))
        draft.name(_person(alias), "weak" if _text(alias, "category") == "weak" else "strong")
    for path in _OFAC_BIRTH_DATES:
        for item in element.iterfind(path):
            draft.birth_date(item.text or "")
    for path in _OFAC_COUNTRIES:
        for item in element.iterfind(path):
            draft.country(item.text or "")
    for item in element.iterfind("idList/id"):
        _ofac_identifier(draft, item)
    kind = _OFAC_TYPES.get(_text(element, "sdnType"))
    if kind is None:
        findings.append(unknown(draft.place, _text(element, "sdnType"), "type of entry"))
    programmes = [(item.text or "").strip() for item in element.iterfind("programList/program")]
    return draft.entry(list_name, number, kind or "any", programmes, measure)


def _ofac_date(text: str) -> str:
    """``mm/dd/yyyy`` -> ISO 8601."""
    month, _, rest = text.partition("/")
    day, _, year = rest.partition("/")
    return f"{year}-{month:0>2}-{day:0>2}" if year else ""


def import_ofac_xml(
    data: bytes,
    *,
    date: str | None = None,
    list_name: str = "OFAC-SDN",
    measure: Measure = "block",
    previous: WatchList | None = None,
    force: bool = False,
) -> Import:
    """Read ``sdn.xml``. ``date`` (ISO 8601) stands in for a missing Publish_Date."""
    root = _root(data)
    if isinstance(root, str):
        return _unusable(root)
    if root.tag != "sdnList":
        return _unusable(f"the root is {root.tag}; OFAC's list has the root sdnList")
    findings: list[Finding] = []
    made = [_ofac_entry(element, list_name, measure, findings) for element in root.iterfind("sdnEntry")]
    entries = [entry for entry in made if entry is not None]
    day = _ofac_date(_text(root, "publshInformation/Publish_Date")) or date or ""
    if not day:
        findings.append(broken("Publish_Date", None, "the list has no date: give one"))
    count = _text(root, "publshInformation/Record_Count")
    announced = (int(count), len(made)) if count.isdecimal() and count.isascii() else None
    source = f"US Treasury, OFAC: {list_name}"
    return finish(source, day, {"sdn.xml": data}, entries, findings, previous, announced, force)
