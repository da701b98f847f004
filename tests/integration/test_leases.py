"""A lease: one owner at a time; who dies is followed at once, who is silent after a while; a stale one is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine.store import leases, recoveries
from engine.store.connection import Connection, connect
from ledger import migrate

pytestmark = pytest.mark.integration


@pytest.fixture
def sessions(database: str) -> Iterator[tuple[Connection, Connection]]:
    """Two processes' connections, to a database with one writer."""
    with connect(database, "owner") as owner:
        migrate.apply(owner)
        leases.register(owner, "book", 1)
    one, other = (connect(database, "qenex_writer", name=name) for name in ("one", "other"))
    yield one, other
    one.close()
    other.close()


def taken(connection: Connection, owner: str) -> leases.Lease:
    lease = leases.take(connection, "book", owner)
    assert lease is not None
    return lease


def test_a_standby_waits_while_the_owner_lives(sessions: tuple[Connection, Connection]) -> None:
    one, other = sessions
    assert leases.free(other, ["book"], "other") == ["book"]
    first = taken(one, "one")
    assert leases.free(other, ["book"], "other") == []
    assert leases.take(other, "book", "other") is None
    leases.renew(one, first)
    leases.give_up(one, first)
    assert leases.free(other, ["book"], "other") == ["book"]
    assert taken(other, "other").epoch == first.epoch + 1


def test_the_end_of_the_owners_session_frees_the_lease_at_once(sessions: tuple[Connection, Connection]) -> None:
    one, other = sessions
    first = taken(one, "one")
    one.close()
    began = time.monotonic()
    while not leases.free(other, ["book"], "other"):
        assert time.monotonic() - began < leases.LEASE_SECONDS / 2, "the lease is waited for until it has expired"
        time.sleep(0.01)
    second = taken(other, "other")
    assert second.epoch == first.epoch + 1


def test_a_silent_owner_loses_the_lease_and_is_refused_when_it_wakes_up(
    sessions: tuple[Connection, Connection],
) -> None:
    one, other = sessions
    first = taken(one, "one")
    time.sleep(leases.LEASE_SECONDS + 0.1)
    second = taken(other, "other")
    with pytest.raises(leases.LeaseLostError):
        leases.renew(one, first)
    leases.renew(other, second)
    one.close()  # the end of a stale owner's session takes nothing from the new one
    time.sleep(0.2)
    assert leases.free(other, ["book"], "third") == []


def test_a_restored_ledger_takes_nobodys_word_for_what_was_sent(
    sessions: tuple[Connection, Connection], database: str
) -> None:
    one, other = sessions
    leases.give_up(one, taken(one, "one"), finished=True)
    with connect(database, "owner") as owner:
        recoveries.add(owner, "latest", "base", datetime.now(UTC), "local:test")
    assert not taken(other, "other").handed_over


def test_only_one_of_many_gets_it(sessions: tuple[Connection, Connection]) -> None:
    found = [leases.take(connection, "book", name) for connection, name in zip(sessions, ("one", "other"), strict=True)]
    assert [lease is not None for lease in found] == [True, False]
