"""A stack whose workers reach Kafka and Postgres through proxies that can misbehave, and can be made to die at a point.

Rule: testers have connections of their own, past the proxies, so that a fault that is done to the engine is not done to
who watches it. Kafka tells its clients where to come back to: so it has a second listener, which names the proxy.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from engine.faults.proxy import Proxy
from engine.settings import Settings
from engine.stack.folder import DataFolder
from engine.stack.kafka import Kafka
from engine.stack.local import LocalStack
from engine.stack.piece import Say, await_ready
from engine.stack.workers import Worker, title_of, worker_table

_READY_SECONDS = 60.0


class ProxiedKafka(Kafka):
    """The local broker with a second listener for who comes through the proxy."""

    def __init__(self, folder: DataFolder, settings: Settings) -> None:
        super().__init__(folder, settings)
        self.behind = self.proxied = 0

    def prepare(self, say: Say) -> None:
        """As ever; what is said again later in the file counts."""
        super().prepare(say)
        folder = self._folder
        self.behind, self.proxied = folder.port("kafka_behind"), folder.port("kafka_proxied")
        controller = folder.port("kafka_controller")
        with self._properties.open("a") as handle:
            handle.write(
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
                f"listeners=PLAINTEXT://{self.address},PROXIED://127.0.0.1:{self.behind},"
                f"CONTROLLER://127.0.0.1:{controller}\n"
                f"advertised.listeners=PLAINTEXT://{self.address},PROXIED://127.0.0.1:{self.proxied}\n"
            )


class FaultyStack(LocalStack):
    """Kafka, Postgres and workers, with a proxy before each service. ``kafka_proxy``, ``postgres_proxy``."""

    kafka_proxy: Proxy
    postgres_proxy: Proxy

    def __init__(self, data_dir: Path, *, settings: Settings, say: Say) -> None:
        super().__init__(data_dir, workers=True, settings=settings, say=say)
        self._broker = ProxiedKafka(self.folder, self.settings)
        self._pieces["kafka"] = self._broker
        self._proxies = ExitStack()

    def close(self) -> None:
        """Stop everything, the proxies last."""
        super().close()
        self._proxies.close()

    def worker_settings(self) -> Settings:
        """The stack's settings, with the proxies' addresses."""
        settings = super().worker_settings()
        behind = self._pieces["postgres"].port
        url = (settings.postgres or "").replace(f"127.0.0.1:{behind}", f"127.0.0.1:{self.postgres_proxy.port}")
        return settings.model_copy(update={"kafka": f"127.0.0.1:{self.kafka_proxy.port}", "postgres": url})

    def _start_workers(self) -> None:
        behind = self._pieces["postgres"].port
        self.kafka_proxy = self._proxies.enter_context(Proxy(self._broker.proxied, self._broker.behind))
        self.postgres_proxy = self._proxies.enter_context(Proxy(self.folder.port("postgres_proxied"), behind))
        super()._start_workers()

    def arm(self, name: str, fault: str | None) -> None:
        """From its next start on a worker carries a planted fault (`engine.faults.points`), or none."""
        settings = self.worker_settings().model_copy(update={"crash_point": fault})
        table = {worker.name: worker for worker in worker_table(self.folder, settings)}
        self._pieces[name] = table[name]

    def add_worker(self, kind: str, instance: int) -> str:
        """One more worker of a kind, started; its name."""
        worker = Worker(self.folder, self.worker_settings(), kind, instance, title_of(kind, instance), instance)
        self._pieces[worker.name] = worker
        self._running[worker.name] = worker.start()
        return worker.name

    def drop_worker(self, name: str) -> None:
        """Stop an added worker and forget it."""
        self.stop(name)
        del self._pieces[name]

    def await_healthy(self, name: str) -> None:
        """Wait until a started piece is ready; BrokenPiece when it ends instead."""
        await_ready(self._pieces[name], self._running[name], _READY_SECONDS)

    def is_ready(self, name: str) -> bool:
        """Whether a piece does its work now."""
        running = self._running.get(name)
        return running is not None and self._pieces[name].ready(running)


def clear_environment(*names: str) -> None:
    """Take variables away again."""
    for name in names:
        os.environ.pop(name, None)


def set_environment(**values: str) -> None:
    """Settings that the workers of all stacks of this process find in their environment."""
    os.environ.update(values)
