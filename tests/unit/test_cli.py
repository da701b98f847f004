"""The command line: every row of the table leads somewhere, help is quick and lazy, every fault has its exit status."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import engine.commands
from engine import cli
from engine.errors import BrokenPiece, ServiceUnavailable, UsageFault

ENTRY = "import sys; from engine.cli import main; sys.argv[0] = 'qenex'; main()"
PROBE = """
import sys
from engine.cli import run
status = run(sys.argv[1:])
heavy = {"confluent_kafka", "psycopg", "pydantic", "lxml", "numpy"} & set(sys.modules)
sys.exit(f"loaded {heavy}" if heavy else status)
"""


@pytest.mark.parametrize("row", cli.COMMANDS, ids=lambda row: row.name)
def test_every_row_leads_to_a_command_with_help_and_an_example(
    row: cli.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert row.help.endswith(".")
    command = cli.load_command(row)
    for path in [[name] for name in getattr(command, "commands", {})] or [[]]:
        assert cli.run([row.name, *path, "--help"]) == 0
        assert "Example" in capsys.readouterr().out, [row.name, *path]


def test_every_module_of_commands_is_in_the_table() -> None:
    named = {row.target.partition(":")[0] for row in cli.COMMANDS}
    there = {f"engine.commands.{module.name}" for module in pkgutil.iter_modules(engine.commands.__path__)}
    assert there - named <= {f"engine.commands.{helper}" for helper in ("output", "services", "statement_tables")}
    assert named <= there
    assert len({row.name for row in cli.COMMANDS}) == len(cli.COMMANDS)


def test_help_loads_no_client_library() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for row in cli.COMMANDS:
        assert row.name in done.stdout


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (UsageFault("QENEX_X is 1; accepted: 2."), 2, "QENEX_X is 1"),
        (
            ServiceUnavailable("Kafka at 127.0.0.1:1"),
            3,
            "Kafka at 127.0.0.1:1 does not answer. Start it with: qenex up",
        ),
        (BrokenPiece("Java is missing."), 3, "Java is missing."),
        (KeyboardInterrupt(), 130, ""),
        (RuntimeError("ours"), 70, "internal error: RuntimeError: ours"),
        (typer.Exit(1), 1, ""),
    ],
)
def test_a_fault_becomes_a_sentence_and_a_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: BaseException, status: int, said: str
) -> None:
    def fail() -> None:
        raise fault

    monkeypatch.setattr(importlib.import_module("engine.commands.stack"), "config", fail)
    assert cli.run(["config"]) == status
    caught = capsys.readouterr()
    assert said in caught.err
    assert "Traceback" not in caught.err
    assert caught.out == ""


@pytest.mark.parametrize("returned", [0, 1])
def test_a_command_returns_its_status(monkeypatch: pytest.MonkeyPatch, returned: int) -> None:
    monkeypatch.setattr(importlib.import_module("engine.commands.stack"), "config", lambda: returned)
    assert cli.run(["config"]) == returned


@pytest.mark.parametrize("arguments", [["nosuch"], ["up", "--nosuch"], ["down", "extra"], []])
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_config_as_json_is_one_object(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("QENEX_KAFKA_SASL_PASSWORD", "hunter2")
    assert cli.run(["config", "--json"]) == 0
    caught = capsys.readouterr()
    assert json.loads(caught.out)["kafka_sasl_password"] == "********"
    assert "hunter2" not in caught.out + caught.err


def test_status_without_a_stack_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["status", "--data", str(tmp_path / "none")]) == 3
    assert "qenex up" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_closed_pipe_is_no_traceback() -> None:
    script = f'{sys.executable} -c "{ENTRY}" config --json | true'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
