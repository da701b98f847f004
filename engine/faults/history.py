"""The history of a run: what testers began, what came of it, what was done to the system, as JSON lines.

Rule: an operation is two lines, ``invoke`` and one of ``ok``, ``fail`` (it did not happen), ``info`` (nobody knows).
Lines are written as they happen and judged later, by `engine.faults.checker`, which needs nothing else.

    at      seconds since the run began
    type    invoke | ok | fail | info
    op      send | totals | outcome | fault
    id      the same in both lines of an operation
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

Event = dict[str, Any]


class History:
    """Writes a run's history, from any thread; ``events`` is the same in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self.events: list[Event] = []
        self.path = path
        self._file = None if path is None else path.open("wb")
        self._began = time.monotonic()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def invoke(self, op: str, **what: Any) -> int:
        """An operation begins; its number."""
        number = next(self._numbers)
        self._write({"type": "invoke", "op": op, "id": number, **what})
        return number

    def end(self, kind: str, op: str, number: int, **what: Any) -> None:
        """It ended: ``ok``, ``fail`` or ``info``."""
        self._write({"type": kind, "op": op, "id": number, **what})

    def note(self, op: str, **what: Any) -> None:
        """Something that is no operation: a fault."""
        self._write({"type": "info", "op": op, "id": 0, **what})

    def _write(self, event: Event) -> None:
        with self._lock:
            event = {"at": round(time.monotonic() - self._began, 4), **event}
            self.events.append(event)
            if self._file is not None:
                self._file.write(msgspec.json.encode(event) + b"\n")


def read(path: Path) -> Iterator[Event]:
    """The events of a file."""
    with path.open("rb") as handle:
        for line in handle:
            yield msgspec.json.decode(line)
