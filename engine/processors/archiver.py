"""The archiver: keeps every ingest message's bytes in Postgres, with a consumer of its own.

Rule: the archive covers an offset before anything about it is told to anybody (the relay waits for it). The same
place with other bytes means that the topic was recreated under us: the partition halts and says so. It also advances
``done_through``: the point up to which archived messages and decisions agree, from which stages start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from engine import ids
from engine.bus.record import Record
from engine.store import archive
from engine.store.archive import Range, Received
from engine.store.commit import Changes, commit
from engine.store.connection import Connection
from engine.store.leases import Lease

#: How many offsets one look at ``done_through`` examines: bounded, so that catching up never blocks the archive.
_WINDOW = 50_000


class RecreatedTopicError(RuntimeError):
    """Known coordinates carry other bytes: processing stops until an operator has looked."""


class Archiver:
    """Writes ranges under the archiver's lease. ``archive`` commits a batch; ``advance`` moves ``done_through``."""

    def __init__(self, connection: Connection, lease: Lease, sources: Mapping[tuple[str, int], int]) -> None:
        self._connection = connection
        self._lease = lease
        self._sources = sources
        self._covered = dict.fromkeys(sources.values(), 0)
        self._covered.update(dict(connection.execute("select source_id, next_offset from engine.archived").fetchall()))
        self.positions: dict[int, int] = {}

    def archive(self, records: Sequence[Record], now: datetime) -> int:
        """Keep a batch; returns how many messages were new."""
        changes = Changes()
        fresh = 0
        by_source: dict[int, list[Record]] = {}
        for record in records:
            by_source.setdefault(self._sources[record.topic, record.partition], []).append(record)
        covered = dict(self._covered)
        for source, arrived in by_source.items():
            known = [record for record in arrived if record.offset < covered[source]]
            self._check_known(source, known)
            new = arrived[len(known) :]
            before, after = self.positions.get(source, 0), arrived[-1].offset + 1
            if new:
                row = self._range(source, max(before, covered[source]), new, now).row()
                changes.statements.append((archive.INSERT, row))
                changes.statements.append((archive.COVER, (source, after)))
                covered[source] = after
                fresh += len(new)
            changes.positions.append((source, before, after))
        commit(self._connection, self._lease, changes)
        self._covered = covered
        self.positions.update({source: after for source, _, after in changes.positions})
        return fresh

    def _range(self, source: int, first: int, records: Sequence[Record], now: datetime) -> Range:
        messages = tuple(Received(record.offset, record.timestamp_ms, record.value) for record in records)
        return Range(source, first, records[-1].offset + 1, now.astimezone(UTC).date(), messages)

    def _check_known(self, source: int, records: Sequence[Record]) -> None:
        if not records:
            return
        found = archive.read(self._connection, source, records[0].offset, records[-1].offset + 1)
        digests = {message.offset: digest for message, digest in found}
        for record in records:
            known = digests.get(record.offset)
            if known is not None and known != hashlib.sha256(record.value).digest():
                raise RecreatedTopicError(
                    f"{record.topic}/{record.partition}/{record.offset} carries other bytes than were archived:"
                    " the topic was recreated or changed; nothing of it is processed until an operator has looked"
                )

    def advance(self) -> None:
        """Move ``done_through`` of each source over what is archived and decided."""
        done = archive.progress(self._connection)
        for source, covered in self._covered.items():
            start = done.get(source, 0)
            end = min(covered, start + _WINDOW)
            if start < end:
                reached = self._reach(source, start, end)
                if reached > start:
                    archive.set_progress(self._connection, source, reached)

    def _reach(self, source: int, start: int, end: int) -> int:
        low, high = ids.shown(ids.payment_id(source, start, 0)), ids.shown(ids.payment_id(source, end, 0))
        decided = archive.decided_offsets(self._connection, low, high)
        for offset in archive.offsets_between(self._connection, source, start, end):
            if offset not in decided:
                return offset
        return end
