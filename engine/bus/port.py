"""The ports: what the engine asks of a bus, and the errors it gets.

Rule: positions are the next offset to read, as Kafka commits them; a commit is synchronous and either true or an
error; nothing is dropped silently. An ``OperatingFaultError`` is an outage (retry, then exit); a ``BusFatalError``
ends the client (exit, be restarted); everything else is about one message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from engine.bus.record import Outgoing, Place, Record
from engine.bus.topics import Topic

#: Next offset to read, by partition.
Positions = Mapping[Place, int]
PlacesCallback = Callable[[Sequence[Place]], None]

#: ``assign`` from the first message that the broker still has, or behind the last.
BEGINNING = -2
END = -1


class BusError(Exception):
    """Anything that the bus could not do; the message says what and for which topic."""


class OperatingFaultError(BusError):
    """A service does not answer (Kafka, Postgres): no message's fault. Raised by adapters and by stages."""


class BusFatalError(BusError):
    """The client cannot go on (fenced by another with its name, broken sequence): exit and start anew."""


class OutgoingRefusedError(BusError):
    """A message that can never be sent, such as one over the size limit: the fault of the record it came from."""


class CommitRefusedError(BusError):
    """The group has moved on (rebalance): whoever owns the partitions now will read these messages again."""


class TopicContractError(BusError):
    """A topic exists and does not match its contract; the message says which, what it has and what it should have."""


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """A message that the broker did not take, for good."""

    topic: str
    partition: int | None
    key: bytes | None
    reason: str


class DeliveryFailedError(OperatingFaultError):
    """Messages were not delivered. What they were derived from must not be committed."""

    def __init__(self, failures: Sequence[DeliveryFailure], count: int) -> None:
        first = failures[0]
        more = f" and {count - 1} more" if count > 1 else ""
        super().__init__(f"not delivered to {first.topic}: {first.reason}{more}")
        self.failures = tuple(failures)
        self.count = count


class Consumer(Protocol):
    """Reads records, either as a member of a group (``subscribe``) or from given positions (``assign``).

    Callbacks run inside ``poll_batch`` and ``close``, on the caller's thread. ``on_lost``: the partitions already
    belong to somebody else, nothing can be committed for them.
    """

    def subscribe(
        self, topics: Sequence[str], on_assign: PlacesCallback, on_revoke: PlacesCallback, on_lost: PlacesCallback
    ) -> None:
        """Join the group."""

    def assign(self, positions: Positions) -> None:
        """Read these partitions from these offsets (or BEGINNING, END), without a group's help."""

    def poll_batch(self, limit: int, timeout: float) -> list[Record]:
        """Up to ``limit`` records: as soon as there are so many, or what there is after ``timeout`` seconds."""

    def pause(self, places: Collection[Place]) -> None:
        """Deliver nothing from these assigned partitions until resumed, revoked or assigned anew."""

    def resume(self, places: Collection[Place]) -> None:
        """Undo ``pause``; partitions that are not paused are left alone."""

    def commit(self, positions: Positions) -> None:
        """Make positions the group's. Returns when the broker has them."""

    def committed(self, places: Collection[Place]) -> dict[Place, int]:
        """The group's positions; partitions without one are left out."""

    def position(self) -> dict[Place, int]:
        """Next offset of each assigned partition from which something was read."""

    def watermarks(self, place: Place, timeout: float = 5.0) -> tuple[int, int]:
        """First offset the broker has, and the one behind the last, asked of the broker."""

    def lag(self) -> dict[Place, int]:
        """Messages not yet read, from what the last fetches said: no request, so stale if fetching has stopped."""

    def close(self) -> None:
        """Leave. A static member stays in the group until its session times out."""


class Producer(Protocol):
    """Writes messages. ``send`` queues; only ``flush`` says that everything was taken by the broker."""

    def send(self, outgoing: Outgoing) -> None:
        """Queue it. OutgoingRefusedError when it can never be sent, OperatingFaultError when there is no room."""

    def poll(self, timeout: float = 0.0) -> None:
        """Serve what the broker answered; wait for it up to ``timeout`` seconds."""

    def flush(self, timeout: float) -> None:
        """Wait until everything queued is taken. DeliveryFailedError says what was not, since the last flush.

        OperatingFaultError when messages are still on their way after ``timeout`` seconds: they stay queued.
        """

    def pending(self) -> int:
        """Messages queued or on their way."""

    def close(self) -> None:
        """Drop what is still queued and disconnect."""


class TailReader(Protocol):
    """Reads the end of topics without a group."""

    def since(self, topics: Sequence[str], timestamp_ms: int) -> Iterator[Record]:
        """Records appended at that time or later, up to the end as it is now; per partition in order."""


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic that exists. The id changes when a topic is deleted and created anew."""

    name: str
    id: UUID
    partitions: int


@dataclass(frozen=True, slots=True)
class Ensured:
    """What ``ensure_topics`` did: names created, names with partitions added, names with settings changed."""

    created: tuple[str, ...] = ()
    grown: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Admin(Protocol):
    """Looks at and creates topics."""

    def ensure_topics(self, topics: Sequence[Topic]) -> Ensured:
        """Create what is missing and correct settings; a second call changes nothing. TopicContractError on others."""

    def describe(self, names: Sequence[str]) -> dict[str, TopicInfo]:
        """Those of the topics that exist."""

    def existing(self, names: Sequence[str]) -> set[str]:
        """Names of those that exist."""

    def cluster_id(self) -> str:
        """The cluster's own name of itself."""
