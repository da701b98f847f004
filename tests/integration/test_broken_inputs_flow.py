"""Broken inputs of each family through the topics, signed, while good payments flow: each gets its code and its answer.

``python -m tools.broken_inputs`` does the same with a thousand of each family and prints the table.
"""

from __future__ import annotations

import pytest

from engine.testbed.bed import Bed
from tools.broken_inputs.run import Report, run

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def report(bed: Bed) -> Report:
    restarts = sum(bed.restarts.values())
    with bed.tended():
        found = run(bed, seed=20, per_family=200, name="Q")
    assert sum(bed.restarts.values()) == restarts, "a broken input has ended a worker"
    return found


def test_each_gets_its_expected_code_and_one_answer(report: Report) -> None:
    assert [row.record() for row in report.rows if row.wrong] == []
    assert sum(row.sent for row in report.rows) == 3 * 200 + 3


def test_good_payments_settle_and_an_accepted_file_is_accepted_once(report: Report) -> None:
    assert report.good.wrong == []
    assert report.repeated.wrong == []
    assert (report.good.sent, report.repeated.sent) == (200 + 20, 20)


def test_nothing_is_lost_and_every_invariant_holds(report: Report) -> None:
    assert [check.record() for check in report.checks if not check.ok] == []
