"""Between the services and the workers: the schema, then the topics.

Rule: idempotent, and run at every ``qenex up`` before a worker starts; workers refuse a schema of another version.
"""

from __future__ import annotations

from engine.settings import Settings
from engine.stack.piece import Say


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
        _, document = reference.newest(connection)
    wanted = topics(
        books=len(BOOKS),
        ingest_partitions=settings.ingest_partitions,
        participants=[participant.id for participant in document.participants],
        split=settings.deployment == "split",
    )
    made = KafkaAdmin(bus_settings(settings, "qenex.prepare")).ensure_topics(wanted)
    say(f"Topics: {len(made.created)} created" if made.created else "Topics: up to date")
