"""The bus on Kafka: librdkafka's consumer and producer.

Rule: this module and ``kafka_admin`` alone import a Kafka client. The settings are the measured ones: idempotent
producer with acks from all replicas; fetching that never backs off for a second when the local queue is full
(``fetch.queue.backoff.ms``); offsets committed by us alone; failures always reported, successes never.

Groups use the classic protocol, cooperative-sticky, with static membership, not KIP-848 (``group.protocol=consumer``).
Measured against Kafka 4.1 with librdkafka 2.16: a worker killed and started again with its ``group.instance.id`` has
its partitions back after 0.1 s in the classic protocol, which fences the dead one; in the new one it gets the fatal
UNRELEASED_INSTANCE_ID until the dead one's session ends, 45 s by default (the correction, librdkafka pull request 4994,
is open). A crash must not stop a partition that long.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from engine.bus.port import (
    BusError,
    BusFatalError,
    CommitRefusedError,
    DeliveryFailedError,
    DeliveryFailure,
    OperatingFaultError,
    OutgoingRefusedError,
    PlacesCallback,
    Positions,
)
from engine.bus.record import Outgoing, Place, Record
from engine.bus.settings import BusSettings
from engine.bus.topics import MAX_MESSAGE_BYTES
from engine.observability.logs import get_logger

_log = get_logger()


class _Forward(logging.Handler):
    """Hands what librdkafka logs to our log."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        _log.debug("librdkafka", level_of_library=record.levelname, detail=record.getMessage())


_librdkafka = logging.getLogger("engine.bus.librdkafka")
_librdkafka.propagate = False
_librdkafka.addHandler(_Forward())

#: The group has moved on; somebody else reads these messages again.
_MOVED_ON = frozenset({
    KafkaError.ILLEGAL_GENERATION, KafkaError.UNKNOWN_MEMBER_ID, KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.STALE_MEMBER_EPOCH,
})  # fmt: skip
_FATAL = frozenset({
    KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID, KafkaError.UNRELEASED_INSTANCE_ID,
    KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._AUTHENTICATION,
})  # fmt: skip
#: A message that will be refused however often it is sent.
_REFUSED = frozenset({
    KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._UNKNOWN_PARTITION, KafkaError._INVALID_ARG, KafkaError.INVALID_MSG_SIZE,
})  # fmt: skip
_FAILURES_KEPT = 20
_ANY_PARTITION = -1
#: Longest time for giving up partitions before a close, in seconds.
_UNSUBSCRIBING = 5.0


def common_config(settings: BusSettings) -> dict[str, Any]:
    """What every client has: address, name, security, quick reconnecting, our logs."""
    return {
        "bootstrap.servers": settings.bootstrap,
        "client.id": settings.client_id,
        "reconnect.backoff.max.ms": 1_000,
        "logger": _librdkafka,
        **settings.security,
    }


def producer_config(settings: BusSettings) -> dict[str, Any]:
    """The producer's settings under librdkafka's names."""
    return {
        **common_config(settings),
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": settings.linger_ms,
        "batch.size": settings.batch_bytes,
        "batch.num.messages": settings.batch_messages,
        "compression.type": settings.compression,
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "message.timeout.ms": settings.delivery_timeout_ms,
        "queue.buffering.max.messages": settings.queue_messages,
        "queue.buffering.max.kbytes": settings.queue_kbytes,
        "delivery.report.only.error": True,
        "partitioner": "murmur2_random",
    }


def consumer_config(settings: BusSettings, group: str, instance: str | None = None) -> dict[str, Any]:
    """The consumer's settings under librdkafka's names. ``instance``: the member's name that outlives a restart."""
    config = {
        **common_config(settings),
        "group.id": group,
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": min(3_000, settings.session_timeout_ms // 3),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "check.crcs": True,
        "fetch.min.bytes": settings.fetch_bytes,
        "fetch.wait.max.ms": settings.fetch_wait_ms,
        "fetch.queue.backoff.ms": 5,
        "fetch.message.max.bytes": MAX_MESSAGE_BYTES // 4,
        "queued.min.messages": settings.fetch_queue_messages,
        "queued.max.messages.kbytes": settings.fetch_queue_kbytes,
    }
    if instance is not None:
        config["group.instance.id"] = instance
    return config


def translated(error: KafkaError, doing: str) -> BusError:
    """The error of ours for one of librdkafka's: fatal, moved on, or an outage."""
    text = f"{doing}: {error.str()}"
    code = error.code()
    if error.fatal() or code in _FATAL:
        _log.error("kafka client ends", doing=doing, code=error.name(), detail=error.str())
        return BusFatalError(text)
    if code in _MOVED_ON:
        return CommitRefusedError(text)
    return OperatingFaultError(text)


def error_of(problem: KafkaException) -> KafkaError:
    """What an exception of the client carries."""
    found: KafkaError = problem.args[0]
    return found


class Health:
    """What librdkafka's error callback said last. A cluster that is down is an outage until a request succeeds."""

    def __init__(self, who: str) -> None:
        self._who = who
        self.down: str | None = None
        self.fatal: str | None = None

    def heard(self, error: KafkaError) -> None:
        """The error callback; librdkafka goes on trying by itself after all but fatal ones, and tells of each try."""
        detail = error.str()
        if error.fatal() or error.code() in _FATAL:
            self.fatal = f"{self._who}: {detail}"
            _log.error("kafka client ends", client=self._who, detail=detail)
        elif error.code() == KafkaError._ALL_BROKERS_DOWN and self.down is None:
            self.down = f"{self._who}: no broker of the cluster answers ({detail})"
            _log.warning("kafka is down", client=self._who, detail=detail)
        else:
            _log.debug("kafka", client=self._who, detail=detail)

    def check(self) -> None:
        """Raise what cannot be survived."""
        if self.fatal is not None:
            raise BusFatalError(self.fatal)


class KafkaConsumer:
    """``engine.bus.port.Consumer`` on a cluster. One thread only.

    ``starts``: where a group's member begins with a partition that it is given for the first time, whatever the group
    has committed: the place up to which work is known to be done outside of Kafka. ``headers``: whether the reader
    looks at any; making them ready costs as much as all the rest of a record.
    """

    def __init__(
        self,
        settings: BusSettings,
        group: str,
        instance: str | None = None,
        starts: Positions | None = None,
        *,
        headers: bool = True,
    ) -> None:
        self._starts = dict(starts or {})
        self._headers = headers
        self._health = Health(f"consumer of {group}")
        self._client = Consumer({**consumer_config(settings, group, instance), "error_cb": self._health.heard})
        self._static = instance is not None
        self._subscribed = False
        self._paused: set[Place] = set()
        #: What was assigned without a group, from where.
        self._assigned: dict[Place, int] = {}
        self._trouble: BusError | None = None

    def subscribe(
        self, topics: Sequence[str], on_assign: PlacesCallback, on_revoke: PlacesCallback, on_lost: PlacesCallback
    ) -> None:
        """Join the group; the callbacks run inside ``poll_batch``."""

        def assigned(client: Consumer, partitions: list[TopicPartition]) -> None:
            places = [(each.topic, each.partition) for each in partitions]
            for each, place in zip(partitions, places, strict=True):
                each.offset = self._starts.pop(place, each.offset)
            client.incremental_assign(partitions)
            # librdkafka keeps a pause across revocation: the partition would come back silent.
            stale = self._paused.intersection(places)
            self._resume(stale)
            on_assign(places)

        def gone(told: PlacesCallback) -> Callable[[Consumer, list[TopicPartition]], None]:
            return lambda _, partitions: told([(each.topic, each.partition) for each in partitions])

        self._subscribed = True
        self._client.subscribe(list(topics), on_assign=assigned, on_revoke=gone(on_revoke), on_lost=gone(on_lost))

    def assign(self, positions: Positions) -> None:
        """Read these partitions from these offsets, or BEGINNING or END. Those that stand there already read on."""
        reading = {**self._assigned, **self.position()} if self._assigned else {}
        added = positions
        if reading and all(positions.get(place) == at for place, at in reading.items()):
            added = {place: at for place, at in positions.items() if place not in reading}
        partitions = [TopicPartition(topic, number, at) for (topic, number), at in added.items()]
        if added is positions:
            self._paused.clear()
            self._client.assign(partitions)
        elif partitions:
            self._client.incremental_assign(partitions)
        self._assigned = dict(positions)

    def poll_batch(self, limit: int, timeout: float) -> list[Record]:
        """Up to ``limit`` records; an error that came behind records is raised by the next call."""
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble
        records: list[Record] = []
        keep, headers = records.append, self._headers
        for message in self._client.consume(limit, timeout):
            error = message.error()
            if error is None:
                keep(record_of(message, headers=headers))
            elif error.code() != KafkaError._PARTITION_EOF:
                self._trouble = translated(error, f"reading {message.topic() or 'from the cluster'}")
        if records:
            self._health.down = None
            return records
        self._health.check()
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble
        if self._health.down is not None:
            self._probe()
        return records

    def _probe(self) -> None:
        """After all brokers were down: is one back? Silence and an outage look the same to a consumer."""
        try:
            self._client.list_topics(timeout=1.0)
        except KafkaException as problem:
            raise OperatingFaultError(self._health.down or str(problem)) from problem
        self._health.down = None

    def pause(self, places: Collection[Place]) -> None:
        """Deliver nothing from these until resumed. Not right after ``assign``: librdkafka would forget the offset."""
        self._client.pause([TopicPartition(*place) for place in places])
        self._paused.update(places)

    def resume(self, places: Collection[Place]) -> None:
        """Undo ``pause``; resuming what was not paused has moved positions back in librdkafka, so it is left out."""
        self._resume(self._paused.intersection(places))

    def _resume(self, places: Collection[Place]) -> None:
        if places:
            self._client.resume([TopicPartition(*place) for place in places])
            self._paused.difference_update(places)

    def commit(self, positions: Positions) -> None:
        """Commit and wait for the broker."""
        if not positions:
            return
        offsets = [TopicPartition(topic, number, at) for (topic, number), at in positions.items()]
        try:
            answers = self._client.commit(offsets=offsets, asynchronous=False)
        except KafkaException as problem:
            raise translated(error_of(problem), "committing") from problem
        for answer in answers or ():
            if answer.error is not None:
                raise translated(answer.error, f"committing {answer.topic}/{answer.partition}")

    def committed(self, places: Collection[Place]) -> dict[Place, int]:
        """The group's positions, asked of the broker."""
        try:
            answers = self._client.committed([TopicPartition(*place) for place in places], timeout=15.0)
        except KafkaException as problem:
            raise translated(error_of(problem), "asking for positions") from problem
        return {(each.topic, each.partition): each.offset for each in answers if each.offset >= 0}

    def position(self) -> dict[Place, int]:
        """Behind the last record handed out, by assigned partition."""
        current = self._client.position(self._client.assignment())
        return {(each.topic, each.partition): each.offset for each in current if each.offset >= 0}

    def watermarks(self, place: Place, timeout: float = 5.0) -> tuple[int, int]:
        """First and next offset at the broker."""
        try:
            answer = self._client.get_watermark_offsets(TopicPartition(*place), timeout=timeout)
        except KafkaException as problem:
            raise translated(error_of(problem), f"asking for the end of {place[0]}/{place[1]}") from problem
        if answer is None:
            raise OperatingFaultError(f"asking for the end of {place[0]}/{place[1]}: no answer in {timeout} s")
        low, high = answer
        return low, high

    def lag(self) -> dict[Place, int]:
        """Messages behind, from what the last fetches said."""
        found: dict[Place, int] = {}
        for place, at in self.position().items():
            answer = self._client.get_watermark_offsets(TopicPartition(*place), cached=True)
            if answer is not None and answer[1] >= 0:
                found[place] = max(0, answer[1] - at)
        return found

    def close(self) -> None:
        """Stop; a group's callbacks run once more.

        A member that leaves its group does so before the close. Where a close meets a rebalance, librdkafka (seen with
        2.16.1; cf. its issue 4041) may wait for ever inside the callback for an answer that does not come, and
        with it the interpreter. A static member does not leave: it closes outside of rebalances, but for accidents.
        """
        try:
            if self._subscribed and not self._static:
                self._unsubscribe()
        finally:
            self._subscribed = False
            self._client.close()

    def _unsubscribe(self) -> None:
        self._client.unsubscribe()
        until = time.monotonic() + _UNSUBSCRIBING
        while time.monotonic() < until:
            self._client.consume(1, 0.05)
            if not self._client.assignment():
                return


def record_of(message: Message, *, headers: bool = True) -> Record:
    """A message as ours; a null value or header is empty bytes. ``headers`` False leaves them out."""
    found: Any = message.headers() if headers else None
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.timestamp()[1],
        message.key(),
        message.value() or b"",
        {name: value or b"" for name, value in found} if found else {},
        message.leader_epoch(),
    )


class KafkaProducer:
    """``engine.bus.port.Producer``, idempotent. Create it early: its id takes the broker half a second."""

    def __init__(self, settings: BusSettings) -> None:
        self._health = Health(f"producer {settings.client_id}")
        self._failures: list[DeliveryFailure] = []
        self._failed = 0
        self._full_seconds = settings.queue_full_ms / 1000
        self._client = Producer(
            {**producer_config(settings), "error_cb": self._health.heard, "on_delivery": self._delivery_failed}
        )
        self._produce: Callable[..., None] = self._client.produce

    def _delivery_failed(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        self._failed += 1
        if len(self._failures) < _FAILURES_KEPT:
            self._failures.append(
                DeliveryFailure(message.topic() or "?", message.partition(), message.key(), error.str())
            )

    def send(self, outgoing: Outgoing) -> None:
        """Queue a message; a full queue is waited for."""
        try:
            self._enqueue(outgoing)
        except BufferError:
            self._send_when_room(outgoing)

    def _enqueue(self, outgoing: Outgoing) -> None:
        partition = outgoing.partition
        try:
            self._produce(
                outgoing.topic,
                outgoing.value,
                outgoing.key,
                _ANY_PARTITION if partition is None else partition,
                headers=outgoing.headers or None,
            )
        except KafkaException as problem:
            error = error_of(problem)
            if error.code() in _REFUSED:
                text = f"{outgoing.topic}: {error.str()} ({len(outgoing.value)} bytes)"
                raise OutgoingRefusedError(text) from problem
            raise translated(error, f"sending to {outgoing.topic}") from problem

    def _send_when_room(self, outgoing: Outgoing) -> None:
        step = 0.05
        for _ in range(max(1, int(self._full_seconds / step))):
            self._client.poll(step)
            self._health.check()
            try:
                self._enqueue(outgoing)
            except BufferError:
                continue
            return
        raise OperatingFaultError(f"sending to {outgoing.topic}: the queue has been full for {self._full_seconds} s")

    def poll(self, timeout: float = 0.0) -> None:
        """Serve callbacks."""
        self._client.poll(timeout)
        self._health.check()

    def flush(self, timeout: float) -> None:
        """Wait for all; say what failed since the last flush."""
        left = self._client.flush(timeout)
        self._health.check()
        if self._failed:
            failures, count = self._failures, self._failed
            self._failures, self._failed = [], 0
            raise DeliveryFailedError(failures, count)
        if left:
            why = self._health.down or "the cluster has not acknowledged them"
            raise OperatingFaultError(f"{left} messages still on their way after {timeout} s: {why}")
        self._health.down = None

    def pending(self) -> int:
        """Messages queued or on their way."""
        return len(self._client)

    def close(self) -> None:
        """Drop what is queued and disconnect."""
        self._client.purge()
        self._client.close()
