"""The business day of each settlement system, as people ask for it: read only.

Rule: a book's row is changed by its writer alone (``engine.store.books``); here it is shown with how much waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Day:
    """A book's business day and what waits in it. ``phase``: of ``settlement.day.Phase``."""

    system: str
    business_date: date
    phase: str
    stopped: bool
    queued: int
    warehoused: int
    reserved: int


_DAYS = """
    select b.book, b.business_date, b.phase, b.stopped,
           count(*) filter (where w.state = 'QUEUED'), count(*) filter (where w.state = 'WAREHOUSED'),
           count(*) filter (where w.state = 'RESERVED')
    from engine.books b left join engine.waiting w on w.writer = b.book
    group by b.book order by b.book
"""


def days(connection: Connection) -> dict[str, Day]:
    """System -> its day, of those that have ever been run."""
    return {row[0]: Day(*row) for row in connection.execute(_DAYS).fetchall()}
