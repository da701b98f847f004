"""Running writers: take leases, read from Postgres' positions, commit, renew, hand over.

Rule: a writer works only while its lease is its own; another process waits and takes over when the lease is given up
or has expired. Reading is by ``assign`` from the positions in Postgres, without a consumer group. An outage ends the
run; the caller waits and builds everything anew. A stopped book is not read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.bus.port import END, Consumer
from engine.bus.record import Place, Record
from engine.observability.logs import get_logger
from engine.observability.metrics import WorkerMetrics
from engine.store import leases
from engine.store.connection import Connection
from engine.store.leases import Lease

_log = get_logger()
#: A third of the lease: one renewal may be late without losing it.
_RENEW_SECONDS = leases.LEASE_SECONDS / 4
#: How often a standby looks whether a writer has become free: one small query.
_TAKE_SECONDS = 0.025
#: How long a standby reads along before it pauses: afterwards its consumer knows every leader and has a connection to
#: it. A consumer that has read nothing takes half a second to its first message.
_WARM_SECONDS = 1.0
#: How long a process that is to leave goes on working until every answer is out: who comes next then has none to send.
_DRAIN_SECONDS = 0.15


class Owned(Protocol):
    """What a writer process runs."""

    name: str

    def places(self) -> Sequence[Place]:
        """Partitions that this writer reads."""

    def start(self, lease: Lease) -> dict[Place, int]:
        """Take over; returns where to read from."""

    def load(self, lease: Lease) -> None:
        """Rebuild what is in memory; the bus fetches meanwhile."""

    def process(self, records: Sequence[Record]) -> int:
        """Decide and commit; returns how many decisions there were."""

    def paused(self) -> Sequence[Place]:
        """Partitions not to be read now."""

    def tick(self, now: float) -> None:
        """What has to happen even when nothing is read: the relay, the clock."""

    def waits(self) -> bool:
        """Whether a moment more lets out what was committed."""

    def close(self) -> bool:
        """Finish what was started: the last checkpoint. True when who comes next has nothing to look for."""


class WriterProcess:
    """One process with some writers; each is owned, or waited for."""

    def __init__(
        self,
        writers: Sequence[Owned],
        consumer: Consumer,
        connection: Connection,
        owner: str,
        *,
        limit: int,
        linger: float,
        metrics: WorkerMetrics,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._writers = list(writers)
        self._consumer = consumer
        self._connection = connection
        self._owner = owner
        self._limit = limit
        self._linger = linger
        self._metrics = metrics
        self._clock = clock
        self._sleep = sleep
        self._leases: dict[str, Lease] = {}
        self._positions: dict[Place, int] = {}
        self._by_place = {place: writer for writer in self._writers for place in writer.places()}
        self._paused: set[Place] = set()
        self._renewed = self._asked = float("-inf")
        self._warm_at: float | None = None
        self._stopping = False
        self.decided = 0

    @property
    def owned(self) -> list[str]:
        """Names of the writers that this process owns."""
        return sorted(self._leases)

    def stop(self) -> None:
        """Finish the batch and hand over."""
        self._stopping = True

    def run(self) -> None:
        """Until stopped, or until an error that needs everything built anew."""
        try:
            while not self._stopping:
                self.step()
            _log.info("handing over", books=self.owned)
            self._drain()
            for writer in self._writers:  # each as soon as it can go: the others need not stand still meanwhile
                lease = self._leases.get(writer.name)
                if lease is not None:
                    self._give_up(lease, finished=writer.close())
        finally:
            for lease in list(self._leases.values()):
                self._give_up(lease, finished=False)

    def _drain(self) -> None:
        """Go on for a moment, until nothing waits to be let out: under load something always does."""
        until = self._clock() + _DRAIN_SECONDS
        while self._clock() < until and any(one.waits() for one in self._writers if one.name in self._leases):
            if not self._work(self._linger):
                self._sleep(_TAKE_SECONDS / 5)

    def step(self) -> None:
        """One turn."""
        now, took = self._clock(), False
        if len(self._leases) < len(self._writers) and now - self._asked >= _TAKE_SECONDS:
            took = self._take_one()
            if not took:
                self._asked = now
        if self._leases:  # while more may be free, what is there already does not wait for a fuller batch
            self._work(0.0 if took else self._linger)
        else:
            self._stand_by(now)

    def _work(self, linger: float) -> bool:
        """Read and decide once; renew, relay. Whether anything was read."""
        self._pause()
        records = self._consumer.poll_batch(self._limit, linger)
        if records:
            self._process(records)
        now = self._clock()
        if now - self._renewed >= _RENEW_SECONDS:
            for lease in self._leases.values():
                leases.renew(self._connection, lease)
            self._renewed = now
        for writer in self._writers:
            if writer.name in self._leases:
                writer.tick(now)
        return bool(records)

    def _stand_by(self, now: float) -> None:
        """Own nothing, and be ready: read along for a moment, once, then pause."""
        if self._warm_at is None:
            self._warm_at = now + _WARM_SECONDS
            self._consumer.assign(dict.fromkeys(self._by_place, END))
        elif now < self._warm_at:
            self._consumer.poll_batch(self._limit, 0.0)
        elif self._warm_at > 0:
            self._warm_at = 0.0
            self._consumer.pause(set(self._by_place))
        self._sleep(_TAKE_SECONDS / 2)

    def _process(self, records: Sequence[Record]) -> None:
        by_writer: dict[str, list[Record]] = {}
        for record in records:
            by_writer.setdefault(self._by_place[record.place].name, []).append(record)
        for writer in self._writers:
            taken = by_writer.get(writer.name)
            if taken:
                began = self._clock()
                decided = writer.process(taken)
                self.decided += decided
                self._metrics.batch(writer.name, len(taken), self._clock() - began)
                self._metrics.done(writer.name, "decided", decided)

    def _take_one(self) -> bool:
        """Take the first writer that is free, if one is: it works already while the next ones load, a turn each."""
        missing = [writer.name for writer in self._writers if writer.name not in self._leases]
        found = set(leases.free(self._connection, missing, self._owner))
        for writer in self._writers:
            if writer.name not in found:
                continue
            lease = leases.take(self._connection, writer.name, self._owner)
            if lease is not None:
                if not self._leases:
                    self._renewed = self._clock()
                self._leases[writer.name] = lease
                self._read(writer.start(lease))
                writer.load(lease)
                self._metrics.lease(writer.name, lease.epoch, held=True)
                _log.info("lease taken", book=writer.name, epoch=lease.epoch)
                return True
        return False

    def _read(self, positions: Mapping[Place, int]) -> None:
        """Begin to read a writer's partitions too."""
        if self._warm_at is None:
            read = self._consumer.position()
            self._positions.update({place: offset for place, offset in read.items() if place in self._positions})
        else:  # what was read was read along, and processed by nobody; a pause outlives the assignment
            self._consumer.resume(set(self._by_place))
            self._warm_at = None
        self._positions.update(positions)
        self._consumer.assign(dict(self._positions))
        self._paused = set()

    def _pause(self) -> None:
        """Follow what writers want to read."""
        wanted = {place for writer in self._writers if writer.name in self._leases for place in writer.paused()}
        if wanted - self._paused:
            self._consumer.pause(wanted - self._paused)
        if self._paused - wanted:
            self._consumer.resume(self._paused - wanted)
        self._paused = wanted

    def _give_up(self, lease: Lease, *, finished: bool) -> None:
        del self._leases[lease.writer]
        try:
            leases.give_up(self._connection, lease, finished=finished)
            _log.info("lease given up", book=lease.writer, epoch=lease.epoch)
        except Exception as problem:
            _log.warning("lease not given up", book=lease.writer, detail=str(problem))
