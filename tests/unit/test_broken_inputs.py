"""Each kind of broken input gets its expected code from parsing alone, in time, whatever the seed."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from datetime import date

import pytest

from engine.bus.record import Record
from engine.processors.parsing import ParsingFacts, parse_record
from engine.routing.directory import Directory, Reference
from engine.testbed.samples import Writer
from tools.broken_inputs import FAMILIES
from tools.broken_inputs.kinds import Kind

DAY = date(2026, 11, 23)
DATES = {"EUR-RTGS": DAY, "EUR-INST": DAY, "USD-ACH": DAY}
FACTS = ParsingFacts(Directory(1, Reference()), {}, False, defaultdict(int))
KINDS = [kind for kinds in FAMILIES.values() for kind in kinds]


def test_no_two_kinds_have_one_name() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_broken_input_is_refused_with_its_code(kind: Kind) -> None:
    writer = Writer(random.Random(kind.name).getrandbits(32), DATES)
    for _ in range(3):
        sample = kind.make(writer)
        began = time.perf_counter()
        envelopes = parse_record(Record(sample.topic, 0, 1, 0, sample.key.encode(), sample.value, {}), FACTS)
        assert time.perf_counter() - began < 5
        codes = {envelope.rejection.code if envelope.rejection else None for envelope in envelopes}
        assert codes <= kind.expected.codes, [envelope.rejection for envelope in envelopes]
        assert codes != {None}


@pytest.mark.parametrize("good", ["mt103", "pacs008", "instant", "nacha"])
def test_what_they_are_made_from_is_good(good: str) -> None:
    writer = Writer(1, DATES)
    for _ in range(20):
        sample = getattr(writer, good)()
        envelopes = parse_record(Record(sample.topic, 0, 1, 0, sample.key.encode(), sample.value, {}), FACTS)
        assert [envelope.state for envelope in envelopes] == ["RECEIVED"] * sample.payments
