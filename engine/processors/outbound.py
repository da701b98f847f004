"""What goes out: the answers to the sender and what the receiver is delivered, for each decision. Pure.

Rule: an MT sender is answered in MT, an ISO sender in ISO, an ACH file by an acknowledgement; nobody is answered whose
signature was not believed. NAK for a refused format, ACK with the accepting commit, 900 (910 for a collection) at
settlement, n99 for a rejection after acceptance, n96 for a cancellation; pacs.002 for every decision of an ISO
payment, camt.029 for a cancellation request. A file's acknowledgement reports acceptance, not settlement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from engine.processors.batch import Answer
from engine.wire import Envelope, Rejection
from parsers import ach, iso20022, swift_mt
from payments import Agent, Original, Payment, PaymentKind
from settlement.lifecycle import ISO_STATUS, State
from settlement.schemes import SCHEMES, Statuses

_NAK = re.compile(r"[A-Z][0-9]{2}")
_LOGICAL_TERMINAL, _SESSION, _SEQUENCE = (re.compile(form) for form in (r"[A-Z0-9]{12}", r"[0-9]{4}", r"[0-9]{6}"))
_BASIC = re.compile(r"[A-Z0-9]{12}[0-9]{10}")
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What answers quote besides the payment: the operator's BIC and the moment of the decision (ISO 8601, UTC)."""

    operator: str
    at: str

    @property
    def swift_time(self) -> str:
        """YYMMDDHHMM."""
        return _swift_time(self.at)


@lru_cache(maxsize=8)
def _swift_time(at: str) -> str:
    return f"{at[2:4]}{at[5:7]}{at[8:10]}{at[11:13]}{at[14:16]}"


def answers(
    envelope: Envelope, state: State, letter: Correspondence, *, reason: Rejection | None = None, first: bool = True
) -> list[Answer]:
    """Everything that a decision sends out. ``first``: the first decision (ACK goes with it)."""
    if envelope.sender is None:
        return []
    if envelope.format == "swift-mt":
        return _swift(envelope, state, letter, reason, first)
    if envelope.format == "iso20022":
        return _iso(envelope, state, letter, reason)
    if envelope.format == "ach" and envelope.index == 0 and first:
        return [ach_acknowledgement(envelope, state, letter, reason)]
    return []


# -- SWIFT MT ----------------------------------------------------------------------------------------------------------


def _swift(
    envelope: Envelope, state: State, letter: Correspondence, reason: Rejection | None, first: bool
) -> list[Answer]:
    assert envelope.sender is not None
    if state is State.REJECTED and reason is not None and reason.stage == "parsing":
        return [_service(envelope, letter, reason)]
    # One ACK a message: it goes with the first of its transactions.
    found = [_service(envelope, letter, None)] if first and envelope.index == 0 else []
    payment = envelope.payment
    if payment is None or (envelope.route is None and state is not State.REJECTED):
        return found
    if state is State.SETTLED:
        found.append(_confirmation(envelope, payment, letter))
        found.extend(delivery(envelope))
    elif state is State.REJECTED and reason is not None:
        found.append(_refusal(envelope, letter, reason))
    elif state is State.CANCELLED:
        found.append(_refusal(envelope, letter, reason or Rejection("DS02", "cancelled on request", "book")))
    return found


def _quotes(envelope: Envelope) -> Mapping[str, str]:
    """What an answer quotes of the message answered."""
    details = _NOTHING if envelope.payment is None else envelope.payment.details
    return {**details, **envelope.reply} if envelope.reply else details


def _service(envelope: Envelope, letter: Correspondence, reason: Rejection | None) -> Answer:
    """ACK or NAK (service message 21) of the sender's message."""
    sender, quotes = envelope.sender or "", _quotes(envelope)
    terminal, session, sequence = _basic(quotes, sender)
    payload = swift_mt.acknowledgement(
        terminal=terminal,
        session=session,
        sequence=sequence,
        at=letter.swift_time,
        mur=quotes.get("block3.108") or None,
        error=None if reason is None else _nak_code(reason),
    )
    return Answer(sender, "ACK" if reason is None else "NAK", payload)


def _basic(quotes: Mapping[str, str], sender: str) -> tuple[str, str, str]:
    """Terminal, session and sequence of block 1 as sent; the default of each where the message is broken there."""
    terminal, session, sequence = quotes.get("terminal", ""), quotes.get("session", ""), quotes.get("sequence", "")
    if len(terminal) == 12 and len(session) == 4 and _BASIC.fullmatch(f"{terminal}{session}{sequence}"):
        return terminal, session, sequence
    return (
        terminal if _LOGICAL_TERMINAL.fullmatch(terminal) else _terminal(sender),
        session if _SESSION.fullmatch(session) else "0000",
        sequence if _SEQUENCE.fullmatch(sequence) else "000000",
    )


def _nak_code(reason: Rejection) -> str:
    """Three characters and, where the place is known, the line: a finding without a SWIFT code is a format error."""
    code = reason.code if _NAK.fullmatch(reason.code) else "H01"
    return code if reason.line is None or reason.line > 999 else f"{code}{reason.line:03d}"


def _terminal(bic: str) -> str:
    """Logical terminal address (12) of a BIC of 11: terminal A of the institution."""
    return f"{bic[:8]}A{bic[8:11] or 'XXX'}" if len(bic) == 11 else bic.ljust(12, "X")[:12]


def _confirmation(envelope: Envelope, payment: Payment, letter: Correspondence) -> Answer:
    """MT900 to the paying sender, MT910 to a sender who collects."""
    assert payment.amount is not None
    collects = payment.kind is PaymentKind.DIRECT_DEBIT
    payload = swift_mt.confirmation(
        kind="910" if collects else "900",
        operator=letter.operator,
        recipient=envelope.sender or "",
        reference=_reference(envelope),
        related=_related(envelope),
        account=envelope.sender or "",
        value_date=payment.value_date or letter.at[:10],
        amount=payment.amount,
        ordering_institution=envelope.sender,
        at=letter.at,
        sequence=envelope.offset % 1_000_000,
        uetr=payment.uetr,
    )
    return Answer(envelope.sender or "", "MT910" if collects else "MT900", payload)


def _reference(envelope: Envelope) -> str:
    """The engine's own reference, 16 characters: source, offset, index in hex as far as they fit."""
    return f"Q{envelope.source % 4096:X}{envelope.offset:X}{envelope.index:03X}"[-16:]


def _related(envelope: Envelope) -> str:
    """The reference that an answer quotes in 21: the transaction's own where a message holds several."""
    own = None if envelope.payment is None else envelope.payment.instruction_id
    return own or envelope.reference or "NONREF"


def _refusal(envelope: Envelope, letter: Correspondence, reason: Rejection) -> Answer:
    """MTn99 that says why an accepted message was not executed, in the words of SWIFT's reject guidelines."""
    category = _category(envelope)
    payload = swift_mt.answer(
        message_type=f"{category}99",
        operator=letter.operator,
        recipient=envelope.sender or "",
        reference=_reference(envelope),
        related=_related(envelope),
        text=f"/REJT/99\n/{reason.code}/{reason.text}\n/MREF/{_related(envelope)}",
        at=letter.at,
        sequence=envelope.offset % 1_000_000,
        uetr=None if envelope.payment is None else envelope.payment.uetr,
    )
    return Answer(envelope.sender or "", f"MT{category}99", payload)


def _category(envelope: Envelope) -> str:
    return "2" if (envelope.type or "")[2:3] == "2" else "1"


def cancellation_answer(
    request: Envelope, accepted: bool, letter: Correspondence, code: str, text: str
) -> list[Answer]:
    """MTn96 or camt.029 to who asked for a cancellation."""
    if request.sender is None or request.payment is None:
        return []
    if request.format == "swift-mt":
        return [_resolution(request, request.payment, accepted, letter, code, text)]
    original = request.payment.original or Original()
    payload = iso20022.resolution(
        message_id=f"{request.payment_id.hex()}C",
        created=letter.at,
        assigner=_agent(letter.operator),
        assignee=_agent(request.sender),
        confirmation="CNCL" if accepted else "RJCR",
        original_message_id=original.message_id or "NOTPROVIDED",
        original_message_name=original.message_type or "pacs.008",
        references=iso20022.References(
            original.instruction_id, original.end_to_end_id, original.transaction_id, original.uetr
        ),
        reason_code=None if accepted else code,
        reason_text=None if accepted else text,
    )
    return [Answer(request.sender, "camt.029", payload)]


def _resolution(
    request: Envelope, asked: Payment, accepted: bool, letter: Correspondence, code: str, text: str
) -> Answer:
    """MTn96: CNCL, or RJCR with the reason code of ISO 20022, and the message that was asked about."""
    category, original = _category(request), asked.original or Original()
    payload = swift_mt.answer(
        message_type=f"{category}96",
        operator=letter.operator,
        recipient=request.sender or "",
        reference=_reference(request),
        related=request.reference or "NONREF",
        text=f"/CNCL/\n//{text}" if accepted else f"/RJCR/{code}\n//{text}",
        at=letter.at,
        sequence=request.offset % 1_000_000,
        original_type=(original.message_type or "")[2:5],
        original_date=asked.details.get("original.date"),
        uetr=asked.uetr,
    )
    return Answer(request.sender or "", f"MT{category}96", payload)


# -- ISO 20022 ---------------------------------------------------------------------------------------------------------


def _iso(envelope: Envelope, state: State, letter: Correspondence, reason: Rejection | None) -> list[Answer]:
    found = [status_report(envelope, state, letter, reason)]
    if state is State.SETTLED:
        found.extend(delivery(envelope))
    return found


def status_report(envelope: Envelope, state: State, letter: Correspondence, reason: Rejection | None) -> Answer:
    """The pacs.002 of one decision, with the scheme's own status words."""
    payment = envelope.payment
    scheme = SCHEMES.get(envelope.scheme or "")
    words = Statuses() if scheme is None else scheme.statuses
    status = {State.SETTLED: words.settled, State.REJECTED: words.rejected}.get(state, ISO_STATUS[state])
    references = None
    if payment is not None:
        references = iso20022.References(
            payment.instruction_id, payment.end_to_end_id, payment.transaction_id, payment.uetr
        )
    payload = iso20022.status_report(
        message_id=f"{envelope.payment_id.hex()}{state.value[0]}",
        created=letter.at,
        original_message_id=envelope.reference or "NOTPROVIDED",
        original_message_name=envelope.type or "pacs.008",
        references=references,
        # An instant payment's acceptance is a status of its group (EPC SCT Inst guidelines), not of the transaction.
        status=None if references is None or status == "ACCP" else status,
        group_status=status if references is None or (scheme is not None and not scheme.may_wait) else None,
        reason_code=None if reason is None else reason.code,
        reason_text=None if reason is None else reason.text,
        instructing_agent=_agent(letter.operator),
        instructed_agent=_agent(envelope.sender or ""),
    )
    return Answer(envelope.sender or "", "pacs.002", payload)


def _agent(identifier: str) -> Agent:
    """An agent by BIC, or by routing number."""
    if identifier.isdigit():
        return Agent(clearing_system="USABA", clearing_id=identifier)
    return Agent(bic=identifier)


def delivery(envelope: Envelope) -> list[Answer]:
    """The payment message itself, to the bank on the other side of the sender."""
    route = envelope.route
    if route is None or envelope.forward is None:
        return []
    other = route.credit if route.debit == envelope.sender else route.debit
    kind = envelope.type or "message"
    if kind in _LEAVES_AS_ANOTHER:
        kind = f"MT{envelope.forward.partition('{2:O')[2][:3]}"
    return [Answer(other, kind, envelope.forward.encode("latin-1"))]


#: Types whose transactions leave as messages of another type (``swift_mt.singles``).
_LEAVES_AS_ANOTHER = frozenset({"MT201", "MT203"})


# -- ACH ---------------------------------------------------------------------------------------------------------------


def ach_acknowledgement(envelope: Envelope, state: State, letter: Correspondence, reason: Rejection | None) -> Answer:
    """Acceptance or refusal of a file, once, with its first entry's decision; its findings name the bad entries."""
    whole_file = reason is not None and envelope.payment is None
    payload = ach.acknowledgement(
        reference=envelope.reference or "",
        accepted=not (state is State.REJECTED and whole_file),
        entries=envelope.count if envelope.payment is not None else 0,
        findings=envelope.findings,
        reason=None if not whole_file or reason is None else f"{reason.code} {reason.text}",
        at=letter.at,
    )
    return Answer(envelope.sender or "", "ACH-ACK", payload)


def ach_files(settled: list[Envelope], letter: Correspondence, modifier: str) -> list[tuple[Envelope, Answer]]:
    """One file for each receiving bank with the entries of this commit; each with the entry that stands for it."""
    groups: dict[str, list[Envelope]] = {}
    for envelope in settled:
        route = envelope.route
        if route is not None and envelope.payment is not None:
            other = route.credit if route.debit == envelope.sender else route.debit
            groups.setdefault(other, []).append(envelope)
    found = []
    for other, envelopes in groups.items():
        payments = [envelope.payment for envelope in envelopes if envelope.payment is not None]
        first = envelopes[0]
        payload = ach.write_file(
            origin=_routing_number(payments[0], sent=True),
            destination=_routing_number(payments[0], sent=False),
            origin_name=letter.operator,
            destination_name=other,
            created=letter.swift_time,
            modifier=modifier,
            payments=payments,
        )
        found.append((first, Answer(other, "NACHA", payload)))
    return found


def _routing_number(payment: Payment, *, sent: bool) -> str:
    agent = payment.instructing_agent if sent else payment.instructed_agent
    return (agent.clearing_id if agent is not None else None) or ""
