"""The schema's verdict, told in findings.

Rule: lxml's validator gives the verdict. One deviation of libxml2 from XML Schema is mended: blanks round a date or
time are collapsed (XML Schema part 2, section 4.3.6), so such a value is trimmed and judged again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import cast

from lxml import etree

from parsers.iso20022.report import Report, local_name, place_of
from payments import Finding, error
from schemas.iso20022 import Definition

#: ExternalStatusReason1Code: what RTGS and SEPA answer to a message that breaks its schema.
SCHEMA_CODE = "FF01"

_DATES = re.compile(r"Element '([^']+)': .* atomic type 'xs:(?:dateTime|date|time|gYear|gYearMonth)'", re.DOTALL)
_LOOKS_LIKE_DATE = re.compile(r"[0-9T:+.Z-]+", re.ASCII)
_NAMESPACES = re.compile(r"\{urn:[^}]*\}")
_ELEMENT = re.compile(r"^Element '[^']*'(?:, attribute '(?P<attribute>[^']*)')?: (?:\[facet '(?P<facet>\w+)'\] )?")
#: libxml2 repeats a facet's failure as "not a valid value of the atomic type": once is enough.
_REPEATED = re.compile(r"is not a valid value of the (?:atomic|local atomic) type")

_REMEDIES = (
    (
        "is not expected. Expected is",
        "put the elements in the order of the message definition, mandatory ones included",
    ),
    ("Missing child element", "add the mandatory element"),
    ("is not expected", "remove the element, or move it to where the message definition has it"),
    ("pattern", "write the value in the form of the message definition"),
    ("length", "shorten or fill the value to the length of the message definition"),
    ("enumeration", "use one of the codes of the message definition"),
)


def validate(element: etree._Element, definition: Definition, report: Report) -> bool:
    """Judge a header or document by its schema; every deviation goes to the report. True when valid."""
    schema = definition.schema
    if schema(element):
        return True
    if _trim_dates(element, schema) and schema(element):
        return True
    previous: tuple[str, int] | None = None
    for entry in _entries(schema):
        current = (str(entry.path), entry.line)
        if current == previous and _REPEATED.search(entry.message):
            continue
        previous = current
        if report.full:
            report.dropped += 1
        else:
            report.add(_finding(element, entry, definition))
    return False


def _entries(schema: etree.XMLSchema) -> Iterator[etree._LogEntry]:
    # The stubs do not know that an error log can be iterated.
    return iter(cast("Iterable[etree._LogEntry]", schema.error_log))


def _locate(element: etree._Element, entry: etree._LogEntry) -> etree._Element:
    """The element that an entry of the error log is about. Its path counts from the element that was validated."""
    steps = [step for step in (entry.path or "").split("/") if step][1:]
    current = element
    for step in steps:
        name, _, position = step.partition("[")
        index = int(position.rstrip("]")) - 1 if position else 0
        # A step is "*" for elements of a default namespace, and counts all siblings; else it counts its own name.
        wanted = f"{{*}}{name.rpartition(':')[2]}" if name != "*" else "*"
        found = next(islice(current.iterchildren(wanted), index, None), None)
        if found is None:
            break
        current = found
    return current


def _trim_dates(element: etree._Element, schema: etree.XMLSchema) -> bool:
    """Drop blanks round dates and times in elements that libxml2 refused; whether there were any."""
    tags = {match[1] for entry in _entries(schema) if (match := _DATES.match(entry.message))}
    trimmed = False
    for target in element.iter(*tags) if tags else ():
        text = target.text or ""
        stripped = text.strip(" \t\r\n")
        if stripped != text and _LOOKS_LIKE_DATE.fullmatch(stripped):
            target.text = stripped
            trimmed = True
    return trimmed


def _finding(element: etree._Element, entry: etree._LogEntry, definition: Definition) -> Finding:
    target = _locate(element, entry)
    message = _NAMESPACES.sub("", entry.message).strip()
    match = _ELEMENT.match(message)
    told = message[match.end() :] if match else message
    attribute = match.group("attribute") if match else None
    place = place_of(target) + (f"/@{attribute}" if attribute else "")
    value = target.get(attribute) if attribute else target.text if len(target) == 0 else None
    name = local_name(str(target.tag))
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in message), "correct the value")
    rule = f"{name}: {told} ({definition.identifier} schema)"
    return error(SCHEMA_CODE, "message", place, value, rule, remedy)
