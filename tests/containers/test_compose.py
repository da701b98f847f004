"""The compose file: brought up, a payment is settled, a worker is killed, all is taken down and up again."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.stack.folder import free_port
from tools.local_images.images import ENGINE, Images, NoImageError

pytestmark = [pytest.mark.containers, pytest.mark.slow, pytest.mark.timeout(1200)]
ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose"
FIRST = ROOT / "docs" / "examples" / "first.fin"
WORKERS = {"archiver", "recorder", "settlement", "settlement-standby", "stages"}
ONE_SHOT = {"prepare", "participants"}


def compose_program() -> list[str]:
    """Compose v2 where docker has it, else the program docker-compose; skips where there is neither."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose") is not None:
        return ["docker-compose"]
    pytest.skip("neither the compose plugin of docker nor docker-compose is installed")


class Project:
    """The compose file under a project name of its own, with passwords of its own."""

    def __init__(self) -> None:
        self.program = compose_program()
        name = f"qenex-test-{secrets.token_hex(4)}"
        passwords = ("POSTGRES_PASSWORD", "QENEX_OWNER_PASSWORD", "QENEX_LOGIN_PASSWORD")
        clean = {
            key: value for key, value in os.environ.items() if not key.startswith(("QENEX_", "POSTGRES_", "PYTHON"))
        }
        self._environment = clean | {key: secrets.token_hex(12) for key in passwords}
        self._environment |= {"COMPOSE_PROJECT_NAME": name, "KAFKA_PORT": str(free_port())}

    def run(self, *arguments: str, given: bytes = b"", seconds: float = 240.0) -> subprocess.CompletedProcess[bytes]:
        command = [*self.program, "--file", str(COMPOSE / "compose.yaml"), *arguments]
        return subprocess.run(command, env=self._environment, input=given, capture_output=True, timeout=seconds)

    def must(self, *arguments: str, given: bytes = b"", seconds: float = 240.0) -> str:
        done = self.run(*arguments, given=given, seconds=seconds)
        logs = b"" if done.returncode == 0 else self.run("logs", "--tail", "20").stdout
        assert done.returncode == 0, (done.stdout + done.stderr + logs).decode(errors="replace")[-6000:]
        return done.stdout.decode()

    def qenex(self, *arguments: str, given: bytes = b"") -> list[dict[str, Any]]:
        """What a command prints with --json, run in a container of the project."""
        printed = self.must("run", "--rm", "-T", "qenex", *arguments, "--json", given=given)
        return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]

    def states(self) -> dict[str, dict[str, Any]]:
        """Service -> what docker knows of its container."""
        found = {}
        for identity in self.must("ps", "--all", "--quiet").split():
            (state,) = json.loads(
                subprocess.run(["docker", "inspect", identity], capture_output=True, check=True).stdout
            )
            if state["Config"]["Labels"].get("com.docker.compose.oneoff") != "True":
                found[state["Config"]["Labels"]["com.docker.compose.service"]] = state
        return found

    def wait(self, seconds: float = 120.0) -> dict[str, dict[str, Any]]:
        """Until the one-shot services have ended and everything else is healthy."""
        deadline = time.monotonic() + seconds
        while True:
            states = self.states()
            late = {name: said for name, state in states.items() if (said := why_late(name, state["State"]))}
            if not late and states:
                return states
            assert time.monotonic() < deadline, (late, self.must("logs", "--tail", "20")[-5000:])
            time.sleep(1)


def why_late(service: str, state: dict[str, Any]) -> str:
    if service in ONE_SHOT:
        return (
            "" if state["Status"] == "exited" and state["ExitCode"] == 0 else f"{state['Status']} {state['ExitCode']}"
        )
    health = state.get("Health", {}).get("Status")
    return "" if health == "healthy" else f"{state['Status']} {health}"


@pytest.fixture(scope="module")
def project(images: Images) -> Iterator[Project]:
    found = Project()
    try:
        images.engine()  # of this work tree, whatever was built before
    except NoImageError as reason:
        pytest.skip(f"the engine's image cannot be built: {reason}")
    assert images.has(ENGINE)
    try:
        found.must("up", "--detach", "--no-build", seconds=400)
        yield found
    finally:
        found.run("down", "--volumes", "--remove-orphans", "--timeout", "20")


def payment(project: Project, reference: str) -> bytes:
    """The tutorial's first message, for the business date that the book is at."""
    (day,) = [each["business_date"] for each in project.qenex("day", "status") if each["system"] == "EUR-RTGS"]
    value_date = date.fromisoformat(day)
    return FIRST.read_text().replace("YYMMDD", f"{value_date:%y%m%d}").replace("FIRST-1", reference).encode()


def balance(project: Project, bic: str) -> str:
    (found,) = [each["balance"] for each in project.qenex("balances") if each["participant"] == bic]
    return str(found)


def test_up_brings_it_to_a_settled_payment(project: Project) -> None:
    states = project.wait()
    assert set(states) == WORKERS | ONE_SHOT | {"kafka", "postgres"}
    (record,) = project.qenex("send", "--wait", "30", "-", given=payment(project, "FIRST-1"))
    assert record["outcome"] == "SETTLED"
    assert balance(project, "FLUSDEM1XXX") == "8800.00"
    assert balance(project, "BERGAT2LXXX") == "51200.00"
    assert all(check["ok"] for check in project.qenex("audit"))


def test_no_container_has_rights(project: Project) -> None:
    for name, state in project.wait().items():
        host = state["HostConfig"]
        assert state["Config"]["User"].split(":")[0] not in ("", "0", "root"), name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["Privileged"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0, name
        published = [each["HostIp"] for ports in (host["PortBindings"] or {}).values() for each in ports]
        assert set(published) <= {"127.0.0.1"}, name


def test_a_killed_owner_is_followed_by_its_standby(project: Project) -> None:
    project.wait()
    project.must("kill", "settlement")
    (record,) = project.qenex("send", "--wait", "30", "-", given=payment(project, "SECOND-1"))
    assert record["outcome"] == "SETTLED"


def test_what_is_in_the_volumes_stays(project: Project) -> None:
    before = balance(project, "FLUSDEM1XXX")
    project.must("down", "--timeout", "30")
    project.must("up", "--detach", "--no-build")
    project.wait()
    assert balance(project, "FLUSDEM1XXX") == before
    (record,) = project.qenex("send", "--wait", "30", "-", given=payment(project, "THIRD-1"))
    assert record["outcome"] == "SETTLED"
    assert all(check["ok"] for check in project.qenex("audit"))
