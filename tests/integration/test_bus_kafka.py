"""One contract for three buses: the in-memory twin, librdkafka's mock cluster, and a real broker."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from confluent_kafka import Producer as LibraryProducer

from engine.bus.crashes import MemoryCrashRegister
from engine.bus.kafka import KafkaConsumer, KafkaProducer, consumer_config, producer_config
from engine.bus.kafka_admin import KafkaAdmin, KafkaTailReader
from engine.bus.loop import StageLoop
from engine.bus.memory import MemoryBus
from engine.bus.port import (
    BEGINNING,
    END,
    Admin,
    BusFatalError,
    CommitRefusedError,
    Consumer,
    DeliveryFailedError,
    OperatingFaultError,
    OutgoingRefusedError,
    Producer,
    TailReader,
    TopicContractError,
)
from engine.bus.record import Outgoing, Place, Record
from engine.bus.settings import BusSettings
from engine.bus.stage import LoopSettings
from engine.bus.topics import MAX_MESSAGE_BYTES, Topic, partition_of, topics

#: The mock cluster makes topics by itself, with four partitions.
PARTITIONS = 4


@dataclass
class OfMemory:
    """The twin."""

    bus: MemoryBus = field(default_factory=lambda: MemoryBus(now_ms=lambda: int(time.time() * 1000)))

    def consumer(self, group: str, instance: str | None = None) -> Consumer:
        return self.bus.consumer(group, instance)

    def producer(self) -> Producer:
        return self.bus.producer()

    def tail_reader(self) -> TailReader:
        return self.bus.tail_reader()

    def admin(self) -> Admin:
        return self.bus.admin()

    def topic(self) -> str:
        name = f"t-{uuid.uuid4()}"
        self.bus.create_topic(name, PARTITIONS)
        return name

    def close(self) -> None:
        """Nothing."""


class OfKafka:
    """A cluster at an address."""

    def __init__(self, bootstrap: str, *, administered: bool) -> None:
        self.settings = BusSettings(bootstrap, client_id="qenex-test", session_timeout_ms=6_000)
        self.administered = administered
        self.clients: list[KafkaConsumer | KafkaProducer] = []

    def consumer(self, group: str, instance: str | None = None) -> Consumer:
        consumer = KafkaConsumer(self.settings, group, instance)
        self.clients.append(consumer)
        return consumer

    def producer(self) -> Producer:
        producer = KafkaProducer(self.settings)
        self.clients.append(producer)
        return producer

    def tail_reader(self) -> TailReader:
        return KafkaTailReader(self.settings)

    def admin(self) -> Admin:
        return KafkaAdmin(self.settings)

    def topic(self) -> str:
        name = f"t-{uuid.uuid4()}"
        if self.administered:
            self.admin().ensure_topics([Topic(name, PARTITIONS, {"message.timestamp.type": "LogAppendTime"})])
        return name

    def close(self) -> None:
        for client in self.clients:
            client.close()


def broker_address(request: pytest.FixtureRequest) -> str:
    """The broker of ``QENEX_KAFKA``, else that of the ``services`` fixture; else the test is skipped."""
    given = os.environ.get("QENEX_KAFKA")
    if given:
        return given
    try:
        services = request.getfixturevalue("services")
    except pytest.FixtureLookupError:
        pytest.skip("no broker: neither QENEX_KAFKA nor the fixture `services`")
    return str(services.kafka)


@pytest.fixture(scope="module")
def mock_cluster() -> Iterator[str]:
    """Address of librdkafka's mock cluster, alive as long as the client that holds it."""
    holder = LibraryProducer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = holder.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{each.host}:{each.port}" for each in brokers)
    holder.close()


KINDS = ["memory", "mock", pytest.param("broker", marks=pytest.mark.integration)]


@pytest.fixture(params=KINDS)
def bus(request: pytest.FixtureRequest) -> Iterator[OfMemory | OfKafka]:
    found: OfMemory | OfKafka
    if request.param == "memory":
        found = OfMemory()
    elif request.param == "mock":
        found = OfKafka(request.getfixturevalue("mock_cluster"), administered=False)
    else:
        found = OfKafka(broker_address(request), administered=True)
    yield found
    found.close()


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Iterator[OfKafka]:
    found = OfKafka(broker_address(request), administered=True)
    yield found
    found.close()


AnyBus = OfMemory | OfKafka


def ignore(_: Sequence[Place]) -> None:
    """A callback that does nothing."""


def until(enough: Callable[[], bool], turn: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not enough():
        assert time.monotonic() < end, "not within the time"
        turn()


def read(consumer: Consumer, count: int, seconds: float = 20.0) -> list[Record]:
    """That many records, and a moment longer to see that there are no more."""
    records: list[Record] = []
    until(lambda: len(records) >= count, lambda: records.extend(consumer.poll_batch(500, 0.05)), seconds)
    records += consumer.poll_batch(500, 0.3)
    return records


def fill(bus: AnyBus, topic: str, values: Sequence[bytes], *, partition: int | None = 0) -> Producer:
    producer = bus.producer()
    for value in values:
        producer.send(Outgoing(topic, partition, value if partition is None else None, value, {}))
    producer.flush(20.0)
    return producer


# The contract


def test_what_is_sent_is_read_as_it_was_sent(bus: AnyBus) -> None:
    topic = bus.topic()
    producer = bus.producer()
    began = int(time.time() * 1000) - 1000
    producer.send(Outgoing(topic, 2, b"ALPHDEFF", b"\x00\r\n\xff", {"lau": b"\x01ab", "ce_id": b"7"}))
    producer.send(Outgoing(topic, 2, None, b"", {}))
    producer.flush(20.0)
    assert producer.pending() == 0
    consumer = bus.consumer("g")
    consumer.assign({(topic, 2): BEGINNING})
    first, second = read(consumer, 2)
    assert first.value == b"\x00\r\n\xff"
    assert (first.key, second.key) == (b"ALPHDEFF", None)
    assert first.headers == {"lau": b"\x01ab", "ce_id": b"7"}
    assert (second.value, second.headers) == (b"", {})
    assert first.coordinates == f"{topic}/2/0"
    assert (second.offset, second.place) == (1, (topic, 2))
    assert began <= first.timestamp_ms <= time.time() * 1000 + 1000


def test_keys_go_where_java_clients_send_them_and_keep_their_order(bus: AnyBus) -> None:
    topic = bus.topic()
    producer = bus.producer()
    for number in range(200):
        producer.send(Outgoing(topic, None, b"BANK%d" % (number % 20), b"%d" % number, {}))
    producer.flush(20.0)
    consumer = bus.consumer("g")
    consumer.assign({(topic, number): 0 for number in range(PARTITIONS)})
    records = read(consumer, 200)
    assert len(records) == 200
    for record in records:
        assert record.key is not None
        assert record.partition == partition_of(record.key, PARTITIONS)
    for key in {record.key for record in records}:
        values = [int(record.value) for record in records if record.key == key]
        assert values == sorted(values)


def test_assign_starts_where_it_is_told_and_knows_where_it_is(bus: AnyBus) -> None:
    topic = bus.topic()
    fill(bus, topic, [b"%d" % number for number in range(10)])
    consumer = bus.consumer("g")
    consumer.assign({(topic, 0): 4})
    assert [record.offset for record in read(consumer, 6)] == [4, 5, 6, 7, 8, 9]
    assert consumer.position()[topic, 0] == 10
    assert consumer.watermarks((topic, 0)) == (0, 10)
    assert consumer.lag()[topic, 0] == 0
    other = bus.consumer("g")
    other.assign({(topic, 0): END})
    assert other.poll_batch(10, 0.3) == []


def test_a_batch_is_no_larger_than_asked(bus: AnyBus) -> None:
    topic = bus.topic()
    fill(bus, topic, [b"x"] * 20)
    consumer = bus.consumer("g")
    consumer.assign({(topic, 0): 0})
    records: list[Record] = []
    until(lambda: bool(records), lambda: records.extend(consumer.poll_batch(7, 0.5)))
    assert len(records) <= 7


def test_a_group_goes_on_from_what_was_committed(bus: AnyBus) -> None:
    topic = bus.topic()
    fill(bus, topic, [b"%d" % number for number in range(10)])
    group = f"g-{uuid.uuid4()}"
    first = bus.consumer(group, "worker-1")
    assigned: list[Place] = []
    first.subscribe([topic], assigned.extend, ignore, ignore)
    assert len(read(first, 10)) == 10
    assert sorted(assigned) == [(topic, number) for number in range(PARTITIONS)]
    first.commit({(topic, 0): 6})
    assert first.committed([(topic, 0), (topic, 1)]) == {(topic, 0): 6}
    first.close()
    second = bus.consumer(group, "worker-1")
    second.subscribe([topic], ignore, ignore, ignore)
    assert [record.offset for record in read(second, 4)] == [6, 7, 8, 9]
    second.close()


def until_commits_are_taken(bus: AnyBus, scenario: Callable[[AnyBus], None]) -> None:
    """Run it; the mock cluster alone may refuse a commit while a member joins, and is then asked again, twice."""
    for _ in range(2 if isinstance(bus, OfKafka) and not bus.administered else 0):
        with contextlib.suppress(CommitRefusedError):
            return scenario(bus)
    return scenario(bus)


def test_a_member_that_joins_gets_partitions_and_their_former_owner_can_commit_first(bus: AnyBus) -> None:
    until_commits_are_taken(bus, a_member_joins)


def a_member_joins(bus: AnyBus) -> None:
    topic = bus.topic()
    group = f"g-{uuid.uuid4()}"
    fill(bus, topic, [b"%d" % number for number in range(40)], partition=None)
    first, second = bus.consumer(group), bus.consumer(group)
    done: dict[Place, int] = {}
    seen: list[tuple[str, int]] = []
    gone: list[Place] = []

    def give_up(places: Sequence[Place]) -> None:
        first.commit({place: done.pop(place) for place in places if place in done})
        gone.extend(places)

    def turn(consumer: Consumer) -> None:
        for record in consumer.poll_batch(500, 0.05):
            seen.append((record.topic, record.partition * 1000 + record.offset))
            if consumer is first:
                done[record.place] = record.offset + 1

    try:
        first.subscribe([topic], ignore, give_up, ignore)
        until(lambda: len(seen) == 40, lambda: turn(first))
        mine: list[Place] = []
        second.subscribe([topic], mine.extend, ignore, ignore)
        until(lambda: len(mine) >= 2, lambda: (turn(first), turn(second)), 40.0)
        assert sorted(gone) == sorted(mine)
        assert len(mine) == 2
        for _ in range(5):
            turn(second)
        assert len(seen) == 40  # nothing was read twice
    finally:
        done.clear()
        second.close()
        first.close()


def test_a_paused_partition_is_silent_until_resumed_and_loses_nothing(bus: AnyBus) -> None:
    topic = bus.topic()
    fill(bus, topic, [b"a"], partition=0)
    producer = fill(bus, topic, [b"b"], partition=1)
    consumer = bus.consumer("g")
    consumer.assign({(topic, 0): 0, (topic, 1): 0})
    assert len(read(consumer, 2)) == 2
    consumer.pause([(topic, 0)])
    for partition in (0, 1):
        producer.send(Outgoing(topic, partition, None, b"more", {}))
    producer.flush(20.0)
    assert {record.partition for record in read(consumer, 1)} == {1}
    consumer.resume([(topic, 0), (topic, 1)])
    assert [(record.partition, record.offset) for record in read(consumer, 1)] == [(0, 1)]


def test_a_partition_that_was_paused_speaks_again_after_it_came_back(bus: AnyBus) -> None:
    until_commits_are_taken(bus, a_paused_partition_comes_back)


def a_paused_partition_comes_back(bus: AnyBus) -> None:
    topic = bus.topic()
    group = f"g-{uuid.uuid4()}"
    producer = fill(bus, topic, [b"%d" % number for number in range(40)], partition=None)
    first = bus.consumer(group)
    mine: set[Place] = set()
    first.subscribe([topic], mine.update, mine.difference_update, mine.difference_update)
    positions: dict[Place, int] = {}
    for record in read(first, 40):
        positions[record.place] = record.offset + 1
    first.commit(positions)
    first.pause(sorted(mine))
    second = bus.consumer(group)
    theirs: set[Place] = set()
    second.subscribe([topic], theirs.update, theirs.difference_update, theirs.difference_update)
    until(
        lambda: len(theirs) == 2 and len(mine) == 2,
        lambda: (first.poll_batch(1, 0.05), second.poll_batch(1, 0.05)),
        40.0,
    )
    moved = sorted(theirs)
    second.close()
    until(lambda: len(mine) == PARTITIONS, lambda: first.poll_batch(1, 0.05), 40.0)
    for topic_name, partition in moved:
        producer.send(Outgoing(topic_name, partition, None, b"new", {}))
    producer.flush(20.0)
    assert {record.place for record in read(first, len(moved))} == set(moved)
    first.close()


def test_what_can_never_be_sent_is_refused_at_once_and_the_largest_is_not(bus: AnyBus) -> None:
    topic = bus.topic()
    producer = fill(bus, topic, [b"known now"])
    for outgoing in (
        Outgoing(topic, None, None, bytes(MAX_MESSAGE_BYTES + 1), {}),
        Outgoing(topic, PARTITIONS, None, b"", {}),
    ):
        with pytest.raises(OutgoingRefusedError, match=topic):
            producer.send(outgoing)
    producer.flush(20.0)


def test_the_tail_ends_where_the_topic_ended_when_it_was_asked_for(bus: AnyBus) -> None:
    if isinstance(bus, OfKafka) and not bus.administered:
        pytest.skip("the mock cluster does not look up offsets by time")
    topic = bus.topic()
    fill(bus, topic, [b"old"])
    time.sleep(0.05)
    since = int(time.time() * 1000)
    time.sleep(0.05)
    fill(bus, topic, [b"%d" % number for number in range(30)], partition=None)
    found = list(bus.tail_reader().since([topic, "absent"] if isinstance(bus, OfKafka) else [topic], since))
    assert sorted(int(record.value) for record in found) == list(range(30))
    assert list(bus.tail_reader().since([topic], since + 60_000)) == []


class Copying:
    """A stage that copies values to another topic."""

    name = "copying"

    def __init__(self, target: str) -> None:
        self.target = target

    def process(self, records: Sequence[Record]) -> list[Outgoing]:
        return [
            Outgoing(self.target, record.partition, None, record.value, {"ce_id": record.coordinates.encode()})
            for record in records
        ]

    def put_aside(self, record: Record, error: str) -> list[Outgoing]:
        return []


def test_the_loop_copies_everything_once_over_two_lives(bus: AnyBus) -> None:
    source, target, group = bus.topic(), bus.topic(), f"g-{uuid.uuid4()}"
    fill(bus, target, [])
    register = MemoryCrashRegister()
    total = 0
    for life in range(2):
        fill(bus, source, [b"%d-%d" % (life, number) for number in range(300)], partition=None)
        total += 300
        loop = StageLoop(
            bus.consumer(group, "worker-1"),
            bus.producer(),
            Copying(target),
            register,
            [source],
            settings=LoopSettings(batch=50, commit_every=0.2),
        )
        out = bus.consumer("reader")
        out.assign({(target, number): BEGINNING for number in range(PARTITIONS)})
        seen = 0

        def enough(loop: StageLoop = loop, out: Consumer = out, total: int = total) -> None:
            nonlocal seen
            seen += len(out.poll_batch(1000, 0.0))
            if seen >= total:
                loop.stop()

        ticking = loop._hold_back
        loop._hold_back = lambda ticking=ticking, enough=enough: (ticking(), enough())  # type: ignore[method-assign]
        loop.run()
        assert seen + len(out.poll_batch(1000, 0.3)) == total
    assert not register.running


# Only a real broker


@pytest.mark.integration
def test_topics_are_made_once_from_the_table_and_corrected(broker: OfKafka) -> None:
    admin = KafkaAdmin(broker.settings)
    suffix = uuid.uuid4().hex[:8]

    def table(books: int, **changes: str) -> list[Topic]:
        return [
            Topic(f"{topic.name}.{suffix}", topic.partitions, {**topic.config, **changes}, topic.grows)
            for topic in topics(books=books, ingest_partitions=2, participants=["BANKDEFF"], split=True)
        ]

    names = [topic.name for topic in table(2)]
    assert sorted(admin.ensure_topics(table(2)).created) == sorted(names)
    before = admin.describe(names)
    again = admin.ensure_topics(table(2))
    assert (again.created, again.grown, again.changed) == ((), (), ())
    assert admin.describe(names) == before
    assert len({info.id for info in before.values()}) == len(names)
    grown = admin.ensure_topics(table(3))
    assert set(grown.grown) == {f"payments.routed.{suffix}", f"ops.commands.{suffix}"}
    assert set(admin.ensure_topics(table(3, **{"retention.ms": "60000"})).changed) == set(names)
    with pytest.raises(TopicContractError, match="has 2 partitions and should have 5"):
        admin.ensure_topics([Topic(f"ingest.ach.{suffix}", 5)])
    assert admin.existing([names[0], "absent"]) == {names[0]}
    assert len(admin.cluster_id()) > 10


@pytest.mark.integration
def test_a_killed_static_member_is_replaced_at_once_and_fenced(broker: OfKafka) -> None:
    topic, group = broker.topic(), f"g-{uuid.uuid4()}"
    fill(broker, topic, [b"1"])
    stale = broker.consumer(group, "worker-1")
    stale.subscribe([topic], ignore, ignore, ignore)
    read(stale, 1)
    successor = broker.consumer(group, "worker-1")
    successor.subscribe([topic], ignore, ignore, ignore)
    began = time.monotonic()
    assert len(read(successor, 1)) == 1
    assert time.monotonic() - began < 5.0  # a session lasts six seconds
    with pytest.raises(BusFatalError):
        until(lambda: False, lambda: stale.poll_batch(1, 0.1), 15.0)


@pytest.mark.integration
def test_a_message_to_no_topic_is_told_by_flush(broker: OfKafka) -> None:
    producer = KafkaProducer(BusSettings(broker.settings.bootstrap, delivery_timeout_ms=1_500))
    producer.send(Outgoing(f"absent-{uuid.uuid4()}", None, b"k", b"v", {}))
    with pytest.raises(DeliveryFailedError, match="absent-") as caught:
        producer.flush(20.0)
    assert caught.value.failures[0].key == b"k"
    producer.flush(1.0)
    producer.close()


@pytest.mark.integration
def test_positions_of_a_group_are_known_when_it_has_no_member(broker: OfKafka) -> None:
    topic, group = broker.topic(), f"g-{uuid.uuid4()}"
    fill(broker, topic, [b"1"])
    consumer = broker.consumer(group)
    consumer.subscribe([topic], ignore, ignore, ignore)
    read(consumer, 1)
    consumer.commit({(topic, 0): 1})
    consumer.close()
    assert KafkaAdmin(broker.settings).group_positions(group) == {(topic, 0): 1}


# No broker at all


def test_no_cluster_is_an_outage_that_says_so() -> None:
    settings = BusSettings("127.0.0.1:9", delivery_timeout_ms=800, request_timeout_ms=1_000)
    consumer = KafkaConsumer(settings, "g")
    consumer.assign({("t", 0): 0})
    with pytest.raises(OperatingFaultError, match="no broker of the cluster answers"):
        until(lambda: False, lambda: consumer.poll_batch(1, 0.1), 15.0)
    consumer.close()
    producer = KafkaProducer(settings)
    producer.send(Outgoing("t", None, None, b"", {}))
    with pytest.raises(OperatingFaultError, match="still on their way"):
        producer.flush(0.1)
    until(lambda: producer.pending() == 1, producer.poll, 0.5)  # errors that are still to be said count, too
    with pytest.raises(DeliveryFailedError):
        producer.flush(10.0)
    producer.close()
    with pytest.raises(OperatingFaultError):
        KafkaAdmin(settings).cluster_id()


def test_the_settings_that_were_measured_to_matter() -> None:
    settings = BusSettings("h:1", security={"security.protocol": "SSL"})
    sending, reading = producer_config(settings), consumer_config(settings, "g", "worker-1")
    assert sending["enable.idempotence"] is True
    assert (sending["acks"], sending["linger.ms"], sending["batch.size"]) == ("all", 5, 1_000_000)
    assert sending["delivery.report.only.error"] is True
    assert sending["partitioner"] == "murmur2_random"
    assert reading["enable.auto.commit"] is reading["enable.auto.offset.store"] is False
    assert (reading["fetch.queue.backoff.ms"], reading["fetch.wait.max.ms"], reading["fetch.min.bytes"]) == (5, 500, 1)
    assert (reading["queued.min.messages"], reading["queued.max.messages.kbytes"]) == (20_000, 65_536)
    assert reading["auto.offset.reset"] == "earliest"
    assert reading["partition.assignment.strategy"] == "cooperative-sticky"
    assert reading["group.instance.id"] == "worker-1"
    assert "group.instance.id" not in consumer_config(settings, "g")
    assert sending["security.protocol"] == reading["security.protocol"] == "SSL"
