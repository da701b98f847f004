"""An answer is found in its recipient's topic, however late it was published and whoever published between."""

from __future__ import annotations

import pytest

from engine.bus.memory import MemoryBus
from engine.bus.record import Outgoing
from engine.locating import Wanted, locate

TOPIC = "outbound.ALPHDEFFXXX"
HOUR = 3_600_000


class Clock:
    """Milliseconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def published(numbers: list[tuple[int, int, int]]) -> MemoryBus:
    """A topic with answers (writer, number, time in milliseconds) in this order."""
    clock = Clock()
    bus = MemoryBus(now_ms=clock)
    bus.create_topic(TOPIC, 1)
    producer = bus.producer()
    for writer, seq, at in numbers:
        clock.now = at
        producer.send(Outgoing(TOPIC, 0, None, b"x", {"ce_id": f"{writer}-{seq}".encode()}))
        producer.flush(1)
    return bus


def found(bus: MemoryBus, *wanted: tuple[int, int, int]) -> list[int | None]:
    asked = [Wanted(TOPIC, (writer, seq), at) for writer, seq, at in wanted]
    there = locate(bus.tail_reader(), bus.consumer("trace"), asked)
    return [there[TOPIC, each.number].offset if (TOPIC, each.number) in there else None for each in asked]


#: Two writers, the second three times as busy; one answer a second.
MIXED = [(1 if n % 4 == 0 else 2, n, n * 1_000) for n in range(1, 400)]


@pytest.mark.parametrize("place", [0, 1, 57, 200, 398])
def test_by_the_time_of_its_commit(place: int) -> None:
    writer, seq, at = MIXED[place]
    assert found(published(MIXED), (writer, seq, at)) == [place]


@pytest.mark.parametrize("place", [0, 3, 57, 200, 398])
def test_by_halving_when_it_was_published_long_after_its_commit(place: int) -> None:
    late = [(writer, seq, at + 10 * HOUR) for writer, seq, at in MIXED]
    writer, seq, at = MIXED[place]
    assert found(published(late), (writer, seq, at)) == [place]


def test_many_at_once_and_those_that_are_not_there() -> None:
    asked = [*MIXED[::7], (1, 5_000, 399_000), (3, 1, 1_000)]
    assert found(published(MIXED), *asked) == [*range(0, len(MIXED), 7), None, None]


def test_records_without_our_numbers_are_passed_over() -> None:
    bus = published([(1, 1, 0)])
    producer = bus.producer()
    for identity in (b"\xff", b"1-x", b"", "1-²".encode()):
        producer.send(Outgoing(TOPIC, 0, None, b"x", {"ce_id": identity}))
    producer.send(Outgoing(TOPIC, 0, None, b"x", {}))
    producer.send(Outgoing(TOPIC, 0, None, b"x", {"ce_id": b"1-2"}))
    producer.flush(1)
    assert found(bus, (1, 2, 0)) == [6]
