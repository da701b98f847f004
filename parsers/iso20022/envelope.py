"""Hardened reading of XML, and finding the messages in it.

Rule: nothing outside the bytes is read, nothing in them is expanded: any DOCTYPE is refused, entities are not
resolved, the network is off, and size, elements, attributes and depth are bounded (bytes and elements before
parsing). An application header (ISO 20022 head.001) belongs to the document that follows it; what encloses them
(BizMsgEnvlp, DataPDU, RequestPayload, a scheme's own element) is not ours to judge.
"""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Iterable
from typing import NamedTuple, cast

from lxml import etree

from parsers.iso20022.report import local_name
from payments import Finding, error
from schemas.iso20022 import NAMESPACE

#: A file of 100,000 payments is about 65 MB; one message on the bus is below 1 MB.
MAX_BYTES = 100 * 1024 * 1024
#: An element costs about 180 bytes of memory: this is below half a gigabyte.
MAX_ELEMENTS = 2_500_000
#: On one element; no message definition has more than one, namespaces and xsi hints aside.
MAX_ATTRIBUTES = 64
#: How deep in foreign envelopes a document is looked for.
_MAX_ENVELOPES = 12
#: How often "=" may be found before attributes are counted one by one, and the bytes of the shortest attribute.
_MANY_EQUALS = 1_000
_ATTRIBUTE = len(' a=""')

_DECLARATION = re.compile(rb"<\?xml[ \t\r\n]")
_has_too_many_attributes = etree.XPath(f"boolean(//*[@*[{MAX_ATTRIBUTES + 1}]])")


class _Parsers(threading.local):
    """The parsers of this thread. Blanks between elements are dropped while parsing, which is quicker; with CDATA
    sections they are kept, for a section may be what makes a blank text part of a value.
    """

    def __init__(self) -> None:
        self.compact = _parser(compact=True)
        self.exact = _parser(compact=False)


def _parser(*, compact: bool) -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=compact,
    )


_parsers = _Parsers()


class RefusedError(Exception):
    """The bytes cannot be read as XML; ``finding`` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.rule)
        self.finding = finding


class Envelope(NamedTuple):
    """One message of a file: its header and document, and the element that holds both (or the only one of them)."""

    header: etree._Element | None
    document: etree._Element | None
    whole: etree._Element


def _refuse(code: str, place: str, value: object, rule: str, remedy: str) -> RefusedError:
    return RefusedError(error(code, "file", place, value, rule, remedy))


def parse_xml(data: bytes, max_bytes: int = MAX_BYTES) -> etree._Element:
    """The root element; RefusedError when the bytes are too many, no XML, or XML of a kind that is not taken."""
    if len(data) > max_bytes:
        rule = f"a message has at most {max_bytes:,} bytes"
        raise _refuse("XML-SIZE", "file", f"{len(data):,} bytes", rule, "send it in several files")
    # Start and end tags: an element has one "<" at least and two as a rule. Few bytes cannot hold too many.
    if len(data) > 2 * MAX_ELEMENTS and data.count(b"<") > 2 * MAX_ELEMENTS:
        rule = f"a message has at most {MAX_ELEMENTS:,} elements"
        raise _refuse("XML-ELEMENTS", "file", None, rule, "send it in several files")
    parser = _parsers.exact if b"[" in data and b"<![CDATA[" in data else _parsers.compact
    try:
        root = etree.fromstring(data, parser)
        if parser is _parsers.exact:
            _drop_blanks(root)
    except etree.XMLSyntaxError as problem:
        raise _syntax(problem) from None
    except ValueError as problem:  # an encoding that libxml2 does not know
        raise _refuse("XML-SYNTAX", "file", None, str(problem), "send it in UTF-8") from None
    information = root.getroottree().docinfo
    if information.internalDTD is not None:
        rule = "a document type declaration is refused: it can pull in files and expand without bound"
        raise _refuse("XML-DOCTYPE", "line 1", "<!DOCTYPE", rule, "remove the DOCTYPE")
    if len(data) > _MANY_EQUALS * _ATTRIBUTE and data.count(b"=") > _MANY_EQUALS and _has_too_many_attributes(root):
        rule = f"an element has at most {MAX_ATTRIBUTES} attributes"
        raise _refuse("XML-ATTRIBUTES", "file", None, rule, "remove attributes that the message does not define")
    return root


def _drop_blanks(root: etree._Element) -> None:
    """Drop the blanks before an element's first child, as the compact parser does."""
    for element in root.iter():
        if len(element) and element.text is not None and element.text.isspace():
            element.text = None


def _syntax(problem: etree.XMLSyntaxError) -> RefusedError:
    line, column = problem.position
    message = str(problem.msg or problem)
    place = f"line {line}, column {column}"
    if "xcessive depth" in message:
        return _refuse("XML-DEPTH", place, None, "elements are nested at most 256 deep", "send a message as defined")
    return _refuse("XML-SYNTAX", place, None, f"not well-formed XML 1.0: {message}", "send well-formed XML in UTF-8")


def as_sent(data: bytes) -> etree._Element:
    """The root of bytes that were read before, with the blanks, comments and instructions that no rule needs."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    return etree.fromstring(data, parser)


def split_declarations(data: bytes) -> list[bytes]:
    """The XML documents of a file that holds several one after the other, each with its own declaration."""
    starts = [match.start() for match in _DECLARATION.finditer(data)]
    if len(starts) < 2:
        return [data]
    starts[0] = 0
    return [data[start:end].rstrip() for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def messages_of(root: etree._Element) -> list[Envelope]:
    """The messages under a root, in order; empty when there is no header and no document."""
    name = local_name(root.tag)
    if name == "Document":
        return [Envelope(None, root, root)]
    if name == "AppHdr":
        return [Envelope(root, None, root)]
    found: list[etree._Element] = []
    _collect((root,), found, _MAX_ENVELOPES)
    envelopes: list[Envelope] = []
    header: etree._Element | None = None
    for element in found:
        if local_name(str(element.tag)) == "AppHdr":
            if header is not None:
                envelopes.append(Envelope(header, None, header))
            header = element
        else:
            envelopes.append(Envelope(header, element, _common(header, element)))
            header = None
    if header is not None:
        envelopes.append(Envelope(header, None, header))
    return envelopes


def _is_ours(element: etree._Element) -> bool:
    return str(element.tag).startswith("{" + NAMESPACE)


def _collect(elements: Iterable[etree._Element], found: list[etree._Element], depth: int) -> None:
    """Headers and documents among elements and below them; what is inside one of these is its own affair."""
    for child in elements:
        named = local_name(str(child.tag)) in ("Document", "AppHdr")
        if named and _is_ours(child):
            found.append(child)
            continue
        adopted = None if _is_ours(child) else _adopt(child)
        if adopted is not None:
            found.append(adopted)
            continue
        before = len(found)
        if depth:
            _collect(child.iterchildren("*"), found, depth - 1)
        if named and len(found) == before:
            found.append(child)


def _adopt(element: etree._Element) -> etree._Element | None:
    """The header or document that a scheme keeps in an element of its own namespace; None when this is no such one.

    Some schemes (RTP among them) declare ``AppHdr``, and an element in the place of Document or of the one below it,
    in their namespace, with the children of the ISO definition. The copy has ISO's names; lines are kept.
    """
    children = list(element.iterchildren("*"))
    inside = [child for child in children if _is_ours(child)]
    if not inside or len(inside) != len(children):
        return None
    if any(local_name(str(child.tag)) in ("Document", "AppHdr") for child in inside):
        return None
    namespace, name = etree.QName(inside[0]).namespace, local_name(str(element.tag))
    is_header = name == "AppHdr"
    adopted = etree.Element(
        f"{{{namespace}}}{'AppHdr' if is_header else 'Document'}", nsmap=cast("dict[str, str]", element.nsmap)
    )
    adopted.sourceline = element.sourceline
    target = adopted
    if not is_header and len(inside) > 1:
        target = etree.SubElement(adopted, f"{{{namespace}}}{name}")
        target.sourceline = element.sourceline
    target.extend(copy.deepcopy(child) for child in inside)
    return adopted


def _common(header: etree._Element | None, document: etree._Element) -> etree._Element:
    """The element that holds header and document and no other document; the document when they share none."""
    if header is None:
        return document
    parent = header.getparent()
    if parent is None:
        return document
    inside = [child for child in parent.iter("{*}Document", "{*}AppHdr") if child in (header, document)]
    others = sum(1 for _ in parent.iter("{*}AppHdr"))
    return parent if len(inside) == 2 and others == 1 else document
