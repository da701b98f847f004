"""The ledger in Postgres: load a book, append entries, move balances by compare-and-set. Works on the caller's cursor.

Rule: rows of history are only ever inserted; balances move only from the sequence this writer saw, so a second writer
that slipped in makes the count differ and the transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from ledger import binary
from ledger.entry import Account, Entry, Posting

Cursor = psycopg.Cursor[tuple[object, ...]]


class StaleWriterError(RuntimeError):
    """Somebody else moved what this writer believed to own: roll back, reload, find out who owns the book."""


class Numbers(list[int | None]):
    """A parameter of many whole numbers."""


class Texts(list[str]):
    """A parameter of many texts."""


class _NumbersDumper(Dumper):
    """psycopg's own way with lists goes by text, element by element: ten times the work, for every commit."""

    format = Format.BINARY
    oid = binary.OID_BIGINTS

    def dump(self, obj: Numbers) -> bytes:
        """The parameter in binary."""
        return binary.bigints(obj)


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = binary.OID_TEXTS

    def dump(self, obj: Texts) -> bytes:
        """The parameter in binary."""
        return binary.texts(obj)


psycopg.adapters.register_dumper(Numbers, _NumbersDumper)
psycopg.adapters.register_dumper(Texts, _TextsDumper)

_LOAD = """
    select a.account_id, a.participant, a.purpose, a.currency, b.balance, b.credit_line, b.seq
    from ledger.accounts a join ledger.balances b using (account_id) where a.book = %s order by a.account_id
"""
_MOVE = """
    update ledger.balances b set balance = n.balance, credit_line = n.credit_line, seq = n.seq
    from unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        as n (account_id, balance, credit_line, seq, before)
    where b.account_id = n.account_id and b.seq = n.before
"""
_ENTRY = binary.layout("bigint", "uuid")
_COMMAND_ENTRY = binary.layout("bigint")


def load_accounts(cursor: Cursor, book: str) -> list[Account]:
    """All accounts of a book with their committed balances, in order of their numbers."""
    return [Account(*row) for row in cursor.execute(_LOAD, (book,)).fetchall()]  # type: ignore[arg-type]


def next_account_number(cursor: Cursor) -> int:
    """The next free account number, over all books."""
    row = cursor.execute("select coalesce(max(account_id), 0) + 1 from ledger.accounts").fetchone()
    return int(row[0]) if row else 1  # type: ignore[call-overload]


def opening(book: str, account: Account, now: datetime) -> list[tuple[str, tuple[object, ...]]]:
    """The statements that open an account with a balance of zero, for the transaction that uses it first."""
    return [
        (
            "insert into ledger.accounts values (%s, %s, %s, %s, %s, %s)",
            (account.number, book, account.participant, account.purpose, account.currency, now),
        ),
        ("insert into ledger.balances values (%s, 0, %s, 0)", (account.number, account.credit_line)),
    ]


def append(
    cursor: Cursor, book: str, business_date: date, now: datetime, entries: Sequence[Entry], postings: Sequence[Posting]
) -> None:
    """COPY a batch's entries and postings."""
    if not entries:
        return
    moment = binary.raw(binary.micros(now).to_bytes(8, "big", signed=True))
    day = binary.raw(binary.days(business_date).to_bytes(4, "big", signed=True))
    tails = {kind: binary.text(book) + binary.text(kind) + day + moment for kind in {entry.kind for entry in entries}}
    rows = [
        (_ENTRY(6, 8, entry[0], 16, entry[1]) if entry[1] is not None else _COMMAND_ENTRY(6, 8, entry[0]) + binary.NULL)
        + tails[entry[2]]
        for entry in entries
    ]
    columns = "(entry_id, payment_id, book, kind, business_date, posted_at)"
    with cursor.copy(f"copy ledger.entries {columns} from stdin (format binary)") as copy:
        copy.write(binary.image(rows))
    columns = "(account_id, account_seq, entry_id, amount, balance_after)"
    with cursor.copy(f"copy ledger.postings {columns} from stdin (format binary)") as copy:
        copy.write(binary.postings_image(postings))


def move_balances(cursor: Cursor, moved: Sequence[tuple[Account, int]]) -> None:
    """Bring balances to their new state by compare-and-set; StaleWriterError when one has moved meanwhile."""
    if not moved:
        return
    cursor.execute(
        _MOVE,
        (
            Numbers([account.number for account, _ in moved]),
            Numbers([account.balance for account, _ in moved]),
            Numbers([account.credit_line for account, _ in moved]),
            Numbers([account.seq for account, _ in moved]),
            Numbers([before for _, before in moved]),
        ),
    )
    if cursor.rowcount != len(moved):
        raise StaleWriterError(f"{len(moved) - cursor.rowcount} of {len(moved)} balances were moved by another writer")
