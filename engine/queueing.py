"""What waits in a book, and why, for the person who asks: the book as its writer would rebuild it.

Rule: pure, and never other sums than those that decide: the rows go into a ``settlement.book.Book``, which says where
each payment stands and what stands in its way. Linear in what waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.processors.book_state import instruction_of, settlement_account
from engine.store.books import WaitingRow
from ledger import Account
from payments import Money
from settlement.book import Book
from settlement.instruction import RANKS
from settlement.lifecycle import State


@dataclass(frozen=True, slots=True)
class Queued:
    """A payment that waits. ``place``: 1 goes first of its sender's queue; None: it does not queue.

    ``shortfall``: funds lacking for it and all before it, without what is to come in; None: not a matter of funds.
    """

    payment_id: bytes
    system: str
    state: State
    debit: str
    credit: str
    amount: Money
    priority: str
    reference: str | None
    place: int | None
    shortfall: Money | None
    why: str


def queue_of(system: str, currency: str, accounts: Iterable[Account], rows: Sequence[WaitingRow]) -> list[Queued]:
    """Everything that waits in a book: queues by sender, each in its order, then what is warehoused, by its date."""
    book = Book(system, currency)
    for account in accounts:
        book.open(settlement_account(account))
    by_key = {row.envelope.payment_id.hex(): row for row in rows}
    queued = {key: row for key, row in by_key.items() if row.state == State.QUEUED}
    for row in queued.values():
        book.restore(instruction_of(row.envelope, row.arrival), row.position)
    senders = {row.envelope.route.debit for row in queued.values() if row.envelope.route is not None}
    found = [one for sender in sorted(senders) for one in _of_sender(book, sender, queued)]
    others = [row for key, row in by_key.items() if key not in queued]
    others.sort(key=lambda row: (row.until is None, row.until, row.arrival))
    return found + [_other(system, row) for row in others]


def _of_sender(book: Book, sender: str, rows: dict[str, WaitingRow]) -> Iterable[Queued]:
    account = book.account(sender)
    before = 0
    for number, instruction in enumerate(book.queue(sender)):
        before += instruction.amount_minor
        lacking = max(0, before - account.available(RANKS[instruction.priority]))
        if number == 0:
            explained = book.explain(instruction.payment_id)
            why = "" if explained is None else explained.text
        else:
            why = f"{number} payment{'s' if number > 1 else ''} of its sender before it"
        yield _shown(book.name, rows[instruction.payment_id], number + 1, Money(lacking, instruction.currency), why)


def _other(system: str, row: WaitingRow) -> Queued:
    if row.state == State.WAREHOUSED:
        return _shown(system, row, None, None, f"warehoused until {row.until}")
    return _shown(system, row, None, None, "its amount is reserved; the receiver has not answered yet")


def _shown(system: str, row: WaitingRow, place: int | None, shortfall: Money | None, why: str) -> Queued:
    envelope = row.envelope
    instruction = instruction_of(envelope, row.arrival)
    return Queued(
        payment_id=envelope.payment_id,
        system=system,
        state=State(row.state),
        debit=instruction.debit,
        credit=instruction.credit,
        amount=Money(instruction.amount_minor, instruction.currency),
        priority=instruction.priority,
        reference=envelope.reference,
        place=place,
        shortfall=shortfall,
        why=why,
    )
