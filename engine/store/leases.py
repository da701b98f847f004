"""Who owns a writer: a lease in Postgres with a fencing epoch.

Rule: taking the lease raises the epoch, and moves the epoch of the writer's positions with it; every commit compares
it, so a stale owner cannot commit whatever it believes. Time is the database's, so clocks of hosts do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.store.connection import Connection

#: How long an owner may be silent before another takes over. Shorter makes pauses (a slow disk) look like deaths;
#: longer makes a crash last longer for the payers.
LEASE_SECONDS = 2.0

_TAKE = """
    update engine.leases set epoch = epoch + 1, owner = %(owner)s,
           expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
    where writer = %(writer)s and (expires_at < clock_timestamp() or owner = %(owner)s)
    returning epoch, writer_no
"""
_RENEW = """
    update engine.leases set expires_at = clock_timestamp() + make_interval(secs => %s)
    where writer = %s and epoch = %s
"""


class LeaseLostError(RuntimeError):
    """Another process owns the writer now: this one stops without another commit."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A writer that this process owns, at this epoch."""

    writer: str
    writer_no: int
    epoch: int


def register(connection: Connection, writer: str, writer_no: int) -> None:
    """Make a writer known; doing it again changes nothing."""
    connection.execute(
        "insert into engine.leases (writer, writer_no) values (%s, %s) on conflict do nothing", (writer, writer_no)
    )


def take(connection: Connection, writer: str, owner: str) -> Lease | None:
    """Take the lease if it is free or expired; None while another owner renews it."""
    with connection.transaction():
        row = connection.execute(_TAKE, {"writer": writer, "owner": owner, "seconds": LEASE_SECONDS}).fetchone()
        if row is None:
            return None
        epoch, writer_no = row
        connection.execute("update engine.positions set epoch = %s where writer = %s", (epoch, writer))
    return Lease(writer, writer_no, epoch)


def renew(connection: Connection, lease: Lease) -> None:
    """Stay the owner; LeaseLostError when somebody has taken over."""
    if connection.execute(_RENEW, (LEASE_SECONDS, lease.writer, lease.epoch)).rowcount != 1:
        raise LeaseLostError(f"{lease.writer}: the lease of epoch {lease.epoch} was taken over")


def give_up(connection: Connection, lease: Lease) -> None:
    """End the lease now, so that the next owner need not wait for it to expire."""
    connection.execute(
        "update engine.leases set expires_at = '-infinity' where writer = %s and epoch = %s",
        (lease.writer, lease.epoch),
    )
