"""The outbox in Postgres: what the relay has to publish, and how far it is.

Rule: rows are only read here; the writer's commit put them there.
"""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter

from engine import ids
from engine.processors.batch import Answer, Event, Posted
from engine.store.connection import Connection

_PLACE = "select published_seq, at from engine.relays where writer_no = %s"
_SKIPPED = "select coalesce(max(last_seq), 0) from engine.skipped_numbers where writer_no = %s"


def archived(connection: Connection) -> dict[int, int]:
    """Source -> offset before which every message is archived."""
    return dict(connection.execute("select source_id, next_offset from engine.archived").fetchall())


def place(connection: Connection, writer_no: int) -> tuple[int, datetime]:
    """How far the relay of a writer has published for certain, and when it said so."""
    row = connection.execute(_PLACE, (writer_no,)).fetchone()
    if row is None:
        connection.execute(
            "insert into engine.relays (writer_no, published_seq) values (%s, 0) on conflict do nothing", (writer_no,)
        )
        row = connection.execute(_PLACE, (writer_no,)).fetchone()
    assert row is not None
    return int(row[0]), row[1]


def checkpoint(connection: Connection, writer_no: int, published: int) -> None:
    """Everything up to this sequence is acknowledged by the broker."""
    connection.execute(
        "update engine.relays set published_seq = greatest(published_seq, %s), at = clock_timestamp()"
        " where writer_no = %s",
        (published, writer_no),
    )


def last_seq(connection: Connection, writer_no: int) -> int:
    """The highest sequence that a writer has given, before a restore from a backup too."""
    given = connection.execute("select coalesce(max(seq), 0) from engine.outbox where writer_no = %s", (writer_no,))
    skipped = connection.execute(_SKIPPED, (writer_no,))
    return max(int((given.fetchone() or (0,))[0]), int((skipped.fetchone() or (0,))[0]))


def unpublished(connection: Connection, writer_no: int, after: int) -> list[tuple[Posted, datetime]]:
    """Answers behind a sequence, in order, with their commit's time."""
    found = connection.execute(
        "select seq, payment_id, recipient, type, payload, at from engine.outbox"
        " where writer_no = %s and seq > %s order by seq",
        (writer_no, after),
    )
    return [
        (Posted(seq, payment.bytes, Answer(recipient, kind, payload)), at)
        for seq, payment, recipient, kind, payload, at in found.fetchall()
    ]


_LATE = """
    select i.payment_id, i.attempt, 0 as step, i.state, i.reason, i.explanation, i.decided_at as at, i.scheme,
           i.message_type, i.sender, i.debit, i.credit, i.reference, i.uetr, i.payments
    from engine.inbox i where i.decided_at >= %(since)s and i.writer = %(writer)s
    union all
    select t.payment_id, i.attempt, t.step, t.state, t.reason, t.cause, t.at, i.scheme,
           i.message_type, i.sender, i.debit, i.credit, i.reference, i.uetr, i.payments
    from engine.transitions t join engine.inbox i on i.payment_id = t.payment_id and i.attempt = t.step / 1000
    where t.at >= %(since)s and i.writer = %(writer)s
    order by at
"""


def events_since(connection: Connection, writer_no: int, since: datetime) -> list[Event]:
    """The changes of state that a writer committed since a moment; with the ids they had the first time."""
    row = connection.execute("select writer from engine.leases where writer_no = %s", (writer_no,)).fetchone()
    found = connection.execute(_LATE, {"since": since, "writer": row[0] if row else ""})
    return [
        Event(
            id=f"{payment.bytes.hex()}-{attempt}-{step}",
            payment_id=ids.shown(payment.bytes),
            attempt=attempt,
            index=ids.coordinates(payment.bytes)[2],
            count=count,
            state=state,
            reason=reason,
            explanation=explanation,
            at=at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            scheme=scheme,
            type=message_type,
            sender=sender,
            debit=debit,
            credit=credit,
            reference=reference,
            uetr=uetr,
        )
        for payment, attempt, step, state, reason, explanation, at, scheme, message_type, sender, debit, credit,
        reference, uetr, count in found.fetchall()
    ]  # fmt: skip


_FIRST_OUTCOMES = """
    select payment_id, writer_no, outbox_first, outbox_count from engine.outcomes where payment_id = any(%s::uuid[])
"""
_BY_NUMBER = """
    select o.writer_no, o.seq, o.recipient, o.type, o.payload
    from unnest(%s::smallint[], %s::bigint[]) as wanted (writer_no, seq) join engine.outbox o using (writer_no, seq)
    where o.payload <> ''::bytea
"""


def first_answers(connection: Connection, payment_ids: list[bytes]) -> dict[bytes, list[Answer]]:
    """Everything that went out with the outcomes of these payments, in order.

    Two look-ups by key: of one query over both tables the planner cannot know that an outcome has few answers, and in
    a large outbox it reads all of both.
    """
    answers: dict[bytes, list[Answer]] = {}
    if not payment_ids:
        return answers
    outcomes = connection.execute(_FIRST_OUTCOMES, ([payment.hex() for payment in payment_ids],)).fetchall()
    owner = {
        (writer_no, seq): payment.bytes
        for payment, writer_no, first, count in outcomes
        for seq in range(first, first + count)
    }
    if owner:
        writers, numbers = zip(*owner, strict=True)
        found = connection.execute(_BY_NUMBER, (list(writers), list(numbers))).fetchall()
        for writer_no, seq, recipient, kind, payload in sorted(found, key=itemgetter(0, 1)):
            answers.setdefault(owner[writer_no, seq], []).append(Answer(recipient, kind, payload))
    return answers
