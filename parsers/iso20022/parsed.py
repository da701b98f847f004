"""The parsed form of one ISO 20022 message: its public content, and the message written back.

Rule: content and writing are lazy; the stream processors need neither. So a short message's elements are let go once
it is read, and made again from its bytes when asked for: the next message is then read into the same memory. What is
written equals what was read under XML canonicalisation: prefixes, foreign namespaces and supplementary data are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from lxml import etree

from parsers.iso20022.envelope import Envelope, as_sent, messages_of, parse_xml
from parsers.iso20022.grammar import grammar_of
from parsers.iso20022.report import Report, local_name
from parsers.iso20022.validation import validate
from payments import Finding

#: Bytes from which on elements are kept: reading again would take long.
KEPT_FROM = 65_536


class ParsedXml(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The bytes of one message and the schema's verdict (None: there is no schema for it). ``kept`` holds the elements
    where the bytes are many or do not give them again.
    """

    raw: bytes
    kept: Envelope | None
    header_identifier: str | None
    schema_valid: bool | None
    schema_findings: tuple[Finding, ...]

    def content(self) -> dict[str, object]:
        """Header's identifier, schema verdict, and the tree of the document."""
        header, document, _ = self.kept or _again(self.raw)
        return {
            "header": self.header_identifier,
            "schema_valid": self.schema_valid,
            "schema_findings": [msgspec.structs.asdict(finding) for finding in self.schema_findings],
            "document": tree(document) if document is not None else {},
            "app_header": tree(header) if header is not None else None,
        }

    def write(self) -> bytes:
        """The message from its elements, in UTF-8."""
        # The elements held here lack blanks and comments; these count when the message is written.
        return etree.tostring(as_sent(self.raw).getroottree(), encoding="UTF-8", xml_declaration=True)


def _again(raw: bytes) -> Envelope:
    """The elements of bytes that hold one message and were read before, dates mended as they were then."""
    envelope = messages_of(parse_xml(raw, len(raw)))[0]
    for element in (envelope.document, envelope.header):
        if element is not None and (known := grammar_of(element).definition) is not None:
            validate(element, known, Report(element))
    return envelope


def tree(element: etree._Element) -> dict[str, Any]:
    """Children by local name: repeated elements as lists, attributes as ``@Name``, the text of an element with
    attributes as ``#text``.
    """
    found: dict[str, Any] = {}
    for child in element:
        name = local_name(str(child.tag))
        value = _value(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _value(element: etree._Element) -> Any:
    attributes = dict(_attributes(element))
    if len(element):
        return {**attributes, **tree(element)}
    text = element.text or ""
    return {**attributes, "#text": text} if attributes else text


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    for name, value in element.items():
        yield f"@{local_name(str(name))}", str(value)
