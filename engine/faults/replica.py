"""A second Postgres that follows the first synchronously, and a stack whose workers know the addresses of both.

Rule: no commit is acknowledged before the follower has it on disk (``synchronous_standby_names``), so that nothing that
anybody was told is lost with the first server. Who promotes the follower makes sure that the first one is dead: here
it was killed. Clients find the server that takes writes by themselves (``target_session_attrs=read-write``).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Self

from engine.errors import BrokenPiece
from engine.faults.scene import wait_for
from engine.faults.stack import FaultyStack
from engine.settings import Settings
from engine.stack.folder import DataFolder
from engine.stack.piece import Say, await_ready
from engine.stack.postgres import Postgres, environment
from engine.stack.process import last_lines

_READY_SECONDS = 60.0
_ATTRIBUTES = "target_session_attrs=read-write"


class Replica(Postgres):
    """A server that is made from a base backup of the first and streams from it until it is promoted."""

    name = "replica"
    label = "The second Postgres"

    def __init__(self, folder: DataFolder, settings: Settings, primary: Postgres) -> None:
        super().__init__(folder, settings.model_copy(update={"postgres_port": 0, "backup": None}))
        self._primary = primary

    def finish(self, say: Say) -> None:
        """Everything came with the copy."""

    def promote(self) -> None:
        """Take writes from now on."""
        with self.superuser() as connection:
            connection.execute("select pg_promote(wait => true)")

    def _create(self, programs: Path) -> None:
        part = self._home / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        uid, gid = self._user or (None, None)
        secret = {"PGPASSWORD": self._folder.secret("postgres")}
        source = ["-h", "127.0.0.1", "-p", str(self._primary.port), "-U", "postgres"]
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603  (our own command)
                [str(programs / "pg_basebackup"), "-D", str(part), *source, "-X", "stream", "-c", "fast", "-R"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**environment(), **secret}, cwd=self._home,
                check=False, user=uid, group=gid, extra_groups=None if uid is None else [],
            )  # fmt: skip
        if done.returncode != 0:
            raise BrokenPiece(f"The second Postgres could not be copied from the first: {last_lines(self.log)}")
        part.replace(self._cluster)


class ReplicatedStack(FaultyStack):
    """A stack with two Postgres; ``replica`` follows until it is promoted."""

    replica: Replica

    def __enter__(self) -> Self:
        """As ever; testers know both servers too."""
        super().__enter__()
        self.postgres = self._both(self.postgres or "")
        self.settings = self.settings.model_copy(update={"postgres": self.postgres})
        return self

    def worker_settings(self) -> Settings:
        """Both addresses, without a proxy."""
        settings = super().worker_settings()
        direct = (settings.postgres or "").replace(
            f"127.0.0.1:{self.postgres_proxy.port}", f"127.0.0.1:{self._first.port}"
        )
        return settings.model_copy(update={"postgres": self._both(direct)})

    @property
    def _first(self) -> Postgres:
        first = self._pieces["postgres"]
        assert isinstance(first, Postgres)
        return first

    def _both(self, url: str) -> str:
        if _ATTRIBUTES in url:
            return url
        one = f"127.0.0.1:{self._first.port}"
        return url.replace(one, f"{one},127.0.0.1:{self.replica.port}") + f"?{_ATTRIBUTES}"

    def _start_workers(self) -> None:
        """The follower first: from then on every commit waits for it."""
        self.replica = Replica(self.folder, self.settings, self._first)
        self.replica.prepare(self._say)
        self._pieces["replica"] = self.replica
        self._running["replica"] = self.replica.start()
        await_ready(self.replica, self._running["replica"], _READY_SECONDS)
        with self._first.superuser() as connection:
            connection.execute("alter system set synchronous_standby_names = '*'")
            connection.execute("select pg_reload_conf()")
            wait_for(
                lambda: (
                    connection.execute("select 1 from pg_stat_replication where sync_state = 'sync'").fetchone()
                    is not None
                ),
                _READY_SECONDS,
                "the second Postgres does not follow synchronously",
            )
        super()._start_workers()
