"""``qenex simulate``: what it prints, how it ends, and that its line replays what broke."""

from __future__ import annotations

import json

import pytest

from engine import cli
from engine.simulation.checker import INVARIANTS
from engine.simulation.faults import FAULTS
from engine.simulation.sabotage import SABOTAGES


def test_a_run_that_holds_says_what_was_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["simulate", "--seed", "3", "--steps", "150", "--histories", "2"]) == 0
    shown = capsys.readouterr().out
    assert "Every invariant held." in shown
    assert all(name in shown for name in (*FAULTS, *INVARIANTS))


def test_a_sabotage_is_named_with_invariant_step_seed_and_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["simulate", "--sabotage", "claims-not-checked", "--json"]) == 1
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (broken,) = [record for record in records if record["kind"] == "broken"]
    assert broken["invariant"] in INVARIANTS
    assert 0 < broken["steps_in_all"] <= 10_000
    assert broken["replay"].endswith("--sabotage claims-not-checked")
    assert {record["kind"] for record in records} == {"broken", "fault", "invariant", "summary"}
    assert records[-1]["broken"] == 1
    words = broken["replay"].split()
    assert words[0] == "qenex"
    assert cli.run(words[1:]) == 1
    again = capsys.readouterr().out
    assert f"{broken['invariant']} broke at step {broken['step']} of seed {broken['seed']}" in again
    assert broken["replay"] in again


def test_the_list_names_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["simulate", "--sabotage", "list"]) == 0
    assert capsys.readouterr().out.split() == list(SABOTAGES)
    assert cli.run(["simulate", "--sabotage", "list", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["sabotage"] for record in records] == list(SABOTAGES)
    assert all(record["breaks"].endswith(".") for record in records)


def test_an_unknown_sabotage_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["simulate", "--sabotage", "nothing"]) == 2
    assert "claims-not-checked" in capsys.readouterr().err
