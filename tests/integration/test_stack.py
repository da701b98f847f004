"""The local stack for real: up, again, killed piece by piece, taken over, down, and what stays behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from engine.stack.kafka import answers
from engine.stack.local import LocalStack

pytestmark = pytest.mark.integration
ENTRY = "import sys; from engine.cli import main; sys.argv[0] = 'qenex'; main()"


def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has waited for yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Machine:
    """A data folder and the command, run as a person would, with nothing of this machine's Java or Postgres in PATH."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(("QENEX_", "JAVA", "PG"))}
        self.env |= {"PATH": "/nonexistent", "QENEX_DATA": str(data)}

    def qenex(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = self.env | {f"QENEX_{name.upper()}": value for name, value in settings.items()}
        command = [sys.executable, "-c", ENTRY, *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=300, cwd=self.data.parent
        )

    def stack(self) -> dict:
        return json.loads((self.data / "stack.json").read_text())

    def status(self) -> dict[str, dict]:
        done = self.qenex("status", "--json")
        return {record["name"]: record for record in map(json.loads, done.stdout.splitlines())}

    def wait_until_healthy(self, seconds: float = 60) -> dict[str, dict]:
        deadline = time.monotonic() + seconds
        while True:
            pieces = self.status()
            if pieces and all(piece["health"] == "healthy" for piece in pieces.values()):
                return pieces
            assert time.monotonic() < deadline, pieces
            time.sleep(0.2)


@pytest.fixture
def machine() -> Iterator[Machine]:
    root = Path(tempfile.mkdtemp(prefix="qenex-"))
    root.chmod(0o755)
    machine = Machine(root / "data")
    try:
        yield machine
    finally:
        machine.qenex("down", "--purge")
        shutil.rmtree(root, ignore_errors=True)


def test_up_kill_take_over_down(machine: Machine) -> None:
    up = machine.qenex("up", "--json")
    assert up.returncode == 0, up.stderr
    stack = machine.stack()
    assert json.loads(up.stdout) == stack
    assert answers(stack["kafka"])
    assert (machine.data / "stack.json").stat().st_mode & 0o077 == 0
    with psycopg.connect(stack["postgres"]) as connection:
        durable = [connection.execute(f"show {name}").fetchone()[0] for name in ("fsync", "synchronous_commit")]
        superuser = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()[0]
    assert durable == ["on", "on"]
    assert superuser is False

    # again: nothing changes, and quickly
    started = time.monotonic()
    assert machine.qenex("up").returncode == 0
    assert time.monotonic() - started < 5
    assert machine.stack() == stack

    # a crash of each service: both come back on the ports they had
    for name in ("kafka", "postgres"):
        os.kill(stack["pids"][name], signal.SIGKILL)
    pieces = machine.wait_until_healthy()
    assert [pieces[name]["restarts"] for name in ("kafka", "postgres")] == [1, 1]
    after = machine.stack()
    assert (after["kafka"], after["postgres"]) == (stack["kafka"], stack["postgres"])

    # a crash of the supervisor interrupts nothing, and up puts another in its place
    os.kill(after["pids"]["supervisor"], signal.SIGKILL)
    assert machine.qenex("up").returncode == 0
    again = machine.stack()["pids"]
    assert {name: again[name] for name in ("kafka", "postgres")} == {
        name: after["pids"][name] for name in ("kafka", "postgres")
    }
    assert again["supervisor"] != after["pids"]["supervisor"]

    down = machine.qenex("down")
    assert down.returncode == 0, down.stderr
    assert not any(runs(pid) for pid in again.values())
    assert not (machine.data / "stack.json").exists()
    assert machine.qenex("status").returncode == 3
    assert machine.qenex("down", "--purge").returncode == 0
    assert not machine.data.exists()


def test_two_ups_at_once(machine: Machine) -> None:
    command = [sys.executable, "-c", ENTRY, "up", "--json"]
    both = [
        subprocess.Popen(command, env=machine.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert json.loads(said[0][0]) == json.loads(said[1][0])


def test_given_services_are_not_started(machine: Machine, services: LocalStack) -> None:
    assert services.kafka is not None
    assert services.postgres is not None
    up = machine.qenex("up", "--json", kafka=services.kafka, postgres=services.new_database("given"))
    assert up.returncode == 0, up.stderr
    stack = json.loads(up.stdout)
    assert stack["kafka"] == services.kafka
    assert not {"kafka", "postgres"} & set(stack["pids"])
    assert machine.qenex("down").returncode == 0
    assert answers(services.kafka)


def test_a_given_service_that_is_away(machine: Machine) -> None:
    up = machine.qenex("up", kafka="127.0.0.1:1")
    assert up.returncode == 3
    assert "QENEX_KAFKA" in up.stderr.splitlines()[-1]
    assert "Traceback" not in up.stderr


def test_a_damaged_cluster_is_told(machine: Machine, services: LocalStack) -> None:
    assert services.kafka is not None
    assert machine.qenex("up", kafka=services.kafka).returncode == 0
    assert machine.qenex("down").returncode == 0
    (machine.data / "postgres" / "data" / "global" / "pg_control").unlink()
    up = machine.qenex("up", kafka=services.kafka)
    assert up.returncode == 3
    assert "Postgres does not start" in up.stderr
    assert "pg_control" in up.stderr


def test_services_survive_a_crash_on_their_ports(services: LocalStack) -> None:
    kafka, postgres = services.kafka, services.postgres
    assert kafka is not None
    assert postgres is not None
    with psycopg.connect(postgres) as connection:
        connection.execute("create table if not exists kept (value int)")
        connection.execute("insert into kept values (1)")
    for name in ("kafka", "postgres"):
        before = services.pid(name)
        services.kill(name)
        assert not runs(before)
        services.start(name)
        assert services.pid(name) != before
    assert answers(kafka)
    with psycopg.connect(postgres) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (1,)
        connection.execute("drop table kept")
