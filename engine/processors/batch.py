"""A batch of a writer: what was decided about each payment, as rows, answers and events.

Rule: pure; nothing here is true before the commit. One inbox row an attempt, one terminal outcome a payment, one
transition for each later state; answers get the writer's next outbox numbers in the order of the decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec

from engine import ids
from engine.store import rows
from engine.store.commit import Changes
from engine.wire import Envelope
from engine.wire import encode as encode_envelope
from ledger import binary
from settlement.lifecycle import FINAL, State, may


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A message to go out: to whom (a participant's id), its type, its bytes."""

    recipient: str
    type: str
    payload: bytes


class Posted(msgspec.Struct, frozen=True, gc=False):
    """An answer with its number in the writer's outbox, as the relay publishes it."""

    seq: int
    payment_id: bytes
    answer: Answer


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One change of state, as it goes to ``payments.events``. ``id`` is the same however often it is sent."""

    id: str
    payment_id: str
    state: str
    at: str
    attempt: int = 0
    index: int = 0
    count: int = 1
    reason: str | None = None
    explanation: str | None = None
    book: str | None = None
    scheme: str | None = None
    type: str | None = None
    sender: str | None = None
    debit: str | None = None
    credit: str | None = None
    amount: str | None = None
    currency: str | None = None
    reference: str | None = None
    uetr: str | None = None
    duplicate_of: str | None = None
    findings: tuple[str, ...] = ()
    list_version: str | None = None
    hits: int = 0


@dataclass(slots=True)
class Waiting:
    """A payment that waits, with what is needed to go on; ``step`` numbers its next transition."""

    envelope: Envelope
    state: State
    arrival: int
    step: int
    until: date | None = None
    position: int | None = None


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where in the writer's own input a decision was asked for; ``source`` is the number of topic and partition."""

    partition: int
    offset: int
    source: int = 0


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The first decision about an attempt: what became of it, who is told what, why, and whose repetition it is."""

    envelope: Envelope
    place: Place
    state: State
    answers: Sequence[Answer]
    reason: str | None = None
    explanation: str | None = None
    duplicate_of: bytes | None = None


@dataclass(slots=True)
class Batch:
    """Decisions of one commit of one writer."""

    writer: str
    writer_no: int
    next_seq: int
    now: datetime
    versions_of: Callable[[Envelope], int] = lambda _: 0
    changes: Changes = field(default_factory=Changes)
    posted: list[Posted] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    at: int = 0
    shown_at: str = ""

    def __post_init__(self) -> None:
        self.at = binary.micros(self.now)
        self.shown_at = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def decide(
        self,
        envelope: Envelope,
        place: Place,
        state: State,
        *,
        reason: str | None = None,
        explanation: str | None = None,
        answers: Sequence[Answer] = (),
        duplicate_of: bytes | None = None,
    ) -> None:
        """The first decision about one attempt."""
        self.decide_all([Decision(envelope, place, state, answers, reason, explanation, duplicate_of)])

    def decide_all(self, decisions: Sequence[Decision]) -> None:
        """First decisions: of each its inbox row, its answers, its outcome when final, its event.

        All rows of a kind, then all of the next: what one needs stays in the processor's nearest caches (ADR 0011).
        """
        named = [(decision, decision.envelope.payment_id) for decision in decisions]
        self.changes.inbox += [self._inbox_row(*each) for each in named]
        first = [self._answer(payment_id, decision.answers) for decision, payment_id in named]
        self.changes.outcomes += [
            self._outcome(payment_id, decision.state, since, decision.answers, decision.duplicate_of)
            for (decision, payment_id), since in zip(named, first, strict=True)
            if decision.state in FINAL
        ]
        self.events += [
            self._event(each.envelope, payment_id, 0, each.state, each.reason, each.explanation, each.duplicate_of)
            for each, payment_id in named
        ]

    def move(
        self, waiting: Waiting, state: State, cause: str, *, reason: str | None = None, answers: Sequence[Answer] = ()
    ) -> None:
        """A later state of a payment that waited; a final one ends the waiting."""
        if not may(waiting.state, state):
            raise ValueError(f"{ids.shown(waiting.envelope.payment_id)}: {waiting.state} cannot become {state}")
        payment_id = waiting.envelope.payment_id
        self.changes.transitions.append(rows.transition(payment_id, waiting.step, self.at, state, reason, cause))
        first = self._answer(payment_id, answers)
        if state in FINAL:
            self.changes.outcomes.append(self._outcome(payment_id, state, first, answers, None))
        self.events.append(self._event(waiting.envelope, payment_id, waiting.step, state, reason, cause, None))
        waiting.state = state
        waiting.step += 1

    def wait(self, waiting: Waiting) -> None:
        """Keep what is needed to go on with a payment that waits (again: in another state)."""
        payment_id = waiting.envelope.payment_id
        self.changes.waiting.append(
            rows.waiting(
                payment_id,
                waiting.arrival,
                waiting.position,
                None if waiting.until is None else binary.days(waiting.until),
                self.writer,
                waiting.state,
                encode_envelope(waiting.envelope),
            )
        )

    def no_longer_waiting(self, payment_id: bytes) -> None:
        """Forget a payment that waited."""
        self.changes.no_longer_waiting.append(payment_id)

    def deliver(self, payment_id: bytes, answer: Answer) -> None:
        """Something to send that is not counted with a payment's own outcome (a file of several payments)."""
        self._answer(payment_id, (answer,))

    def claim(self, name: str, digest: str, message_id: bytes) -> None:
        """Take a business reference for a message."""
        self.changes.claims.append(rows.claim(message_id, bytes.fromhex(digest), self.at, name))

    def _answer(self, payment_id: bytes, answers: Sequence[Answer]) -> int:
        first = seq = self.next_seq
        writer_no, at = self.writer_no, self.at
        for answer in answers:
            self.changes.outbox.append(
                rows.outbox(writer_no, seq, payment_id, at, answer.recipient, answer.type, answer.payload)
            )
            self.posted.append(Posted(seq, payment_id, answer))
            seq += 1
        self.next_seq = seq
        return first

    def _outcome(
        self, payment_id: bytes, state: State, first: int, answers: Sequence[Answer], duplicate_of: bytes | None
    ) -> bytes:
        return rows.outcome(payment_id, self.at, (first, len(answers)), self.writer_no, state, duplicate_of)

    def _inbox_row(self, decision: Decision, payment_id: bytes) -> bytes:
        envelope, place = decision.envelope, decision.place
        minor = currency = kind = value_date = instruction_id = end_to_end_id = uetr = None
        if (payment := envelope.payment) is not None:
            kind, value_date, uetr = payment.kind, payment.value_date, payment.uetr
            instruction_id, end_to_end_id = payment.instruction_id, payment.end_to_end_id
            if (amount := payment.amount) is not None:
                minor, currency = amount.minor, amount.currency
        priority = debit = credit = None
        if (route := envelope.route) is not None:
            priority, debit, credit = route.priority, route.debit, route.credit
        return rows.inbox(
            payment_id,
            envelope.attempt,
            envelope.count,
            bytes.fromhex(envelope.digest),
            binary.micros_of_ms(envelope.received_ms),
            self.at,
            place.partition,
            place.offset,
            self.versions_of(envelope),
            minor,
            (
                decision.state, self.writer, envelope.scheme, envelope.type, kind, priority, envelope.sender, debit,
                credit, currency, value_date,
            ),
            (envelope.reference, instruction_id, end_to_end_id, uetr, decision.reason, decision.explanation),
        )  # fmt: skip

    def _event(
        self,
        envelope: Envelope,
        payment_id: bytes,
        step: int,
        state: State,
        reason: str | None,
        explanation: str | None,
        duplicate_of: bytes | None,
    ) -> Event:
        decimal = currency = uetr = book = debit = credit = None
        if (payment := envelope.payment) is not None:
            uetr = payment.uetr
            if (amount := payment.amount) is not None:
                decimal, currency = amount.decimal, amount.currency
        if (route := envelope.route) is not None:
            book, debit, credit = route.book, route.debit, route.credit
        clearance, findings = envelope.clearance, envelope.findings
        # By place, in the order of the fields: with 23 names the same call takes seven times as long.
        return Event(
            f"{payment_id.hex()}-{envelope.attempt}-{step}",
            ids.shown(payment_id),
            state,
            self.shown_at,
            envelope.attempt,
            envelope.index,
            envelope.count,
            reason,
            explanation,
            book,
            envelope.scheme,
            envelope.type,
            envelope.sender,
            debit,
            credit,
            decimal,
            currency,
            envelope.reference,
            uetr,
            None if duplicate_of is None else ids.shown(duplicate_of),
            tuple([finding.code for finding in findings]) if findings else (),
            None if clearance is None else clearance.list_version,
            0 if clearance is None else len(clearance.hits),
        )
