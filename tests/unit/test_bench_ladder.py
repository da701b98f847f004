"""The ladder of ``qenex bench pipeline``: climbed from its middle, descended where the middle is too high."""

from __future__ import annotations

import pytest

from engine.bench.load import Sent
from engine.bench.measured import Latencies
from engine.bench.pipeline import FIRST_RUNG, LADDER, P99_MS, Run, climb


def machine(keeps: int, in_time: int, runs: list[tuple[int, float]]) -> object:
    """A machine that keeps up ``keeps`` payments a second, and ``in_time`` of them with the p99 that is promised."""

    def run(rate: int, seconds: float, warm_up: float) -> Run:
        runs.append((rate, seconds))
        p99 = P99_MS if rate <= in_time else P99_MS + 1
        behind = 0.0 if rate <= keeps else 9.0
        sent = Sent(count=1, bytes=1, repetitions=0, began=0.0, ended=1.0, late_ms=0.0, cpu_us=1.0)
        latencies = Latencies(1, 1, p99, p99, p99, p99, p99, 1.0)
        return Run(rate, seconds, warm_up, sent, latencies, behind, {}, None, (1, 1), ())

    return run


@pytest.mark.parametrize(
    ("keeps", "in_time", "best", "timely"),
    [
        (20_000, 20_000, LADDER[-1], LADDER[-1]),
        (6_500, 5_500, 6_000, 5_000),
        (5_000, 1_700, 5_000, 1_500),
        (2_200, 700, 2_000, 500),
        (FIRST_RUNG, 100, FIRST_RUNG, None),
        (100, 100, None, None),
    ],
)
def test_the_highest_rates_are_found(keeps: int, in_time: int, best: int | None, timely: int | None) -> None:
    runs: list[tuple[int, float]] = []
    found, found_timely = climb(machine(keeps, in_time, runs), 60.0)  # type: ignore[arg-type]
    assert (found and found.rate, found_timely and found_timely.rate) == (best, timely)
    assert [run.seconds for run in (found, found_timely) if run is not None] == [60.0] * sum(
        rate is not None for rate in (best, timely)
    )
    assert len(runs) <= 2 * len(LADDER)
