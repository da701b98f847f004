"""Mutated SWIFT MT inputs give records and never an exception, and cost time in proportion to their size."""

import time
from pathlib import Path
from random import Random

import pytest

from parsers.swift_mt import read
from tools.mutations.__main__ import faults_of, main
from tools.mutations.mutate import WEIGHTS, mutated

VECTORS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "vectors" / "swift_mt").glob("*.fin"))]
#: Messages of the types with sequences, which the vectors do not have.
BATCH = (
    b"{1:F01NORDDEHHAXXX0042000017}{2:I101OSTAJPJTXXXXN}{4:\n:20:R-1\n:28D:1/1\n:50H:/77\nDELTA\n:30:261123\n:21:T-1\n"
    b":23E:URGP\n:32B:EUR250,\n:59:/88\nGAMMA\n:71A:SHA\n:21:T-2\n:32B:EUR0,\n:23E:EQUI\n:59:/88\nGAMMA\n:71A:SHA\n-}"
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mutated_inputs_give_records(seed):
    chance = Random(seed)
    faults = [faults_of(mutated([*VECTORS, BATCH], chance), number) for number in range(700)]
    assert [fault for fault in faults if fault is not None] == []


def test_the_same_seed_gives_the_same_inputs():
    one, other = Random(9), Random(9)
    assert [mutated(VECTORS, one) for _ in range(20)] == [mutated(VECTORS, other) for _ in range(20)]
    assert all(change(VECTORS[0], one) != VECTORS[0] for change in WEIGHTS if change.__name__ in {"insert", "storm"})


def test_the_command_says_what_it_did(capsys):
    assert main(["swift-mt", "--count", "30", "--seed", "4"]) == 0
    assert "30 inputs from seed 4" in capsys.readouterr().out
    assert main(["swift-mt", "--from", "/nonexistent"]) == 2


@pytest.mark.parametrize(
    "piece",
    [
        b"{",
        b"{1:F01NORDDEHHAXXX0042000017}{4:",
        b":23E:SDVA\n",
        b":21:T\n:32B:EUR1,\n:23E:URGP\n",
        b"\n:61:2611231123C5,NTRFA//",
    ],
)
@pytest.mark.parametrize("head", [b"", BATCH[:-3]])
def test_twice_the_input_costs_no_more_than_some_times_the_time(piece, head):
    def spent(size: int) -> float:
        began = time.process_time()
        read(head + piece * (size // len(piece)) + b"\n-}")
        return time.process_time() - began

    small = min(spent(40_000) for _ in range(3))
    # Eight times the size: quadratic time would be 64 times as long.
    assert min(spent(320_000) for _ in range(3)) < 24 * small + 0.05
