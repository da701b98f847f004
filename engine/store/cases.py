"""Cases in Postgres: what waits for two persons, and what their decisions send back into the stream.

Rule: a decision and what it sends are one transaction; the first operator's proposal binds the second by its hash.
"""

from __future__ import annotations

from engine.store.connection import Connection


def outgoing_after(connection: Connection, seq: int) -> list[tuple[int, str, int, bytes]]:
    """Rows of the cases' outbox behind a sequence: (sequence, topic, partition, payload)."""
    found = connection.execute(
        "select seq, topic, partition, payload from engine.case_outbox where seq > %s order by seq", (seq,)
    )
    return [(number, topic, partition, bytes(payload)) for number, topic, partition, payload in found.fetchall()]
