"""``python -m engine.worker NAME``: one worker process, for the supervisor, systemd or a container.

Rule: ready when ``/health`` says so. SIGTERM finishes the batch and hands over. An outage is waited out with a growing,
jittered pause and everything built anew; a defect ends the process with its stack in the log, and whoever supervises
starts it again.
"""

from __future__ import annotations

import argparse
import gc
import random
import signal
import sys
import threading
import time
from types import FrameType

from engine.app import App, Running
from engine.bus.port import BusFatalError, OperatingFaultError
from engine.errors import EngineFault, LedgerRestoredError, ServiceUnavailable
from engine.observability.logs import configure_logging, get_logger
from engine.observability.metrics import WorkerMetrics
from engine.observability.server import serve
from engine.settings import Settings, load
from engine.stack.workers import title_of
from engine.store.connection import OPERATING_ERRORS
from engine.store.leases import LeaseLostError

WORKERS = ("stages", "settlement", "recorder", "archiver")
_OUTAGES = (*OPERATING_ERRORS, OperatingFaultError, ServiceUnavailable, LeaseLostError)
#: A run of this length was sound, whatever ended it.
_SOUND_SECONDS = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
#: How often a worker that stands still after a restore asks whether it may go on.
_DECISION_SECONDS = 1.0
#: An outage that lasts longer ends the process, so that the supervisor shows it.
_PATIENCE_SECONDS = 300.0


class Worker:
    """Builds, runs, waits out outages."""

    def __init__(self, settings: Settings, name: str, instance: int) -> None:
        self._settings = settings
        self._name = name
        self._instance = instance
        self._running: Running | None = None
        self._held = ""
        self._stopping = threading.Event()
        self._metrics = WorkerMetrics(self.title)

    @property
    def title(self) -> str:
        """The name under which it is known."""
        return title_of(self._name, self._instance)

    def health(self) -> dict[str, object]:
        """What ``/health`` answers: ``ok`` when the worker is built and runs."""
        running = self._running
        if self._held:
            return {"ok": True, "worker": self.title, "stands_still": self._held}
        return {"ok": running is not None, "worker": self.title, **(running.health() if running else {})}

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Finish and leave."""
        self._stopping.set()
        if self._running is not None:
            self._running.stop()

    def run(self) -> None:
        """Until told to stop."""
        log = get_logger()
        record = self._settings.data / "run" / f"{self.title}.json"
        served = serve(
            self._settings.metrics_port,
            self.health,
            registry=self._metrics.registry,
            host=self._settings.metrics_host,
            record=record,
        )
        if self._settings.ingest_signatures == "off" and self._name == "stages":
            log.warning("signatures are off: whoever can write to the ingest topics can claim any sender")
        try:
            self._outlast()
        finally:
            served.close()

    def _outlast(self) -> None:
        log = get_logger()
        pause, since = _FIRST_PAUSE, time.monotonic()
        while not self._stopping.is_set():
            app = App(self._settings, self._name, self._instance, self._metrics)
            try:
                self._running = app.build()
                self._held = ""
                _calm_collector()
                pause, since = _FIRST_PAUSE, time.monotonic()
                self._running.run()
                return
            except LedgerRestoredError as problem:
                if not self._held:
                    log.warning("stands still", detail=str(problem))
                self._held, since = str(problem), time.monotonic()
                self._stopping.wait(_DECISION_SECONDS)
            except (*_OUTAGES, BusFatalError) as problem:
                # A client that was fenced after a broker's crash is built anew here; one that is at once fenced again
                # has a namesake, and who supervises should see it.
                now = time.monotonic()
                if isinstance(problem, BusFatalError) and now - since < _SOUND_SECONDS:
                    raise
                if self._running is not None:
                    since = now  # it ran: the outage begins here
                app.close()
                self._running = None
                self._metrics.fault("outage")
                log.warning("outage", detail=str(problem).splitlines()[0], pause=round(pause, 2))
                if time.monotonic() - since > _PATIENCE_SECONDS:
                    raise
                self._stopping.wait(pause * random.uniform(0.7, 1.3))
                pause = min(pause * 2, _LONGEST_PAUSE)
            finally:
                app.close()


def _calm_collector() -> None:
    """Rarer garbage collections: what a worker is built of stays, and a batch's values form no cycles.

    With the defaults a full collection stops the worker for a tenth of a second several times a minute under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m engine.worker", description="Run one worker of the engine.")
    parser.add_argument("name", choices=WORKERS)
    parser.add_argument("--instance", type=int, default=0)
    arguments = parser.parse_args()
    settings = load()
    worker = Worker(settings, arguments.name, arguments.instance)
    configure_logging(settings, worker.title)
    if settings.crash_point is not None:
        from engine.faults.points import plant

        plant(settings.crash_point)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    try:
        worker.run()
    except EngineFault as fault:
        get_logger().error("ended", detail=str(fault))
        sys.exit(fault.exit_status)
    except Exception:
        get_logger().exception("crashed")
        sys.exit(1)


if __name__ == "__main__":
    main()
