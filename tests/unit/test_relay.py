"""The relay publishes in rounds: order per recipient, nothing before the archive has it, a crowd gathers."""

import pytest

from engine import ids
from engine.bus.record import Outgoing
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


def test_a_round_waits_for_each_recipient_of_the_one_before(archived):
    relay, producer = made()
    archived[1] = 100
    relay.offer([posted(1, 0, ALBA), posted(2, 1, BORA), posted(3, 2, CITO)], [])
    relay.pump(10.0)
    relay.offer([posted(4, 3, ALBA)], [])
    relay.pump(10.014)
    assert sequences(producer) == [1, 2, 3]
    relay.pump(10.016)
    assert sequences(producer) == [1, 2, 3, 4]


def test_no_answer_waits_longer_than_the_setting(archived):
    relay, producer = made(longest_wait=0.01)
    archived[1] = 100
    relay.offer([posted(seq, seq, who) for seq, who in enumerate([ALBA, BORA, CITO])], [])
    relay.pump(0.0)
    relay.offer([posted(3, 3, ALBA)], [])
    relay.pump(0.0101)
    assert sequences(producer) == [0, 1, 2, 3]


def test_leaving_publishes_what_is_covered(archived):
    relay, producer = made()
    archived[1] = 100
    relay.offer([posted(1, 0, ALBA), posted(2, 1, BORA)], [])
    relay.pump(0.0)
    relay.offer([posted(3, 2, ALBA), posted(4, 200, ALBA)], [])
    relay.finish(0.001)
    assert sequences(producer) == [1, 2, 3]
    assert relay.backlog == 1
