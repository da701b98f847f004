"""The demonstration's samples: each is used, filled without a rest, read as meant, and different in each run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest

import parsers
from engine import participants
from engine.demo.samples import Run, filled
from engine.demo.story import SCENES, Scene
from payments import Money
from settlement.schemes import BOOKS

AT = datetime(2026, 11, 24, 9, 30, 15, tzinfo=UTC)
RUN = Run(AT, dict.fromkeys(BOOKS, date(2026, 11, 25)))
SENT = [scene for scene in SCENES if scene.sample]
REFUSED = {"mt103-wrong-date": "T50", "pacs.008-invalid": "FF01", "ach-one-bad": "R28"}


def message(scene: Scene, run: Run = RUN) -> parsers.Message:
    (found,) = parsers.parse(filled(scene.sample, run, 1, Money(1_234_567, "EUR")))
    return found


@pytest.mark.parametrize("scene", SENT, ids=lambda scene: scene.name)
def test_a_sample_has_only_the_fault_it_should_have(scene: Scene) -> None:
    codes = [finding.code for finding in message(scene).errors()]
    assert codes == ([REFUSED[scene.name]] if scene.name in REFUSED else [])


@pytest.mark.parametrize("scene", SENT, ids=lambda scene: scene.name)
def test_value_dates_are_the_business_date(scene: Scene) -> None:
    assert {payment.value_date for payment in message(scene).payments} <= {"2026-11-25"}


@pytest.mark.parametrize("scene", SENT, ids=lambda scene: scene.name)
def test_two_runs_of_one_minute_have_other_references(scene: Scene) -> None:
    later = Run(AT + timedelta(seconds=2), RUN.dates)
    assert message(scene).reference != message(scene, later).reference


def test_every_sample_is_sent() -> None:
    there = {path.name for path in files("engine.demo").joinpath("samples").iterdir() if not path.name.startswith("_")}
    assert there == {scene.sample for scene in SENT}


def test_the_banks_can_be_imported_and_are_the_only_ones_named() -> None:
    raw = files("engine.demo").joinpath("banks.json").read_bytes()
    banks = participants.check(participants.read(raw, "banks.json"), "banks.json")
    known = {bank.id for bank in banks} | {bank.routing_number for bank in banks}
    assert {message(scene).sender for scene in SENT} <= known
    assert {answer.split(":")[0] for scene in SCENES for answer in scene.answers} <= {bank.id for bank in banks}


def test_scenes_have_names_of_their_own_and_refer_to_earlier_ones() -> None:
    names = [scene.name for scene in SCENES]
    assert len(set(names)) == len(names)
    for number, scene in enumerate(SCENES):
        for other in (scene.repeats, scene.reference_of):
            assert other is None or other in names[:number]
