"""A book in Postgres: its day, its accounts, what waits in it, what was used today.

Rule: only the book's writer changes these rows, in the transaction that carries its fence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.store.connection import Connection
from engine.wire import Envelope, decode, encode

#: Entry ids carry their book in the high bits, so that books never meet in one sequence.
_ENTRY_BITS = 48


@dataclass(slots=True)
class BookRow:
    """State of a book that outlives its writer."""

    book: str
    currency: str
    business_date: date
    phase: str
    stopped: bool
    day_from: int


def first_entry(book_no: int) -> int:
    """The first entry id of a book."""
    return (book_no << _ENTRY_BITS) + 1


_BOOK = "select book, currency, business_date, phase, stopped, day_from from engine.books where book = %s"


def load(connection: Connection, book: str, book_no: int, currency: str, today: date) -> BookRow:
    """The book's row; on first sight it opens on ``today``."""
    row = connection.execute(_BOOK, (book,)).fetchone()
    if row is None:
        connection.execute(
            "insert into engine.books values (%s, %s, %s, 'open', false, %s) on conflict do nothing",
            (book, currency, today, first_entry(book_no)),
        )
        row = connection.execute(_BOOK, (book,)).fetchone()
    assert row is not None
    return BookRow(*row)


def next_entry(connection: Connection, book_no: int) -> int:
    """The next free entry id of a book."""
    row = connection.execute(
        "select max(entry_id) from ledger.entries where entry_id >= %s and entry_id < %s",
        (first_entry(book_no), first_entry(book_no + 1)),
    ).fetchone()
    return first_entry(book_no) if row is None or row[0] is None else int(row[0]) + 1


SAVE = "update engine.books set business_date = %s, phase = %s, stopped = %s, day_from = %s where book = %s"


def save(row: BookRow) -> tuple[str, tuple[object, ...]]:
    """The statement that stores a book's row with the next commit."""
    return SAVE, (row.business_date, row.phase, row.stopped, row.day_from, row.book)


def keep_place(envelope: Envelope, position: int | None) -> tuple[str, tuple[object, ...]]:
    """The statement that stores a waiting payment's new place and class."""
    statement = "update engine.waiting set position = %s, envelope = %s where payment_id = %s"
    return statement, (position, encode(envelope), envelope.payment_id.hex())


def forget(payments: Sequence[bytes]) -> tuple[str, tuple[object, ...]]:
    """The statement that forgets payments that waited, after everything else that the commit does to them."""
    statement = "delete from engine.waiting where payment_id = any(%s::uuid[])"
    return statement, ([payment.hex() for payment in payments],)


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A payment that waits, as stored."""

    envelope: Envelope
    state: str
    arrival: int
    position: int | None
    until: date | None
    step: int


_WAITING = """
    select w.envelope, w.state, w.arrival, w.position, w.until,
           (select max(t.step) from engine.transitions t where t.payment_id = w.payment_id)
    from engine.waiting w where w.writer = %s order by w.arrival
"""


def waiting(connection: Connection, writer: str) -> list[WaitingRow]:
    """Everything that waits with a writer, in order of arrival."""
    found = connection.execute(_WAITING, (writer,)).fetchall()
    rows = []
    for packed, state, arrival, position, until, step in found:
        envelope = decode(bytes(packed))
        first = envelope.attempt * 1000
        rows.append(WaitingRow(envelope, state, arrival, position, until, max(step or 0, first) + 1))
    return rows


# One pass over the day's postings: joined with themselves, without fresh statistics, they take minutes after a crash.
_USED = """
    with moved as materialized (
        select entry_id, max(account_id) filter (where amount < 0) as debit,
               max(account_id) filter (where amount > 0) as credit, sum(amount) filter (where amount > 0) as amount
        from ledger.postings where entry_id >= %(first)s and entry_id < %(after)s group by entry_id
    )
    select m.debit, m.credit, sum(m.amount)::bigint
    from moved m join ledger.entries e on e.entry_id = m.entry_id and e.payment_id is not null
    group by 1, 2
"""


def used_today(connection: Connection, book_no: int, day_from: int) -> list[tuple[int, int, int]]:
    """Payments of the business day: (debit account, credit account, sum)."""
    return connection.execute(_USED, {"first": day_from, "after": first_entry(book_no + 1)}).fetchall()
