"""The scenario runner agrees with right expectations and names wrong ones."""

import copy
import json

import pytest

from tools.settlement_scenarios import main, snapshot, timeline

RING = {
    "id": "ring",
    "kind": "snapshot",
    "participants": [{"id": "A", "balance": 5, "limits": {"bilateral": {"B": 40}}}, {"id": "B", "balance": 0}],
    "payments": [
        {"id": "p1", "debtor": "A", "creditor": "B", "amount": 3},
        {"id": "p2", "debtor": "A", "creditor": "B", "amount": 30},
        {"id": "p3", "debtor": "B", "creditor": "A", "amount": 31},
    ],
    "expected": {
        "fifo": {"value": 64, "settled": ["p1", "p2", "p3"], "end_balances": {"A": 3, "B": 2}},
        "gross": {"value": 3, "settled": ["p1"]},
    },
}
DAY = {
    "id": "day",
    "kind": "timeline",
    "participants": [{"id": "A", "balance": 5}, {"id": "B", "balance": 0}],
    "payments": [
        {"id": "p1", "debtor": "A", "creditor": "B", "amount": 9},
        {"id": "p2", "debtor": "A", "creditor": "B", "amount": 9, "tick": 1, "no_wait": True},
        {"id": "p3", "debtor": "B", "creditor": "A", "amount": 50},
        {"id": "p4", "debtor": "B", "creditor": "A", "amount": 1, "tick": 12},
    ],
    "events": [
        {"tick": 2, "type": "liquidity", "id": "t1", "participant": "A", "amount": -6},
        {"tick": 3, "type": "credit_line", "participant": "A", "value": 4},
        {"tick": 11, "type": "close"},
    ],
    "expected": {
        "settled": {"3": ["p1"]},
        "final": {"p2": "REJECTED", "t1": "REJECTED", "p3": "REJECTED", "p4": "REJECTED"},
        "end_balances": {"A": -4, "B": 9},
    },
}


def test_right_expectations_agree():
    assert snapshot(RING) == []
    assert timeline(DAY) == []


@pytest.mark.parametrize(
    ("case", "run", "path", "value"),
    [
        (RING, snapshot, ("fifo", "value"), 63),
        (RING, snapshot, ("fifo", "settled"), ["p1"]),
        (RING, snapshot, ("fifo", "end_balances"), {"A": 5, "B": 0}),
        (RING, snapshot, ("gross", "settled"), ["p2"]),
        (DAY, timeline, ("settled",), {"2": ["p1"]}),
        (DAY, timeline, ("final",), {}),
        (DAY, timeline, ("end_balances",), {"A": 0, "B": 5}),
    ],
)
def test_wrong_expectations_are_named(case, run, path, value):
    wrong = copy.deepcopy(case)
    inner = wrong["expected"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert any(line.startswith(".".join(path)) for line in run(wrong))


def test_a_folder(tmp_path, capsys):
    (tmp_path / "cases").mkdir()
    assert main([str(tmp_path)]) == 1  # nothing found is no agreement
    for case in (RING, DAY):
        (tmp_path / "cases" / f"{case['id']}.json").write_text(json.dumps(case))
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("snapshot: 1 of 1 agree\ntimeline: 1 of 1 agree\n")
    assert main([str(tmp_path), "--json"]) == 0
    assert [json.loads(line)["differences"] for line in capsys.readouterr().out.splitlines()] == [[], []]
