"""Kafka and Postgres alone, as children of this process: for tests and benches.

Rule: only what is asked for is started; addresses stay the same over `kill` and `start`, as a client of a real broker
would find them; leaving the block stops everything. The supervisor (``qenex up``) is the other user of the same pieces.
"""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.errors import BrokenPiece
from engine.settings import Settings, load
from engine.stack.folder import DataFolder
from engine.stack.kafka import Kafka
from engine.stack.piece import Piece, Say, await_ready
from engine.stack.postgres import Postgres
from engine.stack.process import Running
from engine.stack.workers import Worker, worker_table

READY_SECONDS = 90.0


def _silent(text: str) -> None:
    del text


class LocalStack:
    """A context manager: the asked pieces run inside the block.

    ``kafka`` and ``postgres`` are addresses ("127.0.0.1:PORT", "postgresql://..." as the owner of the database), or
    None when not asked for; ``settings`` are the given ones with these addresses in them.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        kafka: bool = True,
        postgres: bool = True,
        workers: bool = False,
        settings: Settings | None = None,
        say: Say = _silent,
    ) -> None:
        self.folder = DataFolder(data_dir)
        self.settings = (settings or load()).model_copy(update={"data": data_dir})
        self._say = say
        self._workers = workers
        self._running: dict[str, Running] = {}
        self._pieces: dict[str, Piece] = {}
        self.kafka: str | None = None
        self.postgres: str | None = None
        if postgres:
            self._pieces["postgres"] = Postgres(self.folder, self.settings)
        if kafka:
            self._pieces["kafka"] = Kafka(self.folder, self.settings)

    def __enter__(self) -> Self:
        """Create the folder and start the pieces, side by side."""
        self.folder.create()
        try:
            with ThreadPoolExecutor() as pool:
                list(pool.map(self._bring_up, list(self._pieces.values())))
            self._note_addresses()
            if self._workers:
                self._start_workers()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.close()

    def close(self) -> None:
        """Stop the workers, then the services."""
        services = [name for name in self._running if name in ("kafka", "postgres")]
        for name in [name for name in self._running if name not in services]:
            self.stop(name)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.stop, services))

    def new_database(self, name: str) -> str:
        """An empty database beside ``qenex``, owned by the same role (dropped first if it exists); its address."""
        server = self._pieces["postgres"]
        assert isinstance(server, Postgres)
        return server.new_database(name)

    def pid(self, name: str) -> int:
        """Process id of a piece."""
        return self._running[name].pid

    @property
    def pieces(self) -> list[str]:
        """Names of all pieces, services first."""
        return list(self._pieces)

    def has_started(self, name: str) -> bool:
        """Whether a piece was started and not stopped by us, though it may have ended since."""
        return name in self._running

    def has_ended(self, name: str) -> bool:
        """Whether a piece that was started, and not stopped by us, no longer runs."""
        running = self._running.get(name)
        return running is not None and not running.alive()

    def launch(self, name: str) -> None:
        """Start a piece on the port it had, without waiting until it is ready."""
        self._running[name] = self._pieces[name].start()

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a piece, if it runs."""
        self._running[name].signal(number)

    def kill(self, name: str) -> None:
        """End a piece by SIGKILL, as a crash would, and wait until it is gone."""
        self._running[name].signal(signal.SIGKILL)
        self._running[name].wait(10)

    def crash(self, name: str) -> None:
        """End a piece by SIGQUIT, which is Postgres' immediate shutdown: no checkpoint, recovery at the next start."""
        self._running[name].signal(signal.SIGQUIT)
        self._running[name].wait(10)

    def stop(self, name: str) -> None:
        """End a piece in order; nothing when it does not run."""
        piece, running = self._pieces[name], self._running.pop(name, None)
        if running is not None:
            running.stop(piece.stop_signal, piece.stop_seconds)

    def start(self, name: str) -> None:
        """Start a piece that was killed or stopped, on the port it had, and wait until it is ready."""
        piece = self._pieces[name]
        deadline = time.monotonic() + READY_SECONDS
        while True:
            self._running[name] = piece.start()
            try:
                await_ready(piece, self._running[name], READY_SECONDS)
                return
            except BrokenPiece:  # what a killed server left behind (its children, its lock) may need a moment to go
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def _bring_up(self, piece: Piece) -> None:
        piece.prepare(self._say)
        self._running[piece.name] = piece.start()
        await_ready(piece, self._running[piece.name], READY_SECONDS)
        piece.finish(self._say)

    def _note_addresses(self) -> None:
        kafka, postgres = self._pieces.get("kafka"), self._pieces.get("postgres")
        changes: dict[str, object] = {}
        if isinstance(kafka, Kafka):
            self.kafka = changes["kafka"] = kafka.address
            changes |= kafka.login
        if isinstance(postgres, Postgres):
            self.postgres = changes["postgres"] = postgres.url
        self.settings = self.settings.model_copy(update=changes)

    def worker_settings(self) -> Settings:
        """What the workers are told: the stack's settings, and the engine's own login in the place of the owner's."""
        postgres = self._pieces.get("postgres")
        if not isinstance(postgres, Postgres):
            return self.settings
        return self.settings.model_copy(update={"postgres": postgres.login_url})

    def _start_workers(self) -> None:
        from engine.stack.prepare import prepare

        prepare(self.settings, self._say)
        for worker in worker_table(self.folder, self.worker_settings()):
            self._pieces[worker.name] = worker
            self._running[worker.name] = worker.start()
        for name, piece in self._pieces.items():
            if isinstance(piece, Worker):
                await_ready(piece, self._running[name], READY_SECONDS)
