"""The world of one history: bus, database, clock, and the workers with their lives and deaths.

Rule: workers are put together as the composition root puts them together (``engine.app``), from the engine's own
classes; what differs is what they stand on. One runs at a time, one step at a time; whoever is paused in the middle of
a step goes on with it after others have taken theirs.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, cast

from engine.bus import topics
from engine.bus.loop import StageLoop
from engine.bus.memory import MemoryBus, MemoryConsumer
from engine.bus.port import BusFatalError, OperatingFaultError, Positions
from engine.bus.record import Outgoing, Place, Record
from engine.bus.stage import LoopSettings, StageCrashError
from engine.compliance.decision import ComplianceFacts
from engine.compliance.screening import Screener, Screening
from engine.errors import ServiceUnavailable
from engine.observability.metrics import WorkerMetrics
from engine.processors import book_state
from engine.processors.archiver import Archiver
from engine.processors.case_relay import CaseRelay
from engine.processors.owned import OwnedArchiver, OwnedBook, OwnedRecorder, Recorder
from engine.processors.parsing import ParsingFacts
from engine.processors.recording import Arrival
from engine.processors.relay import Relay
from engine.processors.running import Owned, WriterProcess
from engine.processors.settlement import BookWriter
from engine.processors.stages import DEPLOYMENTS, Deployed, Facts
from engine.processors.writing import WriterPorts
from engine.routing.decision import RoutingFacts
from engine.simulation import workload
from engine.simulation.faults import KilledError, PoisonError
from engine.store import leases, sources
from engine.store.connection import OPERATING_ERRORS, Connection, Lasting
from engine.store.crashes import StoredCrashRegister
from engine.store.leases import LeaseLostError
from engine.store.memory import MemoryConnection, MemoryPostgres, Point
from payments import Payment
from settlement.calendar import CALENDARS, Calendar
from settlement.schemes import BOOKS

#: What a worker outlives by being built anew; ``engine.worker`` has the same list.
OUTAGES = (*OPERATING_ERRORS, OperatingFaultError, ServiceUnavailable, LeaseLostError)
START = datetime(2026, 11, 24, 9, tzinfo=UTC)
INGEST_PARTITIONS = 2
_RECORDER_NO, _ARCHIVER_NO = 1001, 1002
#: Share of the histories in which each stage is a consumer group of its own.
_SPLIT = 0.25


class Quiet:
    """Metrics that nobody reads."""

    def batch(self, *_: object) -> None:
        """Nothing."""

    done = latency = lag = fault = batch

    def lease(self, *_: object, **__: object) -> None:
        """Nothing."""


_QUIET = cast(WorkerMetrics, Quiet())


class WatchedBus(MemoryBus):
    """The bus, with what is published to participants on a list."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__(now_ms)
        self.published: list[Record] = []

    def append(self, outgoing: Outgoing) -> Record:
        """Put a message at the end of its partition."""
        record = super().append(outgoing)
        if outgoing.topic.startswith("outbound."):
            self.published.append(record)
        return record


class FaultyConsumer(MemoryConsumer):
    """A consumer whose commit may be done and not answered."""

    def __init__(self, bus: MemoryBus, group: str, instance: str, lost: Callable[[], bool]) -> None:
        super().__init__(bus, bus.consumer(group).group, instance)
        self._reply_lost = lost

    def commit(self, positions: Positions) -> None:
        """Commit."""
        super().commit(positions)
        if self._reply_lost():
            raise OperatingFaultError("committing: the broker's answer was lost")


@lru_cache(maxsize=1)
def calendars() -> dict[str, Calendar]:
    """The calendars, made once for all histories."""
    return {name: Calendar(name) for name in CALENDARS}


class _Screener(Screener):
    """Screening; a payee crashes it, every time."""

    may_crash: Callable[[Payment | None, str], None]

    def screen(self, payment: Payment, **how: Any) -> Screening:
        """Screen a payment."""
        self.may_crash(payment, workload.POISON_OF_STAGES)
        return super().screen(payment, **how)


@lru_cache(maxsize=1)
def _standing() -> tuple[Any, ComplianceFacts]:
    return workload.directory(), ComplianceFacts(_Screener(workload.watchlist()), today=workload.DAY)


class World:
    """Everything that workers stand on. ``seconds``: the true clock; ``chance``: the history's generator."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.deployment = "split" if chance.random() < _SPLIT else "fused"
        self.seconds = 0.0
        self.injected: Counter[str] = Counter()
        self.database = MemoryPostgres(lambda: self.true_time)
        self.bus = WatchedBus(lambda: int((START.timestamp() + self.seconds) * 1000))
        names = [*workload.EUROS, *workload.DOLLARS]
        self.bus.admin().ensure_topics(
            topics.topics(books=len(BOOKS), ingest_partitions=INGEST_PARTITIONS, participants=names, split=True)
        )
        self.places = self._places()
        self.directory, compliance = _standing()
        compliance.screener.may_crash = self.may_crash  # type: ignore[attr-defined]
        keys = {name: (workload.key_of(name),) for name in names}
        parsing = ParsingFacts(self.directory, keys, True, self.places)
        self.facts = Facts(parsing, compliance, RoutingFacts(self.directory, workload.OPERATOR))
        #: The worker whose step is running, innermost last.
        self.running: list[Worker] = []
        self.reply_lost: Callable[[], bool] = lambda: False

    def may_crash(self, payment: Payment | None, payee: str) -> None:
        """Raise for a payment to this payee."""
        if payment is not None and payment.creditor is not None and payment.creditor.name == payee:
            self.injected["poison"] += 1
            raise PoisonError(payee)

    @property
    def true_time(self) -> datetime:
        """The server's clock."""
        return START + timedelta(seconds=self.seconds)

    def today(self, book: str) -> str:
        """The business date of a book, as everybody may read it."""
        row = self.database.table("engine.books").get(book)
        return workload.DAY if row is None else str(row[1])

    def resting(self) -> list[str]:
        """Books that do not take every payment now."""
        rows = self.database.table("engine.books").items()
        return sorted(book for book, (_, _, phase, stopped, _) in rows if stopped or phase != "open")

    def _places(self) -> dict[Place, int]:
        connection, admin = self.database.connect(), self.bus.admin()
        names = [*topics.INGEST_TOPICS, topics.RELEASED, topics.PARSED, topics.CLEARED, topics.ROUTED, topics.COMMANDS]
        names += [topics.REJECTED, topics.HELD, topics.NOTED]
        found = admin.describe(names)
        return {
            (name, number): sources.source_of(connection.port, "memory", str(found[name].id), name, number)
            for name in names
            for number in range(found[name].partitions)
        }

    def places_of(self, names: Sequence[str]) -> dict[Place, int]:
        """Source numbers of some topics' partitions."""
        return {place: source for place, source in self.places.items() if place[0] in names}

    def sleep(self, seconds: float) -> None:
        """A worker waits; in the world little of that passes, for others would go on meanwhile."""
        self.seconds += min(seconds, 0.002)

    def wait(self, seconds: float) -> None:
        """A worker waits for the broker: what is held on its way arrives sooner or later."""
        self.sleep(seconds)
        if self.bus.holding and self.chance.random() < 0.4:
            self.bus.release_deliveries()


class Worker(ABC):
    """A process: built, stepped, killed, built anew. ``offset``: how wrong its wall clock is, in seconds."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = False
        self.down_until = 0.0
        self.paused_until = 0.0
        self.offset = 0.0
        self.connections: list[MemoryConnection] = []
        self.starts = 0
        self._producer = world.bus.producer()

    def clock(self) -> datetime:
        """Its wall clock."""
        return self.world.true_time + timedelta(seconds=self.offset)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self.world.seconds

    def connect(self) -> Connection:
        """A connection of this process."""
        connection = self.world.database.connect()
        self.connections.append(connection)
        return connection.port

    def step(self) -> None:
        """One step, or a start. An outage makes it start anew after a pause; what is no outage is a defect."""
        world = self.world
        world.running.append(self)
        try:
            if not self.alive:
                self.starts += 1
                self._producer = world.bus.producer()
                self.build()
                self.alive = True
            self.advance()
        except (*OUTAGES, StageCrashError, BusFatalError, PoisonError):
            self.stand_down()
        except KilledError:
            self.kill()
        finally:
            world.running.pop()

    def kill(self, *, noticed: bool = True) -> None:
        """SIGKILL."""
        self.alive = False
        self.down_until = self.world.seconds + self.world.chance.uniform(0.05, 0.5)
        self._producer.close()
        for connection in self.connections:
            connection.lose(noticed=noticed)
        self.connections.clear()
        self.die()

    def stand_down(self) -> None:
        """An outage: what it has queued may still arrive, its clients are closed."""
        with suppress(Exception):
            self._producer.flush(0.0)
        self.kill()

    def stop(self) -> None:
        """A planned stop: finish and hand over, then start anew."""
        if not self.alive:
            return
        world = self.world
        world.running.append(self)
        try:
            self.leave()
        except (*OUTAGES, StageCrashError, BusFatalError, PoisonError):
            pass
        except KilledError:
            self.kill()
            return
        finally:
            world.running.pop()
        self.stand_down()

    @abstractmethod
    def build(self) -> None:
        """Put it together."""

    @abstractmethod
    def advance(self) -> None:
        """One turn."""

    @abstractmethod
    def leave(self) -> None:
        """Finish what was started and hand over."""

    def die(self) -> None:  # noqa: B027
        """What the others see of its death."""


class _Loop(StageLoop):
    """A stage loop that is stepped from outside."""

    def start(self) -> None:
        """Join the group."""
        self._start()


class _Sleeper:
    """A loop's clock in the world."""

    def __init__(self, world: World) -> None:
        self.monotonic = lambda: world.seconds
        self.sleep = world.wait


class Stages(Worker):
    """The stages: fused, or one of those of the split deployment."""

    def __init__(self, world: World, name: str, group: Deployed) -> None:
        super().__init__(world, name)
        self._group = group

    def build(self) -> None:
        """As ``App._stages``."""
        world, group = self.world, self._group
        lasting = Lasting(self.connect)
        self._consumer = FaultyConsumer(world.bus, f"qenex.{group.group}", self.name, world.reply_lost)
        self._loop = _Loop(
            self._consumer,
            self._producer,
            group.stage(self),
            StoredCrashRegister(lasting, self.name, world.places),
            group.topics,
            settings=LoopSettings(batch=8, commit_every=0.2),
            clock=_Sleeper(world),
            metrics=_QUIET,
            chance=world.chance.random,
        )
        self._loop.start()

    def current(self) -> Facts:
        """The facts of the stages."""
        return self.world.facts

    def advance(self) -> None:
        """One batch."""
        self._loop.step()

    def leave(self) -> None:
        """Commit and leave the group."""
        self._loop.stop()
        self._loop._settle()
        self._loop._leave()

    def expire(self) -> None:
        """The group gives up on it."""
        self.world.bus.expire(self._consumer)

    def die(self) -> None:
        """The group will notice when its successor comes, or when it expires."""
        if hasattr(self, "_consumer"):
            self._consumer.kill()


class Writers(Worker):
    """A writer process; what it writes, the kind says."""

    limit = 64

    def build(self) -> None:
        """As ``App._writers``."""
        world = self.world
        self._connection = self.connect()
        self._process = WriterProcess(
            self.writers(),
            world.bus.consumer(f"unused.{self.name}.{self.starts}"),
            self._connection,
            f"{self.name}/{self.starts}",
            limit=self.limit,
            linger=0.0,
            metrics=_QUIET,
            clock=self.monotonic,
            sleep=world.sleep,
        )

    @abstractmethod
    def writers(self) -> Sequence[Owned]:
        """What it would own."""

    def ports(self, name: str, number: int, places: Mapping[Place, int]) -> WriterPorts:
        """As ``App._ports``."""
        leases.register(self._connection, name, number)
        relay = Relay(self._connection, self._producer, number, f"qenex/{name}", longest_wait=0.05, turns_kept=0.0)
        return WriterPorts(name, number, places, self._connection, relay, self.clock, workload.OPERATOR)

    def advance(self) -> None:
        """One turn."""
        self._process.step()

    def leave(self) -> None:
        """The last checkpoint, then the leases."""
        self._process.stop()
        self._process.run()


class _Book(BookWriter):
    """A book's writer; a payee crashes it, every time."""

    def __init__(self, ports: WriterPorts, state: Callable[[], book_state.BookState], world: World) -> None:
        super().__init__(ports, state)
        self._world = world

    def _decide_one(self, arrival: Arrival, *rest: Any) -> None:
        if self.crash_of(arrival.place) is None:
            self._world.may_crash(arrival.envelope.payment, workload.POISON_OF_BOOKS)
        super()._decide_one(arrival, *rest)


class Settlement(Writers):
    """All books."""

    def writers(self) -> Sequence[Owned]:
        """As ``App._settlement``, its day turned by nobody."""
        world = self.world
        places = world.places_of((topics.ROUTED, topics.COMMANDS))
        owned: list[Owned] = []
        for number, book in enumerate(BOOKS):
            ports = self.ports(book, number + 1, {p: s for p, s in places.items() if p[1] == number})

            def rebuild(book: str = book) -> book_state.BookState:
                return book_state.load(self._connection, book, book, lambda: world.directory, calendars(), self.clock())

            writer = _Book(ports, rebuild, world)
            admin, tails = world.bus.admin(), world.bus.tail_reader()
            owned.append(OwnedBook(writer, admin, tails, lambda _: None, self.monotonic))
        return owned


class Recording(Writers):
    """The recorder."""

    def writers(self) -> Sequence[Owned]:
        """As ``App._recorder``."""
        world = self.world
        ports = self.ports("recorder", _RECORDER_NO, world.places_of((topics.REJECTED, topics.HELD, topics.NOTED)))
        release = CaseRelay(self._connection, self._producer, self.monotonic)
        return [OwnedRecorder(Recorder(ports), world.bus.admin(), world.bus.tail_reader(), release.pump)]


class Archiving(Writers):
    """The archiver."""

    def writers(self) -> Sequence[Owned]:
        """As ``App._archiver``."""
        ports = self.ports("archiver", _ARCHIVER_NO, self.world.places_of(topics.INGEST_TOPICS))
        return [OwnedArchiver(ports, Archiver)]


def crew(world: World) -> list[Worker]:
    """The workers of a history: two of each kind, of the stages of the split deployment one."""
    groups = DEPLOYMENTS[world.deployment]
    return [
        *(Stages(world, f"stages-{number}", groups[number % len(groups)]) for number in range(max(2, len(groups)))),
        Settlement(world, "settlement-0"),
        Settlement(world, "settlement-1"),
        Recording(world, "recorder-0"),
        Recording(world, "recorder-1"),
        Archiving(world, "archiver-0"),
        Archiving(world, "archiver-1"),
    ]


__all__ = ["OUTAGES", "START", "KilledError", "Point", "Stages", "Worker", "World", "crew"]
