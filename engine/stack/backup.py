"""Backups of the bundled Postgres: base backups, the archive of its log, and putting a ledger together from both.

Rule: a backup is whole or not there (made aside, checked against its manifest, then renamed). The log is archived
segment by segment by the server itself, each flushed before it has its name. A restore never deletes: the cluster that
was there is set aside, and put back when the restore fails. What the replaced cluster still has of its log and the
archive has not is used too, so that a restore to the newest state loses nothing as long as that disk can be read.
Layout of the folder: ``base/<UTC time>/`` with ``backup.json`` and ``cluster/``, ``wal/``, ``secrets.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import BrokenPiece, UsageFault
from engine.settings import Settings
from engine.stack.folder import DataFolder, read_json, write_json
from engine.stack.piece import Say, await_ready
from engine.stack.postgres import BACKUP_ROLE, Postgres, binaries, environment
from engine.stack.process import Running, last_lines

LATEST = "latest"
_STAMP = "%Y%m%dT%H%M%SZ"
_RECOVERY_SECONDS = 3_600.0
_READY_SECONDS = 300.0
_SEGMENT = re.compile(r"[0-9A-F]{24}|[0-9A-F]{8}\.history")


@dataclass(frozen=True, slots=True)
class Base:
    """A base backup. A ledger can be restored to any moment from ``finished`` on."""

    path: Path
    started: datetime
    finished: datetime
    bytes: int

    @property
    def name(self) -> str:
        """Its folder's name."""
        return self.path.name

    @property
    def cluster(self) -> Path:
        """The files of the database."""
        return self.path / "cluster"

    def record(self) -> dict[str, object]:
        """For JSON and for people."""
        return {
            "backup": self.name,
            "started": _moment(self.started),
            "finished": _moment(self.finished),
            "bytes": self.bytes,
            "path": str(self.path),
        }


@dataclass(frozen=True, slots=True)
class Restored:
    """A ledger that is up again: its address as the owner, and when its last transaction was committed."""

    base: Base
    url: str
    restored_to: datetime


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def folder_of(settings: Settings) -> Path:
    """The folder of the backups; UsageFault when none is set, or when Postgres is not ours."""
    if settings.postgres is not None:
        raise UsageFault("QENEX_POSTGRES names a server of your own: back it up with its own tools.")
    if settings.backup is None:
        raise UsageFault(
            "QENEX_BACKUP is not set: set it to a folder on another disk than the data, then run qenex down and"
            " qenex up, so that Postgres archives its log there."
        )
    return settings.backup


def listed(folder: Path) -> list[Base]:
    """The base backups, oldest first."""
    found = []
    for path in sorted((folder / "base").glob("*")):
        record: dict[str, Any] = read_json(path / "backup.json", {})
        if record:
            started, finished = (datetime.fromisoformat(record[name]) for name in ("started", "finished"))
            found.append(Base(path, started, finished, record["bytes"]))
    return found


# -- taking one --------------------------------------------------------------------------------------------------------


def take(settings: Settings, port: int, say: Say) -> Base:
    """A base backup of the running server at ``port``, checked."""
    folder = folder_of(settings)
    _refuse_unarchived(settings, port)
    data = DataFolder(settings.data)
    started = datetime.now(UTC)
    part, final = folder / "base" / ".part", folder / "base" / started.strftime(_STAMP)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    say(f"Postgres: copying its database to {final}")
    with _password_file(data, BACKUP_ROLE, port) as password:
        _run(
            "pg_basebackup", "--pgdata", part / "cluster", "--wal-method=stream", "--checkpoint=fast", "--no-password",
            "--manifest-checksums=SHA256", "--host=127.0.0.1", f"--port={port}", f"--username={BACKUP_ROLE}",
            PGPASSFILE=str(password),
        )  # fmt: skip
    say("Checking it against its manifest")
    check(part / "cluster")
    size = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
    finished = datetime.now(UTC)
    write_json(
        part / "backup.json", {"started": _moment(started), "finished": _moment(finished), "bytes": size}, mode=0o600
    )
    # The passwords of the roles inside: without them nobody could log in to what is restored on another machine.
    write_json(folder / "secrets.json", read_json(data.root / "secrets.json", {}), mode=0o600)
    part.rename(final)
    return Base(final, started, finished, size)


def check(cluster: Path) -> None:
    """Every file that the manifest names is there with its SHA-256, and the manifest with its own; else BrokenPiece.

    By hand: the packaged server's own program for it (pg_verifybackup) crashes.
    """
    manifest = (cluster / "backup_manifest").read_bytes()
    head, _, tail = manifest.rpartition(b'"Manifest-Checksum"')
    record: dict[str, Any] = json.loads(manifest)
    wrong = [] if record["Manifest-Checksum"] == hashlib.sha256(head).hexdigest() and tail else ["backup_manifest"]
    for file in record["Files"]:
        name = file["Path"] if "Path" in file else bytes.fromhex(file["Encoded-Path"]).decode()
        try:
            with (cluster / name).open("rb") as handle:
                found = hashlib.file_digest(handle, "sha256").hexdigest()
        except OSError:
            found = "missing"
        if found != file["Checksum"]:
            wrong.append(name)
    if wrong:
        raise BrokenPiece(
            f"The backup in {cluster} is damaged: {len(wrong)} files differ from its manifest, {wrong[0]} first."
        )


def _refuse_unarchived(settings: Settings, port: int) -> None:
    import psycopg

    server = Postgres(DataFolder(settings.data), settings)
    server.take_over(port)
    with psycopg.connect(server.url, connect_timeout=10) as connection:
        row = connection.execute("show archive_mode").fetchone()
    if row is None or row[0] != "on":
        raise UsageFault("Postgres does not archive its log yet: run qenex down and qenex up with QENEX_BACKUP set.")


def forget(folder: Path, keep: int, say: Say) -> list[str]:
    """Delete all but the newest ``keep`` base backups, and the log before the oldest of those; names of the deleted."""
    found = listed(folder)
    gone, kept = found[:-keep], found[-keep:]
    for base in gone:
        say(f"Deleting the backup {base.name}")
        shutil.rmtree(base.path)
    if gone and kept:
        label = (kept[0].cluster / "backup_label").read_text()
        first = re.search(r"START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)", label)
        if first is not None:
            _run("pg_archivecleanup", folder / "wal", first[1])
    return [base.name for base in gone]


# -- putting one back --------------------------------------------------------------------------------------------------


def choose(folder: Path, target: datetime | None) -> Base:
    """The newest backup that leads to ``target`` (None: the newest state); UsageFault when there is none."""
    found = listed(folder)
    if not found:
        raise UsageFault(f"{folder} holds no backup. Make one with: qenex backup")
    fitting = [base for base in found if target is None or base.finished <= target]
    if not fitting:
        raise UsageFault(
            f"The oldest backup in {folder} ends at {_moment(found[0].finished)}: nothing before that can be restored."
        )
    return fitting[-1]


Use = Callable[[Restored], None]


def restore(settings: Settings, target: datetime | None, use: Use, say: Say) -> tuple[Restored, Path | None]:
    """Put a ledger in the place of the local one; ``use`` is called while it runs, alone, and may refuse it.

    Returns what was restored and where the cluster that was there has been set aside (None when there was none).
    """
    folder, data = folder_of(settings), DataFolder(settings.data)
    base = choose(folder, target)
    data.create()
    _bring_secrets(folder, data)
    home = data.root / "postgres"
    home.mkdir(exist_ok=True)
    cluster, rest = home / "data", home / "wal-rest"
    shutil.rmtree(rest, ignore_errors=True)
    aside: Path | None = None
    if cluster.exists():
        aside = home / f"data.before-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
        _keep_log(cluster / "pg_wal", rest)
        cluster.rename(aside)
    try:
        restored = _put_together(data, settings, base, target, [folder / "wal", rest], use, say)
    except BaseException:
        shutil.rmtree(cluster, ignore_errors=True)
        if aside is not None:
            aside.rename(cluster)
        raise
    finally:
        shutil.rmtree(rest, ignore_errors=True)
    return restored, aside


def drill(settings: Settings, target: datetime | None, where: Path, use: Use, say: Say) -> Restored:
    """The same in a folder of its own, from backup and archive alone, and deleted afterwards; the stack may run."""
    folder = folder_of(settings)
    base = choose(folder, target)
    data = DataFolder(where)
    data.create()
    try:
        _bring_secrets(folder, data)
        (where / "postgres").mkdir()
        alone = settings.model_copy(update={"backup": None, "postgres_port": 0, "data": where})
        return _put_together(data, alone, base, target, [folder / "wal"], use, say)
    finally:
        data.purge()


def _bring_secrets(folder: Path, data: DataFolder) -> None:
    known: dict[str, str] = read_json(data.root / "secrets.json", {})
    if "postgres" not in known:
        write_json(data.root / "secrets.json", {**known, **read_json(folder / "secrets.json", {})}, mode=0o600)


def _keep_log(source: Path, rest: Path) -> None:
    """Copy what a cluster has of its log: the newest of it is in no archive yet."""
    rest.mkdir(mode=0o700)
    for path in source.glob("*"):
        if _SEGMENT.fullmatch(path.name):
            shutil.copy2(path, rest / path.name)


def _put_together(
    data: DataFolder, settings: Settings, base: Base, target: datetime | None, logs: list[Path], use: Use, say: Say
) -> Restored:
    """Copy the backup, let the server replay its log up to the target, call ``use``, stop the server."""
    say(f"Checking the backup {base.name} against its manifest")
    check(base.cluster)
    say(f"Copying {base.bytes / 1e6:,.0f} MB")
    cluster = data.root / "postgres" / "data"
    shutil.copytree(base.cluster, cluster, symlinks=True)
    (cluster / "recovery.signal").touch()
    own = (cluster / "postgresql.auto.conf").read_text()
    (cluster / "postgresql.auto.conf").write_text(own + _recovery(target, logs))
    server = Postgres(data, settings)
    server.adopt(cluster, logs)
    server.prepare(say)
    say(f"Postgres: replaying its log up to {LATEST if target is None else _moment(target)}")
    running = server.start()
    try:
        await_ready(server, running, _READY_SECONDS)
        restored_to = _await_promotion(server, running) or base.finished
        server.finish(say)
        restored = Restored(base, server.url, restored_to)
        use(restored)
    finally:
        running.stop(server.stop_signal, server.stop_seconds)
        server.write_private(cluster / "postgresql.auto.conf", own)
    return restored


def _recovery(target: datetime | None, logs: list[Path]) -> str:
    ways = " || ".join(f'cp {shlex.quote(str(log)).replace("%", "%%")}/%f "%p" 2>/dev/null' for log in logs)
    lines = [f"restore_command = '{ways.replace(chr(39), chr(39) * 2)}'", "recovery_target_timeline = 'latest'"]
    if target is not None:
        until = target.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
        lines += [f"recovery_target_time = '{until}'", "recovery_target_action = 'promote'"]
    return "\n".join(lines) + "\n"


def _await_promotion(server: Postgres, running: Running) -> datetime | None:
    """Wait until the log is replayed and the server takes writes; when the last transaction was committed."""
    import psycopg

    deadline = time.monotonic() + _RECOVERY_SECONDS
    while time.monotonic() < deadline:
        if not running.alive():
            raise BrokenPiece(f"Postgres ended while it replayed its log: {last_lines(server.log)}")
        try:
            with server.superuser() as connection:
                row = connection.execute("select pg_is_in_recovery(), pg_last_xact_replay_timestamp()").fetchone()
        except psycopg.OperationalError:
            row = None
        if row is not None and not row[0]:
            return row[1]  # type: ignore[no-any-return]
        time.sleep(0.1)
    raise BrokenPiece(f"Postgres has not replayed its log within {_RECOVERY_SECONDS:.0f} s: {last_lines(server.log)}")


# -- programs ----------------------------------------------------------------------------------------------------------


@contextmanager
def _password_file(data: DataFolder, role: str, port: int) -> Iterator[Path]:
    """A password file of mode 600 for the block: a password on a command line would be for everybody to see."""
    path = data.run / f"pgpass.{os.getpid()}"
    line = f"127.0.0.1:{port}:*:{role}:{data.secret(role)}\n"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(line)
    try:
        yield path
    finally:
        path.unlink()


def _run(program: str, *arguments: str | Path, **variables: str) -> None:
    """Run one of the packaged programs; BrokenPiece with what it said when it fails."""
    command = [str(binaries() / program), *(str(argument) for argument in arguments)]
    done = subprocess.run(  # noqa: S603  (our own command)
        command, env=environment() | variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        lines = (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace").splitlines()
        said = " | ".join([line for line in lines if line.strip()][-3:])
        raise BrokenPiece(f"{program} failed: {said}")
