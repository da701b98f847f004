"""The engine's workers as pieces of the stack: which there are, and how each is started and asked for its health.

Rule: `WORKERS` is the whole list; a worker is ``python -m engine.worker NAME --instance N``, told everything else by
settings in its environment; it is ready when ``/health`` on the port that it wrote to ``DIR/run/<worker>.json`` says so
(`engine.observability.serve`). Workers come up after `engine.stack.prepare` has made schema and topics.
"""

from __future__ import annotations

import http.client
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from engine.settings import Settings, environment_for_child
from engine.stack.folder import DataFolder, read_json
from engine.stack.piece import Say
from engine.stack.process import Running, spawn

_MODULE = "engine.worker"


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of worker: ``instances`` says how many run on this machine (None: one)."""

    name: str
    instances: Callable[[Settings], int] | None = None

    def title(self, instance: int) -> str:
        """The name of one instance: `title_of` it."""
        return title_of(self.name, instance)


WORKERS: tuple[Row, ...] = (
    Row("archiver"),
    Row("recorder"),
    Row("settlement", lambda settings: settings.settlement_workers),
    Row("stages", lambda settings: settings.stage_workers),
)


def title_of(name: str, instance: int) -> str:
    """``stages-0``, ``stages-1``; ``settlement`` and its standby ``settlement-1``."""
    return f"{name}-{instance}" if name == "stages" or instance else name


class Worker:
    """One worker process."""

    stop_signal: int = signal.SIGTERM
    stop_seconds = 20.0

    def __init__(
        self, folder: DataFolder, settings: Settings, kind: str, instance: int, title: str, place: int
    ) -> None:
        self.name = f"worker.{title}"
        self.label = f"The worker {title}"
        self._folder = folder
        self._settings = settings
        self._arguments = [kind, "--instance", str(instance)]
        self._place = place
        self._record = folder.run / f"{title}.json"
        self.log = folder.log / f"{title}.log"
        self.port = 0

    def prepare(self, say: Say) -> None:
        """Nothing: `engine.stack.prepare` is for all workers together."""

    def start(self) -> Running:
        """Start the process, told where Kafka and Postgres are."""
        self._record.unlink(missing_ok=True)
        self.port = 0
        base = self._settings.metrics_port
        changes = {
            "data": str(self._folder.root),
            "kafka": self._settings.kafka or "",
            "postgres": self._settings.postgres or "",
            "metrics_port": str(base + self._place if base else 0),
            "crash_point": self._settings.crash_point or "",
        }
        changes |= self._settings.kafka_client_fields()
        return spawn(
            [sys.executable, "-P", "-m", _MODULE, *self._arguments], log=self.log, env=environment_for_child(**changes)
        )

    def ready(self, running: Running) -> bool:
        """Whether the process says that it is healthy."""
        record: dict[str, int] = read_json(self._record, {})
        if not running.alive() or record.get("pid") != running.pid:
            return False
        self.port = record["port"]
        return _is_healthy(self._settings.metrics_host, self.port)

    def finish(self, say: Say) -> None:
        """Nothing."""


def worker_table(folder: DataFolder, settings: Settings) -> list[Worker]:
    """The workers that these settings ask for; none when this installation has no worker program."""
    if find_spec(_MODULE) is None:
        return []
    workers: list[Worker] = []
    for row in WORKERS:
        count = 1 if row.instances is None else row.instances(settings)
        for instance in range(count):
            workers.append(Worker(folder, settings, row.name, instance, row.title(instance), place=len(workers)))
    return workers


def _is_healthy(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
