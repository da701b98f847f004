"""CPU of processes and of the machine between two moments, from the kernel's accounts.

Rule: a server's children count with it (Postgres runs a process a connection); the machine's total stands beside the
sum, so that other work on the machine is seen instead of blamed. Seconds of user and system time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import psutil

_TICKS = os.sysconf("SC_CLK_TCK")


def spent(pid: int) -> float:
    """CPU seconds of a process, its living children and those that it has waited for."""
    try:
        process = psutil.Process(pid)
        own = process.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        children = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return 0.0
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total += times.user + times.system
    return float(total)


def machine_busy() -> float:
    """CPU seconds that the machine has not been idle (nor stolen by its host) since it started."""
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:8]
    user, nice, system, _idle, _waiting, interrupts, soft = (int(field) for field in fields)
    return (user + nice + system + interrupts + soft) / _TICKS


class Accounts:
    """CPU of named processes since the last ``mark``."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return {**{name: spent(pid) for name, pid in self._pids.items()}, "machine": machine_busy()}

    def mark(self) -> None:
        """Count from here."""
        self._before = self._now()

    def since(self) -> dict[str, float]:
        """Seconds by process, and ``machine``."""
        now = self._now()
        return {name: now[name] - before for name, before in self._before.items()}
