"""What containers are made of is in step: image names, versions, packages, services of the page, reasons for skips."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engine.cli import COMMANDS
from engine.stack.jars import locked
from tools.local_images import docker_engine, images
from tools.lock import ONLY_LOCAL

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "compose" / "compose.yaml").read_text()
DOCKERFILE = (ROOT / "compose" / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(path: str) -> dict[str, str]:
    """Package -> version of a lock file."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / path).read_text(), re.MULTILINE))


def test_images_have_one_name_everywhere() -> None:
    for name in (images.POSTGRES, images.KAFKA, images.ENGINE):
        assert f":-{name}}}" in COMPOSE
    assert f"ARG PYTHON={images.PYTHON}\n" in DOCKERFILE
    assert images.KAFKA.partition(":")[2] in {jar.coordinates.rpartition(":")[2] for jar in locked()}
    assert f"qenex:{PROJECT['project']['version']}" == images.ENGINE


def test_the_image_holds_the_packages_that_the_wheel_holds() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE)) == set(packages)
    kept = set(re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)) - {"LICENSE"}
    assert kept == set(packages)


def test_the_image_has_the_locked_versions_of_what_runs_and_no_more() -> None:
    everything = pins("requirements/lock.txt")
    run, build = pins("compose/requirements/run.txt"), pins("compose/requirements/build.txt")
    assert set((run | build).items()) <= set(everything.items()), "run: python tools/lock.py python"
    wanted = {re.split(r"[\[=]", each)[0] for each in PROJECT["project"]["dependencies"]}
    assert wanted - set(ONLY_LOCAL) <= set(run)
    tools = {re.split(r"[\[=]", each)[0] for each in PROJECT["project"]["optional-dependencies"]["dev"]}
    assert not set(run) & (set(ONLY_LOCAL) | tools)


def test_the_page_names_every_service() -> None:
    page = (ROOT / "docs" / "how-to" / "run-in-containers.md").read_text()
    services = set(re.findall(r"^  ([a-z-]+):$", COMPOSE.partition("\nservices:\n")[2], re.MULTILINE))
    services -= {"ledger", "messages"}
    table = {
        name for row in re.findall(r"^\| (`.+?) \|", page, re.MULTILINE) for name in re.findall(r"`([a-z-]+)`", row)
    }
    assert services == table


def test_the_page_types_commands_that_exist() -> None:
    page = (ROOT / "docs" / "how-to" / "run-in-containers.md").read_text()
    called = re.findall(r"docker compose run --rm -T qenex ([a-z]+)", page)
    assert set(called) == {"send", "balances", "audit"} <= {command.name for command in COMMANDS}


def test_every_password_is_asked_for_and_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE))
    example = (ROOT / "compose" / "env.example").read_text()
    assert asked == set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE)) != set()


def test_without_an_engine_the_reason_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(docker_engine.NoEngineError, match="docker is not installed"), docker_engine.docker_engine():
        pass
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with (
        pytest.raises(docker_engine.NoEngineError, match="no engine answers"),
        docker_engine.docker_engine(start=False),
    ):
        pass
    (tmp_path / "dockerd").write_text("#!/bin/sh\necho it cannot be >&2\nexit 1\n")
    (tmp_path / "dockerd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(docker_engine.NoEngineError, match="only root can start one"), docker_engine.docker_engine():
        pass
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(docker_engine.NoEngineError, match="it cannot be"), docker_engine.docker_engine():
        pass
