"""Crashes: which records have brought a worker down, and how often.

Rule: a crash is counted before the worker dies of it, so that a record that crashes every worker is known as such after
a few deaths and can be put aside. Outages are not crashes. A death that leaves no exception (SIGKILL, segmentation
fault, no memory) is known by the run that was never ended; the run after it marks each record before it touches it, so
that the mark names the culprit of the next death.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.bus.record import Place, Record

#: Topic, partition, offset.
Coordinates = tuple[str, int, int]

NO_EXCEPTION = "the process ended without an exception while it handled this record"


@dataclass(frozen=True, slots=True)
class Crash:
    """How often a record has crashed a worker, and the last error with its stack."""

    count: int
    error: str


class CrashRegister(Protocol):
    """The durable memory of one worker's crashes. Every method may raise OperatingFaultError (its store is away)."""

    def begin_run(self) -> bool:
        """Start a run; True when the one before it was never ended. A mark it left is counted as a crash."""

    def end_run(self) -> None:
        """The run ends in order, whether it was stopped or an exception ended it."""

    def suspects(self, places: Collection[Place]) -> Mapping[Coordinates, Crash]:
        """All records of these partitions with at least one crash."""

    def record_crash(self, record: Record, error: str) -> int:
        """Count a crash; returns how many there are now."""

    def clear(self, coordinates: Collection[Coordinates]) -> None:
        """These records got through or were put aside, and are committed."""

    def mark(self, record: Record) -> None:
        """Say that this record is about to be handled; replaces the mark before. Need not survive a power cut."""

    def unmark(self) -> None:
        """The marked record was handled."""


def coordinates_of(record: Record) -> Coordinates:
    """The register's key of a record."""
    return record.topic, record.partition, record.offset


class MemoryCrashRegister:
    """``CrashRegister`` for tests: the object outlives the worker as the database would."""

    def __init__(self) -> None:
        self.crashes: dict[Coordinates, Crash] = {}
        self.marked: Coordinates | None = None
        self.marks = 0
        self.running = False

    def begin_run(self) -> bool:
        """Start a run."""
        unclean, self.running = self.running, True
        if self.marked is not None:
            self._count(self.marked, NO_EXCEPTION)
            self.marked = None
        return unclean

    def end_run(self) -> None:
        """End it."""
        self.running = False
        self.marked = None

    def suspects(self, places: Collection[Place]) -> dict[Coordinates, Crash]:
        """Known crashes."""
        return {key: crash for key, crash in self.crashes.items() if key[:2] in places}

    def record_crash(self, record: Record, error: str) -> int:
        """Count."""
        return self._count(coordinates_of(record), error)

    def clear(self, coordinates: Collection[Coordinates]) -> None:
        """Forget."""
        for key in coordinates:
            self.crashes.pop(key, None)

    def mark(self, record: Record) -> None:
        """Mark."""
        self.marked = coordinates_of(record)
        self.marks += 1

    def unmark(self) -> None:
        """Unmark."""
        self.marked = None

    def _count(self, key: Coordinates, error: str) -> int:
        count = self.crashes[key].count + 1 if key in self.crashes else 1
        self.crashes[key] = Crash(count, error)
        return count
