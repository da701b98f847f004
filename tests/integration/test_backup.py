"""Backups of a running system: restored to the newest state nothing is lost or said twice; to an earlier one it waits
for two operators, who see what the outside knows.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from engine.settings import load
from engine.stack.folder import DataFolder
from engine.store.recoveries import same_but_moments
from engine.testbed import checks
from engine.testbed.bed import Bed, Sender
from engine.testbed.replay import outgoing
from engine.testbed.samples import Writer

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ENTRY = "import sys; from engine.cli import main; sys.argv[0] = 'qenex'; main()"


class System:
    """A stack that ``qenex up`` started, with backups, banks and two operators; what a person does, he types."""

    def __init__(self, root: Path) -> None:
        self.data, self.backups = root / "data", root / "backups"
        self.tokens: dict[str, str] = {}
        self.bed: Bed
        self.sender: Sender
        self.writer: Writer

    def qenex(self, *arguments: str, who: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("QENEX_")}
        environment |= {"QENEX_DATA": str(self.data), "QENEX_BACKUP": str(self.backups), "QENEX_DAY_SCHEDULE": "manual"}
        if who is not None:
            environment["QENEX_OPERATOR_TOKEN"] = self.tokens[who]
        return subprocess.run(
            [sys.executable, "-c", ENTRY, *arguments], env=environment, capture_output=True, text=True, timeout=300
        )

    def records(self, *arguments: str, who: str | None = None, status: int = 0) -> list[dict[str, Any]]:
        done = self.qenex(*arguments, "--json", who=who)
        assert done.returncode == status, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def up(self) -> list[str]:
        """Start; what it said."""
        done = self.qenex("up")
        assert done.returncode == 0, done.stderr
        found = self.stack()
        self.bed = Bed(
            SimpleNamespace(
                folder=DataFolder(self.data),
                settings=load(data=self.data, kafka=found["kafka"], postgres=found["postgres"]),
                kafka=found["kafka"], postgres=found["postgres"], pieces=[],
            )
        )  # fmt: skip
        return done.stderr.splitlines()

    def stack(self) -> dict[str, Any]:
        return json.loads((self.data / "stack.json").read_text())

    def send(self, count: int) -> None:
        for _ in range(count):
            self.sender.send(self.writer.some())
        self.sender.flush()

    def decided(self) -> int:
        with self.bed.database() as connection:
            return connection.execute("select count(*) from engine.inbox").fetchone()[0]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    root = Path(tempfile.mkdtemp(prefix="qenex-"))
    root.chmod(0o755)
    found = System(root)
    try:
        found.up()
        found.bed.populate()
        for name in ("kim", "lou"):
            (record,) = found.records("operators", "add", name, "--role", "operator")
            found.tokens[name] = record["token"]
        found.sender, found.writer = Sender(found.bed), Writer(61, found.bed.dates, "B")
        yield found
    finally:
        found.qenex("down", "--purge")
        shutil.rmtree(root, ignore_errors=True)


def test_a_crash_and_the_newest_state(system: System) -> None:
    system.send(80)
    system.bed.settle()
    (backup,) = system.records("backup")
    assert Path(backup["path"], "cluster", "PG_VERSION").is_file()
    system.send(80)  # on their way, some decided and some not, when everything dies
    pids = system.stack()["pids"]
    for name in ("supervisor", *(name for name in pids if name != "supervisor")):
        os.kill(pids[name], signal.SIGKILL)
    time.sleep(1)

    assert system.qenex("down").returncode == 0
    *verdicts, summary = system.records("restore", "--to", "latest")
    assert all(verdict["ok"] for verdict in verdicts)
    assert summary["restored"]
    assert summary["backup"] == backup["backup"]
    said = system.up()
    assert any("the engine goes on" in line for line in said), said
    system.bed.settle()
    wrong = [check.record() for check in checks.all_of(system.bed, system.sender.arrived) if not check.ok]
    assert wrong == []
    (record,) = [record for record in system.records("recovery", "show") if record["kind"] == "summary"]
    assert (record["approved_by"], record["told"]) == ("qenex", 0)


def test_a_drill_leaves_nothing(system: System) -> None:
    before = sorted(path.name for path in system.data.parent.iterdir())
    *verdicts, summary = system.records("restore", "--drill")
    assert summary["drill"]
    assert summary["examined"] > 500
    assert [verdict for verdict in verdicts if not verdict["ok"]] == []
    assert sorted(path.name for path in system.data.parent.iterdir()) == before
    assert system.qenex("status").returncode == 0


def test_an_earlier_moment_needs_two_operators(system: System) -> None:
    bed = system.bed
    time.sleep(1.5)
    moment = datetime.now(UTC)
    time.sleep(1.5)
    answers = outgoing(bed)
    decided = system.decided()
    system.send(60)
    bed.settle()
    told = sum(outgoing(bed).values()) - sum(answers.values())
    assert told > 60

    refused = system.qenex("restore", "--to", moment.isoformat())
    assert (refused.returncode, "qenex down" in refused.stderr) == (2, True)
    assert system.qenex("down").returncode == 0
    *_, summary = system.records("restore", "--to", moment.isoformat())
    assert summary["restored_to"] <= moment.isoformat()
    said = system.up()
    assert any("stands still" in line for line in said), said
    system.send(5)
    time.sleep(3)
    assert system.decided() == decided

    *found, summary = system.records("recovery", "show", status=1)
    kinds = Counter(record["kind"] for record in found)
    assert kinds == {"told": told, "undecided": 65}
    assert (summary["told"], summary["undecided"], summary["stands_still"]) == (told, 65, True)
    assert {record["state"] for record in found if record["kind"] == "told"} == {None}

    assert system.qenex("recovery", "propose", "--reason", "no token").returncode == 2
    (proposed,) = system.records("recovery", "propose", "--reason", "the banks agree", who="kim")
    assert system.qenex("recovery", "approve", "00" * 32, who="lou").returncode == 2
    own = system.qenex("recovery", "approve", proposed["hash"], who="kim")
    assert (own.returncode, "another operator" in own.stderr) == (1, True)
    assert system.decided() == decided
    (approved,) = system.records("recovery", "approve", proposed["hash"], who="lou")
    assert approved["answered"] == told
    system.bed.settle()

    repeated, numbers = said_twice(system.bed)
    assert repeated == []
    assert numbers == [], "a number that the outside has seen was given to another answer"
    with system.bed.database() as connection:
        assert [check.record() for check in checks.audited(connection) if not check.ok] == []
        assert checks.money_conserved(connection).ok
    *found, summary = system.records("recovery", "show")
    assert (summary["told"], summary["undecided"], summary["approved_by"]) == (0, 0, "lou")
    assert [record for record in found if record["kind"] == "told-otherwise"] == []


def said_twice(bed: Bed) -> tuple[list[str], list[str]]:
    """Answers that a recipient has twice but for their moments, and numbers that stand for two answers."""
    seen: dict[tuple[str, bytes, bytes, bytes], str] = {}
    numbers: dict[tuple[str, bytes], bytes] = {}
    repeated, wrong = [], []
    for record in bed.read(sorted({topic for topic, _ in outgoing(bed)})):
        subject, kind = record.headers["ce_subject"], record.headers["ce_type"]
        key = (record.topic, subject, kind, same_but_moments(record.value))
        if key in seen:
            repeated.append(f"{record.coordinates} repeats {seen[key]}")
        seen[key] = record.coordinates
        if numbers.setdefault((record.topic, record.headers["ce_id"]), record.value) != record.value:
            wrong.append(f"{record.coordinates} has the number of another answer")
    return repeated, wrong


def test_what_cannot_be_restored_is_said(system: System) -> None:
    assert system.qenex("restore", "--to", "yesterday").returncode == 2
    early = system.qenex("restore", "--drill", "--to", "2020-01-01T00:00:00Z")
    assert (early.returncode, "oldest backup" in early.stderr) == (2, True)
    assert system.qenex("restore", "--drill", "--to", "2100-01-01T00:00:00Z").returncode == 2
    assert [record["backup"] for record in system.records("backup", "--list")]


def test_old_backups_are_forgotten_with_their_log(system: System) -> None:
    with psycopg.connect(system.stack()["postgres"]) as connection:
        connection.execute("select pg_logical_emit_message(true, 'test', repeat('x', 20000000))")
    (newest,) = system.records("backup", "--keep", "1")
    assert [record["backup"] for record in system.records("backup", "--list")] == [newest["backup"]]
    assert len(newest["deleted"]) == 1
    *_, summary = system.records("restore", "--drill")
    assert summary["backup"] == newest["backup"]
