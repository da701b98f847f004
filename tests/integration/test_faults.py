"""Some short cases of the fault matrix on real processes; the others are played by `qenex faults`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from engine.faults.matrix import KEPT, Matrix, folder_of
from engine.faults.rows import CASES, Case

pytestmark = [pytest.mark.integration, pytest.mark.slow]
QUICK = [case for case in CASES if case.quick]


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """The matrix sets its workers' settings in the environment of the process: here others come after it."""
    with mock.patch.dict(os.environ):
        yield


def test_the_quick_cases_are_kept() -> None:
    with folder_of(None) as folder:
        results = list(Matrix(folder, 1, print).play(QUICK))
    assert [(result.case, result.broken) for result in results if result.verdict != KEPT] == []
    assert [result.case for result in results] == [case.name for case in QUICK]
    assert all(result.injected and result.messages and result.checks for result in results)


def test_a_case_that_cannot_be_played_says_why(tmp_path: Path) -> None:
    (result,) = Matrix(tmp_path, 1, print).play([Case(7, "later", "something", "I8", skip=lambda: "not here")])
    assert (result.verdict, result.notes, result.injected) == ("not runnable here", ["not here"], 0)
