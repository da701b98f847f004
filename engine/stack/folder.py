"""The data folder: everything the local stack keeps, and how we know that a folder is ours.

Rule: a folder is used, and may be purged, only if it was empty when we first came or carries our marker file. Small
state is JSON, replaced whole (write aside, rename), so that a reader never sees half of it. Ports are chosen once and
kept, below the range from which the kernel takes ports of outgoing connections, so that they survive a restart.
"""

from __future__ import annotations

import fcntl
import os
import random
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import BrokenPiece, UsageFault

_MARKER = ".qenex-data"
_MARKER_TEXT = "This folder belongs to a local stack of QENEX; `qenex down --purge` deletes it.\n"
_PORTS = range(20_000, 32_000)
_LOCK_WAIT_S = 300


class DataFolder:
    """A data folder; nothing is touched before `create`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run = root / "run"
        self.log = root / "log"
        self.stack_file = root / "stack.json"
        self.state_file = self.run / "state.json"
        self._writing = threading.Lock()

    def create(self) -> None:
        """Make the folder, or see that it is ours and writable. UsageFault or BrokenPiece with the reason."""
        try:
            if not self.is_ours() and self.root.is_dir() and any(self.root.iterdir()):
                raise UsageFault(f"{self.root} is not empty and no data folder of QENEX: choose another with --data.")
            self.root.mkdir(parents=True, exist_ok=True)
            (self.root / _MARKER).write_text(_MARKER_TEXT)
            self.run.mkdir(exist_ok=True)
            self.log.mkdir(mode=0o700, exist_ok=True)
            (self.root / "kafka").mkdir(mode=0o700, exist_ok=True)  # messages are nobody else's business
            probe = self.run / f"probe.{os.getpid()}"
            probe.write_bytes(b"\0" * 4096)
            probe.unlink()
        except OSError as fault:
            raise BrokenPiece(
                f"The data folder {self.root} cannot be written: {fault.strerror}. Choose another with --data."
            ) from None

    def is_ours(self) -> bool:
        """Whether the folder carries our marker."""
        return (self.root / _MARKER).is_file()

    def purge(self) -> None:
        """Delete the folder; UsageFault if it is not ours."""
        if not self.root.exists():
            return
        if not self.is_ours():
            raise UsageFault(f"{self.root} is no data folder of QENEX; it is left alone.")
        shutil.rmtree(self.root)

    @contextmanager
    def lock(self, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the folder against other commands that start or stop it; calls ``waiting`` once if it must wait."""
        with (self.root / ".lock").open("a") as handle:
            deadline = time.monotonic() + _LOCK_WAIT_S
            said = False
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not said:
                        waiting()
                        said = True
                    if time.monotonic() > deadline:
                        raise BrokenPiece(
                            f"Another qenex command has held {self.root} for {_LOCK_WAIT_S} s; let it finish first."
                        ) from None
                    time.sleep(0.1)
            yield

    def port(self, name: str, wanted: int = 0) -> int:
        """The port of a piece that is not running: ``wanted``, else the one it had, else a free one, which is kept."""
        with self._writing:
            return self._port(name, wanted)

    def _port(self, name: str, wanted: int) -> int:
        ports: dict[str, int] = read_json(self.root / "ports.json", {})
        if wanted:
            if not is_free(wanted):
                raise BrokenPiece(
                    f"Port {wanted}, asked for by QENEX_{name.upper()}_PORT, is taken by another process: "
                    "free it, choose another, or unset the setting for any free port."
                )
            chosen = wanted
        else:
            chosen = ports.get(name, 0)
            if not chosen or not is_free(chosen):
                chosen = free_port(taken=set(ports.values()))
        if ports.get(name) != chosen:
            write_json(self.root / "ports.json", {**ports, name: chosen})
        return chosen

    def secret(self, name: str) -> str:
        """A password of the local stack, made on first use and kept in a file of mode 600."""
        path = self.root / "secrets.json"
        with self._writing:
            known: dict[str, str] = read_json(path, {})
            if name not in known:
                known[name] = secrets.token_urlsafe(24)
                write_json(path, known, mode=0o600)
            return known[name]


def is_free(port: int) -> bool:
    """Whether we could listen on this port of the loopback address now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(taken: set[int] | None = None) -> int:
    """A free port of `_PORTS`, at random so that two stacks that start together seldom meet."""
    for port in random.sample(_PORTS, 200):
        if port not in (taken or ()) and is_free(port):
            return port
    raise BrokenPiece(f"No free port was found from {_PORTS.start} to {_PORTS.stop - 1} on 127.0.0.1.")


def read_json(path: Path, default: Any) -> Any:
    """A small JSON file, or ``default`` when it is missing or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return default


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """Replace a small JSON file whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=1) + b"\n")
    part.replace(path)
