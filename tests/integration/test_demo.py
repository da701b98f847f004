"""The demonstration's story on a real stack, twice: every message becomes what the story says, or this fails."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.commands.demo import record
from engine.demo.story import SCENES
from engine.demo.telling import Told, sums, tell
from engine.stack.local import LocalStack

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def told() -> Iterator[list[Told]]:
    """Two runs on one stack, a second apart at least: their references carry the second."""
    root = Path(tempfile.mkdtemp(prefix="qenex-demo-"))
    root.chmod(0o755)  # Postgres runs as another user when root runs the tests
    try:
        with LocalStack(root / "data", workers=True) as stack:
            yield [tell(stack.settings, lambda _: None) for _ in range(2)]
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.mark.parametrize("run", [0, 1])
def test_each_message_becomes_what_it_should(told: list[Told], run: int) -> None:
    assert {each.scene.name: problems for each in told[run].played if (problems := each.problems())} == {}
    assert [each.scene.name for each in told[run].played] == [scene.name for scene in SCENES]


@pytest.mark.parametrize("run", [0, 1])
def test_no_money_comes_or_goes_and_every_invariant_holds(told: list[Told], run: int) -> None:
    assert sums(told[run].before) == sums(told[run].after)
    assert set(sums(told[run].after)) == {"EUR-RTGS", "EUR-INST", "USD-RTGS", "USD-ACH"}
    assert [verdict.detail for verdict in told[run].verdicts if not verdict.ok] == []
    assert told[run].ok


def test_money_has_moved(told: list[Told]) -> None:
    assert [view.balance for view in told[0].before] != [view.balance for view in told[0].after]


def test_a_second_run_begins_where_the_first_ended(told: list[Told]) -> None:
    assert told[1].before == told[0].after
    assert told[0].run.name != told[1].run.name


def test_the_record_is_that_of_send_with_what_went_out(told: list[Told]) -> None:
    found = {each.scene.name: record(each, told[0]) for each in told[0].played}
    first = found["mt103"]
    assert first["topic"] == "ingest.swift-mt"
    assert first["outcome"] == "SETTLED"
    assert [payment["state"] for payment in first["payments"]] == ["SETTLED"]
    assert {row["topic"] for row in first["outgoing"]} == {"outbound.AURODEFFXXX", "outbound.LUMIFRPPXXX"}
    assert all(isinstance(row["offset"], int) for each in found.values() for row in each["outgoing"])
    place = f"{first['topic']}/{first['partition']}/{first['offset']}"
    assert found["duplicate"]["duplicate_of"] == place
    assert sorted(payment["state"] for payment in found["ach-one-bad"]["payments"]) == ["REJECTED", *["SETTLED"] * 2]
    assert found["sct-inst"]["topic"] == "ingest.sepa"
    assert Path(first["file"]).name == "mt103.fin"


@pytest.mark.parametrize(
    "wrong",
    [{"outcome": "REJECTED"}, {"first": "QUEUED"}, {"reasons": ("AM04",)}, {"answers": ("AURODEFFXXX: NAK",)}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_another_fate_than_the_story_has_is_told(told: list[Told], wrong: dict[str, object]) -> None:
    played = dataclasses.replace(told[0].played[0], scene=dataclasses.replace(SCENES[0], **wrong))
    assert len(played.problems()) == 1
    assert not dataclasses.replace(told[0], played=[played]).ok


def test_an_answer_that_did_not_come_to_its_topic_is_told(told: list[Told]) -> None:
    assert dataclasses.replace(told[0].played[0], offsets={}).problems() == [
        "3 of its answers did not come to their topics"
    ]
