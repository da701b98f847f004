"""Where an answer stands in its recipient's topic: the offset for a writer's outbox number.

Rule: an answer is published within moments of its commit, so the topics are read from the time of the commit on. What
was published much later is found by halving, for answers of one writer ascend in a topic by their number, whatever
other writers put between. What is not published yet, or was deleted by retention, is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.bus.port import Consumer, TailReader
from engine.bus.record import Record

#: Clocks of the database and the broker may differ by so much.
_MARGIN_MS = 2_000
#: Commits further apart than this are read one after the other, not with all that lies between.
_GAP_MS = 30_000
#: Published later than this after its commit: an outage, looked up by halving.
_PATIENCE_MS = 30_000
#: A lookup takes some twenty probes of 50 ms: of so many the person who waits is not told the offset.
_LATE_MAX = 50
_SILENCE_SECONDS = 10.0

#: A writer's number and the number in its outbox: the ``ce_id`` of an answer.
Number = tuple[int, int]


def number_of(record: Record) -> Number | None:
    """The writer and number of an answer, from its ``ce_id``; None for a record that is none of ours."""
    writer, _, seq = record.headers.get("ce_id", b"").decode("ascii", "replace").partition("-")
    return (int(writer), int(seq)) if writer.isdecimal() and seq.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """An answer to find: its topic, its number, when it was committed (milliseconds since 1970)."""

    topic: str
    number: Number
    committed_ms: int


Found = dict[tuple[str, Number], Record]


def locate(tails: TailReader, consumer: Consumer, wanted: Sequence[Wanted]) -> Found:
    """(topic, number) -> its record, for those that are there. Topics have one partition and exist."""
    found: Found = {}
    for window in _windows(sorted(wanted, key=lambda each: each.committed_ms)):
        _read_window(tails, window, found)
    late = sorted({(each.topic, each.number) for each in wanted} - found.keys())
    for topic, number in late[:_LATE_MAX]:
        low, high = consumer.watermarks((topic, 0))
        record = _halve(consumer, topic, number, low, high)
        if record is not None:
            found[topic, number] = record
    return found


def _windows(ordered: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Answers that were committed close to one another, together."""
    window: list[Wanted] = []
    for each in ordered:
        if window and each.committed_ms - window[-1].committed_ms > _GAP_MS:
            yield window
            window = []
        window.append(each)
    if window:
        yield window


def _read_window(tails: TailReader, window: Sequence[Wanted], found: Found) -> None:
    """Read from a little before the first commit until all have come by, or long after the last."""
    left = {(each.topic, each.number) for each in window}
    until = window[-1].committed_ms + _PATIENCE_MS
    topics = sorted({topic for topic, _ in left})
    for record in tails.since(topics, window[0].committed_ms - _MARGIN_MS):
        number = number_of(record)
        if number is not None and (record.topic, number) in left:
            left.discard((record.topic, number))
            found[record.topic, number] = record
        if not left or record.timestamp_ms > until:
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
