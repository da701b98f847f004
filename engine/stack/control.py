"""Up, down, status: what the commands do to the stack of a data folder.

Rule: each is safe to repeat and safe to run at the same time as another (one lock a folder). Nothing is ended but what
``DIR/run/state.json`` names by process id and start time.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

from engine.errors import BrokenPiece, ServiceUnavailable, UsageFault
from engine.settings import Settings, environment_for_child
from engine.stack.folder import DataFolder, read_json
from engine.stack.piece import Say
from engine.stack.process import Running, last_lines, spawn

_UP_SECONDS = (
    420.0  # the first time jars are fetched, 20 s on a good line; crash recovery of a large ledger takes minutes
)
_DOWN_SECONDS = 90.0


def up(settings: Settings, say: Say) -> dict[str, Any]:
    """Bring the stack up and return what ``stack.json`` says; nothing changes when it is up already."""
    folder = DataFolder(settings.data)
    folder.create()
    with folder.lock(lambda: say("waiting for another qenex command on this data folder")):
        supervisor = _supervisor(folder)
        if supervisor is None:
            supervisor = spawn(
                [sys.executable, "-P", "-m", "engine.stack.supervisor", folder.root],
                log=folder.log / "supervisor.log",
                env=environment_for_child(data=str(folder.root)),
            )
        _follow(folder, supervisor, say)
    stack: dict[str, Any] = read_json(folder.stack_file, {})
    return stack


def _follow(folder: DataFolder, supervisor: Running, say: Say) -> None:
    """Repeat the supervisor's steps to the person until all is healthy; BrokenPiece with the reason otherwise."""
    deadline = time.monotonic() + _UP_SECONDS
    told = 0
    while True:
        alive = supervisor.alive()
        state = read_json(folder.state_file, {})
        if state.get("supervisor", {}).get("pid") == supervisor.pid:
            if state["phase"] == "up" and told == 0:
                told = len(state["steps"])  # it was up before we came
            for step in state["steps"][told:]:
                say(step)
            told = len(state["steps"])
            if state["phase"] == "up" and all(piece["health"] == "healthy" for piece in state["pieces"]):
                supervisor.detach()
                return
            if state["phase"] == "failed" and state["error"]:
                supervisor.wait(60)
                raise BrokenPiece(state["error"])
            if state["phase"] == "up":
                _refuse_looping(state["pieces"])
        if not alive:
            said = last_lines(folder.log / "supervisor.log")
            raise BrokenPiece(f"The supervisor of {folder.root} {supervisor.ended}. Its log: {said}")
        if time.monotonic() > deadline:
            sick = ", ".join(piece["label"] for piece in state.get("pieces", []) if piece["health"] != "healthy")
            raise BrokenPiece(f"Not healthy within {_UP_SECONDS:.0f} s: {sick}. See: qenex status")
        time.sleep(0.1)


def _refuse_looping(pieces: list[dict[str, Any]]) -> None:
    for piece in pieces:
        if piece["health"] == "crash-looping":
            raise BrokenPiece(
                f"{piece['label']} does not stay up: {piece['detail']}. It is tried again in the background; "
                f"its log is {piece['log']}."
            )


def down(settings: Settings, say: Say, *, purge: bool = False) -> bool:
    """Stop everything of the data folder; with ``purge`` delete the folder. Whether anything ran."""
    folder = DataFolder(settings.data)
    if not folder.is_ours():
        if purge and folder.root.exists():
            raise UsageFault(f"{folder.root} is no data folder of QENEX; it is left alone.")
        return False
    with folder.lock(lambda: say("waiting for another qenex command on this data folder")):
        supervisor = _supervisor(folder)
        pieces: list[dict[str, Any]] = read_json(folder.state_file, {}).get("pieces", [])
        ran = supervisor is not None
        if supervisor is not None:
            names = ", ".join(piece["name"] for piece in reversed(pieces))
            say(f"Stopping {names}")
            supervisor.stop(signal.SIGTERM, _DOWN_SECONDS)
            pieces = read_json(folder.state_file, {}).get("pieces", [])
        for piece in reversed(pieces):  # workers come last in the list and go first
            left = Running.find(piece["pid"], piece["started"]) if piece["pid"] else None
            if left is not None:
                ran = True
                say(f"Stopping {piece['name']}, which ran without its supervisor")
                left.stop(piece["stop_signal"], piece["stop_seconds"])
        folder.stack_file.unlink(missing_ok=True)
    if purge:
        say(f"Deleting {folder.root}")
        folder.purge()
    return ran


def status(settings: Settings) -> list[dict[str, Any]]:
    """A record for each piece: name, health, pid, port, restarts, since, detail. ServiceUnavailable if none is up."""
    folder = DataFolder(settings.data)
    state: dict[str, Any] = read_json(folder.state_file, {})
    supervisor = _supervisor(folder)
    records = []
    for piece in state.get("pieces", []):
        alive = piece["pid"] and Running.find(piece["pid"], piece["started"]) is not None
        if supervisor is None and not alive:
            continue
        health = piece["health"] if supervisor is not None else "unsupervised"
        if supervisor is not None and not alive and health == "healthy":
            health = "restarting"
        shown = ("pid", "port", "restarts", "since", "detail")
        records.append({"name": piece["name"], "health": health} | {key: piece[key] for key in shown})
    if supervisor is None and not records:
        raise ServiceUnavailable(f"The stack of {folder.root}")
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(supervisor.started)) if supervisor else None
    first = {
        "name": "supervisor",
        "health": "healthy" if supervisor else "dead",
        "pid": supervisor.pid if supervisor else None,
        "port": None,
        "restarts": 0,
        "since": since,
        "detail": None if supervisor else "qenex up starts it again and interrupts nothing",
    }
    return [first, *records]


def stack(settings: Settings) -> dict[str, Any]:
    """What ``stack.json`` says of the running stack; ServiceUnavailable when there is none."""
    folder = DataFolder(settings.data)
    found: dict[str, Any] = read_json(folder.stack_file, {})
    if not found or _supervisor(folder) is None:
        raise ServiceUnavailable(f"The stack of {folder.root}")
    return found


def runs(settings: Settings) -> bool:
    """Whether anything of the data folder's stack runs."""
    folder = DataFolder(settings.data)
    pieces: list[dict[str, Any]] = read_json(folder.state_file, {}).get("pieces", [])
    left = (piece for piece in pieces if piece["pid"] and Running.find(piece["pid"], piece["started"]) is not None)
    return _supervisor(folder) is not None or any(left)


def _supervisor(folder: DataFolder) -> Running | None:
    """The folder's supervisor if it runs."""
    known = read_json(folder.state_file, {}).get("supervisor")
    return Running.find(known["pid"], known["started"]) if known else None
