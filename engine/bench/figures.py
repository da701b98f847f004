"""What a bench gives: figures with conditions and peers, and the calibration that makes two machines comparable.

Rule: a figure's fields are those of the public record (CONTRACTS, Measuring). ``ratio`` says how many times better the
figure is than its peer, whichever direction is better.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

Better = Literal["higher", "lower"]
Say = Callable[[str], None]

_CALIBRATION_SECONDS = 0.5
_CALIBRATION_ROUNDS = 3
_GLANCE_SECONDS = 0.3


class Figure(msgspec.Struct, kw_only=True):
    """One row. ``peer`` is what the value is set beside, None when there is none to be had (``conditions`` say why)."""

    bench: str
    case: str
    value: float | int
    unit: str
    better: Better
    peer: str | None = None
    peer_value: float | int | None = None
    ratio: float | None = None
    conditions: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the command line asks for; None: the bench's own. ``case``: that one alone."""

    seconds: float | None = None
    count: int | None = None
    rate: int | None = None
    case: str | None = None

    def wants(self, *cases: str) -> bool:
        """Whether one of these cases is asked for."""
        return self.case is None or self.case in cases


def against(figure: Figure, peer: str, peer_value: float) -> Figure:
    """The figure with its peer and the ratio."""
    figure.peer, figure.peer_value = peer, rounded(peer_value)
    if figure.value and peer_value:
        better = figure.value / peer_value if figure.better == "higher" else peer_value / figure.value
        figure.ratio = round(better, 2)
    return figure


def rounded(value: float) -> float | int:
    """Four significant digits at least; whole from 100 on."""
    return round(value) if abs(value) >= 100 else float(f"{value:.4g}")


def calibration(bench: str) -> Figure:
    """Iterations a second of a fixed workload in pure Python; the best of three rounds."""
    best = max(_iterations(_CALIBRATION_SECONDS) for _ in range(_CALIBRATION_ROUNDS))
    conditions = (
        f"one iteration: 200 steps over text, dictionaries and whole numbers; best of {_CALIBRATION_ROUNDS} rounds of"
        f" {_CALIBRATION_SECONDS:g} s; {platform.python_implementation()} {platform.python_version()},"
        f" {platform.machine()}, {_cores()} cores"
    )
    return Figure(
        bench=bench,
        case="calibration",
        value=rounded(best),
        unit="iterations/s",
        better="higher",
        conditions=conditions,
    )


def speed() -> int:
    """The calibration workload for a moment: whether the machine is still as fast as it was (iterations/s)."""
    return round(_iterations(_GLANCE_SECONDS))


def _iterations(seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(20):
            _workload()
        done += 20
    return done / spent


def _workload() -> int:
    seen: dict[str, int] = {}
    total = 0
    for step in range(200):
        word = f":{step % 61:02d}K:/{step * 7919 % 10_007}"
        total += int(word.partition("/")[2]) % 97
        seen[word] = seen.get(word, 0) + len(word)
    return total + len(seen)


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


def median(values: list[float]) -> float:
    """The middle one (the lower of two)."""
    return sorted(values)[(len(values) - 1) // 2]
