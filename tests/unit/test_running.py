"""A process of writers works on until its answers are out, and hands over each writer as soon as it can."""

import pytest

from engine.bus.record import Record
from engine.processors import running
from engine.processors.running import WriterProcess
from engine.store.leases import Lease


class Quiet:
    """Metrics that nobody reads."""

    def batch(self, *_):
        pass

    done = batch

    def lease(self, *_, **__):
        pass


class Consumer:
    """A record for each reading, of the partitions that are assigned; how long each reading would have waited."""

    def __init__(self):
        self.assigned = {}
        self.lingers = []

    def assign(self, positions):
        self.assigned = dict(positions)

    def position(self):
        return self.assigned

    def poll_batch(self, limit, linger):
        self.lingers.append(linger)
        return [Record(topic, number, at, 0, None, b"", {}) for (topic, number), at in self.assigned.items()]

    def pause(self, places):
        pass

    resume = pause


class Book:
    """A writer that has ``answers`` to let out, one with each tick."""

    def __init__(self, name, number, log, answers=0, finishes=True):
        self.name = name
        self.number = number
        self.log = log
        self.answers = answers
        self.finishes = finishes

    def places(self):
        return [("routed", self.number)]

    def start(self, lease):
        return {("routed", self.number): 0}

    def load(self, lease):
        self.log.append(f"{self.name} loaded")

    def process(self, records):
        self.log.append(f"{self.name} decides")
        return len(records)

    def paused(self):
        return ()

    def tick(self, now):
        self.answers = max(0, self.answers - 1)

    def waits(self):
        return self.answers > 0

    def close(self):
        self.log.append(f"{self.name} closed")
        if isinstance(self.finishes, Exception):
            raise self.finishes
        return self.finishes


@pytest.fixture
def log(monkeypatch):
    """What happened, in order; every lease is free, and is given up into it."""
    said = []
    monkeypatch.setattr(running.leases, "free", lambda _c, names, _o: names)
    monkeypatch.setattr(running.leases, "renew", lambda *_: None)
    monkeypatch.setattr(running.leases, "take", lambda _c, name, _o: Lease(name, 1, 1))
    monkeypatch.setattr(
        running.leases, "give_up",
        lambda _c, lease, *, finished=False: said.append(f"{lease.writer} {'finished' if finished else 'left'}"),
    )  # fmt: skip
    return said


def made(*books):
    consumer, clock = Consumer(), iter(x / 100 for x in range(10_000))
    process = WriterProcess(
        books, consumer, None, "here/1", limit=10, linger=0.02, metrics=Quiet(), clock=lambda: next(clock),
        sleep=lambda _: None,
    )  # fmt: skip
    return process, consumer


def test_a_process_that_leaves_decides_on_until_its_answers_are_out(log):
    book = Book("one", 0, log, answers=4)
    process, _ = made(book)
    process.step()
    del log[:]
    process.stop()
    process.run()
    assert log == ["one decides"] * 3 + ["one closed", "one finished"]


def test_it_does_not_wait_for_answers_for_ever(log):
    book = Book("one", 0, log, answers=10_000)
    process, _ = made(book)
    process.step()
    process.stop()
    process.run()
    assert log[-2:] == ["one closed", "one finished"]
    assert 1 < log.count("one decides") < 20


def test_each_writer_is_free_before_the_next_one_is_closed(log):
    process, _ = made(Book("one", 0, log), Book("two", 1, log, finishes=False))
    process.step()
    process.step()
    del log[:]
    process.stop()
    process.run()
    assert log == ["one closed", "one finished", "two closed", "two left"]


def test_who_cannot_finish_says_so(log):
    process, _ = made(Book("one", 0, log, finishes=OSError("the broker is away")), Book("two", 1, log))
    process.step()
    process.step()
    del log[:]
    process.stop()
    with pytest.raises(OSError, match="the broker is away"):
        process.run()
    assert log == ["one closed", "one left", "two left"]
    assert process.owned == []


def test_no_payment_waits_for_a_fuller_batch_while_books_are_taken_over(log):
    process, consumer = made(Book("one", 0, log), Book("two", 1, log))
    for _ in range(4):
        process.step()
    assert consumer.lingers == [0.0, 0.0, 0.02, 0.02]
    assert log[:4] == ["one loaded", "one decides", "two loaded", "one decides"]
