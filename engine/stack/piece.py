"""What Kafka, Postgres and a worker have in common: how a piece is made ready, started, asked and stopped.

Rule: a piece knows its files and its command, not who runs it; the supervisor and the tests' `LocalStack` drive it in
the same way: `prepare` (idempotent), `start`, `ready` until true, later `stop`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from engine.errors import BrokenPiece
from engine.stack.process import Running, last_lines

Say = Callable[[str], None]


class Piece(Protocol):
    """One process of the stack."""

    name: str
    label: str  # what a person calls it
    log: Path
    port: int  # 0: not known yet
    stop_signal: int
    stop_seconds: float

    def prepare(self, say: Say) -> None:
        """Make its folder and its configuration, choose its port; the process does not run."""

    def start(self) -> Running:
        """Start the process."""

    def ready(self, running: Running) -> bool:
        """Whether it does its work now; answers within about two seconds."""

    def finish(self, say: Say) -> None:
        """What is to be done once it is ready, each time it was started by hand; idempotent."""


def await_ready(piece: Piece, running: Running, seconds: float, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Wait until a piece is ready; False when asked to stop; BrokenPiece when it ended or did not get ready in time."""
    deadline = time.monotonic() + seconds
    while not piece.ready(running):
        if stopping():
            return False
        if not running.alive():
            raise BrokenPiece(f"{piece.label} does not start: it {running.ended}. {_end_of(piece.log)}")
        if time.monotonic() > deadline:
            raise BrokenPiece(f"{piece.label} was not ready within {seconds:.0f} s. {_end_of(piece.log)}")
        time.sleep(0.1)
    return True


def _end_of(log: Path) -> str:
    said = last_lines(log)
    return f"The end of {log}: {said}" if said else f"Its log {log} is empty."
