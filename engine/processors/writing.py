"""What a writer does with its input, whatever it decides: fence, redeliveries, one commit a batch, then the relay.

Rule: state in memory is a copy of what Postgres has; after any failure it is loaded anew. Positions are Postgres';
Kafka's are not used. A payment whose decision crashes is counted; at the third crash it is held with the error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from engine.bus.record import Place as BusPlace
from engine.bus.record import Record
from engine.processors.archiver import RecreatedTopicError
from engine.processors.batch import Batch, Place
from engine.processors.decisions import Claims, Seen, names
from engine.processors.outbound import Correspondence
from engine.processors.recording import Arrival
from engine.processors.relay import Relay
from engine.store import commit as commits
from engine.store import crashes, outbox, versions
from engine.store.connection import Connection
from engine.store.leases import Lease
from engine.wire import Envelope, decode

Clock = Callable[[], datetime]
#: A payment and the number of the attempt at it.
Attempt = tuple[bytes, int]

#: After a redelivery was found by the database, this many batches look before they leap.
_WARY_BATCHES = 50
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
#: A batch that keeps colliding is a defect: two writers at once, or ids that repeat.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class WriterPorts:
    """What a writer is given: its name and number, its input's sources, Postgres, the relay, a clock, its own BIC."""

    name: str
    writer_no: int
    sources: Mapping[BusPlace, int]
    connection: Connection
    relay: Relay
    clock: Clock
    operator: str


class Writer(ABC):
    """A writer of envelopes: a book's, or the recorder."""

    def __init__(self, ports: WriterPorts) -> None:
        self.ports = ports
        self.lease: Lease | None = None
        self.positions: dict[int, int] = {}
        self.next_seq = 1
        self._seen = Seen()
        self._wary = 0
        self._versions: dict[tuple[str, str, int], int] = {}
        self._crashed: dict[tuple[int, int], str] = {}
        self._latest = _LONG_AGO

    # -- ownership -----------------------------------------------------------------------------------------------------

    def start(self, lease: Lease) -> dict[BusPlace, int]:
        """Take over at this lease: where to read from. ``load`` comes before the first batch."""
        connection, ports = self.ports.connection, self.ports
        self.lease = lease
        stored = commits.positions(connection, ports.name)
        for source in ports.sources.values():
            if source not in stored:
                commits.add_position(connection, lease, source)
        self.positions = {source: stored.get(source, 0) for source in ports.sources.values()}
        return {place: self.positions[source] for place, source in ports.sources.items()}

    def load(self) -> None:
        """Everything else from Postgres."""
        connection, ports = self.ports.connection, self.ports
        self.next_seq = outbox.last_seq(connection, ports.writer_no) + 1
        said = outbox.unpublished(connection, ports.writer_no, self.next_seq - 2)
        self._latest = max((self._latest, *(at for _, at in said)))
        self._crashed = crashes.put_aside(connection, list(self.positions))
        self.reload()

    @abstractmethod
    def reload(self) -> None:
        """Bring what this kind of writer keeps in memory in line with Postgres."""

    # -- a batch -------------------------------------------------------------------------------------------------------

    def process(self, records: Sequence[Record]) -> int:
        """Decide and commit what was read; returns how many payments were decided."""
        if not records:
            return 0
        arrived, moved = self._arrived(records)
        fresh = list(arrived.values())
        if self._wary > 0:
            self._wary -= 1
            fresh = self._undecided(fresh)
        for _ in range(_ATTEMPTS):
            batch = self.new_batch()
            batch.changes.positions = moved
            try:
                self._decide(fresh, batch)
                self.commit(batch)
                break
            except commits.AlreadyDecidedError:
                self._wary = _WARY_BATCHES
                self.reload()
                fresh = self._undecided(fresh)
        else:
            raise RuntimeError(f"{self.ports.name}: a batch of {len(fresh)} collides again and again")
        if len(fresh) < len(arrived):
            arrived = {(a.envelope.payment_id, a.envelope.attempt): a for a in fresh}
        self._seen.add(arrived)
        self.positions.update({source: after for source, _, after in moved})
        return len(fresh)

    def new_batch(self) -> Batch:
        """An empty batch at this moment, or the last one's where the clock went back: moments say what came first."""
        ports = self.ports
        self._latest = max(self._latest, ports.clock())
        return Batch(ports.name, ports.writer_no, self.next_seq, self._latest, self.versions_of)

    def commit(self, batch: Batch) -> None:
        """One durable transaction; only then is anything told to anybody."""
        assert self.lease is not None
        commits.commit(self.ports.connection, self.lease, batch.changes, self.work(batch))
        self.committed(batch)
        self.next_seq = batch.next_seq
        self.ports.relay.offer(batch.posted, batch.events)

    def work(self, batch: Batch) -> Callable[[psycopg.Cursor[Any]], None] | None:  # noqa: ARG002
        """What else belongs into the transaction."""
        return None

    def committed(self, batch: Batch) -> None:  # noqa: B027
        """The batch is history now."""

    @abstractmethod
    def decide(self, arrivals: Sequence[Arrival], batch: Batch, claims: Claims, letter: Correspondence) -> None:
        """Decide a batch of undecided arrivals, in order."""

    def _decide(self, arrivals: Sequence[Arrival], batch: Batch) -> None:
        claims = Claims(commits.claimed(self.ports.connection, names([a.envelope for a in arrivals])))
        self.decide(arrivals, batch, claims, Correspondence(self.ports.operator, batch.shown_at))

    # -- helpers -------------------------------------------------------------------------------------------------------

    def versions_of(self, envelope: Envelope) -> int:
        """The number under which the versions of a decision's data are kept."""
        clearance, route = envelope.clearance, envelope.route
        key = (
            "" if clearance is None else clearance.list_version,
            "" if clearance is None else clearance.settings_version,
            0 if route is None else route.reference,
        )
        found = self._versions.get(key)
        if found is None:
            found = self._versions[key] = versions.number_of(self.ports.connection, *key)
        return found

    def crash_of(self, place: Place) -> str | None:
        """The error of an arrival that crashed its worker too often."""
        return self._crashed.get((place.source, place.offset)) if self._crashed else None

    def crashed(self, arrival: Arrival, problem: Exception) -> None:
        """Count a crash before it ends the process. Outages are not crashes."""
        place = arrival.place
        crashes.record(self.ports.connection, place.source, place.offset, f"{type(problem).__name__}: {problem}")

    def _arrived(self, records: Sequence[Record]) -> tuple[dict[Attempt, Arrival], list[tuple[int, int, int]]]:
        """The first of each attempt that was not seen before, and how far each source is read then."""
        arrived: dict[Attempt, Arrival] = {}
        after: dict[int, int] = {}
        sources, seen = self.ports.sources, self._seen
        envelopes = [decode(record.value) for record in records]
        for record, envelope in zip(records, envelopes, strict=True):
            source = sources[record.topic, record.partition]
            after[source] = record.offset + 1
            attempt = (envelope.payment_id, envelope.attempt)
            if attempt not in seen and attempt not in arrived:
                arrived[attempt] = Arrival(envelope, Place(record.partition, record.offset, source))
        return arrived, [(source, self.positions[source], offset) for source, offset in sorted(after.items())]

    def _undecided(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Without those that the inbox has; the same place with other bytes stops everything."""
        known = commits.decided(self.ports.connection, [(a.envelope.payment_id, a.envelope.attempt) for a in arrivals])
        for arrival in arrivals:
            envelope = arrival.envelope
            digest = known.get((envelope.payment_id, envelope.attempt))
            if digest is not None and digest.hex() != envelope.digest:
                raise RecreatedTopicError(
                    f"payment {envelope.payment_id.hex()} was decided for other bytes: its topic was recreated"
                )
        return [a for a in arrivals if (a.envelope.payment_id, a.envelope.attempt) not in known]
