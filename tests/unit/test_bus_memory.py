"""The in-memory twin: groups, static members, expiry, and each of its switches does what it says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.bus.memory import MemoryBus, MemoryConsumer
from engine.bus.port import (
    BEGINNING,
    END,
    BusFatalError,
    CommitRefusedError,
    DeliveryFailedError,
    OperatingFaultError,
    OutgoingRefusedError,
    TopicContractError,
)
from engine.bus.record import Outgoing, Place
from engine.bus.topics import MAX_MESSAGE_BYTES, Topic


class Member:
    """A consumer and what its callbacks heard."""

    def __init__(self, bus: MemoryBus, instance: str | None = None) -> None:
        self.heard: list[tuple[str, list[Place]]] = []
        self.consumer: MemoryConsumer = bus.consumer("g", instance)
        self.consumer.subscribe(["t"], self._note("assigned"), self._note("revoked"), self._note("lost"))

    def _note(self, what: str):  # type: ignore[no-untyped-def]
        def note(places: Sequence[Place]) -> None:
            self.heard.append((what, sorted(places)))

        return note

    @property
    def owned(self) -> set[Place]:
        found: set[Place] = set()
        for what, places in self.heard:
            found = found | set(places) if what == "assigned" else found - set(places)
        return found

    def values(self) -> list[bytes]:
        return [record.value for record in self.consumer.poll_batch(100, 0)]


def bus_with(messages: int = 0, partitions: int = 4) -> MemoryBus:
    bus = MemoryBus()
    bus.create_topic("t", partitions)
    for number in range(messages):
        bus.append(Outgoing("t", number % partitions, None, b"%d" % number, {}))
    return bus


def settle(*members: Member) -> None:
    for _ in range(4):
        for member in members:
            member.consumer.poll_batch(0, 0)


def test_partitions_are_shared_evenly_and_members_keep_what_they_can() -> None:
    bus = bus_with()
    first, second = Member(bus), Member(bus)
    settle(first, second)
    assert len(first.owned) == len(second.owned) == 2
    assert first.owned | second.owned == {("t", number) for number in range(4)}
    before = first.owned
    third = Member(bus)
    settle(first, second, third)
    assert sorted(map(len, (first.owned, second.owned, third.owned))) == [1, 1, 2]
    assert first.owned <= before
    third.consumer.close()
    settle(first, second)
    assert first.owned | second.owned == {("t", number) for number in range(4)}
    assert not first.owned & second.owned


def test_a_partition_is_never_with_two_members_at_once() -> None:
    bus = bus_with()
    first = Member(bus)
    settle(first)
    second = Member(bus)
    second.consumer.poll_batch(0, 0)
    assert second.owned == set()  # the first has not heard of it yet
    settle(first, second)
    assert len(second.owned) == 2


def test_a_static_member_that_comes_back_has_its_partitions_at_once_and_fences_the_former() -> None:
    bus = bus_with()
    former, other = Member(bus, "a"), Member(bus, "b")
    settle(former, other)
    owned = former.owned
    later = Member(bus, "a")
    settle(later, other)
    assert later.owned == owned
    assert len(other.heard) == 1
    with pytest.raises(BusFatalError, match="fenced"):
        former.consumer.poll_batch(1, 0)


def test_a_static_member_that_leaves_keeps_its_place_until_it_expires() -> None:
    bus = bus_with()
    first, second = Member(bus, "a"), Member(bus, "b")
    settle(first, second)
    first.consumer.close()
    settle(second)
    assert len(second.owned) == 2
    bus.expire(first.consumer)
    settle(second)
    assert len(second.owned) == 4


def test_an_expired_member_hears_that_it_lost_and_joins_again() -> None:
    bus = bus_with()
    first, second = Member(bus), Member(bus)
    settle(first, second)
    bus.expire(first.consumer)
    settle(second)
    with pytest.raises(CommitRefusedError):
        first.consumer.commit(dict.fromkeys(first.owned, 1))
    settle(first, second)
    assert [what for what, _ in first.heard] == ["assigned", "lost", "assigned"]
    assert len(first.owned) == len(second.owned) == 2


def test_a_new_owner_reads_from_the_committed_position() -> None:
    bus = bus_with(8)
    first = Member(bus)
    assert len(first.values()) == 8
    first.consumer.commit({("t", 0): 1, ("t", 1): 2})
    first.consumer.kill()
    bus.expire(first.consumer)
    second = Member(bus)
    assert sorted(second.values()) == [b"2", b"3", b"4", b"6", b"7"]


def test_assign_reads_from_where_it_is_told() -> None:
    bus = bus_with(8, partitions=1)
    consumer = bus.consumer("g")
    for at, expected in ((3, 5), (BEGINNING, 8), (END, 0), (99, 8)):
        consumer.assign({("t", 0): at})
        assert len(consumer.poll_batch(100, 0)) == expected


def test_partitions_are_read_in_turn_so_that_none_starves() -> None:
    bus = bus_with(400)
    consumer = bus.consumer("g")
    consumer.assign({("t", number): 0 for number in range(4)})
    seen = {record.partition for _ in range(4) for record in consumer.poll_batch(10, 0)}
    assert seen == {0, 1, 2, 3}


def test_a_dropped_connection_fails_so_many_calls_and_keeps_what_was_sent() -> None:
    bus = bus_with(1, partitions=1)
    member, producer = Member(bus), bus.producer()
    bus.drop_connection(2)
    producer.send(Outgoing("t", 0, None, b"later", {}))
    assert producer.pending() == 1
    with pytest.raises(OperatingFaultError):
        member.consumer.poll_batch(1, 0)
    with pytest.raises(OperatingFaultError):
        producer.flush(1.0)
    producer.flush(1.0)
    assert member.values() == [b"0", b"later"]


def test_a_failed_delivery_is_told_once_and_by_flush() -> None:
    bus = bus_with()
    producer = bus.producer()
    bus.fail_delivery(1, "disk full")
    producer.send(Outgoing("t", 0, b"k", b"lost", {}))
    producer.send(Outgoing("t", 0, None, b"kept", {}))
    producer.send(Outgoing("nowhere", None, None, b"", {}))
    with pytest.raises(DeliveryFailedError, match="t: disk full and 1 more") as caught:
        producer.flush(1.0)
    assert [(each.topic, each.key) for each in caught.value.failures] == [("t", b"k"), ("nowhere", None)]
    producer.flush(1.0)
    assert [record.value for record in bus.records("t")] == [b"kept"]


def test_what_can_never_be_sent_is_refused_at_once() -> None:
    producer = bus_with().producer()
    for outgoing in (
        Outgoing("t", 4, None, b"", {}),
        Outgoing("t", None, None, bytes(MAX_MESSAGE_BYTES + 1), {}),
    ):
        with pytest.raises(OutgoingRefusedError):
            producer.send(outgoing)


def test_a_lost_tail_and_a_recreated_topic_look_as_they_do_at_a_broker() -> None:
    bus = bus_with(8, partitions=1)
    member = Member(bus)
    assert len(member.values()) == 8
    bus.lose_tail("t", 0, keep=5)
    assert len(member.values()) == 5  # out of range: from the beginning
    before = bus.admin().describe(["t"])["t"].id
    bus.create_topic("t", 1)
    assert bus.admin().describe(["t"])["t"].id != before


def test_administration_creates_grows_corrects_and_refuses() -> None:
    bus = MemoryBus()
    admin = bus.admin()
    table = (Topic("fixed", 2, {"retention.ms": "1"}), Topic("growing", 2, grows=True))
    assert admin.ensure_topics(table).created == ("fixed", "growing")
    assert admin.ensure_topics(table) == type(admin.ensure_topics(table))()
    done = admin.ensure_topics((Topic("fixed", 2, {"retention.ms": "2"}), Topic("growing", 3, grows=True)))
    assert (done.created, done.grown, done.changed) == ((), ("growing",), ("fixed",))
    assert bus.config("fixed") == {"retention.ms": "2"}
    with pytest.raises(TopicContractError, match="fixed has 2 partitions and should have 3"):
        admin.ensure_topics((Topic("fixed", 3),))


def test_the_tail_is_what_was_appended_since() -> None:
    now = [0]
    bus = MemoryBus(now_ms=lambda: now[0])
    bus.create_topic("t", 2)
    for moment in range(6):
        now[0] = moment
        bus.append(Outgoing("t", moment % 2, None, b"%d" % moment, {}))
    assert sorted(record.value for record in bus.tail_reader().since(["t"], 4)) == [b"4", b"5"]
