"""What an earlier build has stored and has on its way is read by this one: its database, its envelopes in flight.

The recordings under tests/vectors/upgrade were made by the build of the commit in their names: a small system with
payments settled, queued, held, repeated and refused, stopped while its stages had routed what no writer had decided.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine import audit, commanding
from engine.bus.memory import MemoryBus
from engine.bus.record import Record
from engine.bus.topics import COMMANDS, REJECTED, ROUTED
from engine.facts import DirectorySource
from engine.processors import book_state
from engine.processors.owned import Recorder
from engine.processors.relay import Relay
from engine.processors.settlement import BookWriter
from engine.processors.writing import Writer, WriterPorts
from engine.stack.local import LocalStack
from engine.stack.postgres import binaries, environment
from engine.store import leases
from engine.store.connection import Connection, connect
from engine.wire import decode, encode
from ledger import migrate
from settlement.calendar import CALENDARS, Calendar
from settlement.schemes import BOOKS

pytestmark = pytest.mark.integration
VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "upgrade"
RECORDINGS = sorted(path.name.removesuffix(".sql.gz") for path in VECTORS.glob("*.sql.gz"))
WRITER_ROLE_MISSING = """
    do $$ begin
        if not exists (select from pg_roles where rolname = 'qenex_writer') then create role qenex_writer; end if;
        if not exists (select from pg_roles where rolname = 'qenex_reader') then create role qenex_reader; end if;
    end $$;
    grant qenex_writer, qenex_reader to current_user with inherit false, set true;
"""


def messages(recording: str) -> list[dict[str, Any]]:
    text = gzip.decompress((VECTORS / f"{recording}.messages.jsonl.gz").read_bytes()).decode()
    return [{**one, "value": base64.b64decode(one["value"])} for one in map(json.loads, text.splitlines())]


@pytest.fixture
def restored(services: LocalStack, database: str, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """The recorded database, as its build left it."""
    dump = gzip.decompress((VECTORS / f"{request.param}.sql.gz").read_bytes()).decode()
    with connect(database, "owner") as owner:
        owner.execute(WRITER_ROLE_MISSING)
        psql = [str(binaries() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", database]
        done = subprocess.run(psql, input=dump, env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        owner.execute("set search_path to default")
        yield owner


def test_there_is_a_recording_of_each_form() -> None:
    assert RECORDINGS == ["d3f7cc2"]
    for name in RECORDINGS:
        assert re.fullmatch("[0-9a-f]{7,40}", name)
        assert sum(one["in_flight"] for one in messages(name)) > 10


@pytest.mark.parametrize("recording", RECORDINGS)
def test_every_recorded_message_is_read(recording: str) -> None:
    kinds: Counter[str] = Counter()
    for one in messages(recording):
        kinds[one["topic"]] += 1
        if one["topic"] == COMMANDS:
            assert commanding.decode(one["value"]).book in BOOKS
            continue
        envelope = decode(one["value"])
        assert envelope.digest
        # nothing of it is dropped: what this build writes of it, the recording has
        assert json.loads(one["value"]).items() >= json.loads(encode(envelope)).items()
    assert set(kinds) > {ROUTED, REJECTED, COMMANDS}


@pytest.mark.parametrize(("recording", "restored"), [(name, name) for name in RECORDINGS], indirect=["restored"])
def test_the_data_is_brought_up_and_the_work_goes_on(recording: str, restored: Connection) -> None:
    with pytest.raises(migrate.MigrationError, match="qenex migrate"):
        migrate.require_current(restored)
    before = kept(restored)
    assert migrate.apply(restored)[0] == "0003_recovery"
    migrate.require_current(restored)
    assert kept(restored) == before
    assert broken(restored, in_flight=10**9) == []

    in_flight = [one for one in messages(recording) if one["in_flight"]]
    decided = sum(process(restored, writer, in_flight) for writer in writers(restored))
    assert decided == len(in_flight)
    assert broken(restored, in_flight=0.0) == []
    states = dict(restored.execute("select state, count(*) from engine.inbox group by 1").fetchall())
    assert sum(states.values()) == decided + before["engine.inbox"]
    assert {"SETTLED", "QUEUED", "HELD", "REJECTED", "DUPLICATE"} <= set(states)


def kept(connection: Connection) -> dict[str, int]:
    """Rows of the tables that are history."""
    names = ["engine.inbox", "engine.outcomes", "engine.outbox", "engine.archive", "ledger.postings", "engine.waiting"]
    return {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in names}


def broken(connection: Connection, in_flight: float) -> list[str]:
    return [f"{one.check}: {one.detail}" for one in audit.run(connection, in_flight=in_flight) if not one.ok]


def writers(connection: Connection) -> Iterator[Writer]:
    """The writers of this build, at the sources of the recorded one."""
    places = {
        (topic, partition): source
        for source, topic, partition in connection.execute("select source_id, topic, partition from engine.sources")
    }
    directory = DirectorySource(lambda: connection)
    calendars = {name: Calendar(name) for name in CALENDARS}

    def ports(name: str, number: int, topic: str, partition: int | None) -> WriterPorts:
        mine = {place: n for place, n in places.items() if place[0] == topic and partition in (None, place[1])}
        relay = Relay(connection, MemoryBus().producer(), number, "test")
        return WriterPorts(name, number, mine, connection, relay, lambda: datetime.now(UTC), "QENXDEFFXXX")

    for number, book in enumerate(BOOKS):
        yield BookWriter(
            ports(book, number + 1, ROUTED, number),
            lambda book=book: book_state.load(
                connection, book, book, directory.current, calendars, datetime(2026, 11, 24, 4, tzinfo=UTC)
            ),
        )
    yield Recorder(ports("recorder", 1001, REJECTED, None))


def process(connection: Connection, writer: Writer, recorded: list[dict[str, Any]]) -> int:
    lease = leases.take(connection, writer.ports.name, "upgraded")
    assert lease is not None
    starts = writer.start(lease)
    writer.load()
    records = [
        Record(one["topic"], one["partition"], one["offset"], one["timestamp_ms"], None, one["value"], {})
        for one in recorded
        if (one["topic"], one["partition"]) in starts
    ]
    assert all(record.offset >= starts[record.place] for record in records)
    return writer.process(records)
