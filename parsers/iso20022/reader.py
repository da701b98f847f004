"""Bytes to ISO 20022 messages: read, validate, check, build.

Rule: bad bytes give findings, never an exception; every input gives one message at least. The namespace of Document
chooses the schema. Payments are built from a schema-valid document only. Statements and advices (camt.052, 053, 054)
are read leniently unless the caller says otherwise: what would reject them becomes a warning, for an account's
history must not be lost to its bank's slips.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
from lxml import etree

from parsers import sepa
from parsers.iso20022.build import build_payments
from parsers.iso20022.envelope import (
    MAX_BYTES,
    Envelope,
    RefusedError,
    as_sent,
    messages_of,
    parse_xml,
    split_declarations,
)
from parsers.iso20022.facts import Facts, walk
from parsers.iso20022.grammar import grammar_of
from parsers.iso20022.messages import MessageFacts, message_facts
from parsers.iso20022.parsed import KEPT_FROM, ParsedXml
from parsers.iso20022.parties import identity, identity_in, party
from parsers.iso20022.report import Report
from parsers.iso20022.rules import check
from parsers.iso20022.schemes import ADDRESS_DATES, scheme_of
from parsers.iso20022.validation import validate
from parsers.message import Message, Mode
from payments import Finding, Payment, error, warning
from schemas.iso20022 import NAMESPACE

#: Types of statements and advices: lenient unless the caller is strict.
_LENIENT = frozenset({"camt.052", "camt.053", "camt.054"})
#: Families whose messages move money between banks: without a schema they are refused, not noted.
_MONEY = "pacs."
#: CopyDuplicate1Code of the header that means "you may have this already".
_DUPLICATES = frozenset({"DUPL", "CODU"})

#: The header of 2010, which payment systems that still have it send shortened: its deviations are warnings.
_SHORTENED_HEADERS = frozenset({"head.001.001.01"})

_text = etree.XPath("string()", smart_strings=False)


def looks_like(head: bytes) -> bool:
    """Whether the first bytes (4 KiB are enough) are those of XML, in UTF-8, UTF-16 or another superset of ASCII."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or head[:2] in (b"<\0", b"\0<"):
        encoding = "utf-16-be" if head[:2] in (b"\xfe\xff", b"\0<") else "utf-16-le"
        start = head[:4096].decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    else:
        start = head[:4096].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    return re.match(r"<[?!A-Za-z_]", start) is not None


def read(
    data: bytes,
    *,
    mode: Mode | None = None,
    scheme: str | None = None,
    max_bytes: int = MAX_BYTES,
    address_dates: Mapping[str, str] = ADDRESS_DATES,
) -> list[Message]:
    """The messages in the bytes, in order; one at least. Never raises for what the bytes hold.

    ``scheme`` says the scheme instead of the content (``SCT-INST``, ``SCT``, ``CBPR+``, ``FEDWIRE``);
    ``address_dates`` holds, for each scheme, the settlement date from which an unstructured address is refused.
    """
    return read_all((data,), mode=mode, scheme=scheme, max_bytes=max_bytes, address_dates=address_dates)[0]


def read_all(
    inputs: Sequence[bytes],
    *,
    mode: Mode | None = None,
    scheme: str | None = None,
    max_bytes: int = MAX_BYTES,
    address_dates: Mapping[str, str] = ADDRESS_DATES,
) -> list[list[Message]]:
    """The messages of each input, as ``read`` gives them: a step for all of them, then the next, which is faster."""
    begun = [_begun(data, mode, max_bytes) for data in inputs]
    readings = [each for found in begun for each in found if isinstance(each, _Reading)]
    for reading in readings:
        reading.validate()
    for reading in readings:
        reading.gather(scheme)
    for reading in readings:
        reading.judge(address_dates)
    return [[each.message() if isinstance(each, _Reading) else each for each in found] for found in begun]


def _begun(data: bytes, mode: Mode | None, max_bytes: int) -> list[_Reading | Message]:
    """The messages of an input as elements; what holds none is a message already."""
    try:
        documents = [(data, parse_xml(data, max_bytes))]
    except RefusedError as refused:
        parts = split_declarations(data) if refused.finding.code == "XML-SYNTAX" else [data]
        if len(parts) == 1:
            return [_unreadable(0, data, refused.finding)]
        documents = []
        for part in parts:
            try:
                documents.append((part, parse_xml(part, max_bytes)))
            except RefusedError as again:
                return [_unreadable(0, data, again.finding)]
    messages: list[_Reading | Message] = []
    for raw, root in documents:
        envelopes = messages_of(root)
        if not envelopes:
            messages.append(_unreadable(len(messages), raw, _no_document(root)))
        parts = [raw]
        if len(envelopes) > 1:
            wholes = (envelope.whole for envelope in messages_of(as_sent(raw)))
            parts = [etree.tostring(whole, encoding="UTF-8", with_tail=False) for whole in wholes]
        keep = len(envelopes) > 1 or len(raw) >= KEPT_FROM
        for part, envelope in zip(parts, envelopes, strict=False):
            messages.append(_Reading(part, envelope, len(messages), mode, keep=keep))
    return messages


def _unreadable(index: int, data: bytes, finding: Finding) -> Message:
    return Message(index=index, format="iso20022", type=None, raw=data, findings=(finding,))


def _no_document(root: etree._Element) -> Finding:
    name = etree.QName(root).localname
    rule = "an ISO 20022 message has a Document, alone, with an AppHdr, or in an envelope: there is none here"
    return error("XML-NAMESPACE", "file", f"line {root.sourceline}, /{name}", name, rule, "send an ISO 20022 message")


class _Reading:
    """The reading of one message: its elements validated, gathered as facts, judged, and then a Message."""

    __slots__ = (
        "envelope", "facts", "grammar", "header", "header_identifier", "header_valid", "index", "keep", "mode",
        "payments", "raw", "report", "schema_findings", "subject", "valid",
    )  # fmt: skip
    facts: MessageFacts
    schema_findings: tuple[Finding, ...]

    def __init__(self, raw: bytes, envelope: Envelope, index: int, mode: Mode | None, *, keep: bool) -> None:
        self.raw = raw
        self.keep = keep
        self.envelope = envelope
        self.index = index
        self.mode = mode
        document = envelope.document
        subject = document if document is not None else envelope.whole
        self.subject = subject
        self.report = Report(subject)
        self.grammar = grammar_of(subject)
        self.header: Facts | None = None
        self.header_identifier: str | None = None
        self.header_valid = True
        self.valid: bool | None = None
        self.payments: tuple[Payment, ...] = ()

    def validate(self) -> None:
        """Header and document against their schemas."""
        envelope, grammar, report = self.envelope, self.grammar, self.report
        if envelope.header is not None:
            self.header, self.header_valid = self._header(envelope.header)
        if grammar.definition is not None:
            self.valid = validate(self.subject, grammar.definition, report)
        else:
            self._unknown()
        self.schema_findings = tuple(report.findings)

    def gather(self, scheme: str | None) -> None:
        """What the elements say."""
        grammar = self.grammar
        self.facts = facts = message_facts(
            grammar.identifier, walk(self.subject, grammar.fields, self.report), self.header
        )
        facts.scheme = scheme or scheme_of(facts)

    def judge(self, dates: Mapping[str, str]) -> None:
        """The rules that no schema says, and the payments."""
        facts, report = self.facts, self.report
        if not self.valid or not self.header_valid or facts.type is None:
            return
        if facts.scheme is not None:
            self._profile(facts, dates)
        check(facts, report)
        if facts.scheme is not None:
            sepa.check(facts, report)
        self.payments = build_payments(facts)

    def message(self) -> Message:
        """What was read."""
        facts, payments, valid = self.facts, self.payments, self.valid
        sender, receiver = _ends(facts, payments)
        return Message(
            index=self.index,
            format="iso20022",
            type=self.grammar.named,
            raw=self.raw,
            findings=self._findings() if self.report.findings else (),
            scheme=facts.scheme,
            sender=sender,
            receiver=receiver,
            reference=_reference(facts),
            uetr=payments[0].uetr if len(payments) == 1 else None,
            payments=payments,
            parsed=ParsedXml(
                self.raw,
                self.envelope if self.keep else None,
                self.header_identifier,
                None if valid is None else valid and self.header_valid,
                self.schema_findings,
            ),
            possible_duplicate=self.header is not None and _possible_duplicate(self.header),
        )

    def _header(self, element: etree._Element) -> tuple[Facts | None, bool]:
        """The header's facts and whether it is valid; a header alone is judged as the message itself."""
        grammar = grammar_of(element)
        self.header_identifier = grammar.named
        valid = True
        if grammar.definition is None:
            rule = f"there is no schema for a header of the namespace {grammar.namespace!r}: it was not checked"
            remedy = "use head.001 of ISO 20022"
            place = f"line {element.sourceline}, /AppHdr"
            self.report.add(warning("NO-SCHEMA", "message", place, grammar.namespace or None, rule, remedy))
        elif self.envelope.document is not None:
            if grammar.identifier in _SHORTENED_HEADERS:
                told = Report(element)
                validate(element, grammar.definition, told)
                for finding in told.findings:
                    self.report.add(msgspec.structs.replace(finding, severity="warning"))
            else:
                valid = validate(element, grammar.definition, self.report)
        return walk(element, grammar.fields, Report(element)), valid

    def _unknown(self) -> None:
        """Tell that there is no schema for the document: whoever sends money is refused, others are told."""
        grammar = self.grammar
        place = f"line {self.subject.sourceline}, /{etree.QName(self.subject).localname}"
        if grammar.named is None:
            rule = "the namespace is not that of an ISO 20022 message definition"
            remedy = f"declare the namespace of the message definition: {NAMESPACE}pacs.008.001.08"
            self.report.add(error("XML-NAMESPACE", "message", place, grammar.namespace or None, rule, remedy))
            return
        tell = error if grammar.named.startswith(_MONEY) else warning
        rule = f"{grammar.named} is not among the message definitions known here: it was not checked"
        remedy = "use a version that `qenex formats` lists"
        self.report.add(tell("NO-SCHEMA", "message", place, grammar.named, rule, remedy))

    def _profile(self, facts: MessageFacts, dates: Mapping[str, str]) -> None:
        """What the rules of a scheme need to know."""
        scheme = facts.scheme or ""
        facts.address_date = dates.get(scheme)
        if (scheme, facts.family) in sepa.RULES:
            facts.text = str(_text(self.subject))

    def _findings(self) -> tuple[Finding, ...]:
        """The findings under the mode; one more says how many were left out."""
        report = self.report
        findings = report.findings
        if report.dropped:
            rule = f"{report.dropped} further findings are not listed"
            findings.append(error("MORE", "message", "/Document", None, rule, "mend these first"))
        mode = self.mode or ("lenient" if self.grammar.family in _LENIENT else "strict")
        if mode == "lenient":
            return tuple(msgspec.structs.replace(finding, severity="warning") for finding in findings)
        return tuple(findings)


def _reference(facts: MessageFacts) -> str | None:
    """The message's own identification, wherever its definition has it."""
    for name in ("MsgId", "Id"):
        value = facts.group.get(name)
        if isinstance(value, str):
            return value
    header = (facts.header or {}).get("BizMsgIdr")
    return header if isinstance(header, str) else None


def _possible_duplicate(header: Facts) -> bool:
    copied = header.get("CpyDplct")
    return header.get("PssblDplct") == "true" or (isinstance(copied, str) and copied in _DUPLICATES)


def _ends(facts: MessageFacts, payments: tuple[Payment, ...]) -> tuple[str | None, str | None]:
    """Sender and receiver: of the header, else instructing and instructed agent, else the parties' agents."""
    sender = receiver = None
    if facts.header is not None:
        sender, receiver = identity_in(facts.header, "Fr", "FIId"), identity_in(facts.header, "To", "FIId")
    if payments and not (sender and receiver):
        first = payments[0]
        sender = sender or identity(first.instructing_agent)
        receiver = receiver or identity(first.instructed_agent)
        if not sender and facts.family.startswith("pain."):
            initiator = party(facts.group.get("InitgPty"))
            sender = initiator.bic if initiator else None
        collecting = facts.family in ("pacs.003", "pain.008")
        near, far = first.debtor_agent, first.creditor_agent
        if collecting:
            near, far = far, near
        if facts.family.startswith("pain."):  # a customer's order goes to his own bank
            return sender, receiver or identity(near)
        return sender or identity(near), receiver or identity(far)
    group = facts.group
    sender = sender or identity_in(group, "InstgAgt") or identity_in(group, "Assgnr", "Agt")
    receiver = receiver or identity_in(group, "InstdAgt") or identity_in(group, "Assgne", "Agt")
    return sender, receiver
