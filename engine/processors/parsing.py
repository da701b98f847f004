"""Parsing: one ingest record becomes envelopes, one for each payment in it (one for a message without any).

Rule: pure and deterministic: the same record and facts give the same envelopes, whoever runs it and however often.
Nothing is dropped: what cannot be read, or whose sender cannot be believed, becomes an envelope in state REJECTED.
The sender is who signed: the message's claimed sender must hold the key of the ``lau`` header (local authentication).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec

import parsers
from engine.bus.record import Record
from engine.processors import claims
from engine.routing.decision import MOVES_MONEY
from engine.routing.directory import Directory
from engine.wire import Envelope, Rejection
from parsers import Message, iso20022, swift_mt
from payments import Finding, Payment, PaymentKind

FORMAT_OF_TOPIC: Mapping[str, parsers.Format] = {
    "ingest.swift-mt": "swift-mt",
    "ingest.iso20022": "iso20022",
    "ingest.sepa": "iso20022",
    "ingest.ach": "ach",
}
#: Refused for want of a valid signature; no standard code exists for it, and nobody is answered.
NOT_AUTHENTIC = "LAU"

_LINE = re.compile(r"line (\d+)")
#: Enough for a person to mend the message; a hostile file could have millions.
_FINDINGS_MAX = 20


@dataclass(frozen=True, slots=True)
class ParsingFacts:
    """What parsing knows: participants, their keys, whether signatures are required, numbers of sources."""

    directory: Directory
    keys: Mapping[str, tuple[bytes, ...]]
    signatures: bool
    sources: Mapping[tuple[str, int], int]


@dataclass(slots=True)
class _Arrival:
    """One message of a record on its way to its envelopes, and the digest of the record."""

    record: Record
    digest: str
    message: Message
    sender: str | None = None
    problem: Rejection | None = None
    forwards: list[str | None] = field(default_factory=list)


def parse_record(record: Record, facts: ParsingFacts) -> list[Envelope]:
    """All envelopes of a record, in the order of its payments."""
    return parse_records((record,), facts)[0]


def parse_records(records: Sequence[Record], facts: ParsingFacts) -> list[list[Envelope]]:
    """All envelopes of each record, in the order of its payments.

    A step is done for all records before the next one begins: its code and its tables stay in the processor's nearest
    caches then (ADR 0011).
    """
    digests = [hashlib.sha256(record.value).hexdigest()[:32] for record in records]
    found = [
        [_Arrival(record, digest, message) for message in messages]
        for record, digest, messages in zip(records, digests, _read(records, facts), strict=True)
    ]
    arrivals = [arrival for of_record in found for arrival in of_record]
    for each in arrivals:
        each.sender, each.problem = _authenticated(each.message, each.record, facts)
    for each in arrivals:
        each.problem = each.problem or _refusal(each.message)
    for each in arrivals:
        if each.problem is None:
            each.forwards = _forwards(each.message, each.record)
    envelopes = iter([_base(each, facts) for each in arrivals])
    return [
        _numbered([envelope for each in of_record for envelope in _of_message(next(envelopes), each)])
        for of_record in found
    ]


def _numbered(envelopes: list[Envelope]) -> list[Envelope]:
    for index, envelope in enumerate(envelopes):
        envelope.index = index
        envelope.count = len(envelopes)
    return envelopes


def _read(records: Sequence[Record], facts: ParsingFacts) -> list[list[Message]]:
    """The messages of each record."""
    of_format: dict[parsers.Format, list[int]] = {}
    for number, record in enumerate(records):
        of_format.setdefault(FORMAT_OF_TOPIC[record.topic], []).append(number)
    read: list[list[Message]] = [[] for _ in records]
    for found, numbers in of_format.items():
        inputs = [records[number].value for number in numbers]
        messages = parsers.parse_all(inputs, format=found, demotions=facts.directory.demotions)
        for number, each in zip(numbers, messages, strict=True):
            read[number] = each
    return read


def _base(arrival: _Arrival, facts: ParsingFacts) -> Envelope:
    """What every envelope of a message says."""
    record, message = arrival.record, arrival.message
    return Envelope(
        source=facts.sources[record.topic, record.partition],
        offset=record.offset,
        received_ms=record.timestamp_ms,
        digest=arrival.digest,
        state="RECEIVED",
        format=message.format or FORMAT_OF_TOPIC[record.topic],
        type=message.type,
        sender=arrival.sender,
        receiver=message.receiver,
        reference=message.reference,
        scheme=message.scheme,
    )


def _authenticated(message: Message, record: Record, facts: ParsingFacts) -> tuple[str | None, Rejection | None]:
    """The participant who sent this, or why that is not believed. Who is unreadable inside is taken from the key."""
    claimed = message.sender or (record.key.decode("latin-1") if record.key else None)
    participant = facts.directory.find(claimed)
    if not facts.signatures:
        return (participant.id if participant is not None else claimed), None
    if participant is None:
        return None, Rejection(NOT_AUTHENTIC, f"the sender {claimed} is no participant", "parsing")
    signature = record.headers.get("lau")
    if signature is None:
        return None, Rejection(NOT_AUTHENTIC, "the header lau is missing", "parsing")
    for key in facts.keys.get(participant.id, ()):
        if hmac.compare_digest(_signature(key, record.value), signature.lower()):
            return participant.id, None
    return None, Rejection(NOT_AUTHENTIC, f"the signature is not that of {participant.id}", "parsing")


def _signature(key: bytes, value: bytes) -> bytes:
    """The hex HMAC-SHA256 of a value."""
    inner, outer = _halves(key)
    begun, finish = inner.copy(), outer.copy()
    begun.update(value)
    finish.update(begun.digest())
    signature: str = finish.hexdigest()
    return signature.encode()


@lru_cache(maxsize=4_096)
def _halves(key: bytes) -> tuple[Any, Any]:
    """The two hashes of an HMAC (RFC 2104) with the key taken in: copies cost a third of beginning anew each time."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\x00")
    return hashlib.sha256(bytes(each ^ 0x36 for each in block)), hashlib.sha256(bytes(each ^ 0x5C for each in block))


def _of_message(base: Envelope, arrival: _Arrival) -> list[Envelope]:
    """A message's envelopes; ``base`` becomes the only one's own."""
    message, forwards = arrival.message, arrival.forwards
    if arrival.problem is not None:
        return [_refused(base, message, arrival.problem)]
    if not message.payments:
        return [_noted(base, message, None)]
    if len(forwards) == 1:
        return [_of_payment(base, message, message.payments[0], forwards[0])]
    return [
        _of_payment(copy(base), message, payment, forward)
        for payment, forward in zip(message.payments, forwards, strict=True)
    ]


def _refusal(message: Message) -> Rejection | None:
    """Why a message is refused as a whole."""
    fatal = _fatal(message) if message.findings else None
    if fatal is None:
        return None if message.payments else _unexecuted(message)
    found = _LINE.search(fatal.place)
    line = int(found.group(1)) if found else None
    value = "" if fatal.value is None else f" ({fatal.value})"
    return Rejection(fatal.code, f"{fatal.place}: {fatal.rule}{value}", "parsing", line)


def _fatal(message: Message) -> Finding | None:
    """The first error that the whole message falls with."""
    return next((finding for finding in message.errors() if not _of_one_entry(finding, message)), None)


def _unexecuted(message: Message) -> Rejection | None:
    """Why an MT without payments is refused: its sender must not take the ACK for an execution.

    News and requests (n95, n99, 9nn) are received; a type that is not known here, or one that asks for money and gave
    no payment, is not. Codes: SWIFT's H30, or that of the finding that says why.
    """
    if message.format != "swift-mt" or message.type in ("ACK", "NAK"):
        return None
    codes = {finding.code: finding for finding in message.findings}
    if "N05" in codes or message.type is None:
        text = f"{message.type or 'a message without a type'} is not processed here; nothing was executed"
        return Rejection("H30", text, "parsing")
    if message.type not in swift_mt.MOVING:
        return None
    finding = codes.get("N06") or next(iter(message.findings), None)
    code, rule = ("T13", "no payment could be made of it") if finding is None else (finding.code, finding.rule)
    return Rejection(code, f"{message.type} was not executed: {rule}", "parsing")


def _of_one_entry(finding: Finding, message: Message) -> bool:
    """Whether an error falls on one entry of an ACH file: the others go on."""
    return finding.level == "entry" and message.format == "ach"


def _of_payment(envelope: Envelope, message: Message, payment: Payment, forward: str | None) -> Envelope:
    """The envelope of one payment: ``envelope`` is its own, and filled in."""
    moves = payment.kind in MOVES_MONEY
    if not moves and payment.kind is not PaymentKind.CANCELLATION_REQUEST and "reject" not in payment.details:
        return _noted(envelope, message, payment)
    envelope.payment = payment
    refused = payment.details.get("reject")
    if refused is not None:
        text = payment.details.get("reject_text", "the entry breaks an operator rule")
        envelope.state, envelope.rejection = "REJECTED", Rejection(refused, text, "parsing")
        envelope.claims = claims.of(envelope, payment)
        return envelope
    if message.findings:
        envelope.findings = message.findings[:_FINDINGS_MAX]
    if moves:
        envelope.claims = claims.of(envelope, payment)
        envelope.forward = forward
    return envelope


def _forwards(message: Message, record: Record) -> list[str | None]:
    """What each payment's receiver will be delivered, as Latin-1 text: every byte survives JSON.

    ACH entries are regrouped into files when they settle; a request to the operator is delivered to nobody.
    """
    count = len(message.payments)
    if not any(payment.kind in MOVES_MONEY for payment in message.payments):
        return [None] * count
    if message.format == "swift-mt":
        at, sequence = claims.moment(record.timestamp_ms), record.offset % 1_000_000
        if message.type is not None and message.type.startswith(swift_mt.BATCHES):
            return [single.decode("latin-1") for single in swift_mt.singles(message, at=at, sequence=sequence)]
        return [swift_mt.forwarded(message, at=at, sequence=sequence).decode("latin-1")] * count
    if message.format == "iso20022":
        if count == 1:
            return [iso20022.forwarded(message).decode("latin-1")]
        return [single.decode("latin-1") for single in iso20022.singles(message.raw)]
    return [None] * count


def _refused(base: Envelope, message: Message, rejection: Rejection) -> Envelope:
    return msgspec.structs.replace(
        base,
        state="REJECTED",
        rejection=rejection,
        findings=tuple(message.errors())[:_FINDINGS_MAX],
        reply=_reply(message),
        claims=((claims.of_bytes(base), base.digest),),
    )


def _noted(base: Envelope, message: Message, payment: Payment | None) -> Envelope:
    return msgspec.structs.replace(
        base,
        state="PARSED",
        payment=payment,
        findings=message.findings[:_FINDINGS_MAX],
        reply=_reply(message) if payment is None else {},
        claims=((claims.of_bytes(base), base.digest),),
    )


def _reply(message: Message) -> dict[str, str]:
    """What an ACK or NAK quotes of a message that became no payment: terminal, session, sequence, user reference."""
    if message.format != "swift-mt":
        return {}
    blocks = message.content().get("blocks")
    if not isinstance(blocks, dict):
        return {}
    header, user = str(blocks.get("1") or ""), blocks.get("3") or {}
    reply = {"terminal": header[3:15], "session": header[15:19], "sequence": header[19:25]}
    if isinstance(user, dict) and user.get("108"):
        reply["block3.108"] = str(user["108"])
    return {name: value for name, value in reply.items() if value}
