"""What waits, as people ask for it: read only, one moment for everything.

Rule: the rows are the writers' own (``engine.waiting``); nothing is kept for questions alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.queueing import Queued, queue_of
from engine.store import books
from engine.store.connection import Connection
from ledger import store
from settlement.schemes import BOOK_CURRENCY

_SINCE = """
    select uuid_send(w.payment_id), coalesce(
        (select max(t.at) from engine.transitions t where t.payment_id = w.payment_id),
        (select max(i.decided_at) from engine.inbox i where i.payment_id = w.payment_id))
    from engine.waiting w where w.writer = %s
"""


def queues(connection: Connection, systems: Sequence[str]) -> list[tuple[Queued, datetime | None]]:
    """What waits in some books, with since when in its present state."""
    found: list[tuple[Queued, datetime | None]] = []
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        for system in systems:
            with connection.cursor() as cursor:
                accounts = store.load_accounts(cursor, system)
            rows = books.waiting(connection, system)
            since = {bytes(payment): at for payment, at in connection.execute(_SINCE, (system,)).fetchall()}
            waiting = queue_of(system, BOOK_CURRENCY[system], accounts, rows)
            found += [(each, since.get(each.payment_id)) for each in waiting]
    return found


def system_of(connection: Connection, payment_id: bytes) -> str | None:
    """The book in which a payment waits; None when it does not wait."""
    row = connection.execute(
        "select writer from engine.waiting where payment_id = %s::uuid", (payment_id.hex(),)
    ).fetchone()
    return None if row is None else str(row[0])
