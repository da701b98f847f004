"""Between the services and the workers: the schema, then the topics.

Rule: idempotent, and run at every ``qenex up`` before a worker starts; workers refuse a schema of another version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.settings import Settings
from engine.stack.piece import Say

if TYPE_CHECKING:
    from engine.store.connection import Connection


def prepare(settings: Settings, say: Say) -> None:
    """Bring schema and topics up to date at ``settings.postgres`` and ``settings.kafka``; EngineFault when refused."""
    # Imported here: the supervisor and `qenex status` start without a client of Kafka or Postgres.
    from engine.app import bus_settings
    from engine.bus.kafka_admin import KafkaAdmin
    from engine.bus.topics import topics
    from engine.store import reference
    from engine.store.connection import connect
    from ledger import migrate
    from settlement.schemes import BOOKS

    assert settings.postgres is not None
    with connect(settings.postgres, "owner", name="qenex migrate") as connection:
        done = migrate.apply(connection)
        say(f"Schema: {len(done)} migrations applied" if done else "Schema: up to date")
        _let_in(connection)
        _, document = reference.newest(connection)
    wanted = topics(
        books=len(BOOKS),
        ingest_partitions=settings.ingest_partitions,
        participants=[participant.id for participant in document.participants],
        split=settings.deployment == "split",
    )
    made = KafkaAdmin(bus_settings(settings, "qenex.prepare")).ensure_topics(wanted)
    say(f"Topics: {len(made.created)} created" if made.created else "Topics: up to date")
    _settle_restore(settings, say)


def _let_in(connection: Connection) -> None:
    """The engine's login of the local server may become writer and reader, and inherits nothing."""
    from engine.stack.postgres import LOGIN

    if connection.execute("select 1 from pg_roles where rolname = %s", [LOGIN]).fetchone() is not None:
        connection.execute(f"grant qenex_writer, qenex_reader to {LOGIN} with inherit false, set true")


def _settle_restore(settings: Settings, say: Say) -> None:
    """A ledger restored to its newest state goes on by itself where the outside knows nothing that it does not."""
    from engine.app import bus_settings
    from engine.bus.kafka import KafkaConsumer
    from engine.bus.kafka_admin import KafkaAdmin, KafkaTailReader
    from engine.reconciling import Bus, difference
    from engine.store import recoveries
    from engine.store.connection import connect

    assert settings.postgres is not None
    bus = bus_settings(settings, "qenex.prepare")
    with connect(settings.postgres, "owner", name="qenex prepare") as connection:
        recovery = recoveries.standing(connection)
        if recovery is not None and recovery.target == "latest":
            consumer = KafkaConsumer(bus, "qenex-prepare")
            try:
                found = difference(connection, Bus(KafkaAdmin(bus), KafkaTailReader(bus), consumer), recovery)
            finally:
                consumer.close()
            if found.harmless:
                recoveries.approve(connection, recovery, found.digest, (), None)
                say("Restored: the outside was told nothing that the ledger does not have; the engine goes on")
                return
        if recovery is not None:
            say(f"The engine stands still: the ledger was restored to {recovery.target}. See: qenex recovery show")
