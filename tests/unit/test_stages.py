"""Stages take each step for a portion of records at once: nothing is lost, mixed up or out of order by it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import parsers
from engine.bus import topics
from engine.bus.record import Outgoing, Record
from engine.compliance.decision import ComplianceFacts
from engine.compliance.screening import Screener
from engine.compliance.watchlist import build
from engine.processors.parsing import ParsingFacts, parse_record, parse_records
from engine.processors.stages import DEPLOYMENTS, Facts, portions
from engine.routing.decision import RoutingFacts
from engine.routing.directory import Directory, Reference
from engine.wire import decode, encode

VECTORS = Path(__file__).parents[1] / "vectors"
TOPIC = {"swift_mt": "ingest.swift-mt", "iso20022": "ingest.iso20022", "ach": "ingest.ach"}
INPUTS = [
    (TOPIC[path.parent.name], path.read_bytes())
    for path in sorted(VECTORS.glob("*/*"))
    if path.suffix in (".fin", ".xml", ".ach")
]
BROKEN = [
    ("ingest.swift-mt", b"{1:"),
    ("ingest.iso20022", b"<Document"),
    ("ingest.ach", b"9"),
    ("ingest.swift-mt", b""),
]


def records() -> list[Record]:
    """Inputs of all families in turn, good, broken and of several messages."""
    mixed = sorted((*INPUTS, *BROKEN), key=lambda each: each[1][-40:])
    return [
        Record(topic, number % 3, number, 1_795_000_000_000 + number, b"LINDSESSXXX", value, {})
        for number, (topic, value) in enumerate(mixed)
    ]


PARSING = ParsingFacts(Directory(1, Reference()), {}, False, defaultdict(int))
FACTS = Facts(
    PARSING,
    ComplianceFacts(Screener(build("test", "2026-11-24", []))),
    RoutingFacts(PARSING.directory, "QENXDEFFXXX"),
)


class Source:
    """Facts that never change."""

    def current(self) -> Facts:
        return FACTS


def shown(messages: list[parsers.Message]) -> list[Any]:
    names = [name for name in parsers.Message.__struct_fields__ if name != "parsed"]
    return [[getattr(message, name) for name in names] for message in messages]


@pytest.mark.parametrize("family", get_args(parsers.Format))
def test_several_inputs_are_read_as_each_alone(family: parsers.Format) -> None:
    values = [value for _, value in (*INPUTS, *BROKEN)]
    together = parsers.parse_all(values, format=family)
    assert [shown(each) for each in together] == [shown(parsers.parse(value, format=family)) for value in values]


def test_records_give_the_envelopes_of_each_alone_in_order() -> None:
    together = parse_records(records(), PARSING)
    assert together == [parse_record(record, PARSING) for record in records()]
    assert [[(each.index, each.count) for each in found] for found in together] == [
        [(index, len(found)) for index in range(len(found))] for found in together
    ]


@pytest.mark.parametrize("deployment", sorted(DEPLOYMENTS))
def test_a_batch_gives_what_its_records_give_one_by_one(deployment: str) -> None:
    stage = DEPLOYMENTS[deployment][0].stage(Source())
    released = [
        Record(topics.RELEASED, 1, number, 0, None, encode(envelope), {})
        for number, record in enumerate(records()[:9])
        for envelope in parse_record(record, PARSING)
    ]
    arrived = [each for pair in zip(records(), [*released, *records()], strict=False) for each in pair]

    def sent(found: list[Outgoing]) -> list[object]:
        return [(each.topic, each.partition, msgspec.structs.asdict(decode(each.value))) for each in found]

    assert sent(stage.process(arrived)) == sent([out for record in arrived for out in stage.process([record])])
    assert len(stage.process(arrived)) >= len(arrived)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1], [1]),
        ([1] * 64, [64]),
        ([1] * 65, [64, 1]),
        ([300_000, 1, 1], [1, 2]),
        ([1, 300_000, 1], [1, 1, 1]),
        ([200_000, 60_000, 10_000], [2, 1]),
    ],
)
def test_a_portion_is_bounded_in_records_and_in_bytes(sizes: list[int], expected: list[int]) -> None:
    batch = [Record("ingest.ach", 0, number, 0, None, b"x" * size, {}) for number, size in enumerate(sizes)]
    found = list(portions(batch))
    assert [len(portion) for portion in found] == expected
    assert [record for portion in found for record in portion] == batch
