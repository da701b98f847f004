"""Settlement worker, broker and Postgres are killed under load; afterwards nothing is lost, doubled or sent twice.

``python -m tools.under_fire`` is the long form: two minutes at 500 messages a second, a fault every eight seconds.
"""

from __future__ import annotations

import os

import pytest

from engine.testbed.bed import Bed
from tools.under_fire import NAMED, Report, plan, run

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SEED = int(os.environ.get("TEST_SEED", "11"))


@pytest.fixture(scope="module")
def report(bed: Bed) -> Report:
    return run(bed, seed=SEED, seconds=25, rate=300, every=7.0, name="U", say=print)


def test_each_named_piece_was_killed(report: Report) -> None:
    assert {fault["piece"] for fault in report.faults} >= set(NAMED)
    assert report.restarts["worker.settlement"] >= 1


def test_every_check_holds(report: Report) -> None:
    assert [check.record() for check in report.checks if not check.ok] == []
    assert report.ok


def test_the_same_seed_gives_the_same_faults() -> None:
    assert plan(5, 120, 8) == plan(5, 120, 8) != plan(6, 120, 8)
    assert all(len({fault.piece for fault in plan(seed, 120, 8)[:3]} & set(NAMED)) == 3 for seed in range(50))
