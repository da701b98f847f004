"""Sources: which number a partition of a topic has here, for good.

Rule: a topic that was deleted and created anew is another source (its UUID differs), so ids never repeat.
"""

from __future__ import annotations

from engine.store.connection import Connection

_REGISTER = """
    insert into engine.sources (cluster_id, topic_id, topic, partition) values (%s, %s, %s, %s)
    on conflict (cluster_id, topic_id, partition) do nothing
"""
_FIND = "select source_id from engine.sources where cluster_id = %s and topic_id = %s and partition = %s"


def source_of(connection: Connection, cluster_id: str, topic_id: str, topic: str, partition: int) -> int:
    """The number of a partition, given on first sight."""
    row = connection.execute(_FIND, (cluster_id, topic_id, partition)).fetchone()
    if row is None:
        connection.execute(_REGISTER, (cluster_id, topic_id, topic, partition))
        row = connection.execute(_FIND, (cluster_id, topic_id, partition)).fetchone()
    assert row is not None
    return int(row[0])


def place_of(connection: Connection, source: int) -> tuple[str, int] | None:
    """Topic and partition of a source."""
    row = connection.execute("select topic, partition from engine.sources where source_id = %s", (source,)).fetchone()
    return None if row is None else (row[0], row[1])
