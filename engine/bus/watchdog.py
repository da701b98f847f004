"""The watchdog: ends a process that hangs inside a stage, so that its supervisor can start it anew.

Rule: it works although the interpreter does not (a C function that never returns and holds the lock of the
interpreter): ``faulthandler`` has a thread of its own in C, writes every thread's stack to stderr and exits with status
1. There is one such timer a process.
"""

from __future__ import annotations

import faulthandler
from typing import Protocol


class Watchdog(Protocol):
    """Told about work; must act when work goes on too long without a word."""

    def working(self, now: float) -> None:
        """A batch begins, or goes on. ``now`` in seconds of a monotonic clock."""

    def idle(self) -> None:
        """Nothing is being done."""


class NoWatchdog:
    """Never acts."""

    def working(self, now: float) -> None:
        """Nothing."""

    def idle(self) -> None:
        """Nothing."""


class HangWatchdog:
    """Ends the process when no word came for ``seconds``. Arming starts a thread, so once a second at most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._armed_at: float | None = None

    def working(self, now: float) -> None:
        """Arm anew."""
        if self._armed_at is None or now - self._armed_at >= 1.0:
            faulthandler.dump_traceback_later(self._seconds, exit=True)
            self._armed_at = now

    def idle(self) -> None:
        """Disarm."""
        if self._armed_at is not None:
            faulthandler.cancel_dump_traceback_later()
            self._armed_at = None
