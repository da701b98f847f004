"""The composition root: the one place where settings become adapters and adapters become workers.

Rule: nothing else builds a client of Kafka or a connection to Postgres for a worker. A worker is built from nothing
after every outage; an outage is waited out with a growing pause.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.bus import topics
from engine.bus.kafka import KafkaConsumer, KafkaProducer
from engine.bus.kafka_admin import KafkaAdmin, KafkaTailReader
from engine.bus.loop import StageLoop
from engine.bus.port import BusError
from engine.bus.record import Place
from engine.bus.settings import BusSettings
from engine.bus.stage import LoopSettings
from engine.bus.watchdog import HangWatchdog
from engine.errors import LedgerRestoredError, ServiceUnavailable
from engine.facts import DirectorySource, StageTerms, StoredFacts
from engine.observability.metrics import WorkerMetrics
from engine.processors import book_state, timetable
from engine.processors.archiver import Archiver
from engine.processors.case_relay import CaseRelay
from engine.processors.owned import OwnedArchiver, OwnedBook, OwnedRecorder, Recorder
from engine.processors.relay import Relay
from engine.processors.running import Owned, WriterProcess
from engine.processors.settlement import BookWriter
from engine.processors.stages import DEPLOYMENTS
from engine.processors.writing import WriterPorts
from engine.settings import Settings
from engine.stack.workers import title_of
from engine.store import archive, leases, recoveries, sources
from engine.store.connection import Connection, Lasting, connect, refuse_superuser
from engine.store.crashes import StoredCrashRegister
from ledger import migrate
from settlement.calendar import CALENDARS, Calendar
from settlement.schemes import BOOKS

#: Writer numbers: books by their place in BOOKS from 1, then the recorder and the archiver.
_RECORDER_NO = 1001
_ARCHIVER_NO = 1002
#: A stage that takes longer over one batch hangs: the process ends and the message is counted.
_HANG_SECONDS = 120.0
#: How long a worker that is built anew waits for what its old producer has on its way.
_FINISH_SECONDS = 3.0


def utc_now() -> datetime:
    """The shell's clock: one moment a batch, stored with what was decided."""
    return datetime.now(UTC)


def bus_settings(settings: Settings, client_id: str) -> BusSettings:
    """Client settings of librdkafka; ServiceUnavailable when no cluster is known."""
    if settings.kafka is None:
        raise ServiceUnavailable("Kafka", "No address is known. Start the local stack with: qenex up")
    given = {
        "security.protocol": settings.kafka_security_protocol,
        "sasl.mechanism": settings.kafka_sasl_mechanism,
        "sasl.username": settings.kafka_sasl_username,
        "sasl.password": settings.kafka_sasl_password and settings.kafka_sasl_password.get_secret_value(),
        "ssl.ca.location": settings.kafka_ssl_ca_location,
        "ssl.certificate.location": settings.kafka_ssl_certificate_location,
        "ssl.key.location": settings.kafka_ssl_key_location,
        "ssl.key.password": settings.kafka_ssl_key_password and settings.kafka_ssl_key_password.get_secret_value(),
    }
    security = {name: str(value) for name, value in given.items() if value is not None}
    return BusSettings(settings.kafka, client_id, security, linger_ms=settings.producer_linger_ms)


def database(settings: Settings, name: str) -> Connection:
    """A connection in the writer's role, to a schema of this build's version."""
    if settings.postgres is None:
        raise ServiceUnavailable("Postgres", "No address is known. Start the local stack with: qenex up")
    connection = connect(settings.postgres, "qenex_writer", name=name)
    migrate.require_current(connection)
    refuse_superuser(connection)
    if (recovery := recoveries.standing(connection)) is not None:
        connection.close()
        raise LedgerRestoredError(recovery.target)
    return connection


def places_of(admin: KafkaAdmin, connection: Connection, names: Sequence[str]) -> dict[Place, int]:
    """Source numbers of all partitions of some topics; ServiceUnavailable when a topic is missing."""
    cluster, found = admin.cluster_id(), admin.describe(names)
    missing = [name for name in names if name not in found]
    if missing:
        raise ServiceUnavailable(f"The topic {missing[0]}", "It does not exist. Create the topics with: qenex up")
    return {
        (name, partition): sources.source_of(connection, cluster, str(found[name].id), name, partition)
        for name in names
        for partition in range(found[name].partitions)
    }


@dataclass(frozen=True, slots=True)
class Running:
    """A built worker: what runs, how it is told to stop, and what it says of its health."""

    run: Callable[[], None]
    stop: Callable[[], None]
    health: Callable[[], dict[str, object]]


def _finish(producer: KafkaProducer) -> None:
    """Let what is on its way arrive, so that who looks at the topics next sees it; then drop what cannot."""
    with suppress(BusError):
        producer.flush(_FINISH_SECONDS)
    producer.close()


class App:
    """Builds workers from settings. Closed, it leaves no client behind that could still send what it has queued."""

    def __init__(self, settings: Settings, worker: str, instance: int, metrics: WorkerMetrics) -> None:
        self._settings = settings
        self._name = title_of(worker, instance)
        self._worker = worker
        self._instance = instance
        self._metrics = metrics
        self._bus = bus_settings(settings, f"qenex.{self._name}")
        self._open = ExitStack()

    def close(self) -> None:
        """Close every client of the worker; what cannot be sent within seconds is dropped."""
        self._open.close()

    def build(self) -> Running:
        """The worker, connected."""
        builders: Mapping[str, Callable[[], Running]] = {
            "stages": self._stages,
            "settlement": self._settlement,
            "recorder": self._recorder,
            "archiver": self._archiver,
        }
        return builders[self._worker]()

    def _database(self) -> Connection:
        connection = database(self._settings, f"qenex {self._name}")
        self._open.callback(connection.close)
        return connection

    def _producer(self) -> KafkaProducer:
        producer = KafkaProducer(self._bus)
        self._open.callback(_finish, producer)
        return producer

    # -- stages --------------------------------------------------------------------------------------------------------

    def _stages(self) -> Running:
        settings = self._settings
        lasting = Lasting(self._database)
        groups = DEPLOYMENTS[settings.deployment]
        group = groups[self._instance % len(groups)]
        names = sorted({*group.topics, *topics.INGEST_TOPICS, topics.RELEASED})
        places = places_of(KafkaAdmin(self._bus), lasting(), names)
        # A broker that lost its page cache may have lost what was derived from committed messages: the database knows
        # how far everything is done, the group's position is a hint. Doing more again is harmless.
        done = archive.progress(lasting())
        starts = {place: done.get(source, 0) for place, source in places.items() if place[0] in topics.INGEST_TOPICS}
        terms = StageTerms(settings.operator_bic, settings.ingest_signatures == "on", settings.sanctions_list, places)
        loop = StageLoop(
            KafkaConsumer(self._bus, f"qenex.{group.group}", f"{group.group}-{self._instance}", starts),
            self._producer(),
            group.stage(StoredFacts(lasting, terms, lambda: utc_now().date())),
            StoredCrashRegister(lasting, self._name, places),
            group.topics,
            settings=LoopSettings(batch=settings.stage_batch, linger=settings.stage_linger_ms / 1000),
            metrics=self._metrics,
            watchdog=HangWatchdog(_HANG_SECONDS),
        )
        return Running(loop.run, loop.stop, lambda: {"stage": group.group})

    # -- writers -------------------------------------------------------------------------------------------------------

    def _ports(
        self, connection: Connection, producer: KafkaProducer, name: str, number: int, places: Mapping[Place, int]
    ) -> WriterPorts:
        leases.register(connection, name, number)
        longest = self._settings.relay_linger_ms / 1000
        relay = Relay(connection, producer, number, f"qenex/{name}", longest_wait=longest)
        return WriterPorts(name, number, places, connection, relay, utc_now, self._settings.operator_bic)

    def _writers(self, writers: Sequence[Owned], connection: Connection, bus: BusSettings) -> Running:
        settings, owner = self._settings, f"{socket.gethostname()}/{os.getpid()}"
        consumer = KafkaConsumer(bus, f"qenex.{self._name}.unused", headers=False)
        self._open.callback(consumer.close)
        process = WriterProcess(
            writers,
            consumer,
            connection,
            owner,
            limit=settings.settle_batch,
            linger=settings.settle_linger_ms / 1000,
            metrics=self._metrics,
        )
        return Running(process.run, process.stop, lambda: {"owns": process.owned})

    def _gathering(self) -> BusSettings:
        """For readers whom nobody waits for: the broker gathers; the others get what there is at once."""
        return replace(self._bus, fetch_bytes=1_000_000, fetch_wait_ms=100)

    def _prompt(self) -> BusSettings:
        """For who takes books over: a broker has one fetch at a time, and partitions that are added wait for it."""
        return replace(self._bus, fetch_wait_ms=50)

    def _settlement(self) -> Running:
        settings = self._settings
        connection = self._database()
        producer, admin = self._producer(), KafkaAdmin(self._bus)
        tails = KafkaTailReader(self._bus)
        directory = DirectorySource(lambda: connection)
        calendars = {name: Calendar(name) for name in CALENDARS}
        places = places_of(admin, connection, [topics.ROUTED, topics.COMMANDS])
        writers: list[Owned] = []
        for number, book in enumerate(BOOKS):
            mine = {place: source for place, source in places.items() if place[1] == number}
            ports = self._ports(connection, producer, book, number + 1, mine)

            def rebuild(book: str = book) -> book_state.BookState:
                return book_state.load(connection, book, book, directory.current, calendars, utc_now())

            schedule = timetable.of(settings.day_schedule, producer, utc_now)
            writers.append(OwnedBook(BookWriter(ports, rebuild), admin, tails, schedule))
        return self._writers(writers, connection, self._prompt())

    def _recorder(self) -> Running:
        connection = self._database()
        producer, admin = self._producer(), KafkaAdmin(self._bus)
        places = places_of(admin, connection, [topics.REJECTED, topics.HELD, topics.NOTED])
        ports = self._ports(connection, producer, "recorder", _RECORDER_NO, places)
        release = CaseRelay(connection, producer)
        recorder = OwnedRecorder(Recorder(ports), admin, KafkaTailReader(self._bus), release.pump)
        return self._writers([recorder], connection, self._gathering())

    def _archiver(self) -> Running:
        connection = self._database()
        places = places_of(KafkaAdmin(self._bus), connection, topics.INGEST_TOPICS)
        ports = self._ports(connection, self._producer(), "archiver", _ARCHIVER_NO, places)
        owned = OwnedArchiver(ports, Archiver)
        return self._writers([owned], connection, self._gathering())
