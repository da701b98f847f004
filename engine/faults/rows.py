"""The fault matrix as a table: what is done, which invariants are most at risk, and how it is played.

Rule: numbers are those of the design's matrix and stay; a row that cannot be played here says why. Rows that come with
the chain are in the table, so that nobody takes their absence for a kept promise.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from engine.faults import hosts, inputs, kills, network
from engine.faults.scene import Scene
from engine.faults.stack import FaultyStack
from engine.settings import Settings
from engine.stack.piece import Say

_CHAIN = "comes with the chain of validators"


def _never() -> str | None:
    return None


def _with_the_chain() -> str | None:
    return _CHAIN


Stage = Callable[[Path, Settings, Say], AbstractContextManager[FaultyStack]]


@dataclass(frozen=True, slots=True)
class Case:
    """One way of playing a row. ``skip`` says why it cannot be played here, or None.

    ``play`` runs on a shared stack, or on one of its own that ``stage`` builds (a small disk, two servers).
    """

    row: int
    name: str
    fault: str
    at_risk: str
    play: Callable[[Scene], None] | None = None
    skip: Callable[[], str | None] = _never
    quick: bool = False
    stage: Stage | None = None


CASES: tuple[Case, ...] = (
    Case(1, "crash-points-books", "settlement dies at each named point", "I3 I4 I10", kills.crash_points_of_books),
    Case(1, "crash-points-others", "each other worker, likewise", "I3 I4 I10", kills.crash_points_of_others),
    Case(2, "lost-commit", "Postgres commits, its reply is lost", "I3 I5", network.lost_commits, quick=True),
    Case(2, "postgres-network", "delay, silence, reset, cut on the way to Postgres", "I3 I5", network.postgres_network),
    Case(3, "broker-killed", "SIGKILL of the broker", "I4 I10", kills.broker_killed),
    Case(3, "kafka-network", "delay, silence, reset, cut on the way to Kafka", "I4 I10", network.kafka_network),
    Case(4, "postgres-killed", "SIGKILL of Postgres", "I3", kills.postgres_killed),
    Case(4, "postgres-immediate", "immediate stop of Postgres", "I3", kills.postgres_immediate),
    Case(5, "postgres-failover", "SIGKILL of the first Postgres, promotion", "I1 I4", hosts.postgres_failover,
        stage=hosts.two_servers),
    Case(6, "stale-owner", "an owner stands still past its lease, wakes up", "I3 I6", kills.stale_owner, quick=True),
    Case(7, "validators-partitioned", "validators cut apart 2/2, then 3/1", "I8", skip=_with_the_chain),
    Case(8, "byzantine-validator", "a validator that lies", "I8", skip=_with_the_chain),
    Case(9, "duplicates", "each message one to six times, from several producers", "I3", inputs.duplicates, quick=True),
    Case(10, "same-id", "a reference again with another amount", "I3 I5", inputs.same_id_other_payload, quick=True),
    Case(11, "reordering", "four producers with delays of their own", "I5 I7", inputs.reordering),
    Case(12, "corrupted", "turned bits, missing and foreign bytes", "I4 I5", inputs.corrupted),
    Case(13, "poison", "messages that crash their worker, and bombs", "I4", inputs.poison),
    Case(14, "clock-jumps", "the workers' clocks jump by up to two hours", "I5 I7", inputs.clock_jumps),
    Case(15, "disk-full", "the disk of Postgres, then of Kafka, is full", "I4 I9", hosts.disk_full, hosts.no_mounts,
        stage=hosts.small_disks),
    Case(16, "slow-consumer", "settlement and recorder stand still under load", "I4", kills.slow_consumer),
    Case(17, "rebalance-storm", "stage workers join, leave and die", "I3 I7", kills.rebalance_storm),
    Case(18, "replay", "everything read again from offset 0", "I3 I10", inputs.replayed),
    Case(19, "chain-lost", "a chain that is lost or rebuilt", "I8", skip=_with_the_chain),
    Case(20, "restore", "restore to an earlier time", "I2 I8 I9", skip=_with_the_chain),
    Case(21, "rolling-upgrade", "workers of an older build are replaced one by one", "I5", hosts.rolling_upgrade,
        hosts.no_older_build),
    Case(22, "insider", "a row edited by a superuser", "I8 I9", skip=_with_the_chain),
)  # fmt: skip


def of_row(row: int | None) -> list[Case]:
    """The cases of a row, or all."""
    return [case for case in CASES if row in (None, case.row)]
