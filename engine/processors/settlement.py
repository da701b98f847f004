"""Settlement: the one writer of a book. Decisions in memory, one durable transaction a batch, answers after it.

Rule: what needs today's state is decided here and only here: duplicates, calendar and cut-off, warehouse, daily limits,
funds, the queue. The book and the ledger are copies of what Postgres has; after any failure both are rebuilt. Final
means committed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg

from engine.processors import outbound
from engine.processors.batch import Batch, Decision, Place, Waiting
from engine.processors.book_state import BookState, instruction_of
from engine.processors.decisions import Claims, Repetition, original_payment
from engine.processors.recording import Arrival, hold
from engine.processors.writing import Writer, WriterPorts
from engine.store import outbox
from engine.store.commit import AlreadyDecidedError
from engine.wire import Envelope, Rejection
from ledger import InvariantBrokenError, store
from payments import PaymentKind
from settlement.admission import Admission, Facts, admit
from settlement.instruction import Instruction
from settlement.lifecycle import State
from settlement.schemes import SCHEMES


@dataclass(frozen=True, slots=True)
class _Judged:
    """What becomes of an arrival, and why."""

    arrival: Arrival
    state: State
    reason: Rejection | None = None
    explanation: str | None = None


@dataclass(slots=True)
class _Turn:
    """One batch as it is decided: what it is decided by, and what is found on the way."""

    batch: Batch
    claims: Claims
    letter: outbound.Correspondence
    facts: Facts
    judged: list[_Judged] = field(default_factory=list)
    repeated: list[tuple[Arrival, Repetition]] = field(default_factory=list)
    fresh: dict[str, Waiting] = field(default_factory=dict)
    delivered: list[Envelope] = field(default_factory=list)

    def settle(self, arrival: Arrival) -> None:
        """It has moved."""
        self.judged.append(_Judged(arrival, State.SETTLED))
        self.delivered.append(arrival.envelope)

    def refuse(self, arrival: Arrival, reason: Rejection) -> None:
        """It is refused."""
        self.judged.append(_Judged(arrival, State.REJECTED, reason, reason.text))

    def wait(self, arrival: Arrival, state: State, until: str | None) -> None:
        """It waits: for funds, or for its day (ISO 8601)."""
        envelope = arrival.envelope
        self.judged.append(_Judged(arrival, state, None, None if until is None else f"until {until}"))
        day = None if until is None else date.fromisoformat(until)
        step = envelope.attempt * 1000 + 1
        self.fresh[envelope.payment_id.hex()] = Waiting(envelope, state, arrival.place.offset, step, day)

    def say(self, judged: Sequence[_Judged]) -> None:
        """The answers of all, then the rows of all (ADR 0011)."""
        letter, answers = self.letter, outbound.answers
        told = [
            answers(
                each.arrival.envelope, each.state, letter, reason=each.reason, first=each.arrival.envelope.attempt == 0
            )
            for each in judged
        ]
        self.batch.decide_all(
            [
                Decision(
                    each.arrival.envelope,
                    each.arrival.place,
                    each.state,
                    answers,
                    None if each.reason is None else each.reason.code,
                    each.explanation,
                )
                for each, answers in zip(judged, told, strict=True)
            ]
        )


class BookWriter(Writer):
    """Writer of one book. ``facts`` gives the admission facts of a batch; ``state`` is what a failure rebuilds."""

    def __init__(self, ports: WriterPorts, state: Callable[[], BookState]) -> None:
        super().__init__(ports)
        self._rebuild = state
        self.state = state()

    def reload(self) -> None:
        """Forget what is in memory; Postgres has the truth."""
        self.state = self._rebuild()

    def decide(
        self, arrivals: Sequence[Arrival], batch: Batch, claims: Claims, letter: outbound.Correspondence
    ) -> None:
        """Every arrival in order, then whatever the batch has released."""
        state = self.state
        turn = _Turn(batch, claims, letter, state.facts())
        for arrival in arrivals:
            if self._stands_apart(arrival):
                self._say(turn)
            try:
                self._decide_one(arrival, turn)
            except AlreadyDecidedError:
                raise
            except Exception as problem:
                self.crashed(arrival, problem)
                raise
        self._say(turn)
        self._answer_repeated(turn.repeated, batch)
        self.release(batch, letter, turn.fresh, turn.delivered)
        for waiting in turn.fresh.values():
            waiting.position = state.book.position(waiting.envelope.payment_id.hex())
            batch.wait(waiting)
            state.waiting[waiting.envelope.payment_id.hex()] = waiting

    def release(
        self,
        batch: Batch,
        letter: outbound.Correspondence,
        fresh: dict[str, Waiting] | None = None,
        delivered: list[Envelope] | None = None,
    ) -> None:
        """Settle whatever can go now: whole-queue netting, then what the movements say about those that waited."""
        gone = [] if delivered is None else delivered
        self.state.book.release()
        self._settle_released(batch, letter, {} if fresh is None else fresh, gone)
        self._deliver_files(gone, batch, letter)

    def resume(
        self,
        waiting: Waiting,
        instruction: Instruction,
        admission: Admission,
        batch: Batch,
        letter: outbound.Correspondence,
    ) -> None:
        """A warehoused payment whose date has come: settled, queued, or refused after all."""
        key = waiting.envelope.payment_id.hex()
        reason = admission.reason
        if reason is None:
            disposition = self.state.book.submit(instruction)
            if disposition.state is State.SETTLED:
                return  # its movement settles it, with the others, in ``release``
            reason = disposition.reason
        if reason is None:
            batch.move(waiting, State.QUEUED, "its value date has come; short of funds")
            waiting.position, waiting.until = self.state.book.position(key), None
            batch.no_longer_waiting(waiting.envelope.payment_id)
            batch.wait(waiting)
            return
        rejection = Rejection(reason.code, reason.text, "book")
        answers = outbound.answers(waiting.envelope, State.REJECTED, letter, reason=rejection, first=False)
        batch.move(waiting, State.REJECTED, reason.text, reason=reason.code, answers=answers)
        self.state.waiting.pop(key, None)
        batch.no_longer_waiting(waiting.envelope.payment_id)

    def _stands_apart(self, arrival: Arrival) -> bool:
        """Whether this arrival's decision says more than its own outcome: everything before it is said first."""
        payment = arrival.envelope.payment
        asks = payment is not None and payment.kind is PaymentKind.CANCELLATION_REQUEST
        return asks or self.crash_of(arrival.place) is not None

    def _decide_one(self, arrival: Arrival, turn: _Turn) -> None:
        envelope, place = arrival.envelope, arrival.place
        key = envelope.payment_id.hex()
        if key in self.state.waiting:
            raise AlreadyDecidedError("a redelivery of a payment that waits")
        error = self.crash_of(place)
        if error is not None:
            envelope.crash = error
            hold(envelope, place, turn.batch, turn.letter)
            return
        if envelope.payment is not None and envelope.payment.kind is PaymentKind.CANCELLATION_REQUEST:
            self._cancel_on_request(envelope, place, turn.batch, turn.letter, turn.fresh)
            return
        repetition = turn.claims.take(envelope, turn.batch)
        if repetition is not None and repetition.same:
            turn.repeated.append((arrival, repetition))
        elif repetition is not None:
            turn.refuse(arrival, repetition.rejection())
        else:
            self._admit(arrival, instruction_of(envelope, place.offset, key), turn)

    def _admit(self, arrival: Arrival, instruction: Instruction, turn: _Turn) -> None:
        """A payment that is new here: settled, queued, kept for its day, or refused."""
        admission = admit(instruction, turn.facts)
        if admission.reason is not None:
            turn.refuse(arrival, Rejection(admission.reason.code, admission.reason.text, "book"))
            return
        if admission.until is not None:
            turn.wait(arrival, State.WAREHOUSED, admission.until)
            return
        disposition = self.state.book.submit(instruction)
        if disposition.state is State.SETTLED:
            self.state.kinds[instruction.payment_id] = instruction.kind
            turn.settle(arrival)
        elif disposition.reason is not None:
            turn.refuse(arrival, Rejection(disposition.reason.code, disposition.reason.text, "book"))
        else:
            turn.wait(arrival, State.QUEUED, None)

    # -- what a decision says ------------------------------------------------------------------------------------------

    def _say(self, turn: _Turn) -> None:
        """What was judged so far, as rows and answers. A crash is counted against the arrival whose it is."""
        judged, turn.judged = turn.judged, []
        try:
            turn.say(judged)
        except Exception:
            for each in judged:
                try:
                    turn.say([each])
                except Exception as problem:
                    self.crashed(each.arrival, problem)
                    raise
            raise

    def _settle_released(
        self, batch: Batch, letter: outbound.Correspondence, fresh: dict[str, Waiting], delivered: list[Envelope]
    ) -> None:
        """Payments that waited, here or before, and have moved in the course of this batch."""
        state = self.state
        for reference, _, _, _, tag in state.book.movements:
            waiting = fresh.pop(reference, None)
            stored = waiting is None
            if waiting is None:
                waiting = state.waiting.pop(reference, None)
            if waiting is None:
                continue
            state.kinds[reference] = _kind(waiting.envelope)
            cause = "released by an incoming credit" if tag == 0 else f"settled together with others (set {tag})"
            found = outbound.answers(waiting.envelope, State.SETTLED, letter, first=False)
            batch.move(waiting, State.SETTLED, cause, answers=found)
            delivered.append(waiting.envelope)
            if stored:
                batch.no_longer_waiting(waiting.envelope.payment_id)

    def _answer_repeated(self, repeated: Sequence[tuple[Arrival, Repetition]], batch: Batch) -> None:
        """A repetition gets the answer that the first one got, read where it stands: this batch, or the outbox."""
        if not repeated:
            return
        originals = {original_payment(repetition, arrival.envelope) for arrival, repetition in repeated}
        earlier = outbox.first_answers(self.ports.connection, sorted(originals))
        for posted in batch.posted:
            if posted.payment_id in originals:  # queued and then ended in this batch: the later report alone
                known, answer = earlier.setdefault(posted.payment_id, []), posted.answer
                known[:] = [
                    *(one for one in known if (one.recipient, one.type) != (answer.recipient, answer.type)),
                    answer,
                ]
        for arrival, repetition in repeated:
            envelope = arrival.envelope
            found = earlier.get(original_payment(repetition, envelope), ())
            batch.decide(
                envelope, arrival.place, State.DUPLICATE,
                explanation="the same content was received before",
                answers=[answer for answer in found if answer.recipient == envelope.sender],
                duplicate_of=repetition.original,
            )  # fmt: skip

    def _deliver_files(self, delivered: Sequence[Envelope], batch: Batch, letter: outbound.Correspondence) -> None:
        """ACH entries that settled in this batch: one file for each receiving bank."""
        entries = [envelope for envelope in delivered if envelope.format == "ach"]
        if entries:
            modifier = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[self.next_seq % 36]
            for envelope, answer in outbound.ach_files(entries, letter, modifier):
                batch.deliver(envelope.payment_id, answer)

    def _cancel_on_request(
        self,
        request: Envelope,
        place: Place,
        batch: Batch,
        letter: outbound.Correspondence,
        fresh: dict[str, Waiting],
    ) -> None:
        """camt.056 or MTn92: takes a payment of the same sender out of the queue, if it still waits."""
        waiting = self.state.find_waiting(request, fresh)
        codes = SCHEMES[request.scheme or "EUR-RTGS"].codes
        if waiting is None:
            text = "no such payment of yours waits: it was settled, refused or never received"
            found = outbound.cancellation_answer(request, False, letter, "ARDT", text)
            batch.decide(request, place, State.PARSED, reason="ARDT", explanation=text, answers=found)
            return
        text = "cancelled on its sender's request"
        self.withdraw(waiting, State.CANCELLED, codes.cancelled, text, batch, letter, fresh)
        found = outbound.cancellation_answer(request, True, letter, codes.cancelled, "cancelled as requested")
        batch.decide(request, place, State.PARSED, explanation="cancellation carried out", answers=found)

    def withdraw(
        self,
        waiting: Waiting,
        state: State,
        code: str,
        text: str,
        batch: Batch,
        letter: outbound.Correspondence,
        fresh: dict[str, Waiting] | None = None,
    ) -> None:
        """End the waiting of a payment without settling it."""
        key = waiting.envelope.payment_id.hex()
        self.state.book.cancel(key)
        reason = Rejection(code, text, "book")
        batch.move(
            waiting, state, text, reason=code,
            answers=outbound.answers(waiting.envelope, state, letter, reason=reason, first=False),
        )  # fmt: skip
        if fresh is None or fresh.pop(key, None) is None:
            self.state.waiting.pop(key, None)
            batch.no_longer_waiting(waiting.envelope.payment_id)

    # -- the transaction -----------------------------------------------------------------------------------------------

    def work(self, batch: Batch) -> Callable[[psycopg.Cursor[Any]], None] | None:
        """Entries, postings and balances of the movements, and the book's own row."""
        state = self.state
        movements = state.book.drain()
        kinds = state.kinds
        entries, postings = state.ledger.post(
            (bytes.fromhex(reference), kinds[reference], debit, credit, amount)
            if reference in kinds
            else (None, reference, debit, credit, amount)
            for reference, debit, credit, amount, _ in movements
        )
        moved = state.ledger.changed()  # a new credit line too, without any movement
        if not moved:
            return None
        for account, _ in moved:
            if account.balance != state.book.accounts[account.number].balance:
                raise InvariantBrokenError(f"account {account.number}: the book and the ledger disagree")
        state.kinds = {}

        def write(cursor: psycopg.Cursor[Any]) -> None:
            store.append(cursor, state.row.book, state.row.business_date, batch.now, entries, postings)
            store.move_balances(cursor, moved)

        return write

    def committed(self, batch: Batch) -> None:  # noqa: ARG002
        """What the ledger held back is history now."""
        self.state.ledger.committed()


def _kind(envelope: Envelope) -> str:
    return "payment" if envelope.payment is None else envelope.payment.kind
