"""The bus in memory: a twin of Kafka for tests and the simulator, with switches that break it.

Rule: deterministic and without threads or clocks of its own: the same calls give the same records, partitions, ids and
assignments. It follows Kafka where that matters to us: cooperative rebalancing served inside ``poll_batch``, static
members who keep their partitions until expired or replaced, commits by members only, murmur2 partitions, delivery that
is known at ``flush``. Where Kafka would forgive (a commit for a partition that is not one's own), the twin refuses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from uuid import UUID

from engine.bus.port import (
    BEGINNING,
    END,
    BusFatalError,
    CommitRefusedError,
    DeliveryFailedError,
    DeliveryFailure,
    Ensured,
    OperatingFaultError,
    OutgoingRefusedError,
    PlacesCallback,
    Positions,
    TopicContractError,
    TopicInfo,
)
from engine.bus.record import Outgoing, Place, Record
from engine.bus.topics import MAX_MESSAGE_BYTES, Topic, partition_of

#: What one partition holds, by offset; None is an offset that holds no message (a transaction's mark, compaction).
_Log = list[Record | None]


class MemoryBus:
    """A cluster. ``now_ms`` stamps records; ``wait`` is called with the seconds that a poll without records takes."""

    def __init__(self, now_ms: Callable[[], int] = lambda: 0, wait: Callable[[float], None] = lambda _: None) -> None:
        self.wait = wait
        self._now_ms = now_ms
        self._logs: dict[str, list[_Log]] = {}
        self._configs: dict[str, dict[str, str]] = {}
        self._ids: dict[str, UUID] = {}
        self._made = 0
        self._groups: dict[str, _Group] = {}
        self._producers: list[MemoryProducer] = []
        self._turn = 0
        self.dropped_calls = 0
        self.failing: deque[str] = deque()
        self.holding = False

    # Clients

    def consumer(self, group: str, instance: str | None = None) -> MemoryConsumer:
        """A consumer of a group; a second one with the same instance replaces and fences the first."""
        return MemoryConsumer(self, self._groups.setdefault(group, _Group(self)), instance)

    def producer(self) -> MemoryProducer:
        """A producer."""
        producer = MemoryProducer(self)
        self._producers.append(producer)
        return producer

    def admin(self) -> MemoryAdmin:
        """Topic administration."""
        return MemoryAdmin(self)

    def tail_reader(self) -> MemoryTailReader:
        """A reader of tails."""
        return MemoryTailReader(self)

    # Topics

    def create_topic(self, name: str, partitions: int, config: dict[str, str] | None = None) -> None:
        """Create a topic, or create it anew: empty, and with another id."""
        self._made += 1
        self._logs[name] = [[] for _ in range(partitions)]
        self._ids[name] = UUID(int=self._made)
        self._configs[name] = dict(config or {})

    def grow_topic(self, name: str, partitions: int) -> None:
        """Add partitions."""
        self._logs[name] += [[] for _ in range(partitions - len(self._logs[name]))]

    def log(self, place: Place) -> _Log:
        """What a partition holds. OperatingFaultError when there is none such."""
        topic, partition = place
        if partition >= len(self._logs.get(topic, ())):
            raise OperatingFaultError(f"{topic}/{partition}: unknown topic or partition")
        return self._logs[topic][partition]

    def records(self, topic: str, partition: int | None = None) -> list[Record]:
        """Everything in a topic, by partition and offset."""
        logs = self._logs.get(topic, [])
        chosen = logs if partition is None else [logs[partition]]
        return [record for log in chosen for record in log if record is not None]

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has, 0 when it does not exist."""
        return len(self._logs.get(topic, ()))

    def info(self, topic: str) -> TopicInfo | None:
        """A topic as the administration shows it."""
        return TopicInfo(topic, self._ids[topic], self.partitions(topic)) if topic in self._ids else None

    def config(self, topic: str) -> dict[str, str]:
        """A topic's settings."""
        return self._configs[topic]

    def positions(self, group: str) -> dict[Place, int]:
        """What a group has committed."""
        return dict(self._groups[group].positions) if group in self._groups else {}

    def append(self, outgoing: Outgoing) -> Record:
        """Put a message at the end of its partition."""
        logs = self._logs[outgoing.topic]
        partition = outgoing.partition
        if partition is None:
            if outgoing.key is None:
                self._turn += 1
                partition = self._turn % len(logs)
            else:
                partition = partition_of(outgoing.key, len(logs))
        log = logs[partition]
        record = Record(
            outgoing.topic, partition, len(log), self._now_ms(), outgoing.key, outgoing.value, outgoing.headers, 0
        )
        log.append(record)
        return record

    # Switches

    def drop_connection(self, calls: int) -> None:
        """The next calls of clients that need the broker fail with OperatingFaultError."""
        self.dropped_calls = calls

    def fail_delivery(self, times: int = 1, reason: str = "the broker refused it") -> None:
        """The next messages that would be delivered are not."""
        self.failing.extend([reason] * times)

    def hold_deliveries(self) -> None:
        """Messages stay on their way until released."""
        self.holding = True

    def release_deliveries(self) -> None:
        """Deliver what was held."""
        self.holding = False
        for producer in self._producers:
            producer.deliver()

    def lose_tail(self, topic: str, partition: int, keep: int) -> None:
        """The broker lost its page cache: only offsets below ``keep`` are left."""
        del self.log((topic, partition))[keep:]

    def skip_offsets(self, topic: str, partition: int, count: int) -> None:
        """Offsets without a message, as transactions and compaction leave them."""
        self.log((topic, partition)).extend([None] * count)

    def expire(self, consumer: MemoryConsumer) -> None:
        """The broker gives up on a member that has been silent (dead or stopped): others get its partitions."""
        consumer.group.expire(consumer)

    def touch(self, doing: str) -> None:
        """A call reaches the broker, or fails when the connection is dropped."""
        if self.dropped_calls:
            self.dropped_calls -= 1
            raise OperatingFaultError(f"{doing}: no broker of the cluster answers")


class _Group:
    """Members, who owns what, and who should. A partition changes hands only when its owner has given it up."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self.members: list[MemoryConsumer] = []
        self.owners: dict[Place, MemoryConsumer] = {}
        self.target: dict[Place, MemoryConsumer] = {}
        self.positions: dict[Place, int] = {}

    def join(self, member: MemoryConsumer) -> None:
        """A new member, or a static one that takes the place of its dead or fenced self."""
        former = next((each for each in self.members if member.instance and each.instance == member.instance), None)
        if former is None:
            self.members.append(member)
        else:
            former.fenced = True
            self.members[self.members.index(former)] = member
            for place in [place for place, owner in self.owners.items() if owner is former]:
                del self.owners[place]
            self.target = {place: member if owner is former else owner for place, owner in self.target.items()}
        self.balance()

    def leave(self, member: MemoryConsumer) -> None:
        """Give up membership and partitions."""
        if member in self.members:
            self.members.remove(member)
        for place in [place for place, owner in self.owners.items() if owner is member]:
            del self.owners[place]
        self.balance()

    def expire(self, member: MemoryConsumer) -> None:
        """Remove a silent member; it learns of it when it polls again."""
        member.lost = [place for place, owner in self.owners.items() if owner is member]
        self.leave(member)

    def balance(self) -> None:
        """Who should own what: members keep what they have up to their share, the rest goes to the least loaded."""
        places = sorted(
            {
                (topic, number)
                for member in self.members
                for topic in member.topics
                for number in range(self._bus.partitions(topic))
            }
        )
        share, rest = divmod(len(places), max(1, len(self.members)))
        loads = {id(member): 0 for member in self.members}
        target: dict[Place, MemoryConsumer] = {}
        for place in places:
            owner = self.target.get(place)
            if owner in self.members and owner is not None and place[0] in owner.topics:
                full = share + (1 if rest > 0 else 0)
                if loads[id(owner)] < full:
                    loads[id(owner)] += 1
                    rest -= loads[id(owner)] == share + 1
                    target[place] = owner
        for place in places:
            if place not in target:
                able = [member for member in self.members if place[0] in member.topics]
                owner = min(able, key=lambda member: loads[id(member)])
                loads[id(owner)] += 1
                target[place] = owner
        self.target = target


class MemoryConsumer:
    """``engine.bus.port.Consumer`` in memory. ``kill`` ends it as SIGKILL would."""

    def __init__(self, bus: MemoryBus, group: _Group, instance: str | None) -> None:
        self.group = group
        self.instance = instance
        self.topics: tuple[str, ...] = ()
        self.fenced = False
        self.lost: list[Place] = []
        self._bus = bus
        self._callbacks: tuple[PlacesCallback, PlacesCallback, PlacesCallback] | None = None
        self._at: dict[Place, int] = {}
        self._read: set[Place] = set()
        self._paused: set[Place] = set()
        self._closed = False
        self._turn = 0

    def subscribe(
        self, topics: Sequence[str], on_assign: PlacesCallback, on_revoke: PlacesCallback, on_lost: PlacesCallback
    ) -> None:
        """Join the group; partitions come with the next polls."""
        self.topics = tuple(topics)
        self._callbacks = (on_assign, on_revoke, on_lost)
        self.group.join(self)

    def assign(self, positions: Positions) -> None:
        """Read these partitions, without the group."""
        self._at = {}
        for place, at in positions.items():
            end = len(self._bus.log(place))
            self._at[place] = 0 if at == BEGINNING else end if at == END else at
        self._read.clear()
        self._paused.clear()

    def poll_batch(self, limit: int, timeout: float) -> list[Record]:
        """Serve the group, then read the partitions in turn."""
        self._check()
        self._bus.touch("reading")
        if self._callbacks is not None:
            self._rebalance()
        records: list[Record] = []
        places = list(self._at)
        if places:
            self._turn = (self._turn + 1) % len(places)
            for place in places[self._turn :] + places[: self._turn]:
                if place not in self._paused:
                    self._take(place, limit - len(records), records)
                if len(records) >= limit:
                    return records
        if not records:
            self._bus.wait(timeout)
        return records

    def _take(self, place: Place, room: int, records: list[Record]) -> None:
        log = self._bus.log(place)
        at = self._at[place]
        if at > len(log):  # out of range: from the beginning, as auto.offset.reset=earliest has it
            at = 0
        found = log[at : at + room]
        if found:
            self._at[place] = at + len(found)
            self._read.add(place)
            records += [record for record in found if record is not None]

    def _rebalance(self) -> None:
        assert self._callbacks is not None
        on_assign, on_revoke, on_lost = self._callbacks
        if self.lost:
            lost, self.lost = self.lost, []
            self._forget(lost)
            on_lost(lost)
            self.group.join(self)
        group = self.group
        mine = [place for place, owner in group.owners.items() if owner is self]
        revoked = [place for place in mine if group.target.get(place) is not self]
        if revoked:
            on_revoke(revoked)
            self._forget(revoked)
            for place in revoked:
                del group.owners[place]
        gained = [place for place, owner in group.target.items() if owner is self and place not in group.owners]
        if gained:
            for place in gained:
                group.owners[place] = self
                self._at[place] = group.positions.get(place, 0)
            on_assign(gained)

    def _forget(self, places: Collection[Place]) -> None:
        for place in places:
            self._at.pop(place, None)
        self._paused.difference_update(places)
        self._read.difference_update(places)

    def pause(self, places: Collection[Place]) -> None:
        """Deliver nothing from these."""
        self._paused.update(places)

    def resume(self, places: Collection[Place]) -> None:
        """Deliver from these again."""
        self._paused.difference_update(places)

    def commit(self, positions: Positions) -> None:
        """Commit, if these partitions are still ours."""
        self._check()
        self._bus.touch("committing")
        strange = [place for place in positions if place not in self._at or place in self.lost]
        if strange:
            raise CommitRefusedError(f"committing {strange}: not assigned to this member")
        self.group.positions.update(positions)

    def committed(self, places: Collection[Place]) -> dict[Place, int]:
        """The group's positions."""
        self._bus.touch("asking for positions")
        return {place: self.group.positions[place] for place in places if place in self.group.positions}

    def position(self) -> dict[Place, int]:
        """Behind the last record handed out."""
        return {place: self._at[place] for place in self._at if place in self._read}

    def watermarks(self, place: Place, timeout: float = 5.0) -> tuple[int, int]:  # noqa: ARG002
        """First and next offset."""
        self._bus.touch("asking for the end")
        return 0, len(self._bus.log(place))

    def lag(self) -> dict[Place, int]:
        """Messages behind."""
        return {place: max(0, len(self._bus.log(place)) - at) for place, at in self.position().items()}

    def close(self) -> None:
        """Revoke, then leave; a static member keeps its partitions until it expires."""
        if self._closed:
            return
        mine = [place for place, owner in self.group.owners.items() if owner is self]
        if self._callbacks is not None and mine and not self.fenced:
            self._callbacks[1](mine)
        self._closed = True
        if self.instance is None:
            self.group.leave(self)

    def kill(self) -> None:
        """Die without a word; the group notices when it expires."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise RuntimeError("the consumer is closed")
        if self.fenced:
            raise BusFatalError(f"fenced by another consumer with the instance {self.instance}")


class MemoryProducer:
    """``engine.bus.port.Producer`` in memory."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self._queue: deque[Outgoing] = deque()
        self._failures: list[DeliveryFailure] = []

    def send(self, outgoing: Outgoing) -> None:
        """Deliver at once, unless deliveries are held or the connection is dropped."""
        if len(outgoing.value) > MAX_MESSAGE_BYTES:
            raise OutgoingRefusedError(f"{outgoing.topic}: {len(outgoing.value)} bytes are over the limit")
        known = self._bus.partitions(outgoing.topic)
        if known and outgoing.partition is not None and not 0 <= outgoing.partition < known:
            raise OutgoingRefusedError(f"{outgoing.topic}: no partition {outgoing.partition}")
        self._queue.append(outgoing)
        if not self._bus.dropped_calls:
            self.deliver()

    def deliver(self) -> None:
        """Bring what is queued to the topics."""
        bus = self._bus
        while self._queue and not bus.holding:
            outgoing = self._queue.popleft()
            reason = bus.failing.popleft() if bus.failing else None
            if reason is None and not bus.partitions(outgoing.topic):
                reason = "unknown topic"
            if reason is None:
                bus.append(outgoing)
            else:
                self._failures.append(DeliveryFailure(outgoing.topic, outgoing.partition, outgoing.key, reason))

    def poll(self, timeout: float = 0.0) -> None:
        """Deliver what can be; wait when nothing can."""
        if self._bus.dropped_calls:
            self._bus.dropped_calls -= 1
            return
        self.deliver()
        if self._queue and timeout:
            self._bus.wait(timeout)

    def flush(self, timeout: float) -> None:
        """Deliver all; say what failed since the last flush."""
        self._bus.touch("flushing")
        self.deliver()
        if self._failures:
            failures, self._failures = self._failures, []
            raise DeliveryFailedError(failures, len(failures))
        if self._queue:
            self._bus.wait(timeout)
            raise OperatingFaultError(f"{len(self._queue)} messages still on their way after {timeout} s")

    def pending(self) -> int:
        """Messages queued."""
        return len(self._queue)

    def close(self) -> None:
        """Drop what is queued."""
        self._queue.clear()


class MemoryAdmin:
    """``engine.bus.port.Admin`` in memory."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    def ensure_topics(self, topics: Sequence[Topic]) -> Ensured:
        """Create, grow and correct."""
        self._bus.touch("administration")
        created: list[str] = []
        grown: list[str] = []
        changed: list[str] = []
        for topic in topics:
            has = self._bus.partitions(topic.name)
            if has and has != topic.partitions and not topic.grows:
                raise TopicContractError(f"{topic.name} has {has} partitions and should have {topic.partitions}")
        for topic in topics:
            has = self._bus.partitions(topic.name)
            if not has:
                self._bus.create_topic(topic.name, topic.partitions, topic.config)
                created.append(topic.name)
                continue
            if has < topic.partitions:
                self._bus.grow_topic(topic.name, topic.partitions)
                grown.append(topic.name)
            if any(self._bus.config(topic.name).get(name) != value for name, value in topic.config.items()):
                self._bus.config(topic.name).update(topic.config)
                changed.append(topic.name)
        return Ensured(tuple(created), tuple(grown), tuple(changed))

    def describe(self, names: Sequence[str]) -> dict[str, TopicInfo]:
        """Those that exist."""
        self._bus.touch("administration")
        return {name: info for name in names if (info := self._bus.info(name)) is not None}

    def existing(self, names: Sequence[str]) -> set[str]:
        """Names of those that exist."""
        return set(self.describe(names))

    def cluster_id(self) -> str:
        """Always the same."""
        return "memory"


class MemoryTailReader:
    """``engine.bus.port.TailReader`` in memory."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    def since(self, topics: Sequence[str], timestamp_ms: int) -> Iterator[Record]:
        """Records of that time and later."""
        self._bus.touch("reading the tail")
        found = [record for topic in topics for record in self._bus.records(topic)]
        return iter([record for record in found if record.timestamp_ms >= timestamp_ms])
