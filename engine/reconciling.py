"""After a restore: what the outside knows and this ledger does not, and what arrived and has no decision here.

Rule: nothing is changed here. The outgoing topics are read from shortly before the moment to which the ledger was
restored: what was committed later was published later. The ingest topics are read from where everything is known to be
decided. The difference that two operators accept is what was told (its SHA-256 is what the second one approves);
arrivals go on while they look, and what waits is decided afterwards like any arrival.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from engine import commanding, ids
from engine.bus.port import Admin, Consumer, TailReader
from engine.bus.record import Place, Record
from engine.bus.topics import COMMANDS, INGEST_TOPICS
from engine.store import recoveries
from engine.store.connection import Connection
from engine.store.outcomes import sources
from engine.store.recoveries import Recovery, Told, same_but_moments

OUTBOUND_PREFIX = "outbound."
#: The broker's clock and the database's are never that far apart.
_MARGIN = timedelta(minutes=1)
_READ_SECONDS = 60
_CHUNK = 1_000


class TopicAdmin(Admin, Protocol):
    """An Admin that lists topics too."""

    def named(self, prefix: str) -> list[str]:
        """Names of the topics that begin so."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer on an outgoing topic: where, and what. ``state``: where this ledger stands with its payment."""

    record: str
    told: Told
    state: str | None
    differs: bool


@dataclass(slots=True)
class Difference:
    """``answered``: told to the outside, unknown here. ``undecided``: arrived, without a decision here.

    ``commands``: operators' commands that will be applied again. ``lost``: ingest partitions of which the broker has
    less than the ledger.
    """

    answered: list[Answered] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    commands: list[commanding.Command] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def digest(self) -> bytes:
        """What two operators agree about: every answer, by place, number and content."""
        whole = hashlib.sha256()
        for one in sorted(self.answered, key=lambda each: each.record):
            told = one.told
            whole.update(f"{one.record} {told.writer_no}-{told.seq} {told.type}\n".encode() + told.digest)
        for place in sorted(self.lost):
            whole.update(place.encode())
        return whole.digest()

    @property
    def harmless(self) -> bool:
        """Whether the outside knows nothing that this ledger does not."""
        return not self.answered and not self.lost


@dataclass(frozen=True, slots=True)
class Bus:
    """What is read from."""

    admin: TopicAdmin
    tails: TailReader
    consumer: Consumer


def difference(connection: Connection, bus: Bus, recovery: Recovery) -> Difference:
    """Compare; BusError when Kafka does not answer."""
    found = Difference()
    since = int((recovery.restored_to - _MARGIN).timestamp() * 1000)
    batch: list[Record] = []
    for record in bus.tails.since(sorted(bus.admin.named(OUTBOUND_PREFIX)), since):
        batch.append(record)
        if len(batch) >= _CHUNK:
            found.answered += _unknown(connection, batch)
            batch.clear()
    found.answered += _unknown(connection, batch)
    _ingest(connection, bus, found)
    _commands(connection, bus, found)
    return found


def _unknown(connection: Connection, records: Sequence[Record]) -> Iterator[Answered]:
    """Those answers that this ledger does not have, or has with another content."""
    told = {record.coordinates: one for record in records if (one := _told(record)) is not None}
    by_writer: dict[int, list[int]] = {}
    for one in told.values():
        by_writer.setdefault(one.writer_no, []).append(one.seq)
    known = {number: recoveries.known_answers(connection, number, seqs) for number, seqs in by_writer.items()}
    states = recoveries.states(connection, [one.payment_id for one in told.values()])
    for place, one in told.items():
        here = known[one.writer_no].get(one.seq)
        if here != (one.digest, one.type):
            yield Answered(place, one, states.get(one.payment_id), here is not None)


def _told(record: Record) -> Told | None:
    """An answer as it stands on its topic; None for what no relay of ours has written."""
    writer, _, seq = record.headers.get("ce_id", b"").decode("ascii", "replace").partition("-")
    payment = ids.parse(record.headers.get("ce_subject", b"").decode("ascii", "replace"))
    if not (writer.isdigit() and seq.isdigit()) or payment is None:
        return None
    kind = record.headers.get("ce_type", b"").decode("utf-8", "replace")
    at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
    return Told(int(writer), int(seq), payment, record.topic, kind, same_but_moments(record.value), at)


def _ingest(connection: Connection, bus: Bus, found: Difference) -> None:
    """What arrived and has no decision here."""
    starts: dict[Place, int] = {}
    progress, topics = recoveries.progress(connection), bus.admin.describe(INGEST_TOPICS)
    known = sources(connection, bus.admin.cluster_id(), [info.id.hex for info in topics.values()])
    for name, info in topics.items():
        for partition in range(info.partitions):
            place = (name, partition)
            archived, done = progress.get(known.get(place, 0), (0, 0))
            first, end = bus.consumer.watermarks(place)
            if end < archived:
                found.lost.append(f"{name}/{partition}: the broker ends at {end}, the ledger's archive at {archived}")
            elif end > max(done, first):
                starts[place] = max(done, first)
    wanted: dict[bytes, str] = {}
    for record in _read(bus.consumer, starts):
        wanted[ids.payment_id(known.get(record.place, 0), record.offset, 0)] = record.coordinates
        if len(wanted) >= _CHUNK:
            found.undecided += _undecided(connection, wanted)
            wanted.clear()
    found.undecided += _undecided(connection, wanted)


def _undecided(connection: Connection, wanted: dict[bytes, str]) -> list[str]:
    decided = recoveries.decided(connection, list(wanted))
    return [place for message, place in wanted.items() if message not in decided]


def _commands(connection: Connection, bus: Bus, found: Difference) -> None:
    """Operators' commands behind the books' positions."""
    positions = recoveries.positions(connection)
    starts: dict[Place, int] = {}
    for name, info in bus.admin.describe([COMMANDS]).items():
        for partition in range(info.partitions):
            first, end = bus.consumer.watermarks((name, partition))
            start = max(first, positions.get((str(info.id), name, partition), 0))
            if start < end:
                starts[name, partition] = start
    for record in _read(bus.consumer, starts):
        try:
            found.commands.append(commanding.decode(record.value))
        except commanding.CommandError:
            continue


def _read(consumer: Consumer, starts: dict[Place, int]) -> Iterator[Record]:
    """Everything from these offsets to the ends as they are now."""
    ends = {place: consumer.watermarks(place)[1] for place in starts}
    left = {place for place, start in starts.items() if start < ends[place]}
    if not left:
        return
    consumer.assign({place: starts[place] for place in left})
    silent = 0
    while left and silent < _READ_SECONDS * 5:
        records = consumer.poll_batch(_CHUNK, 0.2)
        silent = 0 if records else silent + 1
        for record in records:
            if record.offset < ends[record.place]:
                yield record
            if record.offset + 1 >= ends[record.place]:
                left.discard(record.place)
