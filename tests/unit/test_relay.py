"""The relay publishes by turns: order per recipient, nothing before the archive has it, a crowd gathers."""

from datetime import UTC, datetime

import pytest

from engine import ids
from engine.bus.record import Outgoing, Record
from engine.bus.topics import outbound_topic
from engine.processors import relay as relay_module
from engine.processors.batch import Answer, Posted
from engine.processors.relay import Relay

ALBA, BORA, CITO = "ALBADEFFXXX", "BORAFRPPXXX", "CITOITMMXXX"


class Producer:
    """Keeps what is sent."""

    def __init__(self):
        self.sent: list[Outgoing] = []

    def send(self, outgoing):
        self.sent.append(outgoing)

    def poll(self, timeout=0.0):
        pass

    def flush(self, timeout):
        pass

    def pending(self):
        return 0


@pytest.fixture
def archived(monkeypatch):
    """Source 1 is archived up to this offset; the relay asks as it would ask Postgres."""
    covered = {1: 0}
    monkeypatch.setattr(relay_module.store, "archived", lambda _connection: dict(covered))
    monkeypatch.setattr(relay_module.store, "checkpoint", lambda *_: None)
    return covered


def posted(seq, offset, recipient):
    return Posted(seq, ids.payment_id(1, offset, 0), Answer(recipient, "ACK", str(seq).encode()))


def made(longest_wait=1.0):
    producer = Producer()
    return Relay(None, producer, 7, "test", longest_wait=longest_wait), producer


def sequences(producer):
    return [int(one.value) for one in producer.sent]


def test_nothing_goes_before_the_archive_has_it(archived):
    relay, producer = made()
    relay.offer([posted(1, 0, ALBA), posted(2, 1, ALBA)], [])
    relay.pump(0.0)
    assert sequences(producer) == []
    archived[1] = 1
    relay.pump(1.0)
    assert sequences(producer) == [1]


def test_an_old_payment_released_last_does_not_hide_that_the_archive_went_on(archived):
    relay, producer = made()
    archived[1] = 5
    relay.offer([posted(1, 0, ALBA)], [])
    relay.pump(0.0)
    relay.offer([posted(2, 9, ALBA), posted(3, 1, BORA)], [])
    archived[1] = 10
    relay.pump(2.0)
    assert sequences(producer) == [1, 2, 3]


def crowd(count, first=1):
    return [posted(first + place, place, f"ABCDDEFF{place:03d}") for place in range(count)]


def test_a_few_recipients_go_at_once_and_a_crowd_takes_turns(archived):
    relay, producer = made()
    archived[1] = 1_000
    relay.offer(crowd(100), [])
    relay.pump(10.0)
    assert sequences(producer) == list(range(1, 21))
    relay.pump(10.0075)
    assert sequences(producer) == list(range(1, 23))
    relay.pump(10.0325)
    assert sequences(producer) == list(range(1, 28))


def test_who_waits_gathers_all_that_comes_for_him(archived):
    relay, producer = made()
    archived[1] = 1_000
    relay.offer(crowd(21), [])
    relay.pump(10.0)
    relay.offer([posted(30, 30, "ABCDDEFF020"), posted(31, 31, "ABCDDEFF000")], [])
    relay.pump(10.0025)
    assert sequences(producer) == [*range(1, 22), 30]
    relay.pump(10.0075)
    assert sequences(producer)[-1] == 31


def test_no_answer_waits_longer_than_the_setting(archived):
    relay, producer = made(longest_wait=0.1)
    archived[1] = 1_000
    relay.offer(crowd(200), [])
    relay.pump(10.0)
    relay.pump(10.09)
    assert len(sequences(producer)) < 50
    relay.pump(10.1)
    assert sequences(producer) == list(range(1, 201))


def test_the_checkpoint_names_the_first_answer_that_waits_for_its_turn(archived, monkeypatch):
    told = []
    monkeypatch.setattr(relay_module.store, "checkpoint", lambda _c, _n, published: told.append(published))
    relay, _ = made()
    archived[1] = 1_000
    relay.offer([*crowd(21), posted(22, 30, "ABCDDEFF000")], [])
    relay.pump(10.0)
    relay.checkpoint(10.0)
    relay.pump(10.0025)
    relay.checkpoint(10.0025)
    assert told == [20, 22]


def test_leaving_publishes_what_is_covered(archived):
    relay, producer = made()
    archived[1] = 100
    relay.offer([posted(1, 0, ALBA), posted(2, 1, BORA)], [])
    relay.pump(0.0)
    relay.offer([posted(3, 2, ALBA), posted(4, 200, ALBA)], [])
    assert relay.finish(0.001)
    assert sequences(producer) == [1, 2, 3]
    assert relay.backlog == 1


class Topics:
    """The outgoing topics, as a relay that recovers asks them: numbers that are there."""

    def __init__(self, *numbers):
        self.numbers = numbers
        self.asked = 0

    def existing(self, names):
        return set(names)

    def since(self, topics, timestamp_ms):
        self.asked += 1
        return [Record(outbound_topic(ALBA), 0, n, 0, None, b"", {"ce_id": b"7-%d" % n}) for n in self.numbers]


@pytest.fixture
def stored(archived, monkeypatch):
    """Answers 2 to 5 wait behind the checkpoint at 1; where the checkpoint stands afterwards."""
    place = {"published": 1}
    now = datetime.now(UTC)
    rows = [(posted(seq, seq, ALBA), now) for seq in (2, 3, 4, 5)]
    monkeypatch.setattr(relay_module.recoveries, "told", lambda _connection: set())
    monkeypatch.setattr(relay_module.store, "place", lambda *_: (place["published"], now))
    monkeypatch.setattr(relay_module.store, "unpublished", lambda _c, _n, after: [r for r in rows if r[0].seq > after])
    monkeypatch.setattr(relay_module.store, "events_since", lambda *_: [])
    monkeypatch.setattr(relay_module.store, "checkpoint", lambda _c, _n, published: place.update(published=published))
    return place


def test_after_a_planned_hand_over_nothing_is_looked_for(stored, archived):
    relay, producer = made()
    topics = Topics()
    relay.recover(topics, topics, handed_over=True)
    assert (topics.asked, relay.backlog) == (0, 4)
    archived[1] = 4
    assert relay.finish(0.0)
    assert sequences(producer) == [2, 3]
    assert stored["published"] == 3


def test_a_relay_that_leaves_with_a_gap_behind_it_has_not_finished(stored, archived):
    relay, producer = made()
    topics = Topics(4)
    relay.recover(topics, topics)
    archived[1] = 3
    assert not relay.finish(0.0), "3 waits, and 4 was sent in an earlier life: who comes next has to look"
    assert stored["published"] == 2
    archived[1] = 4
    assert relay.finish(1.0)
    assert sequences(producer) == [2, 3]
    assert stored["published"] == 4


def test_who_takes_over_does_not_wait_for_the_broker_at_once(stored, archived, monkeypatch):
    relay, producer = made()
    flushed = []
    monkeypatch.setattr(producer, "flush", flushed.append)
    archived[1] = 100
    topics = Topics()
    relay.recover(topics, topics)
    relay.pump(100.0)
    assert sequences(producer) == [2, 3, 4, 5]
    assert flushed == []
    relay.pump(100.4)
    assert flushed == []
    relay.pump(100.6)
    assert len(flushed) == 1
