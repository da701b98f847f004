"""What a manifest states of a file, set against what the parsers make of it: one small function for each statement.

Rule: a check is a row of ``CHECKS``; it answers with what was expected and found, or None when the record says nothing
about it. The meaning of the manifests' fields is written down here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import parsers
from parsers import Format, Message
from tools.conformance.statement_values import compared

Entry = Mapping[str, Any]
FILLER = b"9" * 94


class Outcome(NamedTuple):
    """One comparison; it agrees when both sides are equal."""

    expected: object
    found: object


class Case(NamedTuple):
    """One file of a manifest and the messages found in it."""

    entry: Entry
    data: bytes
    messages: Sequence[Message]

    @property
    def verdict(self) -> str:
        """Rejected when one of the file's messages is."""
        rejected = any(message.verdict == "rejected" for message in self.messages)
        return "rejected" if rejected else "accepted"


Check = Callable[[Case], Outcome | None]


def family_of(entry: Entry) -> str | None:
    """The family of a manifest, from the fields of its records."""
    marks = {"ach": "rulebook_reject", "iso20022": "xsd_valid", "mt": "mt"}
    return next((family for family, mark in marks.items() if mark in entry), None)


def read(family: str, entry: Entry, data: bytes) -> Case:
    """Read a file in the mode that its record speaks of: lenient where the source tolerates what strict refuses."""
    mode: parsers.Mode | None = "lenient" if entry.get("verdict") == "accepted_lenient" else None
    if family == "mt" and _is_text_of_payment(entry):
        data = _in_blocks(entry, data)
    formats: dict[str, Format] = {"mt": "swift-mt", "iso20022": "iso20022", "ach": "ach"}
    return Case(entry, data, parsers.parse(data, format=formats[family], mode=mode))


def _is_text_of_payment(entry: Entry) -> bool:
    """Whether a record is the text of a message of category 1 or 2, without the blocks that say so."""
    stated = re.fullmatch(r"MT([0-9]{3}).*", str(entry.get("type", "")))
    named = stated[1] if stated else str(entry.get("mt", ""))
    return entry.get("complete") == "block4" and (named[:1] in set("12") or named == "920")


def _in_blocks(entry: Entry, data: bytes) -> bytes:
    """Such a text as the message that its source takes it for, between two banks outside Europe."""
    flag = str(entry.get("variant") or "")
    user = f"{{3:{{119:{flag}}}}}" if flag else ""
    head = f"{{1:F01AAAAUS33AXXX0000000000}}{{2:I{entry['mt']}BBBBJPJTXXXXN}}{user}{{4:\n"
    text = data.strip().removesuffix(b"}").removesuffix(b"-").rstrip()
    return head.encode() + text + b"\n-}"


# -- ACH


def _ach_verdict(case: Case) -> Outcome | None:
    stated = {"valid": "accepted", "invalid": "rejected"}.get(str(case.entry.get("verdict")))
    return None if stated is None else Outcome(stated, case.verdict)


def _ach_totals(case: Case) -> Outcome | None:
    """Of valid files; what a broken file's totals are depends on where one stops reading."""
    if case.entry.get("verdict") not in ("valid", "split"):
        return None
    return Outcome(case.entry["expected"], case.messages[0].content().get("totals"))


def _ach_rulebook(case: Case) -> Outcome | None:
    """What breaks an operator rule is refused or at least reported."""
    rules = case.entry.get("rulebook_reject")
    return Outcome("reported", "reported" if case.messages[0].findings else "silent") if rules else None


# -- ISO 20022


def _iso_schema(case: Case) -> Outcome | None:
    stated = case.entry.get("xsd_valid")
    if stated is None:
        return None
    found = [message.content().get("schema_valid") for message in case.messages]
    worst = next((valid for valid in found if valid is not True), True)
    # None: there is no schema, or nothing that could be checked; a source that says invalid is not contradicted by it.
    return Outcome(stated, bool(worst) if stated is False else worst)


def _iso_type(case: Case) -> Outcome | None:
    stated = case.entry.get("message")
    if not stated or case.entry.get("xsd_valid") is None:
        return None
    return Outcome(stated, case.messages[0].type)


def _iso_verdict(case: Case) -> Outcome | None:
    """Refused by a bank's or a scheme's rules, or not even well-formed."""
    expected = case.entry.get("expected") or {}
    if case.entry.get("well_formed") is False or expected.get("bank_rules") == "reject":
        return Outcome("rejected", case.verdict)
    stated = {"invalid": "rejected", "valid": "accepted"}.get(str(expected.get("scheme_rules")))
    return None if stated is None else Outcome(stated, case.verdict)


# -- SWIFT MT


def _mt_verdict(case: Case) -> Outcome | None:
    """Where the record's own arithmetic found a rule broken, or an old standard applies, acceptance says nothing."""
    stated = {
        "accepted": "accepted",
        "accepted_lenient": "accepted",
        "translated": "accepted",
        "rejected": "rejected",
    }.get(str(case.entry.get("verdict")))
    if stated is None or (stated == "accepted" and (case.entry.get("lint") or case.entry.get("historic"))):
        return None
    first = case.messages[0]
    if stated == "accepted" and first.type in {"ACK", "NAK"}:  # what a source says of these is said of the answer
        return Outcome(stated, first.verdict)
    return Outcome(stated, case.verdict)


def _mt_type(case: Case) -> Outcome | None:
    stated = str(case.entry.get("type", ""))
    if not stated.startswith("MT") or case.entry.get("complete") == "block4":
        return None
    return Outcome(stated, case.messages[0].type)


def _fields(case: Case) -> list[tuple[str, str]]:
    fields = case.messages[0].content().get("fields")
    return [(row["tag"], row["value"]) for row in fields] if isinstance(fields, list) else []


def _mt_fields(case: Case) -> Outcome | None:
    stated = (case.entry.get("computed") or {}).get("tags")
    if not stated or len(case.messages) != 1:
        return None
    return Outcome(stated, [tag for tag, _ in _fields(case)])


def _mt_oracle(case: Case) -> Outcome | None:
    """Tags and values as another parser reads them (its output, not an assertion), white space at the ends aside.

    That parser takes the first message of a file and reads statements without blocks as one, so all messages count.
    """
    theirs = case.entry.get("oracle")
    if theirs is None:
        return None
    stated = [(row["t"], _trimmed(row.get("v") or "")) for row in theirs["m"].get("b4", [])]
    messages = case.messages if theirs["wrapped"] else case.messages[:1]
    found = [(row["tag"], _trimmed(row["value"])) for message in messages for row in _rows(message)]
    return Outcome(stated, found)


def _rows(message: Message) -> list[dict[str, str]]:
    rows = message.content().get("fields")
    return rows if isinstance(rows, list) else []


def _trimmed(text: str) -> str:
    """A value without blanks at the ends of its lines and without the line of a dash that ends a statement."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(lines[: lines.index("-")] if "-" in lines else lines)


_STATED_TAG = re.compile(r"block4\.(\d\d[A-Z]?)")
_STATED_FIELDS = {"statement.transaction_reference": "20", "statement.account_identification": "25"}


def _mt_values(case: Case) -> Outcome | None:
    """Values of fields that the source's own tests assert, where they name a field of the message."""
    stated: dict[str, str] = {}
    for name, value in ((case.entry.get("expected") or {}).get("values") or {}).items():
        found = _STATED_TAG.fullmatch(name)
        tag = found[1] if found else _STATED_FIELDS.get(name)
        if tag is not None and isinstance(value, str):
            stated[tag] = _unbroken(value)
    if not stated or len(case.messages) != 1:
        return None
    first = {}
    for tag, value in reversed(_fields(case)):
        first[tag] = _unbroken(value)
    return Outcome(stated, {tag: first.get(tag) for tag in stated})


def _mt_statements(case: Case) -> Outcome | None:
    """Balances, entries and their parts that the source's own tests assert."""
    values = (case.entry.get("expected") or {}).get("values") or {}
    stated, found = compared(values, [each for message in case.messages for each in message.statements()])
    return Outcome(stated, found) if stated else None


def _unbroken(text: str) -> str:
    return "\n".join(part.rstrip() for part in text.splitlines())


def _mt_errors(case: Case) -> Outcome | None:
    values = (case.entry.get("expected") or {}).get("values") or {}
    stated = sorted(str(value) for name, value in values.items() if re.fullmatch(r"rs:errors\[\d\]\.code\(\)", name))
    if not stated:
        return None
    codes = {finding.code for message in case.messages for finding in message.findings}
    return Outcome(stated, sorted(codes.intersection(stated)))


# -- every family


def _written(case: Case) -> Outcome | None:
    """An accepted message written again is the input, line ends and trailing filler aside (canonical XML for ISO)."""
    message = case.messages[0]
    if len(case.messages) != 1 or message.verdict != "accepted" or message.parsed is None:
        return None
    written = message.write()
    if message.format == "iso20022":
        return Outcome(True, _canonical(written) == _canonical(case.data))
    if message.format == "ach":
        return Outcome(True, _records(written) == _records(case.data))
    return Outcome(True, _lines(written) == _lines(case.data))


def _canonical(data: bytes) -> bytes:
    from lxml import etree

    return etree.tostring(etree.fromstring(data), method="c14n")


def _records(data: bytes) -> bytes:
    """Records without line ends, filler and the blanks that end short lines."""
    lines = [line.rstrip() for line in data.replace(b"\r", b"\n").split(b"\n")]
    return b"".join(line for line in lines if line.strip(b"9")).replace(b" ", b"").removesuffix(FILLER).rstrip(b"9")


def _lines(data: bytes) -> list[bytes]:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n\r\0\x01\x03 $").split(b"\n")


CHECKS: dict[str, dict[str, Check]] = {
    "mt": {
        "verdict": _mt_verdict,
        "type": _mt_type,
        "fields": _mt_fields,
        "values": _mt_values,
        "statements": _mt_statements,
        "errors": _mt_errors,
        "oracle": _mt_oracle,
        "written": _written,
    },
    "iso20022": {"schema": _iso_schema, "type": _iso_type, "verdict": _iso_verdict, "written": _written},
    "ach": {"verdict": _ach_verdict, "totals": _ach_totals, "rulebook": _ach_rulebook, "written": _written},
}
