"""What stages read from Postgres and count there goes on over a loss of the connection, without a new worker."""

from __future__ import annotations

from datetime import date
from functools import partial

import psycopg
import pytest

from engine.bus.port import OperatingFaultError
from engine.bus.record import Record
from engine.facts import StageTerms, StoredFacts
from engine.stack.local import LocalStack
from engine.store.connection import Lasting, connect
from engine.store.crashes import StoredCrashRegister
from ledger import migrate

pytestmark = pytest.mark.integration
PLACE = ("ingest.swift-mt", 0)
RECORD = Record(PLACE[0], PLACE[1], 7, 0, None, b"x", {})


def end_sessions(database: str) -> None:
    """What a crash of the server does to its clients."""
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and backend_type = 'client backend' and pid <> pg_backend_pid()"
        )


def test_a_lost_connection_is_an_outage_once(services: LocalStack, database: str) -> None:
    with connect(database, "owner") as owner:
        migrate.apply(owner)
    lasting = Lasting(partial(connect, database, "qenex_writer"))
    register = StoredCrashRegister(lasting, "stages-0", {PLACE: 1})
    register.begin_run()
    register.record_crash(RECORD, "boom")
    end_sessions(database)
    with pytest.raises(OperatingFaultError):
        register.suspects([PLACE])
    assert register.suspects([PLACE])["ingest.swift-mt", 0, 7].count == 1
    register.end_run()
    assert register.begin_run() is False

    moments = iter(range(0, 100, 2))
    facts = StoredFacts(
        lasting, StageTerms("QENXDEFFXXX", True, None, {PLACE: 1}), lambda: date(2026, 11, 24), lambda: next(moments)
    )
    end_sessions(database)
    with pytest.raises(OperatingFaultError):
        facts.current()
    assert facts.current().parsing.signatures
    lasting().close()


def test_a_server_that_is_away_is_an_outage(services: LocalStack, database: str) -> None:
    with connect(database, "owner") as owner:
        migrate.apply(owner)
    addresses = iter([database, "postgresql://127.0.0.1:1/nobody"])
    lasting = Lasting(lambda: connect(next(addresses), "owner"))
    register = StoredCrashRegister(lasting, "stages-0", {PLACE: 1})
    lasting().close()
    with pytest.raises(OperatingFaultError, match="Postgres does not answer"):
        register.begin_run()
