"""Dropping files on ingest topics as any sender does, and learning where they arrived and what became of them.

Rule: there is no private door. The bytes go untouched, one Kafka message a file, signed with the sender's key; whatever
is sent wrong is refused by the engine, not here. Where a message arrived is read back from the topic, by its ``ce_id``.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine import ids
from engine.bus.port import Admin, Consumer, OperatingFaultError, OutgoingRefusedError, Producer, TopicInfo
from engine.bus.record import LAU, Outgoing, Place, cloud_event
from engine.bus.topics import ingest_topic, partition_of
from engine.errors import UsageFault
from engine.store import keys as key_store
from engine.store import outcomes, reference
from engine.store.connection import Connection

_FLUSH_SECONDS = 30.0
_ASK_EVERY = (0.02, 0.25)  # seconds: at first, and at most


@dataclass(slots=True)
class Drop:
    """A file to send, then sent. ``problem``: why it could not be; ``place`` and ``offset``: where it arrived."""

    file: str
    value: bytes
    topic: str | None = None
    key: str | None = None
    signature: str | None = None
    problem: str | None = None
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))
    place: Place | None = None
    offset: int | None = None
    message_id: bytes | None = None

    def outgoing(self, partition: int) -> Outgoing:
        """The message, for a partition."""
        assert self.topic is not None
        headers = cloud_event(self.identity, "qenex/send", "ingest")
        if self.signature is not None:
            headers[LAU] = self.signature.encode()
        return Outgoing(self.topic, partition, None if self.key is None else self.key.encode(), self.value, headers)


class Signer:
    """Keys of senders: a participant's BIC or routing number -> its keys, the newest first."""

    def __init__(self, keys: Mapping[str, Sequence[bytes]]) -> None:
        self._keys = {name.upper(): tuple(values) for name, values in keys.items() if values}
        self._institutions: dict[str, tuple[bytes, ...]] = {}
        for name, values in sorted(self._keys.items(), key=lambda item: not item[0].endswith("XXX")):
            if not name.isdigit():
                self._institutions.setdefault(name[:8], values)

    def sign(self, sender: str | None, value: bytes) -> str | None:
        """Hex HMAC-SHA256 under the sender's newest key; None when no key of his is known."""
        if sender is None:
            return None
        keys = self._keys.get(sender) or (None if sender.isdigit() else self._institutions.get(sender[:8]))
        return None if not keys else hmac.new(keys[0], value, hashlib.sha256).hexdigest()


def signer_of_store(connection: Connection) -> Signer:
    """The signer with every participant's keys, each under all his identifiers: a Nacha file names a routing number."""
    keys = key_store.active_keys(connection)
    _, document = reference.newest(connection)
    for participant in document.participants:
        if participant.routing_number is not None and participant.id in keys:
            keys.setdefault(participant.routing_number, keys[participant.id])
    return Signer(keys)


def prepared(file: str, value: bytes, signer: Signer, *, topic: str | None, key: str | None) -> Drop:
    """What to send of a file's bytes: topic by the detected format, key and signature by the sender found in it."""
    import parsers

    drop = Drop(file, value, topic, key)
    first = parsers.parse(value)[0]
    if drop.topic is None:
        if first.format is None:
            drop.problem = "nobody recognises this format: name the topic with --topic to send it all the same"
            return drop
        drop.topic = ingest_topic(first.format, first.scheme)
    drop.key = key or first.sender
    drop.signature = signer.sign(first.sender or key, value)
    return drop


def deliver(drops: Sequence[Drop], producer: Producer, consumer: Consumer, admin: Admin) -> dict[str, TopicInfo]:
    """Send those without a problem, wait until the broker has them, and note where each arrived."""
    going = [drop for drop in drops if drop.problem is None]
    names = sorted({drop.topic for drop in going if drop.topic is not None})
    known = admin.describe(names)
    missing = [name for name in names if name not in known]
    if missing:
        raise UsageFault(f"There is no topic {', '.join(missing)}. Topics are created by: qenex up")
    for drop in going:
        assert drop.topic is not None
        count = known[drop.topic].partitions
        drop.place = (drop.topic, partition_of(drop.key.encode(), count) if drop.key else 0)
    before = {place: consumer.watermarks(place)[1] for place in sorted({drop.place for drop in going if drop.place})}
    for drop in going:
        assert drop.place is not None
        try:
            producer.send(drop.outgoing(drop.place[1]))
        except OutgoingRefusedError as refused:
            drop.problem = f"Kafka refuses it: {refused}"
    producer.flush(_FLUSH_SECONDS)
    _locate([drop for drop in going if drop.problem is None], before, consumer)
    return known


def _locate(drops: Sequence[Drop], before: Mapping[Place, int], consumer: Consumer) -> None:
    """Read the topics from where they ended before, until every message of ours has come by."""
    wanted = {drop.identity.encode(): drop for drop in drops}
    places = {drop.place for drop in drops}
    consumer.assign({place: offset for place, offset in before.items() if place in places})
    quiet_until = time.monotonic() + _FLUSH_SECONDS
    while wanted:
        records = consumer.poll_batch(500, 0.2)
        for record in records:
            drop = wanted.pop(record.headers.get("ce_id", b""), None)
            if drop is not None:
                drop.place, drop.offset = record.place, record.offset
        if records:
            quiet_until = time.monotonic() + _FLUSH_SECONDS
        elif time.monotonic() > quiet_until:
            raise OperatingFaultError(f"reading back what was sent: {len(wanted)} messages did not come by")


def identify(drops: Iterable[Drop], connection: Connection, cluster: str, topics: Mapping[str, TopicInfo]) -> None:
    """Give each sent message its id; those whose topic the engine has not seen yet stay without."""
    sources = outcomes.sources(connection, cluster, [info.id.hex for info in topics.values()])
    for drop in drops:
        if drop.message_id is None and drop.place in sources and drop.offset is not None:
            drop.message_id = ids.payment_id(sources[drop.place], drop.offset, 0)


Views = dict[bytes, outcomes.MessageView]


def await_outcomes(
    drops: Sequence[Drop], connection: Connection, identify_: Callable[[], None], seconds: float
) -> Views:
    """Outcomes of sent messages, as soon as each payment of each message has a first decision, or time is up."""
    deadline = time.monotonic() + seconds
    sent = [drop for drop in drops if drop.offset is not None]
    views: Views = {}
    pause, longest = _ASK_EVERY
    while True:
        identify_()
        open_ids = [drop.message_id for drop in sent if drop.message_id and not _decided(views, drop.message_id)]
        views |= outcomes.messages(connection, open_ids)
        if all(drop.message_id is not None and _decided(views, drop.message_id) for drop in sent):
            return views
        if time.monotonic() > deadline:
            return views
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, longest)


def _decided(views: Views, message: bytes) -> bool:
    view = views.get(message)
    return view is not None and view.outcome is not None


def record(drop: Drop, view: outcomes.MessageView | None, known: Mapping[int, tuple[str, int]]) -> dict[str, object]:
    """The public record of a sent file."""
    topic, partition = drop.place or (drop.topic, None)
    place = {"file": drop.file, "topic": topic, "partition": partition, "offset": drop.offset}
    if view is None:
        return {**place, "outcome": None, "duplicate_of": None, "payments": [], "error": drop.problem}
    return {**outcomes.record(view, known), **place, "error": None}
