"""The relay: publishes a writer's answers and events after their commit, each answer once.

Rule: an answer goes out only when the archive covers the message it answers; order per recipient is the order of the
writer's outbox. Kafka cannot be fenced, so every answer carries ``ce_id`` (writer and sequence) by which recipients
drop a repetition. After a crash the relay reads only the tail of the outgoing topics, from the time of its last
checkpoint, and sends what it does not find there. Events may be repeated after a crash, with their ids.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec

from engine import ids
from engine.bus.port import Admin, Producer, TailReader
from engine.bus.record import Outgoing, cloud_event
from engine.bus.topics import EVENTS, outbound_topic
from engine.processors.batch import Event, Posted
from engine.store import outbox as store
from engine.store import recoveries
from engine.store.connection import Connection

_encode = msgspec.json.Encoder().encode
#: Clocks of one host and the broker's append time agree far better than this; the tail read is that much longer.
_MARGIN = timedelta(seconds=5)
#: A checkpoint waits for the broker and the writer waits with it: rarer, and the tail read after a crash is longer.
_CHECKPOINT_SECONDS = 5.0
#: After a take-over the first one comes sooner, and not at once: payments wait for the writer then.
_FIRST_CHECKPOINT_SECONDS = 0.5
#: A request to the broker carries the answers to one recipient, so many recipients are many requests. They take turns,
#: this far apart: a few go at once, in a crowd each gathers answers until it is his turn.
_SECONDS_A_RECIPIENT = 0.005
#: Turns that were not used are kept for this long.
_TURNS_KEPT_SECONDS = 0.1


@lru_cache(maxsize=1_000)
def _head(source: str, kind: str) -> dict[str, bytes]:
    """The headers that all messages of a kind share; each adds its own, and its id in place of this one's."""
    return cloud_event("", source, kind)


@lru_cache(maxsize=16)
def _subject(payment_id: bytes) -> bytes:
    """A payment's id as a header: its answers go out one behind the other."""
    return ids.shown(payment_id).encode()


class _Queue(NamedTuple):
    """Answers to one recipient that may go, and since when the first of them may."""

    since: float
    answers: list[Posted]


class Relay:
    """Publishes what one writer committed. ``offer`` after a commit, ``pump`` often, ``checkpoint`` by itself."""

    def __init__(
        self,
        connection: Connection,
        producer: Producer,
        writer_no: int,
        source_name: str,
        *,
        longest_wait: float = 0.0,
        turns_kept: float = _TURNS_KEPT_SECONDS,
    ) -> None:
        self._connection = connection
        self._producer = producer
        self._writer_no = writer_no
        self._source = source_name
        #: What waits for the archive, in order; what may go, by recipient, who waits longest first.
        self._pending: deque[Posted] = deque()
        self._ready: dict[str, _Queue] = {}
        self._archived: dict[int, int] = {}
        #: The highest number that was ever sent, and how far all are sent according to Postgres.
        self._sent = self._stored = 0
        self._checkpoint_at: float | None = None
        self._longest_wait = longest_wait
        self._turns_kept = turns_kept
        self._turn_at = 0.0
        self._dirty = False
        self._told: set[tuple[bytes, str, str, bytes]] = set()

    @property
    def backlog(self) -> int:
        """Answers that wait for the archive or the broker."""
        return len(self._pending) + sum([len(queue.answers) for queue in self._ready.values()])

    def offer(self, posted: Sequence[Posted], events: Sequence[Event]) -> None:
        """Take what a commit has made true; events go out at once."""
        self._pending.extend(posted)
        for event in events:
            self._tell(event)
        self._dirty = self._dirty or bool(events)

    def pump(self, now: float) -> None:
        """Publish answers whose messages the archive holds; now and then make the place durable."""
        if self._pending:
            self._admit(now)
        if self._ready:
            self._take_turns(now)
        self._producer.poll()
        if self._checkpoint_at is None:
            self._checkpoint_at = now + _FIRST_CHECKPOINT_SECONDS - _CHECKPOINT_SECONDS
        if self._dirty and now - self._checkpoint_at >= _CHECKPOINT_SECONDS:
            self.checkpoint(now)

    def _admit(self, now: float) -> None:
        """What the archive covers may go: order per recipient is the order of the outbox."""
        asked, covered, ready = False, b"", self._ready
        while self._pending:
            posted = self._pending[0]
            if posted.payment_id != covered:  # a payment's answers stand together: it is looked at once
                if not self._covered(posted):
                    if asked:
                        break
                    self._archived, asked = store.archived(self._connection), True
                    continue
                covered = posted.payment_id
            self._pending.popleft()
            queue = ready.get(posted.answer.recipient)
            if queue is None:
                queue = ready[posted.answer.recipient] = _Queue(now, [])
            queue.answers.append(posted)

    def _take_turns(self, now: float) -> None:
        """Publish to as many recipients as have their turn, and to who has waited for it long enough."""
        self._turn_at = max(self._turn_at, now - self._turns_kept)
        while self._ready:
            if self._turn_at <= now:
                self._turn_at += _SECONDS_A_RECIPIENT
            elif next(iter(self._ready.values())).since + self._longest_wait > now:
                break
            self._publish_next()

    def _publish_next(self) -> None:
        """All answers that wait for the recipient who waits longest."""
        recipient = next(iter(self._ready))
        for posted in self._ready.pop(recipient).answers:
            self._publish(posted)

    def _publish_all(self, now: float) -> None:
        """What the archive covers, without turns."""
        self._admit(now)
        while self._ready:
            self._publish_next()

    def _through(self) -> int:
        """The number up to which every answer is sent."""
        unsent = [queue.answers[0].seq for queue in self._ready.values()]
        if self._pending:
            unsent.append(self._pending[0].seq)
        return min(unsent) - 1 if unsent else self._sent

    def checkpoint(self, now: float) -> None:
        """Flush, then store how far everything is published for certain."""
        self._producer.flush(30.0)
        through = self._through()
        if through > self._stored or self._dirty:
            store.checkpoint(self._connection, self._writer_no, through)
            self._stored = through
        self._checkpoint_at = now
        self._dirty = False

    def finish(self, now: float) -> bool:
        """Before leaving: publish what the archive covers, and say so. True when nothing behind that was ever sent."""
        self._publish_all(now)
        self.checkpoint(now)
        return self._stored >= self._sent

    def recover(self, admin: Admin, tails: TailReader, *, handed_over: bool = False) -> None:
        """After a start: publish what was committed and is not in the outgoing topics yet, and repeat late events.

        ``handed_over``: the relay before has finished (`finish`), so there is nothing to look for and no late event.
        """
        self._told = recoveries.told(self._connection)
        published, at = store.place(self._connection, self._writer_no)
        self._sent = self._stored = published
        self._ready.clear()
        waiting = store.unpublished(self._connection, self._writer_no, published)
        self._checkpoint_at = None
        if handed_over:
            self._pending = deque(posted for posted, _ in waiting)
            return
        since = min((posted_at for _, posted_at in waiting), default=datetime.now(UTC)) - _MARGIN
        topics = sorted({outbound_topic(posted.answer.recipient) for posted, _ in waiting})
        found: dict[str, set[int]] = {topic: set() for topic in topics}
        known = admin.existing(topics)
        for record in tails.since([topic for topic in topics if topic in known], int(since.timestamp() * 1000)):
            writer_no, _, seq = record.headers.get("ce_id", b"").decode().partition("-")
            if writer_no == str(self._writer_no) and seq.isdigit():
                found[record.topic].add(int(seq))
        self._pending.clear()
        for posted, _ in waiting:
            if posted.seq in found[outbound_topic(posted.answer.recipient)]:
                self._sent = posted.seq
            else:
                self._pending.append(posted)
        for event in store.events_since(self._connection, self._writer_no, at - _MARGIN):
            self._tell(event)
        self._dirty = True

    def _covered(self, posted: Posted) -> bool:
        source, offset, _ = ids.coordinates(posted.payment_id)
        return offset < self._archived.get(source, 0)

    def _publish(self, posted: Posted) -> None:
        answer = posted.answer
        self._sent = max(self._sent, posted.seq)
        self._dirty = True
        if self._told and self._was_told(posted):
            return
        headers = {
            **_head(self._source, answer.type),
            "ce_id": f"{self._writer_no}-{posted.seq}".encode(),
            "ce_subject": _subject(posted.payment_id),
        }
        self._producer.send(Outgoing(outbound_topic(answer.recipient), 0, None, answer.payload, headers))

    def _tell(self, event: Event) -> None:
        headers = {**_head(self._source, "state"), "ce_id": event.id.encode(), "ce_time": event.at.encode()}
        self._producer.send(Outgoing(EVENTS, None, event.payment_id.encode(), _encode(event), headers))

    def _was_told(self, posted: Posted) -> bool:
        """Whether the recipient has this very answer from before the ledger was restored from a backup."""
        answer, digest = posted.answer, recoveries.same_but_moments(posted.answer.payload)
        return (posted.payment_id, outbound_topic(answer.recipient), answer.type, digest) in self._told
