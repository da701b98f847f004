"""Who owns a writer: a lease in Postgres with a fencing epoch.

Rule: taking the lease raises the epoch, and moves the epoch of the writer's positions with it; every commit compares
it, so a stale owner cannot commit whatever it believes. Time is the database's, so clocks of hosts do not matter. The
owner's session holds an advisory lock of its epoch: when the process dies, the server ends the session, and a standby
takes over at once instead of waiting for the lease to expire. Expiry is for owners that are silent and not dead.
An owner that leaves in order says whether it has finished: then its successor looks for nothing that may be half done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.store.connection import Connection

#: How long an owner may be silent before another takes over. Shorter makes pauses (a slow disk) look like deaths;
#: longer makes a crash last longer for the payers.
LEASE_SECONDS = 2.0

#: First keys of the advisory locks are this plus the writer's number; the second key is the epoch.
_LOCKS = 1_902_400_000

_FREE = """
    select l.writer from engine.leases l
    where l.writer = any(%(writers)s::text[])
      and (l.expires_at < clock_timestamp() or l.owner = %(owner)s or not exists (
          select from pg_locks k where k.locktype = 'advisory' and k.granted and k.objsubid = 2
             and k.database = (select oid from pg_database where datname = current_database())
             and k.classid::bigint = %(locks)s + l.writer_no and k.objid::bigint = l.epoch))
"""
_STANDING = """
    select epoch, writer_no, expires_at < clock_timestamp() or owner = %s, expires_at = 'epoch'
    from engine.leases where writer = %s
"""
_TAKE = """
    update engine.leases set epoch = epoch + 1, owner = %(owner)s,
           expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
    where writer = %(writer)s and epoch = %(seen)s
      and (%(gone)s or expires_at < clock_timestamp() or owner = %(owner)s)
    returning epoch
"""
#: Two moments long ago: one says that the owner had finished, the other (all that older builds knew) that it left.
_GIVE_UP = """
    update engine.leases set expires_at = case when %s then 'epoch' else '-infinity' end::timestamptz
    where writer = %s and epoch = %s
"""
_RENEW = """
    update engine.leases set expires_at = clock_timestamp() + make_interval(secs => %s)
    where writer = %s and epoch = %s
"""


class LeaseLostError(RuntimeError):
    """Another process owns the writer now: this one stops without another commit."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A writer that this process owns, at this epoch. ``handed_over``: the owner before left in order and finished."""

    writer: str
    writer_no: int
    epoch: int
    handed_over: bool = False


def register(connection: Connection, writer: str, writer_no: int) -> None:
    """Make a writer known; doing it again changes nothing."""
    connection.execute(
        "insert into engine.leases (writer, writer_no) values (%s, %s) on conflict do nothing", (writer, writer_no)
    )


def free(connection: Connection, writers: Sequence[str], owner: str) -> list[str]:
    """Those of the writers that ``take`` would give now: one cheap look for a standby that asks often."""
    found = connection.execute(_FREE, {"writers": list(writers), "owner": owner, "locks": _LOCKS})
    return [row[0] for row in found.fetchall()]


def take(connection: Connection, writer: str, owner: str) -> Lease | None:
    """Take the lease if it is free, expired or its owner's session has ended; None while another owner has it."""
    with connection.transaction():
        row = connection.execute(_STANDING, (owner, writer)).fetchone()
        if row is None:
            return None
        seen, writer_no, expired, finished = row
        gone = not expired and _has_ended(connection, writer_no, seen)
        wanted = {"owner": owner, "seconds": LEASE_SECONDS, "writer": writer, "seen": seen, "gone": gone}
        row = connection.execute(_TAKE, wanted).fetchone()
        if row is None:
            return None
        epoch = row[0]
        # Before the commit shows the new epoch: nobody finds it without its lock.
        connection.execute("select pg_advisory_lock(%s::int, %s::int)", (_LOCKS + writer_no, epoch))
        connection.execute("update engine.positions set epoch = %s where writer = %s", (epoch, writer))
    return Lease(writer, writer_no, epoch, bool(finished))


def _has_ended(connection: Connection, writer_no: int, epoch: int) -> bool:
    """Whether no session holds the lock of this epoch; held by us until the transaction ends."""
    row = connection.execute(
        "select pg_try_advisory_xact_lock(%s::int, %s::int)", (_LOCKS + writer_no, epoch)
    ).fetchone()
    return row is not None and bool(row[0])


def renew(connection: Connection, lease: Lease) -> None:
    """Stay the owner; LeaseLostError when somebody has taken over."""
    if connection.execute(_RENEW, (LEASE_SECONDS, lease.writer, lease.epoch)).rowcount != 1:
        raise LeaseLostError(f"{lease.writer}: the lease of epoch {lease.epoch} was taken over")


def give_up(connection: Connection, lease: Lease, *, finished: bool = False) -> None:
    """End the lease now, so that the next owner need not wait for it to expire.

    ``finished``: what the checkpoint says was sent is all that was sent, so nobody has to look for more.
    """
    connection.execute(_GIVE_UP, (finished, lease.writer, lease.epoch))
