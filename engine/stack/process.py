"""A process that we started, in this life of ours or in an earlier one.

Rule: a process is known by its id *and* its start time, so that an id that the kernel has given to someone else is
never signalled. Processes get a session of their own: an interrupt at the terminal does not reach them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

_LOG_MAX_BYTES = 20_000_000  # at start, a longer log is set aside as NAME.1, replacing the one before


class Running:
    """A process by id and start time; ``popen`` when it is a child of this process."""

    def __init__(self, pid: int, started: float, popen: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.started = started
        self._popen = popen

    @classmethod
    def find(cls, pid: int, started: float) -> Running | None:
        """The process of an earlier life if it still runs."""
        running = cls(pid, started)
        return running if running.alive() else None

    def alive(self) -> bool:
        """Whether it runs; a child that ended is reaped by this."""
        if self._popen is not None:
            return self._popen.poll() is None
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 0.05
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    @property
    def ended(self) -> str:
        """How it ended, in words."""
        code = None if self._popen is None else self._popen.poll()
        if code is None:
            return "ended"
        if code >= 0:
            return f"ended with status {code}"
        return f"was ended by {signal.Signals(-code).name}"

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it ended."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def detach(self) -> None:
        """Let it live on without us: it is no longer our child to wait for."""
        if self._popen is not None:
            self._popen.returncode = 0  # else the interpreter complains that a child is left running
            self._popen = None

    def stop(self, number: int, seconds: float) -> None:
        """Ask it to end, wait, then end it by force."""
        self.signal(number)
        if not self.wait(seconds):
            self.signal(signal.SIGKILL)
            self.wait(5)


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    user: tuple[int, int] | None = None,
) -> Running:
    """Start a process in the background, its output appended to ``log``; ``user`` is (uid, gid) to run as."""
    if log.exists() and log.stat().st_size > _LOG_MAX_BYTES:
        log.replace(log.with_suffix(log.suffix + ".1"))
    uid, gid = user or (None, None)
    with log.open("ab") as output:
        popen = subprocess.Popen(  # noqa: S603  (the command is ours, never an input)
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=None if user is None else [],
        )
    try:
        started = psutil.Process(popen.pid).create_time()
    except psutil.NoSuchProcess:  # ended and reaped already; `alive` will say so
        started = 0.0
    return Running(popen.pid, started, popen)


def last_lines(log: Path, count: int = 3) -> str:
    """The last lines of a log that say something, on one line, for a sentence to a person."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(0, log.stat().st_size - 8_192))
            lines = handle.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return " | ".join(line[:300] for line in said[-count:])
