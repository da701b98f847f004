"""Seeded histories with faults keep every invariant, and what is planted to break one is found."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from engine.simulation import run
from engine.simulation.checker import INVARIANTS
from engine.simulation.faults import FAULTS
from engine.simulation.history import Verdict
from engine.simulation.sabotage import SABOTAGES

BANK = Path(run.__file__).with_name("bank.py")
HISTORIES = 200
#: What has to happen in many histories: commands, cases, states that were decided first, later, and by a case.
HAPPENS = (
    "stop", "resume", "cut-off", "close-day", "open-day", "cancel", "move", "priority", "set-credit-line",
    "case: release", "case: reject", "case: block", "first: WAREHOUSED", "first: HELD", "first: DUPLICATE",
    "later: SETTLED", "later: QUEUED", "later: REJECTED", "later: CANCELLED",
    "next: SETTLED", "next: QUEUED", "next: REJECTED", "next: BLOCKED", "next: HELD", "next: WAREHOUSED",
)  # fmt: skip
#: Seeds that broke something once, each with its steps.
REGRESSIONS = (
    (127, 300), (117, 300), (6, 300), (110, 300), (1041, 1000), (1046, 1000), (82, 1000), (9, 1000), (24, 1000),
)  # fmt: skip


def told(verdict: Verdict, steps: int) -> str:
    return f"{verdict.invariant}: {verdict.text}\nreplay: {run.command_line(verdict, steps)}"


@pytest.mark.slow
def test_histories_keep_every_invariant_under_every_fault() -> None:
    faults: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    payments = 0
    for verdict in run.run_many(1, run.STEPS, HISTORIES, jobs=2):
        assert verdict.invariant is None, told(verdict, run.STEPS)
        assert verdict.steps == run.STEPS
        faults += verdict.faults
        checked += verdict.checked
        seen += verdict.seen
        payments += verdict.payments
    assert payments > 100 * HISTORIES
    assert faults.keys() == FAULTS.keys()
    assert min(faults.values()) >= 20
    assert checked.keys() == INVARIANTS.keys()
    assert {what: seen[what] for what in HAPPENS if seen[what] < 5} == {}


def test_a_few_histories_keep_every_invariant() -> None:
    for seed in range(9_001, 9_009):
        verdict = run.run(seed, 500)
        assert verdict.invariant is None, told(verdict, 500)


@pytest.mark.parametrize(("seed", "steps"), REGRESSIONS)
def test_what_broke_once_holds(seed: int, steps: int) -> None:
    verdict = run.run(seed, steps)
    assert verdict.invariant is None, told(verdict, steps)


def test_the_same_seed_is_the_same_history_bit_for_bit() -> None:
    first, again, other = (run.run(seed, 400, digest=True) for seed in (42, 42, 43))
    assert first == again
    assert first.digest != other.digest
    assert len(first.digest) == 64


def test_another_process_makes_the_same_history() -> None:
    """Not even the order of sets, which differs between processes, may matter."""
    script = "from engine.simulation import run; print(run.run(61, 300, digest=True).digest)"
    found = [
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert found[0] == found[1] == run.run(61, 300, digest=True).digest


def test_nobody_waits_in_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seconds: float) -> None:
        raise AssertionError(f"{seconds} real seconds")

    monkeypatch.setattr("time.sleep", refuse)
    assert sum(run.run(seed, 600).faults["restart"] for seed in range(50, 54)) > 0


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_sabotage_is_found(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = list(run.run_many(1, run.STEPS, run.SABOTAGE_HISTORIES, name))
    found, steps = verdicts[-1], sum(verdict.steps for verdict in verdicts)
    assert found.invariant in INVARIANTS, f"{name} was not found in {steps} steps"
    assert steps <= 10_000
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {found.invariant} after {steps} steps (seed {found.seed})")


def test_a_sabotage_leaves_nothing_behind() -> None:
    before = run.run(77, 300, digest=True)
    for name in SABOTAGES:
        run.run(77, 60, name)
    assert run.run(77, 300, digest=True) == before


def test_the_model_of_a_bank_is_small_and_knows_nothing_of_the_engine() -> None:
    text = BANK.read_text(encoding="utf-8")
    assert text.count("\n") <= 150
    imported = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for name in node.names}
    assert imported <= {"__future__", "dataclasses", "engine.simulation.workload"}
