"""Where an answer stands in its recipient's topic: the offset for a writer's outbox number.

Rule: answers of one writer ascend in a topic by their number, whatever other writers put between; so a few are found by
halving, many by one pass from the first. What is not published yet, or was deleted by retention, is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.bus.port import Consumer
from engine.bus.record import Record

#: Up to so many in one topic are looked up one by one.
_FEW = 16
_SILENCE_SECONDS = 10.0

#: A writer's number and the number in its outbox: the ``ce_id`` of an answer.
Number = tuple[int, int]


def number_of(record: Record) -> Number | None:
    """The writer and number of an answer, from its ``ce_id``; None for a record that is none of ours."""
    writer, _, seq = record.headers.get("ce_id", b"").decode("ascii", "replace").partition("-")
    return (int(writer), int(seq)) if writer.isdecimal() and seq.isdecimal() else None


def locate(consumer: Consumer, wanted: Mapping[str, Iterable[Number]]) -> dict[tuple[str, Number], Record]:
    """(topic, number) -> its record, for those that are there. Topics have one partition and exist."""
    found: dict[tuple[str, Number], Record] = {}
    for topic, numbers in wanted.items():
        left = set(numbers)
        low, high = consumer.watermarks((topic, 0))
        if len(left) <= _FEW:
            for number in sorted(left):
                record = _halve(consumer, topic, number, low, high)
                if record is not None:
                    found[topic, number] = record
        else:
            _pass(consumer, topic, left, (low, high), found)
    return found


def _pass(
    consumer: Consumer, topic: str, left: set[Number], ends: tuple[int, int], found: dict[tuple[str, Number], Record]
) -> None:
    """Read from the first of them until all have come by."""
    low, high = ends
    firsts = {min(number for number in left if number[0] == writer) for writer, _ in left}
    starts = [_halve(consumer, topic, number, low, high) for number in firsts]
    at = low if any(start is None for start in starts) else min(start.offset for start in starts if start)
    for record in _from(consumer, topic, at, high):
        number = number_of(record)
        if number in left:
            left.discard(number)
            found[topic, number] = record
            if not left:
                return


def _halve(consumer: Consumer, topic: str, number: Number, low: int, high: int) -> Record | None:
    """The record of one answer among offsets ``low`` to before ``high``."""
    writer, seq = number
    while low < high:
        middle = (low + high) // 2
        probe = _first_of(consumer, topic, writer, middle, high)
        if probe is None:
            high = middle
            continue
        record, there = probe
        if there == seq:
            return record
        if there < seq:
            low = record.offset + 1
        else:
            high = middle
    return None


def _first_of(consumer: Consumer, topic: str, writer: int, start: int, end: int) -> tuple[Record, int] | None:
    for record in _from(consumer, topic, start, end):
        number = number_of(record)
        if number is not None and number[0] == writer:
            return record, number[1]
    return None


def _from(consumer: Consumer, topic: str, start: int, end: int) -> Iterable[Record]:
    """Records from an offset to before another."""
    consumer.assign({(topic, 0): start})
    at = start
    while at < end:
        records = consumer.poll_batch(1, _SILENCE_SECONDS)
        if not records:
            return
        for record in records:
            if record.topic != topic or record.offset < start:
                continue  # fetched for the assignment before
            if record.offset >= end:
                return
            at = record.offset + 1
            yield record
