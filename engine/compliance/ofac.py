"""OFAC's lists in the legacy comma-separated form: ``sdn.csv``, ``alt.csv``, ``add.csv``, ``sdn_comments.csv``.

Rule: pure; every column is read or named as one that is not used. The format has no header; ``-0-`` is null; the type
is null for organisations; programmes are joined by ``] [``; birth dates, nationalities, identifiers and weak aliases
are in Remarks, a ``;`` list that is continued in the comments file, mid-word. Source: OFAC's SDN data specification
(the non-SDN consolidated files ``cons_prim/alt/add/comments`` have the same columns).
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from engine.compliance.countries import country_code
from engine.compliance.importing import Draft, Import, broken, finish, unknown
from engine.compliance.watchlist import Entry, EntryType, Identifier, Measure, WatchList
from payments import Finding, warning

_SDN_COLUMNS: Final = 12
_ALT_COLUMNS: Final = 5
_ADD_COLUMNS: Final = 6
_COMMENT_COLUMNS: Final = 2
_TYPES: Final[dict[str, EntryType]] = {
    "": "organisation",
    "individual": "person",
    "vessel": "vessel",
    "aircraft": "aircraft",
}
_ALIAS_TYPES: Final = frozenset({"aka", "fka", "nka"})
_PROGRAMME_END: Final = "] ["
#: Kinds of identifiers in Remarks, the longer of two that begin alike first.
_IDENTIFIERS: Final = tuple(
    sorted(
        """
Passport|SSN|National ID No.|Tax ID No.|Registration Number|Registration ID|Business Registration Number
Business Registration Document #|Company Number|UK Company Number|Legal Entity Number|V.A.T. Number|Cedula No.
Driver's License No.|Identification Number|Vessel Registration Identification|MMSI|C.U.I.T.|C.U.R.P.|C.U.I.
R.F.C.|RUC #|NIT #|D.N.I.|Cedula de Ciudadania|Cedula de Residencia|Residency Number|Birth Certificate Number
Stateless Person|Diplomatic Passport|Travel Document Number|Trade License No.|Commercial Registry Number
Chamber of Commerce Number|Government Gazette Number|Registered Charity No.|Unified Social Credit Code (USCC)
Chinese Commercial Code|UAE Identification|Enterprise Number|Matricula Mercantil No|Folio Mercantil No.
Dubai Chamber of Commerce Membership No.|Fiscal Code|Tazkira National ID Card|National Foreign ID Number
Turkish Identification Number|Italian Fiscal Code|Kenyan ID No.|Personal ID Card|Electoral Registry No.
Military Registration Number|Credencial electoral|Immigration No.|VisaNumberID|Numero de Identidad
Pilot License Number|Afghan Money Service Provider License Number|Central Registration System Number|License
Serial No.|File Number|Public Registration Number|Economic Register Number (CBLS)|United Social Credit Code
Aircraft Manufacturer's Serial Number (MSN)|Aircraft Mode S Transponder Code|Aircraft Tail Number
Aircraft Serial Identification|Digital Currency Address|Passport Card|Refugee ID Card
Seafarer's Identification Document|Romanian Permanent Resident|BIK (RU)|ISIN|Equity Ticker|Bond Ticker
MSB Registration Number|Interpol: Red Notice. File No.|NPWMD
""".replace("\n", "|")
        .strip("|")
        .split("|"),
        key=len,
        reverse=True,
    )
)
_BIC_KINDS: Final = ("SWIFT/BIC",)
#: Remarks that say nothing to screen by.
_ASIDE: Final = tuple(
    """
POB |Gender |Linked To: |Website |Email Address |Telephone No. |Phone Number |Fax No. |Additional Sanctions Information
Secondary sanctions risk: |Executive Order |Organization Established Date |Organization Type: |Target Type |Title:
Transactions Prohibited |For more information |Aircraft Manufacture Date |Aircraft Model |Aircraft Operator
Aircraft Construction Number |Vessel Year of Build |Vessel Flag |Vessel Type |Vessel Call Sign |Vessel Gross
Former Vessel Flag |Other Vessel |Vessel Owner |Vessel Other |Nationality of Registration |Effective Date |Listing Date
Purchase/Sales For |Listed Symbols |CAATSA |IFCA Determination |Also known as |Height |Weight |Complexion |Hair |Eyes
Physical Description |Marital |Profession |Effective |PEESA Information: |Peesa Information: |Bank Identifier
All offices worldwide |all offices worldwide
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_ALIAS = re.compile(r"(?:a|f|n)\.k\.a\. '(.*)'", re.DOTALL)
_COUNTRIES = re.compile(r"\s*\(([^()]*)\)\s*$")


class _Row(NamedTuple):
    """One record of ``sdn.csv`` with what the other files add."""

    place: str
    columns: list[str]
    remarks: str
    aliases: list[list[str]]
    addresses: list[list[str]]


def _read_remarks(draft: Draft, remarks: str) -> None:
    """Take each piece of the ``;`` list."""
    for piece in remarks.rstrip(". \x1a").split(";"):
        text = piece.strip().removeprefix("alt. ").strip()
        if text and not text.startswith(_ASIDE):
            _read_remark(draft, text)


def _read_remark(draft: Draft, text: str) -> None:
    alias = _ALIAS.fullmatch(text)
    if alias is not None:
        draft.name(alias.group(1), "weak")
    elif text.startswith("DOB "):
        draft.birth_date(text.removeprefix("DOB "))
    elif text.startswith(("nationality ", "citizen ")):
        draft.country(text.partition(" ")[2])
    elif text.startswith(_BIC_KINDS):
        draft.bics.append(text.split(" ")[1])
    else:
        _read_identifier(draft, text)


def _read_identifier(draft: Draft, text: str) -> None:
    kind = next((kind for kind in _IDENTIFIERS if text.startswith(kind + " ")), None)
    if kind is None:
        draft.keep("remark or kind of identifier", text)
        return
    value, country = text[len(kind) + 1 :], None
    while (match := _COUNTRIES.search(value)) is not None:
        country = country_code(match.group(1)) or match.group(1)
        value = value[: match.start()]
    if value.startswith("IMO "):
        kind, value = "IMO", value[4:]
    elif kind == "Digital Currency Address" and value.startswith("- "):
        currency, _, value = value[2:].partition(" ")
        kind = f"{kind} {currency}"
    draft.identifiers.append(Identifier(kind, value.strip(), country))


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.rstrip("\x1a")


def _rows(name: str, data: bytes, columns: int, findings: list[Finding]) -> Iterator[tuple[str, list[str]]]:
    """Records of one file with their places; nulls are empty; a record of another width is an error."""
    reader = csv.reader(io.StringIO(_text(data), newline=""), strict=True)
    try:
        for row in reader:
            place = f"{name} line {reader.line_num}"
            if len(row) == columns:
                yield place, ["" if cell.strip() == "-0-" else cell.strip() for cell in row]
            elif row and row != ["\x1a"]:
                findings.append(broken(place, row[0], f"a record has {columns} columns; this has {len(row)}"))
    except csv.Error as problem:
        findings.append(broken(f"{name} line {reader.line_num}", None, f"not comma-separated text: {problem}"))


def _grouped(name: str, data: bytes, columns: int, findings: list[Finding]) -> dict[str, list[list[str]]]:
    grouped: defaultdict[str, list[list[str]]] = defaultdict(list)
    for _, row in _rows(name, data, columns, findings):
        grouped[row[0]].append(row)
    return grouped


def _entry(row: _Row, list_name: str, measure: Measure, findings: list[Finding]) -> Entry | None:
    columns = row.columns
    draft = Draft(row.place, findings)
    draft.name(columns[1], "primary")
    for alias in row.aliases:
        if alias[2] not in _ALIAS_TYPES:
            findings.append(unknown(f"{row.place}, alias {alias[1]}", alias[2], "type of alias"))
        draft.name(alias[3], "weak" if "weak" in alias[4].lower() else "strong")
    _read_remarks(draft, row.remarks)
    if columns[5]:
        draft.identifiers.append(Identifier("call sign", columns[5]))
    draft.country(columns[9])
    for address in row.addresses:
        draft.country(address[4])
    kind = _TYPES.get(columns[2].lower())
    if kind is None:
        findings.append(unknown(row.place, columns[2], "type of entry"))
    return draft.entry(list_name, columns[0], kind or "any", columns[3].split(_PROGRAMME_END), measure)


def _orphans(known: set[str], files: dict[str, dict[str, list[list[str]]]]) -> list[Finding]:
    """Warnings about records that belong to no entry: the files may not be of one publication."""
    return [
        warning(
            "LIST-ORPHAN",
            "entry",
            f"{name}, entry {number}",
            grouped[number][0][-2],
            "the main file has no record of that number: its records here belong to nobody",
            "fetch all files of one publication",
        )
        for name, grouped in files.items()
        for number in grouped
        if number not in known
    ]


def import_ofac_csv(
    sdn: bytes,
    alt: bytes = b"",
    add: bytes = b"",
    comments: bytes = b"",
    *,
    date: str,
    list_name: str = "OFAC-SDN",
    measure: Measure = "block",
    previous: WatchList | None = None,
    force: bool = False,
) -> Import:
    """Read the four files of one publication; ``date`` (ISO 8601) is its day, which the files do not hold.

    ``measure`` is ``refer`` for the consolidated non-SDN list: its programmes mostly do not block.
    """
    findings: list[Finding] = []
    aliases = _grouped("alt.csv", alt, _ALT_COLUMNS, findings)
    addresses = _grouped("add.csv", add, _ADD_COLUMNS, findings)
    rest = _grouped("sdn_comments.csv", comments, _COMMENT_COLUMNS, findings)
    entries, known = [], set()
    for place, columns in _rows("sdn.csv", sdn, _SDN_COLUMNS, findings):
        number = columns[0]
        known.add(number)
        remarks = columns[11] + "".join(row[1] for row in rest.get(number, ()))
        row = _Row(place, columns, remarks, aliases.get(number, []), addresses.get(number, []))
        entry = _entry(row, list_name, measure, findings)
        if entry is not None:
            entries.append(entry)
    findings += _orphans(known, {"alt.csv": aliases, "add.csv": addresses, "sdn_comments.csv": rest})
    inputs = {"sdn.csv": sdn, "alt.csv": alt, "add.csv": add, "sdn_comments.csv": comments}
    return finish(f"US Treasury, OFAC: {list_name}", date, inputs, entries, findings, previous, force=force)
