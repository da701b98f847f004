"""What a run did, read from Postgres afterwards: latencies, states, and whether the books are right.

Rule: ingest is the broker's append time (``engine.inbox.received_at``, whole milliseconds, rounded down), commit is
Postgres's own moment of the commit (``track_commit_timestamp``): neither is a clock of ours. A run whose check fails
has no figure.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.bench.bed import Bed
from engine.store.connection import Connection

_WINDOW = """
    with decided as (
        select state, extract(epoch from pg_xact_commit_timestamp(xmin) - received_at) * 1000 as waited
        from engine.inbox where received_at >= %s and received_at < %s
    )
    select count(*), percentile_disc(array[0.5, 0.99, 0.999]) within group (order by waited), max(waited)
    from decided
"""
_WORST_SECOND = """
    select max(p99) from (
        select percentile_disc(0.99) within group
            (order by extract(epoch from pg_xact_commit_timestamp(xmin) - received_at) * 1000) as p99
        from engine.inbox where received_at >= %s and received_at < %s group by date_trunc('second', received_at)
    ) seconds
"""
_BATCHES = """
    select writer, count(distinct xmin::text), count(*) from engine.inbox
    where received_at >= %s and received_at < %s group by writer
"""
_STATES = "select state, count(*) from engine.inbox group by state order by 2 desc"
_COMMITTED = """
    select count(*) from engine.inbox
    where pg_xact_commit_timestamp(xmin) >= %s and pg_xact_commit_timestamp(xmin) < %s
"""
_DECIDED = "select count(*) from engine.inbox"
_LAST = "select extract(epoch from max(pg_xact_commit_timestamp(xmin))) from engine.inbox where decided_at >= %s"
_SENT_OUT = """
    select coalesce((select sum(last) from (select max(seq) as last from engine.outbox group by writer_no) o), 0)
         - coalesce((select sum(published_seq) from engine.relays), 0)
"""
#: What must hold, each as (sentence, statement that counts the violations).
CHECKS: tuple[tuple[str, str], ...] = (
    ("balances sum to zero", "select (coalesce(sum(balance), 0) <> 0)::int from ledger.balances"),
    (
        "every balance is what its postings sum to",
        "select count(*) from ledger.balances b left join (select account_id, sum(amount) as posted, count(*) as times"
        " from ledger.postings group by account_id) p using (account_id)"
        " where b.balance <> coalesce(posted, 0) or b.seq <> coalesce(times, 0)",
    ),
    (
        "every settled payment has one entry, every entry its settled payment",
        "select count(*) from (select payment_id from engine.outcomes where state = 'SETTLED') o"
        " full join (select payment_id from ledger.entries where payment_id is not null) e using (payment_id)"
        " where o.payment_id is null or e.payment_id is null",
    ),
    (
        "every payment has an outcome or waits, and not both",
        "select count(*) from engine.inbox i left join engine.outcomes o using (payment_id)"
        " left join engine.waiting w using (payment_id) left join engine.cases c using (payment_id)"
        " where (o.payment_id is not null)::int + (w.payment_id is not null or c.payment_id is not null)::int <> 1",
    ),
)


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from ingest to commit of the payments that arrived in a window; how many were committed in it."""

    payments: int
    committed: int
    p50: float
    p99: float
    p999: float
    longest: float
    worst_second_p99: float
    per_batch: float


def moment(seconds: float) -> datetime:
    """A Unix time as Postgres takes it."""
    return datetime.fromtimestamp(seconds, UTC)


def latencies(connection: Connection, since: float, until: float) -> Latencies:
    """Of the window between two Unix times."""
    window = (moment(since), moment(until))
    row = connection.execute(_WINDOW, window).fetchone()
    assert row is not None
    count, percentiles, longest = row
    if not count:
        raise RuntimeError("nothing arrived in the measured window")
    worst = connection.execute(_WORST_SECOND, window).fetchone()
    assert worst is not None
    committed = connection.execute(_COMMITTED, window).fetchone()
    assert committed is not None
    batches = {writer: each / commits for writer, commits, each in connection.execute(_BATCHES, window).fetchall()}
    p50, p99, p999 = (round(float(value), 1) for value in percentiles)
    return Latencies(
        count, committed[0], p50, p99, p999, round(float(longest), 1), round(float(worst[0]), 1), max(batches.values())
    )


def states(connection: Connection) -> dict[str, int]:
    """First decisions by state, over all of the run."""
    return dict(connection.execute(_STATES).fetchall())


def decided(connection: Connection) -> int:
    """How many payments have a decision."""
    row = connection.execute(_DECIDED).fetchone()
    return 0 if row is None else int(row[0])


def last_commit(connection: Connection, since: float) -> float:
    """Unix time of the last commit of a decision."""
    row = connection.execute(_LAST, (moment(since),)).fetchone()
    return 0.0 if row is None or row[0] is None else float(row[0])


def await_decisions(connection: Connection, wanted: int, seconds: float) -> bool:
    """Wait until so many payments have a decision; False when they have not in time."""
    deadline = time.monotonic() + seconds
    while decided(connection) < wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def await_answers(connection: Connection, seconds: float) -> float | None:
    """Seconds until every answer is said to be published (the relay says so once a second); None: not in time."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        row = connection.execute(_SENT_OUT).fetchone()
        if row is not None and row[0] <= 0:
            return time.monotonic() - began
        time.sleep(0.2)
    return None


def violations(bed: Bed, sent: int) -> list[str]:
    """Sentences that do not hold after a run of ``sent`` messages; none: the books are right."""
    connection = bed.connection
    found = []
    for sentence, statement in CHECKS:
        row = connection.execute(statement).fetchone()
        count = 0 if row is None else int(row[0])
        if count:
            found.append(f"{sentence}: {count} violations")
    known = decided(connection)
    if known != sent:
        found.append(f"each payment once: {sent} sent, {known} decided")
    return found
