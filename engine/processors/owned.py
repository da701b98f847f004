"""Writers as a writer process runs them: a book with its commands, the recorder, the archiver.

Rule: each knows its partitions, takes over at a lease, and has something to do between batches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from engine.bus.port import Admin, TailReader
from engine.bus.record import Place, Record
from engine.bus.topics import COMMANDS
from engine.processors.archiver import Archiver
from engine.processors.batch import Batch
from engine.processors.book_commands import BookCommands
from engine.processors.decisions import Claims, original_payment
from engine.processors.outbound import Correspondence
from engine.processors.recording import Arrival, record, set_aside
from engine.processors.settlement import BookWriter
from engine.processors.writing import Writer, WriterPorts
from engine.store import commit as commits
from engine.store import outbox
from engine.store.connection import Connection
from engine.store.leases import Lease

#: How often the archiver looks whether ``done_through`` can move: it costs an index range scan of what is new.
_ADVANCE_SECONDS = 1.0


class OwnedBook:
    """A book's writer with its commands; what routing sent first, then what operators asked for meanwhile."""

    def __init__(
        self,
        writer: BookWriter,
        admin: Admin,
        tails: TailReader,
        schedule: Callable[[BookWriter], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = writer.ports.name
        self._writer = writer
        self._commands = BookCommands(writer)
        self._admin = admin
        self._tails = tails
        self._schedule = schedule
        self._clock = clock

    def places(self) -> Sequence[Place]:
        """Its partition of the routed payments, and of the commands."""
        return list(self._writer.ports.sources)

    def start(self, lease: Lease) -> dict[Place, int]:
        """Take over; where to read from."""
        return self._writer.start(lease)

    def load(self, lease: Lease) -> None:
        """Rebuild the book and what the relay has to make up for."""
        self._writer.load()
        self._writer.ports.relay.recover(self._admin, self._tails, handed_over=lease.handed_over)

    def process(self, records: Sequence[Record]) -> int:
        """Payments as one batch, then each command in a commit of its own."""
        payments = [one for one in records if one.topic != COMMANDS]
        decided = self._writer.process(payments)
        if len(payments) < len(records):
            for one in records:
                if one.topic == COMMANDS:
                    self._commands.apply(one, self._routed_offset())
        return decided

    def _routed_offset(self) -> int:
        sources = self._writer.ports.sources
        return next(self._writer.positions[source] for (topic, _), source in sources.items() if topic != COMMANDS)

    def paused(self) -> Sequence[Place]:
        """A stopped book takes commands only."""
        if not self._writer.state.row.stopped:
            return ()
        return [place for place in self._writer.ports.sources if place[0] != COMMANDS]

    def tick(self, now: float) -> None:
        """Relay what is due; let the timetable speak."""
        self._writer.ports.relay.pump(now)
        self._schedule(self._writer)

    def waits(self) -> bool:
        """Whether there are answers that the archive is about to let out."""
        return self._writer.ports.relay.backlog > 0

    def close(self) -> bool:
        """What is published is said to be; who comes next publishes the rest, and looks for nothing."""
        return self._writer.ports.relay.finish(self._clock())


class Recorder(Writer):
    """The writer of everything that settles nowhere: rejected, held, noted."""

    def reload(self) -> None:
        """It keeps nothing in memory."""

    def decide(self, arrivals: Sequence[Arrival], batch: Batch, claims: Claims, letter: Correspondence) -> None:
        """Look up first answers of repetitions, then decide."""
        wanted = [
            original_payment(found, arrival.envelope)
            for arrival in arrivals
            if (found := claims.look(arrival.envelope)) is not None and found.same
        ]
        first_answers = outbox.first_answers(self.ports.connection, sorted(set(wanted)))
        for arrival in arrivals:
            error = self.crash_of(arrival.place)
            if error is not None:
                set_aside(arrival, error, batch, letter)
                continue
            try:
                record(arrival, batch, claims, letter, first_answers)
            except Exception as problem:
                self.crashed(arrival, problem)
                raise


class OwnedRecorder:
    """The recorder, and the relay of decided cases."""

    def __init__(self, writer: Recorder, admin: Admin, tails: TailReader, release: Callable[[], None]) -> None:
        self.name = writer.ports.name
        self._writer = writer
        self._admin = admin
        self._tails = tails
        self._release = release

    def places(self) -> Sequence[Place]:
        """All partitions of what is rejected, held and noted."""
        return list(self._writer.ports.sources)

    def start(self, lease: Lease) -> dict[Place, int]:
        """Take over; where to read from."""
        return self._writer.start(lease)

    def load(self, lease: Lease) -> None:
        """Make up for what the relay before left."""
        self._writer.load()
        self._writer.ports.relay.recover(self._admin, self._tails, handed_over=lease.handed_over)

    def process(self, records: Sequence[Record]) -> int:
        """One batch."""
        return self._writer.process(records)

    def paused(self) -> Sequence[Place]:
        """Never."""
        return ()

    def tick(self, now: float) -> None:
        """Relay answers, and what decided cases send back into the stream."""
        self._writer.ports.relay.pump(now)
        self._release()

    def waits(self) -> bool:
        """Whether there are answers that the archive is about to let out."""
        return self._writer.ports.relay.backlog > 0

    def close(self) -> bool:
        """The last checkpoint."""
        return self._writer.ports.relay.finish(time.monotonic())


class OwnedArchiver:
    """The archiver under its lease."""

    def __init__(
        self, ports: WriterPorts, archiver: Callable[[Connection, Lease, Mapping[Place, int]], Archiver]
    ) -> None:
        self.name = ports.name
        self._ports = ports
        self._make = archiver
        self._archiver: Archiver | None = None
        self._advanced = 0.0

    def places(self) -> Sequence[Place]:
        """All ingest partitions."""
        return list(self._ports.sources)

    def start(self, lease: Lease) -> dict[Place, int]:
        """Take over at the stored positions."""
        connection = self._ports.connection
        for source in self._ports.sources.values():
            commits.add_position(connection, lease, source)
        stored = commits.positions(connection, self.name)
        self._archiver = self._make(connection, lease, self._ports.sources)
        self._archiver.positions = {source: stored[source] for source in self._ports.sources.values()}
        return {place: stored[source] for place, source in self._ports.sources.items()}

    def load(self, lease: Lease) -> None:
        """Nothing: it keeps nothing in memory."""

    def process(self, records: Sequence[Record]) -> int:
        """Keep a batch."""
        assert self._archiver is not None
        now: datetime = self._ports.clock()
        return self._archiver.archive(records, now)

    def paused(self) -> Sequence[Place]:
        """Never."""
        return ()

    def tick(self, now: float) -> None:
        """Now and then see how far everything is done."""
        if self._archiver is not None and now - self._advanced >= _ADVANCE_SECONDS:
            self._archiver.advance()
            self._advanced = now

    def waits(self) -> bool:
        """Never."""
        return False

    def close(self) -> bool:
        """One last look."""
        if self._archiver is not None:
            self._archiver.advance()
        return True
