"""Rows of the engine's tables in the COPY format, one small packer a table.

Rule: column order here is the column list named in the COPY statement below it; a packer takes plain values (ids as
16 bytes, times in microseconds of Postgres) and does no look-up.
"""

from __future__ import annotations

from ledger.binary import BIGINT, INTEGER, NULL, SMALLINT, UUID, TextCache, bigint, layout, raw, text

_word = TextCache()
_encoded = _word.__getitem__

_INBOX = layout("uuid", "smallint", "integer", "uuid", "timestamptz", "timestamptz", "integer", "bigint", "integer")
INBOX = (
    "engine.inbox (payment_id, attempt, payments, digest, received_at, decided_at, routed_partition, routed_offset,"
    " versions, amount, state, writer, scheme, message_type, kind, priority, sender, debit, credit, currency,"
    " value_date, reference, instruction_id, end_to_end_id, uetr, reason, explanation)"
)


def inbox(
    payment_id: bytes,
    attempt: int,
    payments: int,
    digest: bytes,
    received_at: int,
    decided_at: int,
    routed_partition: int,
    routed_offset: int,
    versions: int,
    amount: int | None,
    words: tuple[str | None, ...],
    texts: tuple[str | None, ...],
) -> bytes:
    """One inbox row: fixed columns, amount, then words that repeat (cached) and texts that do not."""
    head = _INBOX(
        27, UUID, payment_id, SMALLINT, attempt, INTEGER, payments, UUID, digest, BIGINT, received_at, BIGINT,
        decided_at, INTEGER, routed_partition, BIGINT, routed_offset, INTEGER, versions,
    )  # fmt: skip
    return b"".join((head, bigint(amount), *map(_encoded, words), *map(text, texts)))


_TRANSITION = layout("uuid", "integer", "timestamptz")
TRANSITIONS = "engine.transitions (payment_id, step, at, state, reason, cause)"


def transition(payment_id: bytes, step: int, at: int, state: str, reason: str | None, cause: str) -> bytes:
    """One later state of a payment."""
    return _TRANSITION(6, UUID, payment_id, INTEGER, step, BIGINT, at) + _word[state] + _word[reason] + text(cause)


_OUTCOME = layout("uuid", "timestamptz", "bigint", "integer", "smallint")
OUTCOMES = "engine.outcomes (payment_id, at, outbox_first, outbox_count, writer_no, state, duplicate_of)"


def outcome(
    payment_id: bytes, at: int, outbox: tuple[int, int], writer_no: int, state: str, duplicate_of: bytes | None
) -> bytes:
    """One terminal outcome; ``outbox`` is (first sequence, count) of the answers it caused."""
    return (
        _OUTCOME(7, UUID, payment_id, BIGINT, at, BIGINT, outbox[0], INTEGER, outbox[1], SMALLINT, writer_no)
        + _word[state]
        + raw(duplicate_of)
    )


_OUTBOX = layout("smallint", "bigint", "uuid", "timestamptz")
OUTBOX = "engine.outbox (writer_no, seq, payment_id, at, recipient, type, payload)"


def outbox(writer_no: int, seq: int, payment_id: bytes, at: int, recipient: str, kind: str, payload: bytes) -> bytes:
    """One outgoing message."""
    head = _OUTBOX(7, SMALLINT, writer_no, BIGINT, seq, UUID, payment_id, BIGINT, at)
    return b"".join((head, _word[recipient], _word[kind], raw(payload)))


_CLAIM = layout("uuid", "uuid", "timestamptz")
CLAIMS = "engine.claims (message_id, digest, claimed_at, claim)"


def claim(message_id: bytes, digest: bytes, at: int, name: str) -> bytes:
    """One business reference taken by a message."""
    return _CLAIM(4, UUID, message_id, UUID, digest, BIGINT, at) + text(name)


_WAITING = layout("uuid", "bigint")
WAITING = "engine.waiting (payment_id, arrival, position, until, writer, state, envelope)"


def waiting(
    payment_id: bytes,
    arrival: int,
    position: int | None,
    until: int | None,
    writer: str,
    state: str,
    envelope: bytes,
) -> bytes:
    """One payment that waits; ``until`` in Postgres' days."""
    day = NULL if until is None else raw(until.to_bytes(4, "big", signed=True))
    place = bigint(position) + day + _word[writer] + _word[state]
    return _WAITING(7, UUID, payment_id, BIGINT, arrival) + place + raw(envelope)
