"""Sabotages: defects that are planted into the engine for one history, each of which the checker has to find.

Rule: a checker that finds nothing proves nothing until it has found what was planted. A sabotage is put in from outside
and taken out again; no code of the engine knows of any. Every one of them breaks exactly one thing that the engine's
promise rests on, and with it whatever stands behind that thing, for the engine seldom relies on one defence alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from engine.bus.record import Outgoing, Record, cloud_event
from engine.bus.topics import outbound_topic
from engine.compliance.cases import Case, Proposal
from engine.compliance.deciding import next_attempt
from engine.compliance.decision import Clearance, ComplianceFacts, comply
from engine.processors import archiver, book_state
from engine.processors import compliance as processing
from engine.processors.batch import Batch, Posted
from engine.processors.book_commands import BookCommands
from engine.processors.decisions import Claims
from engine.processors.owned import OwnedBook
from engine.processors.relay import Relay
from engine.processors.settlement import BookWriter
from engine.processors.writing import Writer
from engine.simulation.world import FaultyConsumer, World
from engine.store import cases, leases
from engine.store import commit as commits
from engine.store.archive import Received
from engine.store.memory import MemoryPostgres, normalised
from engine.wire import Envelope
from ledger import store
from payments import Payment
from settlement import admission
from settlement.account import Account
from settlement.book import Book, Disposition
from settlement.instruction import Instruction
from settlement.queue import Waiting

Plant = Callable[[World, ExitStack], None]


@contextmanager
def _swapped(holder: Any, name: str, planted: Any) -> Iterator[None]:
    """An attribute of a class or module, replaced for a while."""
    inherited = name not in holder.__dict__
    before = getattr(holder, name)
    setattr(holder, name, planted)
    try:
        yield
    finally:
        if inherited:
            delattr(holder, name)
        else:
            setattr(holder, name, before)


def _inbox_constraint_dropped(world: World, undo: ExitStack) -> None:
    """The unique constraints that keep a payment from being decided again, and those that stand behind them."""
    del undo
    world.database.loose = frozenset(
        ("engine.inbox", "engine.outcomes", "engine.transitions", "engine.waiting", "engine.cases", "ledger.entries")
    )


def _offsets_committed_early(world: World, undo: ExitStack) -> None:
    """A stage commits its position as soon as it has read, before anything it derives is sent."""
    del world
    inner = FaultyConsumer.poll_batch

    def poll_batch(self: FaultyConsumer, limit: int, timeout: float) -> list[Record]:
        records = inner(self, limit, timeout)
        for record in records:
            self.group.positions[record.place] = record.offset + 1
        return records

    undo.enter_context(_swapped(FaultyConsumer, "poll_batch", poll_batch))


def _epoch_not_checked(world: World, undo: ExitStack) -> None:
    """Commits and renewals that do not look at the lease's epoch."""
    del undo

    def advance(db: MemoryPostgres, given: Sequence[Any], session: int) -> int:
        del session
        writer = given[3]
        for source, _, after in zip(*given[:3], strict=True):
            db.put("engine.positions", (writer, source), (after, given[4]))
        return len(given[0])

    world.database.handlers[normalised(commits._ADVANCE)] = advance
    world.database.handlers[normalised(commits._FENCE)] = lambda *_: [(1,)]
    world.database.handlers[normalised(leases._RENEW)] = lambda *_: 1


def _outbox_sent_before_commit(world: World, undo: ExitStack) -> None:
    """Answers handed to the relay, and published, before the transaction that decides them."""
    del world
    inner = Writer.commit

    def commit(self: Writer, batch: Batch) -> None:
        self.ports.relay.offer(batch.posted, batch.events)
        self.ports.relay._publish_all(0.0)
        batch.posted, batch.events = [], []
        inner(self, batch)

    undo.enter_context(_swapped(Writer, "commit", commit))


def _balance_outside_the_transaction(world: World, undo: ExitStack) -> None:
    """Balances moved by a statement of their own, before the transaction with the postings."""
    del world
    inner = BookWriter.work

    def work(self: BookWriter, batch: Batch) -> Any:
        write = inner(self, batch)
        if write is None or batch.changes.statements:  # an account's first balance needs its row
            return write
        store.move_balances(self.ports.connection.cursor(), self.state.ledger.changed())

        def rest(cursor: Any) -> None:
            with _swapped(store, "move_balances", lambda *_: None):
                write(cursor)

        return rest

    undo.enter_context(_swapped(BookWriter, "work", work))


def _queue_released_twice(world: World, undo: ExitStack) -> None:
    """A payment that leaves the queue moves its money a second time."""
    del world
    inner = Book._settle

    def settle(self: Book, waiting: Waiting, tag: int) -> None:
        inner(self, waiting, tag)
        self.post(waiting.debtor.number, waiting.creditor.number, waiting.amount, "again")

    undo.enter_context(_swapped(Book, "_settle", settle))


def _claims_not_checked(world: World, undo: ExitStack) -> None:
    """Business references that nobody looks up."""
    del world
    undo.enter_context(_swapped(Claims, "take", lambda *_: None))
    undo.enter_context(_swapped(Claims, "look", lambda *_: None))


def _archive_not_waited_for(world: World, undo: ExitStack) -> None:
    """Answers that go out before the archive has the message they answer."""
    del world
    undo.enter_context(_swapped(Relay, "_covered", lambda *_: True))


def _answered_again_with_a_new_id(world: World, undo: ExitStack) -> None:
    """Now and then an answer goes out a second time, under an id that no recipient can recognise."""
    del world
    inner = Relay._publish

    def publish(self: Relay, posted: Posted) -> None:
        inner(self, posted)
        if posted.seq % 7 == 0:
            headers = cloud_event(f"{self._writer_no}-{posted.seq + 10**9}", self._source, posted.answer.type)
            answer = posted.answer
            self._producer.send(Outgoing(outbound_topic(answer.recipient), 0, None, answer.payload, headers))

    undo.enter_context(_swapped(Relay, "_publish", publish))


def _checkpoint_before_sending(world: World, undo: ExitStack) -> None:
    """The relay says that answers are out which still wait."""
    del world
    inner = Relay._through

    def through(self: Relay) -> int:
        return self._pending[-1].seq if self._pending else inner(self)

    undo.enter_context(_swapped(Relay, "_through", through))


def _queue_overtaken(world: World, undo: ExitStack) -> None:
    """A new payment does not look whether earlier ones of its sender wait."""
    del world
    inner = Book.submit

    def submit(self: Book, instruction: Instruction) -> Disposition:
        debtor = self._participants[instruction.debit]
        waits, debtor.queued_out = debtor.queued_out, 0
        try:
            return inner(self, instruction)
        finally:
            debtor.queued_out += waits

    undo.enter_context(_swapped(Book, "submit", submit))


def _credit_line_doubled(world: World, undo: ExitStack) -> None:
    """Decisions count every credit line twice, and nothing behind them minds."""
    del world
    inner = book_state.settlement_account

    def account(found: Any) -> Account:
        made = inner(found)
        made.credit_line *= 2
        return made

    undo.enter_context(_swapped(book_state, "settlement_account", account))


def _archive_alters_bytes(world: World, undo: ExitStack) -> None:
    """The archive keeps messages without their last byte."""
    del world
    planted = lambda offset, at, value: Received(offset, at, value[:-1])  # noqa: E731
    undo.enter_context(_swapped(archiver, "Received", planted))


def _stopped_book_goes_on(world: World, undo: ExitStack) -> None:
    """A book that an operator has stopped is read all the same."""
    del world
    undo.enter_context(_swapped(OwnedBook, "paused", lambda _: ()))


def _closed_day_takes_payments(world: World, undo: ExitStack) -> None:
    """Admission does not look at the phase of the day."""
    del world
    undo.enter_context(_swapped(admission, "_over", lambda *_: frozenset()))


def _warehouse_forgotten(world: World, undo: ExitStack) -> None:
    """A new day opens, and the payments that waited for it go on waiting."""
    del world
    undo.enter_context(_swapped(BookCommands, "_release_warehouse", lambda *_: 0))


def _queue_kept_overnight(world: World, undo: ExitStack) -> None:
    """A day closes, and what is short of funds stays in the queue."""
    del world
    undo.enter_context(_swapped(Book, "close_queue", lambda _: []))


def _decided_case_not_numbered(world: World, undo: ExitStack) -> None:
    """What two persons decided goes back into the stream under the number of the attempt that was held."""
    del world

    def planted(held: Envelope, case: Case, proposal: Proposal, approved_by: str) -> tuple[str, Envelope]:
        topic, envelope = next_attempt(held, case, proposal, approved_by)
        envelope.attempt = held.attempt
        return topic, envelope

    undo.enter_context(_swapped(cases, "next_attempt", planted))


def _release_forgotten(world: World, undo: ExitStack) -> None:
    """The screening of a released payment does not know what two persons have released."""
    del world

    def planted(payment: Payment, facts: ComplianceFacts, **how: Any) -> Clearance:
        return comply(payment, facts, **{**how, "released": frozenset()})

    undo.enter_context(_swapped(processing, "comply", planted))


def _crashes_not_counted(world: World, undo: ExitStack) -> None:
    """A book does not count what crashes it: it begins with the same message for ever."""
    del world
    undo.enter_context(_swapped(Writer, "crashed", lambda *_: None))


#: Name -> what it plants; the docstring says what is broken.
SABOTAGES: Final[dict[str, Plant]] = {
    "inbox-constraint-dropped": _inbox_constraint_dropped,
    "offsets-committed-early": _offsets_committed_early,
    "epoch-not-checked": _epoch_not_checked,
    "outbox-sent-before-commit": _outbox_sent_before_commit,
    "balance-outside-the-transaction": _balance_outside_the_transaction,
    "queue-released-twice": _queue_released_twice,
    "queue-overtaken": _queue_overtaken,
    "claims-not-checked": _claims_not_checked,
    "archive-not-waited-for": _archive_not_waited_for,
    "archive-alters-bytes": _archive_alters_bytes,
    "answered-again-with-a-new-id": _answered_again_with_a_new_id,
    "checkpoint-before-sending": _checkpoint_before_sending,
    "credit-line-doubled": _credit_line_doubled,
    "stopped-book-goes-on": _stopped_book_goes_on,
    "closed-day-takes-payments": _closed_day_takes_payments,
    "warehouse-forgotten": _warehouse_forgotten,
    "queue-kept-overnight": _queue_kept_overnight,
    "decided-case-not-numbered": _decided_case_not_numbered,
    "release-forgotten": _release_forgotten,
    "crashes-not-counted": _crashes_not_counted,
}


def says(name: str) -> str:
    """What a sabotage breaks, in a sentence."""
    return (SABOTAGES[name].__doc__ or "").strip()
