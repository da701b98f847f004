"""Crashes by place: how often the handling of one message has ended its worker, and with which error.

Rule: written before the worker dies; an outage is no crash. ``StoredCrashRegister`` is the bus loop's register,
the functions are for writers, whose input has no consumer group.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from engine.bus.crashes import NO_EXCEPTION, Coordinates, Crash
from engine.bus.port import OperatingFaultError
from engine.bus.record import Place, Record
from engine.errors import ServiceUnavailable
from engine.store.connection import OPERATING_ERRORS, Connection

#: At this many crashes a message is put aside for two persons to look at.
LIMIT = 3

_COUNT = """
    insert into engine.crashes (source_id, "offset", crashes, error) values (%s, %s, 1, %s)
    on conflict (source_id, "offset") do update
    set crashes = engine.crashes.crashes + 1, error = excluded.error, at = now()
    returning crashes
"""


def record(connection: Connection, source: int, offset: int, error: str) -> int:
    """Count a crash; returns how many there are now."""
    row = connection.execute(_COUNT, (source, offset, error[:4000])).fetchone()
    return int(row[0]) if row else 1


def put_aside(connection: Connection, sources: Sequence[int]) -> dict[tuple[int, int], str]:
    """Messages that have crashed too often: (source, offset) -> error."""
    found = connection.execute(
        'select source_id, "offset", error from engine.crashes where source_id = any(%s::int[]) and crashes >= %s',
        (list(sources), LIMIT),
    )
    return {(source, offset): error for source, offset, error in found.fetchall()}


class StoredCrashRegister:
    """``engine.bus.crashes.CrashRegister`` of one worker, in Postgres. ``connection`` gives a new one after a loss."""

    def __init__(self, connection: Callable[[], Connection], worker: str, sources: Mapping[Place, int]) -> None:
        self._connection = connection
        self._worker = worker
        self._sources = sources
        self._places = {source: place for place, source in sources.items()}

    def begin_run(self) -> bool:
        """Start a run; True when the one before it was never ended. A mark it left is counted as a crash."""
        row = self._one("select clean, marked_source, marked_offset from engine.runs where worker = %s", self._worker)
        if row is not None and row[1] is not None:
            self._one(_COUNT, row[1], row[2], NO_EXCEPTION)
        self._set(clean=False)
        return row is not None and not row[0]

    def end_run(self) -> None:
        """The run ends in order."""
        self._set(clean=True)

    def suspects(self, places: Collection[Place]) -> dict[Coordinates, Crash]:
        """All records of these partitions with at least one crash."""
        wanted = [self._sources[place] for place in places if place in self._sources]
        statement = 'select source_id, "offset", crashes, error from engine.crashes where source_id = any(%s::int[])'
        return {
            (*self._places[source], offset): Crash(count, error)
            for source, offset, count, error in self._all(statement, wanted)
        }

    def record_crash(self, record: Record, error: str) -> int:
        """Count a crash; returns how many there are now."""
        row = self._one(_COUNT, self._sources[record.place], record.offset, error[-4000:])
        return int(row[0]) if row else 1

    def clear(self, coordinates: Collection[Coordinates]) -> None:
        """These records got through or were put aside, and are committed."""
        for topic, partition, offset in coordinates:
            source = self._sources.get((topic, partition))
            self._run('delete from engine.crashes where source_id = %s and "offset" = %s', source, offset)

    def mark(self, record: Record) -> None:
        """Say that this record is about to be handled."""
        self._set(clean=False, source=self._sources[record.place], offset=record.offset)

    def unmark(self) -> None:
        """The marked record was handled."""
        self._set(clean=False)

    def _set(self, *, clean: bool, source: int | None = None, offset: int | None = None) -> None:
        self._run(
            "insert into engine.runs (worker, clean, marked_source, marked_offset) values (%s, %s, %s, %s)"
            " on conflict (worker) do update set clean = excluded.clean, marked_source = excluded.marked_source,"
            " marked_offset = excluded.marked_offset, at = now()",
            self._worker,
            clean,
            source,
            offset,
        )

    def _run(self, statement: str, *arguments: object) -> None:
        try:
            self._connection().execute(statement, arguments)
        except (*OPERATING_ERRORS, ServiceUnavailable) as problem:
            raise OperatingFaultError(f"Postgres does not answer: {problem}") from problem

    def _all(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection().execute(statement, arguments).fetchall()
        except (*OPERATING_ERRORS, ServiceUnavailable) as problem:
            raise OperatingFaultError(f"Postgres does not answer: {problem}") from problem

    def _one(self, statement: str, *arguments: object) -> tuple[Any, ...] | None:
        return next(iter(self._all(statement, *arguments)), None)
