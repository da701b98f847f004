"""The archive: received bytes, compressed by the client, one row a range of offsets of one source.

Rule: ranges of a source cannot overlap (the database refuses), every message keeps its SHA-256, and ``archived`` says
up to which offset a source is complete: answers wait for it. Offsets inside a range may have gaps.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.store.connection import Connection

#: Level 1: the bytes are kept for years, but the writer of the moment is the pipeline; 9 costs five times the CPU.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it arrived."""

    offset: int
    received_ms: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Range:
    """Messages of one source with consecutive places, as one row of the archive."""

    source: int
    first_offset: int
    next_offset: int
    day: date
    messages: tuple[Received, ...]

    def row(self) -> tuple[object, ...]:
        """Columns in the order of the insert."""
        values = [message.value for message in self.messages]
        return (
            self.source,
            self.first_offset,
            self.next_offset,
            self.day,
            len(values),
            array("q", [message.offset for message in self.messages]).tobytes(),
            array("I", [len(value) for value in values]).tobytes(),
            array("q", [message.received_ms for message in self.messages]).tobytes(),
            b"".join([hashlib.sha256(value).digest() for value in values]),
            zlib.compress(b"".join(values), _LEVEL),
        )


INSERT = """
    insert into engine.archive
        (source_id, first_offset, next_offset, day, messages, offsets, sizes, received, digests, body)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
COVER = """
    insert into engine.archived values (%s, %s)
    on conflict (source_id) do update set next_offset = excluded.next_offset
    where engine.archived.next_offset < excluded.next_offset
"""


def _unpack(row: tuple[object, ...]) -> list[tuple[Received, bytes]]:
    offsets, sizes, received, digests, body = (bytes(column) for column in row)  # type: ignore[call-overload]
    if not body:
        return []  # purged
    plain, place, found = zlib.decompress(body), 0, []
    for index, (offset, size, at) in enumerate(
        zip(array("q", offsets), array("I", sizes), array("q", received), strict=True)
    ):
        found.append((Received(offset, at, plain[place : place + size]), digests[index * 32 : index * 32 + 32]))
        place += size
    return found


def read(connection: Connection, source: int, first: int, after: int) -> list[tuple[Received, bytes]]:
    """Archived messages of a source from an offset up to (not including) another, with their SHA-256."""
    found = connection.execute(
        "select offsets, sizes, received, digests, body from engine.archive"
        " where source_id = %s and first_offset < %s and next_offset > %s order by first_offset",
        (source, after, first),
    )
    return [item for row in found.fetchall() for item in _unpack(row) if first <= item[0].offset < after]


_DONE = """
    select offset_no from (
        select ('x' || substr(replace(payment_id::text, '-', ''), 9, 16))::bit(64)::bigint as offset_no,
               count(*) as decided, max(payments) as payments
        from engine.inbox where payment_id >= %s and payment_id < %s and attempt = 0 group by 1
    ) m where decided = payments
"""


def decided_offsets(connection: Connection, low: str, high: str) -> set[int]:
    """Offsets whose message has a first decision for each of its payments, between two payment ids."""
    return {int(row[0]) for row in connection.execute(_DONE, (low, high)).fetchall()}


def offsets_between(connection: Connection, source: int, first: int, after: int) -> Sequence[int]:
    """Offsets of archived messages of a source in a range."""
    found = connection.execute(
        "select offsets from engine.archive where source_id = %s and first_offset < %s and next_offset > %s"
        " order by first_offset",
        (source, after, first),
    )
    return [offset for row in found.fetchall() for offset in array("q", bytes(row[0])) if first <= offset < after]


def progress(connection: Connection) -> dict[int, int]:
    """Source -> offset before which every message is archived and decided."""
    return dict(connection.execute("select source_id, done_through from engine.progress").fetchall())


def set_progress(connection: Connection, source: int, done_through: int) -> None:
    """Advance it; it never goes back."""
    connection.execute(
        "insert into engine.progress values (%s, %s) on conflict (source_id) do update"
        " set done_through = greatest(engine.progress.done_through, excluded.done_through)",
        (source, done_through),
    )
