"""A purge empties what is old and no longer needed, leaves the ledger, and the audit proves what it proved."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from engine import audit, cli
from engine.stack.local import LocalStack
from engine.stack.postgres import binaries, environment
from engine.store import cases, purging
from engine.store.connection import Connection, connect
from engine.testbed.dump import dump
from ledger import migrate

pytestmark = pytest.mark.integration
DUMP = Path(__file__).resolve().parents[1] / "vectors" / "upgrade" / "d3f7cc2.sql.gz"
ROLES = """
    do $$ begin
        if not exists (select from pg_roles where rolname = 'qenex_writer') then create role qenex_writer; end if;
        if not exists (select from pg_roles where rolname = 'qenex_reader') then create role qenex_reader; end if;
    end $$;
    grant qenex_writer, qenex_reader to current_user with inherit false, set true;
"""
#: The recorded system ran on 2026-11-24.
THE_DAY, THE_NEXT = date(2026, 11, 24), date(2026, 11, 25)
#: What a customer of the recording would call his own, in an MT as in an ISO message.
PRIVATE = (b"VIKTOR DRAKUNOV", b"DE")
EMPTIED = {"engine.archive", "engine.outbox", "engine.cases", "engine.purges", "engine.crashes"}


@pytest.fixture
def owner(services: LocalStack, database: str) -> Iterator[Connection]:
    """A recorded history of this build's schema."""
    with connect(database, "owner") as connection:
        connection.execute(ROLES)
        psql = [str(binaries() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", database]
        subprocess.run(psql, input=gzip.decompress(DUMP.read_bytes()), env=environment(), check=True)
        migrate.apply(connection)
        yield connection


def broken(connection: Connection) -> list[str]:
    return [f"{one.check}: {one.detail}" for one in audit.run(connection, in_flight=10**9) if not one.ok]


def count(connection: Connection, query: str) -> int:
    return connection.execute(f"select count(*) from {query}").fetchone()[0]


def test_what_is_old_is_emptied_and_nothing_else_changes(owner: Connection) -> None:
    owner.execute("update engine.cases set status = 'decided', decision = 'reject', decided_at = '2026-11-24T05:00Z'")
    unsent = owner.execute(
        "select count(*) from engine.outbox o join engine.relays r using (writer_no) where o.seq > r.published_seq"
    ).fetchone()[0]
    before = dump(owner)
    assert purging.due(owner, THE_DAY) == purging.Purge(0, 0, 0)
    due = purging.due(owner, THE_NEXT)
    assert due.messages > 40
    assert due.cases == 1
    assert dump(owner) == before

    assert purging.purge(owner, THE_NEXT, "ann") == due
    after = dump(owner)
    assert {name for name in after if after[name] != before[name]} <= EMPTIED
    assert {name: len(rows) for name, rows in after.items() if name != "engine.purges"} == {
        name: len(rows) for name, rows in before.items() if name != "engine.purges"
    }
    assert broken(owner) == []
    assert any("purged" in verdict.detail for verdict in audit.run(owner, in_flight=10**9))
    assert count(owner, "engine.outbox where payload <> ''") == unsent
    done = "engine.archive a join engine.progress p using (source_id) where a.next_offset <= p.done_through"
    assert count(owner, f"{done} and body <> ''") == 0
    texts = str(after["engine.cases"]) + str(after["engine.archive"])
    assert PRIVATE[0].hex() not in texts
    assert PRIVATE[0].decode() not in texts
    (stored,) = cases.list_cases(owner)
    assert cases.load(owner, stored.case_id).envelope.payment is None
    assert purging.purge(owner, THE_NEXT, "ann") == purging.Purge(0, 0, 0)


def test_what_waits_keeps_its_content(owner: Connection) -> None:
    purging.purge(owner, THE_NEXT, "ann")
    assert count(owner, "engine.waiting where length(envelope) > 100") == count(owner, "engine.waiting") == 8
    (stored,) = cases.list_cases(owner)
    assert cases.load(owner, stored.case_id).envelope.payment is not None


def test_nothing_but_a_purge_may_empty(owner: Connection) -> None:
    with pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("update engine.archive set body = ''")
    with owner.transaction():
        owner.execute("set local qenex.purge = 'on'")
        for statement in (
            "update engine.archive set digests = ''",
            "update engine.outbox set recipient = 'X'",
            "delete from engine.archive",
            "update engine.inbox set amount = 0",
        ):
            with pytest.raises(psycopg.errors.RestrictViolation), owner.transaction():
                owner.execute(statement)
    with owner.transaction():
        owner.execute("set role qenex_writer; set local qenex.purge = 'on'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), owner.transaction():
            owner.execute("update engine.archive set body = ''")
        owner.execute("reset role")


def test_bytes_that_no_purge_took_are_missed(owner: Connection) -> None:
    owner.execute("alter table engine.archive disable trigger append_only")
    owner.execute("update engine.archive set body = '' where first_offset = 0")
    owner.execute("alter table engine.archive enable trigger append_only")
    assert [check for check in broken(owner) if "damaged" in check]


def test_the_command(
    owner: Connection, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QENEX_POSTGRES", database)
    assert cli.run(["purge", "--before", "2999-01-01"]) == 2
    assert cli.run(["purge", "--before", "soon"]) == 2
    capsys.readouterr()
    assert cli.run(["purge", "--before", "2020-01-01", "--json", "--yes"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "before": "2020-01-01", "done": True, "messages": 0, "answers": 0, "cases": 0,
    }  # fmt: skip
    assert count(owner, "engine.purges") == 1
