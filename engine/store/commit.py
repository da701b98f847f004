"""One durable transaction of a writer: everything a batch decided, its positions and its fence, or nothing.

Rule: positions move by compare-and-set on offset and epoch, so a stale writer and a repeated batch both fail here;
rows go in by COPY in id order. A unique violation means that somebody decided first: the caller asks who and redoes
the batch without those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from engine.store import rows
from engine.store.connection import Connection
from engine.store.leases import Lease, LeaseLostError
from ledger import binary
from ledger.store import StaleWriterError, Texts


class AlreadyDecidedError(RuntimeError):
    """A unique constraint refused the batch: a payment, outcome or claim was there before."""


@dataclass(slots=True)
class Changes:
    """What a batch wants to be true: packed rows by table, and positions as (source, before, after)."""

    inbox: list[bytes] = field(default_factory=list)
    transitions: list[bytes] = field(default_factory=list)
    outcomes: list[bytes] = field(default_factory=list)
    claims: list[bytes] = field(default_factory=list)
    outbox: list[bytes] = field(default_factory=list)
    waiting: list[bytes] = field(default_factory=list)
    no_longer_waiting: list[bytes] = field(default_factory=list)
    positions: list[tuple[int, int, int]] = field(default_factory=list)
    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def tables(self) -> tuple[tuple[str, list[bytes]], ...]:
        """COPY targets with their rows."""
        return (
            (rows.INBOX, self.inbox),
            (rows.TRANSITIONS, self.transitions),
            (rows.OUTCOMES, self.outcomes),
            (rows.CLAIMS, self.claims),
            (rows.OUTBOX, self.outbox),
            (rows.WAITING, self.waiting),
        )

    def empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.positions or self.statements or any(table for _, table in self.tables()))


Work = Callable[[psycopg.Cursor[Any]], None]

_ADVANCE = """
    update engine.positions p set next_offset = n.after
    from unnest(%s::int[], %s::bigint[], %s::bigint[]) as n (source_id, before, after)
    where p.writer = %s and p.source_id = n.source_id and p.next_offset = n.before and p.epoch = %s
"""
_FENCE = "select 1 from engine.leases where writer = %s and epoch = %s for share"


def commit(connection: Connection, lease: Lease, changes: Changes, work: Work | None = None) -> None:
    """Commit a batch; ``work`` adds the ledger's part on the same cursor.

    Raises AlreadyDecidedError (nothing was changed), LeaseLostError (another owner), or an operating error of
    psycopg, after which the outcome is unknown and the writer loads its state anew.
    """
    try:
        with connection.transaction(), connection.cursor() as cursor:
            if changes.no_longer_waiting:
                cursor.execute(
                    "delete from engine.waiting where payment_id = any(%s::uuid[])",
                    ([_uuid(payment) for payment in changes.no_longer_waiting],),
                )
            for target, packed in changes.tables():
                if packed:
                    with cursor.copy(f"copy {target} from stdin (format binary)") as copy:
                        copy.write(binary.image(packed))
            for statement, arguments in changes.statements:
                cursor.execute(statement, arguments)
            if work is not None:
                work(cursor)
            _fence(cursor, lease, changes.positions)
    except (psycopg.IntegrityError, StaleWriterError) as problem:
        _require_lease(connection, lease)
        if isinstance(problem, psycopg.errors.UniqueViolation):
            raise AlreadyDecidedError(str(problem)) from problem
        raise


def _require_lease(connection: Connection, lease: Lease) -> None:
    """A stale owner collides with what the new one did: that is no defect, and nothing to try again."""
    if connection.execute(_FENCE, (lease.writer, lease.epoch)).fetchone() is None:
        raise LeaseLostError(f"{lease.writer}: epoch {lease.epoch} is over")


def _fence(cursor: psycopg.Cursor[Any], lease: Lease, positions: Sequence[tuple[int, int, int]]) -> None:
    if not positions:
        if cursor.execute(_FENCE, (lease.writer, lease.epoch)).fetchone() is None:
            raise LeaseLostError(f"{lease.writer}: epoch {lease.epoch} is over")
        return
    sources, before, after = (list(column) for column in zip(*positions, strict=True))
    cursor.execute(_ADVANCE, (sources, before, after, lease.writer, lease.epoch))
    if cursor.rowcount != len(positions):
        raise LeaseLostError(f"{lease.writer}: positions were moved by another owner (epoch {lease.epoch} is stale)")


def _uuid(payment: bytes) -> str:
    return payment.hex()


def positions(connection: Connection, writer: str) -> dict[int, int]:
    """Source -> next offset, as committed."""
    return dict(
        connection.execute(
            "select source_id, next_offset from engine.positions where writer = %s", (writer,)
        ).fetchall()
    )


def add_position(connection: Connection, lease: Lease, source: int, offset: int = 0) -> None:
    """Start a source at an offset if the writer has none for it."""
    connection.execute(
        "insert into engine.positions values (%s, %s, %s, %s) on conflict do nothing",
        (lease.writer, source, offset, lease.epoch),
    )


_DECIDED = """
    select i.payment_id, i.attempt, i.digest from engine.inbox i
    join unnest(%s::uuid[], %s::int[]) as n (payment_id, attempt)
    on i.payment_id = n.payment_id and i.attempt = n.attempt
"""


def decided(connection: Connection, wanted: Sequence[tuple[bytes, int]]) -> dict[tuple[bytes, int], bytes]:
    """Those of (payment, attempt) that are in the inbox already, with the digest of their message."""
    found = connection.execute(_DECIDED, ([_uuid(item[0]) for item in wanted], [item[1] for item in wanted]))
    return {(payment.bytes, attempt): digest.bytes for payment, attempt, digest in found.fetchall()}


def claimed(connection: Connection, names: Sequence[str]) -> dict[str, tuple[bytes, bytes]]:
    """Those claims that are taken: claim -> (message id, digest)."""
    found = connection.execute(
        "select claim, message_id, digest from engine.claims where claim = any(%s::text[])", (Texts(names),)
    )
    return {name: (message.bytes, digest.bytes) for name, message, digest in found.fetchall()}
