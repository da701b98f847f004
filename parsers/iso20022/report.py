"""Places and findings of an XML message.

Rule: a place is a line and a path of element names that a person can follow (``line 41, /Document/FIToFICstmrCdtTrf/
CdtTrfTxInf[2]/IntrBkSttlmAmt``); libxml2's own paths have no names. The number of findings is bounded, so that a file
of 100,000 bad transactions costs no more than its first thousand.
"""

from __future__ import annotations

from itertools import islice

from lxml import etree

from payments import Finding, Level, error, warning

#: More findings than this in one message help nobody; the rest are counted.
FINDINGS_MAX = 1_000


def local_name(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2]


def place_of(element: etree._Element) -> str:
    """Line and path of an element, up to Document or AppHdr; an index is given where siblings share the name."""
    steps: list[str] = []
    current: etree._Element | None = element
    while current is not None:
        name = local_name(str(current.tag))
        position = sum(1 for _ in current.itersiblings(str(current.tag), preceding=True)) + 1
        alone = position == 1 and next(current.itersiblings(str(current.tag)), None) is None
        steps.append(name if alone else f"{name}[{position}]")
        if name in ("Document", "AppHdr"):
            steps[-1] = name
            break
        current = current.getparent()
    return f"line {element.sourceline}, /{'/'.join(reversed(steps))}"


class Report:
    """The findings of one message, in the order in which they were found."""

    __slots__ = ("_document", "dropped", "findings")

    def __init__(self, document: etree._Element) -> None:
        self._document = document
        self.findings: list[Finding] = []
        self.dropped = 0

    @property
    def full(self) -> bool:
        """Whether a further finding would only be counted."""
        return len(self.findings) >= FINDINGS_MAX

    def add(self, finding: Finding) -> None:
        """Keep a finding, or count it when there are too many."""
        if self.full:
            self.dropped += 1
        else:
            self.findings.append(finding)

    def field(self, code: str, element: etree._Element, value: object, rule: str, remedy: str) -> None:
        """A value that rejects its message, at an element."""
        if self.full:
            self.dropped += 1
        else:
            self.findings.append(error(code, "field", place_of(element), value, rule, remedy))

    def error(self, code: str, level: Level, path: str, value: object, rule: str, remedy: str) -> None:
        """A finding that rejects, at a path below Document (``FIToFICstmrCdtTrf/GrpHdr/NbOfTxs``)."""
        if self.full:
            self.dropped += 1
        else:
            self.findings.append(error(code, level, self._place(path), value, rule, remedy))

    def warning(self, code: str, level: Level, path: str, value: object, rule: str, remedy: str) -> None:
        """A finding that rejects nothing, at a path below Document."""
        if self.full:
            self.dropped += 1
        else:
            self.findings.append(warning(code, level, self._place(path), value, rule, remedy))

    def _place(self, path: str) -> str:
        """The path with the line of its nearest existing element: what is missing has no line of its own."""
        current = self._document
        for step in path.split("/"):
            name, _, position = step.partition("[")
            index = int(position[:-1]) - 1 if position else 0
            below = next(islice(current.iterchildren(f"{{*}}{name}"), index, None), None)
            if below is None:
                break
            current = below
        return f"line {current.sourceline}, /Document/{path}"
