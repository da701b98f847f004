"""Restores of the ledger in Postgres: whether one still has to be settled with the outside, and how it was.

Rule: the newest row counts. While it has no approval nothing of the engine runs. An approval is one transaction with
what the outside was told and this ledger has forgotten, and with the numbers that must not be given again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.store.connection import Connection

#: Moments in answers: ISO 8601, and SWIFT's YYMMDDHHMM. The same decision made anew differs in nothing else.
_MOMENTS = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?|(?<!\d)\d{10}(?!\d)")


class RecoveryRuleError(ValueError):
    """A step that the rules of a recovery forbid; the message names the rule."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """A restore. ``target``: ``latest`` or the moment asked for; ``restored_to``: the last commit that came back."""

    recovery_id: int
    target: str
    backup: str
    restored_to: datetime
    restored_by: str
    restored_at: datetime
    difference: bytes | None
    reason: str | None
    proposed_by: str | None
    approved_by: str | None
    approved_at: datetime | None

    @property
    def stands(self) -> bool:
        """Whether the engine has to stand still for it."""
        return self.approved_at is None


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that is on an outgoing topic and not in this ledger."""

    writer_no: int
    seq: int
    payment_id: bytes
    topic: str
    type: str
    digest: bytes
    at: datetime


def same_but_moments(payload: bytes) -> bytes:
    """Sixteen bytes that are equal for two answers that differ in moments only.

    >>> same_but_moments(b"{177:2611240930}") == same_but_moments(b"{177:2611240931}")
    True
    """
    return hashlib.sha256(_MOMENTS.sub(b"@", payload)).digest()[:16]


_NEWEST = """
    select recovery_id, target, backup, restored_to, restored_by, restored_at, difference, reason, proposed_by,
           approved_by, approved_at
    from engine.recoveries order by recovery_id desc limit 1
"""


def newest(connection: Connection) -> Recovery | None:
    """The newest restore, None when there was none."""
    row = connection.execute(_NEWEST).fetchone()
    return None if row is None else Recovery(*row)


def standing(connection: Connection) -> Recovery | None:
    """The restore for which the engine has to stand still."""
    found = newest(connection)
    return found if found is not None and found.stands else None


def add(connection: Connection, target: str, backup: str, restored_to: datetime, who: str) -> int:
    """Note a restore, as the owner; from now on the engine stands still, and takes nobody's word for what was sent."""
    connection.execute("update engine.leases set expires_at = '-infinity'")
    row = connection.execute(
        "insert into engine.recoveries (target, backup, restored_to, restored_by) values (%s, %s, %s, %s)"
        " returning recovery_id",
        (target, backup, restored_to, who),
    ).fetchone()
    assert row is not None
    return int(row[0])


def propose(connection: Connection, recovery_id: int, difference: bytes, reason: str, who: str) -> None:
    """A first operator wants to go on from this difference; another proposal replaces it."""
    done = connection.execute(
        "update engine.recoveries set difference = %s, reason = %s, proposed_by = %s, proposed_at = now()"
        " where recovery_id = %s and approved_at is null",
        (difference, reason, who, recovery_id),
    )
    if done.rowcount != 1:
        raise RecoveryRuleError(f"recovery {recovery_id} is over")


def approve(
    connection: Connection, recovery: Recovery, difference: bytes, told: Sequence[Told], who: str | None
) -> None:
    """Let the engine go on. ``who`` None: the engine itself, where nothing was told that this ledger does not have.

    RecoveryRuleError when nobody proposed, when the proposer approves, or when the difference is another by now.
    """
    with connection.transaction():
        row = connection.execute(
            "select proposed_by, difference, approved_at from engine.recoveries where recovery_id = %s for update",
            (recovery.recovery_id,),
        ).fetchone()
        assert row is not None
        _check(row[0], row[1], row[2], difference, who)
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into engine.answered values (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (recovery.recovery_id, one.writer_no, one.seq, one.payment_id.hex(), one.topic, one.type,
                     one.digest.hex(), one.at)
                    for one in told
                ],
            )  # fmt: skip
        for writer_no in sorted({one.writer_no for one in told}):
            _skip(connection, recovery.recovery_id, writer_no, max(t.seq for t in told if t.writer_no == writer_no))
        connection.execute(
            "update engine.recoveries set approved_by = %s, approved_at = now(), difference = %s"
            " where recovery_id = %s",
            (who or "qenex", difference, recovery.recovery_id),
        )


def _check(
    proposed_by: str | None, proposed: bytes | None, approved_at: datetime | None, difference: bytes, who: str | None
) -> None:
    if approved_at is not None:
        raise RecoveryRuleError("the engine goes on already")
    if who is None:
        return
    if proposed_by is None or proposed is None:
        raise RecoveryRuleError("nobody has proposed to go on")
    if proposed_by == who:
        raise RecoveryRuleError(f"{who} proposed it: another operator has to approve")
    if bytes(proposed) != difference:
        raise RecoveryRuleError("the difference is not the one that was proposed any more: look at it and propose anew")


def _skip(connection: Connection, recovery_id: int, writer_no: int, last: int) -> None:
    connection.execute(
        "insert into engine.skipped_numbers select %(id)s, %(writer)s, first, %(last)s from ("
        " select 1 + greatest((select coalesce(max(seq), 0) from engine.outbox where writer_no = %(writer)s),"
        " (select coalesce(max(last_seq), 0) from engine.skipped_numbers where writer_no = %(writer)s)) as first) f"
        " where first <= %(last)s",
        {"id": recovery_id, "writer": writer_no, "last": last},
    )


def known_answers(connection: Connection, writer_no: int, seqs: Sequence[int]) -> dict[int, tuple[bytes, str]]:
    """Those of a writer's numbers that this ledger has: number -> (digest without moments, type)."""
    found = connection.execute(
        "select seq, payload, type from engine.outbox where writer_no = %s and seq = any(%s)", (writer_no, list(seqs))
    )
    known = {seq: (same_but_moments(bytes(payload)), kind) for seq, payload, kind in found.fetchall()}
    forgotten = connection.execute(
        "select seq, digest, type from engine.answered where writer_no = %s and seq = any(%s)", (writer_no, list(seqs))
    )
    return known | {seq: (digest.bytes, kind) for seq, digest, kind in forgotten.fetchall()}


_TOLD = "select payment_id, topic, type, digest from engine.answered"


def told(connection: Connection) -> set[tuple[bytes, str, str, bytes]]:
    """What was told before restores and forgotten: (payment, topic, type, digest without moments)."""
    found = connection.execute(_TOLD)
    return {(payment.bytes, topic, kind, digest.bytes) for payment, topic, kind, digest in found.fetchall()}


_ANSWERED = """
    select a.writer_no, a.seq, a.payment_id, a.topic, a.type, a.digest, a.at,
           array(select o.payload from engine.outbox o where o.payment_id = a.payment_id and o.type = a.type
                 and a.topic like '%%' || o.recipient || '%%')
    from engine.answered a where a.recovery_id = %s order by a.writer_no, a.seq
"""


def contradicted(connection: Connection, recovery_id: int) -> list[Told]:
    """What the outside was told before a restore and the ledger, going on, has not come to again."""
    found = []
    for writer_no, seq, payment, topic, kind, digest, at, payloads in connection.execute(_ANSWERED, (recovery_id,)):
        if digest.bytes not in {same_but_moments(bytes(payload)) for payload in payloads}:
            found.append(Told(writer_no, seq, payment.bytes, topic, kind, digest.bytes, at))
    return found


def states(connection: Connection, payments: Sequence[bytes]) -> dict[bytes, str]:
    """Where this ledger stands with some payments: the outcome, else what it waits in, else its first decision."""
    wanted = [payment.hex() for payment in payments]
    found = connection.execute(
        "select p.id, coalesce(o.state, w.state, (select i.state from engine.inbox i where i.payment_id = p.id"
        " order by attempt desc limit 1)) from unnest(%s::uuid[]) as p (id)"
        " left join engine.outcomes o on o.payment_id = p.id left join engine.waiting w on w.payment_id = p.id",
        (wanted,),
    )
    return {payment.bytes: state for payment, state in found.fetchall() if state is not None}


def progress(connection: Connection) -> dict[int, tuple[int, int]]:
    """Source -> (archived before this offset, decided before this offset)."""
    found = connection.execute(
        "select source_id, coalesce(a.next_offset, 0), coalesce(p.done_through, 0)"
        " from engine.archived a full join engine.progress p using (source_id)"
    )
    return {source: (archived, done) for source, archived, done in found.fetchall()}


def decided(connection: Connection, messages: Sequence[bytes]) -> set[bytes]:
    """Those messages (ids of index 0) that have a first decision."""
    found = connection.execute(
        "select payment_id from engine.inbox where attempt = 0 and payment_id = any(%s::uuid[])",
        ([message.hex() for message in messages],),
    )
    return {payment.bytes for (payment,) in found.fetchall()}


def positions(connection: Connection) -> dict[tuple[str, str, int], int]:
    """(topic's UUID, topic, partition) -> the writer's position in it."""
    found = connection.execute(
        "select s.topic_id, s.topic, s.partition, p.next_offset from engine.positions p"
        " join engine.sources s using (source_id)"
    )
    return {(topic_id, topic, partition): after for topic_id, topic, partition, after in found.fetchall()}
