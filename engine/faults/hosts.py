"""Rows that need a machine of their own: a second Postgres, a small disk, an older build beside the new one.

Rule: what cannot be had here (root, a repository) is said as the reason of a skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import psycopg

import engine
from engine.faults.checker import Finding
from engine.faults.failover import first_commit
from engine.faults.replica import ReplicatedStack
from engine.faults.scene import Scene, wait_for
from engine.faults.stack import FaultyStack, clear_environment, set_environment
from engine.settings import Settings, environment_for_child
from engine.stack.folder import DataFolder
from engine.stack.piece import Say

_ROOT = Path(engine.__file__).resolve().parents[1]
_SERVICES = ("postgres", "kafka")
_DISK_MB = 400
_BUILDS_TRIED = 40
_FULL_SECONDS = 3.0
#: Who decides that the first server is dead asks so often, and believes it after so many refusals in a row.
_ASK_SECONDS, _REFUSALS = 0.1, 3
_RTO_SECONDS = 10.0


# -- row 5 -------------------------------------------------------------------------------------------------------------


@contextmanager
def two_servers(root: Path, settings: Settings, say: Say) -> Iterator[FaultyStack]:
    """A stack whose Postgres has a synchronous follower."""
    with ReplicatedStack(root, settings=settings, say=say) as stack:
        yield stack


def postgres_failover(scene: Scene) -> None:
    """Row 5: the first Postgres dies under load, the second is promoted, the engine finds it by itself."""
    stack = scene.stack
    assert isinstance(stack, ReplicatedStack)
    with scene.bed.tended():
        scene.load(10, 120)
        time.sleep(3.0)
        at = datetime.now(UTC)
        stack.kill("postgres")
        scene.inject("first Postgres killed")
        _await_refusals(stack.postgres or "")
        noticed = time.time()
        stack.replica.promote()
        promoted = time.time()
        with scene.bed.database() as connection:
            settled = first_commit(connection, at)
        scene.rest()
    killed = at.timestamp()
    rto = Finding("recovery-time", examined=1)
    if settled - killed > _RTO_SECONDS:
        rto.wrong.append(f"{settled - killed:.1f} s from the kill to the first settled payment")
    scene.findings.append(rto)
    scene.outcome.notes.append(
        f"RPO 0 (every outcome that was read before is there after); RTO {settled - killed:.2f} s: noticed after"
        f" {noticed - killed:.2f} s, promoted after {promoted - killed:.2f} s"
    )


def _await_refusals(url: str) -> None:
    refused = 0
    while refused < _REFUSALS:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            refused = 0
        except psycopg.Error:
            refused += 1
        time.sleep(_ASK_SECONDS)


# -- row 15 ------------------------------------------------------------------------------------------------------------


def no_mounts() -> str | None:
    """Why no small disk can be had, or None."""
    if os.geteuid() != 0:
        return "a small disk is mounted by root only"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603  (our own command)
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False  # noqa: S607
        )  # fmt: skip
        if done.returncode != 0:
            return f"no tmpfs can be mounted: {done.stderr.strip()}"
        _unmount(Path(folder))
    return None


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)  # noqa: S603, S607


@contextmanager
def small_disks(root: Path, settings: Settings, say: Say) -> Iterator[FaultyStack]:
    """A stack whose services have a disk of a few hundred megabytes each."""
    DataFolder(root).create()
    mounted: list[Path] = []
    try:
        for name in _SERVICES:
            (root / name).mkdir(exist_ok=True)
            size = f"size={_DISK_MB}m,mode=0755"
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(root / name)], check=True)  # noqa: S603, S607
            mounted.append(root / name)
        with FaultyStack(root, settings=settings, say=say) as stack:
            yield stack
    finally:
        for folder in mounted:
            _unmount(folder)


def disk_full(scene: Scene) -> None:
    """Row 15: the disk of each service is full for a while under load: nothing is taken, and nothing is lost."""
    stack = scene.stack
    with scene.bed.tended():
        scene.load(16, 80)
        for name in _SERVICES:
            time.sleep(1.5)
            ballast = stack.folder.root / name / "ballast"
            try:
                written = _fill(ballast)
                scene.inject(f"disk of {name} full", megabytes=written // 2**20)
                time.sleep(_FULL_SECONDS)
            finally:
                ballast.unlink(missing_ok=True)
            ended = stack.has_ended(name)
            scene.outcome.notes.append(f"{name} with a full disk: {'it ended' if ended else 'it went on'}")
            if ended:
                stack.start(name)
            wait_for(lambda name=name: stack.is_ready(name), 30, f"{name} does not come back")  # type: ignore[misc]
        scene.rest()


def _fill(ballast: Path) -> int:
    """Write until there is no room; bytes written."""
    block, written = b"\0" * 2**16, 0
    with ballast.open("wb", buffering=0) as handle, suppress(OSError):
        while True:
            written += handle.write(block)
    return written


# -- row 21 ------------------------------------------------------------------------------------------------------------


def _git(*arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=False  # noqa: S607
    )  # fmt: skip
    return done.stdout.strip() if done.returncode == 0 else ""


@cache
def older_build() -> str:
    """The oldest build on this schema that starts: a commit since its newest migration, or none."""
    if shutil.which("git") is None:
        return ""
    newest = _git("log", "-1", "--format=%H", "--", "ledger/sql/migrations")
    since = [newest, *reversed(_git("log", "--format=%H", f"{newest}..HEAD").splitlines())] if newest else []
    for commit in since[:_BUILDS_TRIED]:
        with tempfile.TemporaryDirectory(prefix="qenex-older-") as folder:
            _unpack(commit, Path(folder))
            environment = {**environment_for_child(), "PYTHONPATH": folder}
            done = subprocess.run([sys.executable, "-P", "-c", "import engine.worker"], env=environment, check=False)
        if done.returncode == 0:
            return commit
    return ""


def _unpack(commit: str, folder: Path) -> None:
    archive = subprocess.run(["git", "-C", str(_ROOT), "archive", commit], capture_output=True, check=True)  # noqa: S603, S607
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)  # noqa: S603, S607


def no_older_build() -> str | None:
    """Why there is no older build to run beside this one, or None."""
    found = older_build()
    if not found:
        return "there is no repository to take an older build from"
    if found == _git("rev-parse", "HEAD"):
        return "this very commit changed the schema: older builds refuse it, and workers are stopped for its migration"
    return None


def rolling_upgrade(scene: Scene) -> None:
    """Row 21: workers of an older build are replaced one by one, under load; for a while both run together."""
    commit, stack = older_build(), scene.stack
    with tempfile.TemporaryDirectory(prefix="qenex-older-") as folder:
        Path(folder).chmod(0o755)
        _unpack(commit, Path(folder))
        names = scene.bed.workers()
        set_environment(PYTHONPATH=folder)
        try:
            _restart(stack, names)
        finally:
            clear_environment("PYTHONPATH")
        with scene.bed.tended():
            scene.load(14, 60)
            for name in names:
                stack.stop(name)
                stack.launch(name)
                stack.await_healthy(name)
                scene.inject("worker upgraded")
            scene.rest()
    scene.outcome.notes.append(f"the older build is {commit[:10]}, the oldest one on this schema")


def _restart(stack: FaultyStack, names: Sequence[str]) -> None:
    for name in names:
        stack.stop(name)
        stack.launch(name)
    for name in names:
        stack.await_healthy(name)
