"""Settlement: the one writer of a book. Decisions in memory, one durable transaction a batch, answers after it.

Rule: what needs today's state is decided here and only here: duplicates, calendar and cut-off, warehouse, daily limits,
funds, the queue. The book and the ledger are copies of what Postgres has; after any failure both are rebuilt. Final
means committed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import psycopg

from engine.processors import outbound
from engine.processors.batch import Batch, Place, Waiting
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
        facts = state.facts()
        repeated: list[tuple[Arrival, Repetition]] = []
        delivered: list[Envelope] = []
        fresh: dict[str, Waiting] = {}
        for arrival in arrivals:
            try:
                self._decide_one(arrival, batch, claims, letter, facts, fresh, repeated, delivered)
            except AlreadyDecidedError:
                raise
            except Exception as problem:
                self.crashed(arrival, problem)
                raise
        self._answer_repeated(repeated, batch)
        self.release(batch, letter, fresh, delivered)
        for waiting in fresh.values():
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

    def _decide_one(
        self,
        arrival: Arrival,
        batch: Batch,
        claims: Claims,
        letter: outbound.Correspondence,
        facts: Facts,
        fresh: dict[str, Waiting],
        repeated: list[tuple[Arrival, Repetition]],
        delivered: list[Envelope],
    ) -> None:
        envelope, place = arrival.envelope, arrival.place
        key = envelope.payment_id.hex()
        if key in self.state.waiting:
            raise AlreadyDecidedError("a redelivery of a payment that waits")
        error = self.crash_of(place)
        if error is not None:
            envelope.crash = error
            hold(envelope, place, batch, letter)
            return
        if envelope.payment is not None and envelope.payment.kind is PaymentKind.CANCELLATION_REQUEST:
            self._cancel_on_request(envelope, place, batch, letter, fresh)
            return
        repetition = claims.take(envelope, batch)
        if repetition is not None and repetition.same:
            repeated.append((arrival, repetition))
            return
        if repetition is not None:
            self._refuse(envelope, place, batch, letter, repetition.rejection())
            return
        instruction = instruction_of(envelope, place.offset, key)
        admission = admit(instruction, facts)
        if admission.reason is not None:
            reason = Rejection(admission.reason.code, admission.reason.text, "book")
            self._refuse(envelope, place, batch, letter, reason)
        elif admission.until is not None:
            self._wait(envelope, place, batch, letter, State.WAREHOUSED, admission, fresh)
        else:
            disposition = self.state.book.submit(instruction)
            if disposition.state is State.SETTLED:
                self.state.kinds[key] = instruction.kind
                self._settled(envelope, place, batch, letter, delivered)
            elif disposition.reason is not None:
                reason = Rejection(disposition.reason.code, disposition.reason.text, "book")
                self._refuse(envelope, place, batch, letter, reason)
            else:
                self._wait(envelope, place, batch, letter, State.QUEUED, admission, fresh)

    # -- what a decision says ------------------------------------------------------------------------------------------

    def _settled(
        self, envelope: Envelope, place: Place, batch: Batch, letter: outbound.Correspondence, delivered: list[Envelope]
    ) -> None:
        first = envelope.attempt == 0
        batch.decide(
            envelope, place, State.SETTLED, answers=outbound.answers(envelope, State.SETTLED, letter, first=first)
        )
        delivered.append(envelope)

    def _refuse(
        self, envelope: Envelope, place: Place, batch: Batch, letter: outbound.Correspondence, reason: Rejection
    ) -> None:
        first = envelope.attempt == 0
        found = outbound.answers(envelope, State.REJECTED, letter, reason=reason, first=first)
        batch.decide(envelope, place, State.REJECTED, reason=reason.code, explanation=reason.text, answers=found)

    def _wait(
        self,
        envelope: Envelope,
        place: Place,
        batch: Batch,
        letter: outbound.Correspondence,
        state: State,
        admission: Admission,
        fresh: dict[str, Waiting],
    ) -> None:
        first = envelope.attempt == 0
        explanation = None if admission.until is None else f"until {admission.until}"
        batch.decide(
            envelope, place, state, explanation=explanation,
            answers=outbound.answers(envelope, state, letter, first=first),
        )  # fmt: skip
        step = envelope.attempt * 1000 + 1
        until = None if admission.until is None else date.fromisoformat(admission.until)
        fresh[envelope.payment_id.hex()] = Waiting(envelope, state, place.offset, step, until)

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
