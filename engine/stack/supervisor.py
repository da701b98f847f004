"""The supervisor: a detached process that owns Postgres, Kafka and the workers of one data folder.

Rule: one supervisor a folder (a file lock). What died is started again, after a pause that doubles while it keeps
dying; nothing else changes by itself. Processes that an earlier supervisor left running are taken over, not restarted,
so that a crash of the supervisor interrupts no payment. All it knows is in ``DIR/run/state.json``, which `qenex status`
shows; addresses for programs are in ``DIR/stack.json`` while the stack is up. Started by `engine.stack.control.up` as
``python -m engine.stack.supervisor DIR``; ends on SIGTERM, workers first, then the services.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from engine.errors import BrokenPiece, EngineFault, ServiceUnavailable
from engine.observability import configure_logging, get_logger
from engine.settings import Settings, load, mask_url
from engine.stack.folder import DataFolder, read_json, write_json
from engine.stack.kafka import Kafka
from engine.stack.piece import Piece, await_ready
from engine.stack.postgres import Postgres
from engine.stack.prepare import prepare
from engine.stack.process import Running, last_lines
from engine.stack.workers import worker_table

READY_SECONDS = 120.0
_TICK_SECONDS = 0.1
_HEALTH_SECONDS = 3.0
_PAUSE_FIRST_SECONDS, _PAUSE_MAX_SECONDS = 0.2, 15.0
#: This many deaths within the window, and status calls it crash-looping.
_LOOP_DEATHS, _LOOP_WINDOW_SECONDS = 4, 60.0

log = get_logger()


class Ward:
    """A piece under supervision: its process, its health, its history of deaths."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.running: Running | None = None
        self.health = "starting"  # starting | healthy | unhealthy | restarting | crash-looping | stopped
        self.restarts = 0
        self.since = time.time()
        self.detail = ""
        self._deaths: deque[float] = deque(maxlen=_LOOP_DEATHS)
        self._next_start = 0.0
        self._next_check = 0.0

    def start(self) -> None:
        """Start the process."""
        self.running = self.piece.start()
        self.since = time.time()
        self._next_check = 0.0

    def tend(self) -> bool:
        """Look after the piece once: note a death, start it again when its pause is over, ask for its health."""
        before = (self.health, self.running.pid if self.running else 0)
        now = time.monotonic()
        if self.running is None:
            if now >= self._next_start:
                self._start_again()
        elif not self.running.alive():
            self._note_death(now)
        elif now >= self._next_check:
            self._check(now)
        return before != (self.health, self.running.pid if self.running else 0)

    def _note_death(self, now: float) -> None:
        assert self.running is not None
        self._deaths.append(now)
        recent = [death for death in self._deaths if now - death < _LOOP_WINDOW_SECONDS]
        self.detail = f"it {self.running.ended}"
        if said := last_lines(self.piece.log, 1):
            self.detail += f"; its log ends: {said[:160]}"
        looping = len(recent) >= _LOOP_DEATHS
        self.health = "crash-looping" if looping else "restarting"
        self._next_start = now + min(_PAUSE_FIRST_SECONDS * 4 ** (len(recent) - 1), _PAUSE_MAX_SECONDS)
        self.running = None
        log.warning("died", piece=self.piece.name, detail=self.detail, health=self.health)

    def _start_again(self) -> None:
        self.restarts += 1
        try:
            self.start()
        except OSError as fault:
            self._next_start = time.monotonic() + _PAUSE_MAX_SECONDS
            self.detail = str(fault)

    def _check(self, now: float) -> None:
        assert self.running is not None
        started = self.health in ("healthy", "unhealthy")
        if self.piece.ready(self.running):
            if self.health != "healthy":
                log.info("healthy", piece=self.piece.name, pid=self.running.pid)
            self.health, self.detail = "healthy", ""
        elif started:
            self.health, self.detail = "unhealthy", "it runs and does not answer"
        self._next_check = now + (_HEALTH_SECONDS if self.health == "healthy" else 0.3)

    def stop(self) -> None:
        """End the process in order."""
        if self.running is not None:
            self.running.stop(self.piece.stop_signal, self.piece.stop_seconds)
            self.running = None
        self.health = "stopped"

    def record(self) -> dict[str, Any]:
        """The piece for state.json and for a person."""
        running = self.running
        return {
            "name": self.piece.name,
            "label": self.piece.label,
            "health": self.health,
            "pid": running.pid if running else None,
            "port": self.piece.port or None,
            "restarts": self.restarts,
            "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.since)),
            "detail": self.detail or None,
            "log": str(self.piece.log),
            "started": running.started if running else None,
            "stop_signal": int(self.piece.stop_signal),
            "stop_seconds": self.piece.stop_seconds,
        }


class Supervisor:
    """Brings the stack up, keeps it up, takes it down."""

    def __init__(self, folder: DataFolder, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.phase = "starting"  # starting | up | failed | stopping
        self.error = ""
        self._steps: list[str] = []
        self._stopping = False
        self._wards: list[Ward] = []
        self._publishing = threading.Lock()
        self._before: list[dict[str, Any]] = read_json(folder.state_file, {}).get("pieces", [])

    def run(self) -> int:
        """Until asked to stop; returns the exit status."""
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        signal.signal(signal.SIGINT, self._asked_to_stop)
        try:
            self._bring_up()
            while not self._stopping:
                self._tend()
                time.sleep(_TICK_SECONDS)
        except EngineFault as fault:
            self.error = str(fault)
            log.error("failed", error=self.error)
        except Exception as bug:
            self.error = (
                f"The supervisor failed: {type(bug).__name__}: {bug}. Its log: {self.folder.log}/supervisor.log"
            )
            log.exception("failed")
        self._take_down()
        return 3 if self.error else 0

    def _tend(self) -> None:
        changed = [ward for ward in self._wards if ward.tend()]
        if changed:
            self._publish()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def say(self, text: str) -> None:
        """A step for the person who waits for `up`."""
        self._steps.append(text)
        log.info("step", step=text)
        self._publish()

    def _bring_up(self) -> None:
        """Services side by side, then schema and topics, then the workers."""
        services: list[Piece] = []
        check_given(self.settings)
        if self.settings.postgres is None:
            services.append(postgres := Postgres(self.folder, self.settings))
        if self.settings.kafka is None:
            services.append(kafka := Kafka(self.folder, self.settings))
        self._wards = [Ward(piece) for piece in services]
        self._publish()
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._bring_service_up_or_stop, self._wards))
        if self._stopping:
            return
        self.settings = self.settings.model_copy(
            update={
                "postgres": self.settings.postgres or postgres.url,
                "kafka": self.settings.kafka or kafka.address,
                **({} if self.settings.kafka else kafka.login),
            }
        )
        prepare(self.settings, self.say)
        self._start_workers()
        self.phase = "up"
        self._publish()

    def _bring_service_up_or_stop(self, ward: Ward) -> None:
        """A service that fails does not leave `up` waiting for the other."""
        try:
            self._bring_service_up(ward)
        except BaseException:
            self._stopping = True
            raise

    def _bring_service_up(self, ward: Ward) -> None:
        piece = ward.piece
        if not self._take_over(ward):
            piece.prepare(self.say)
            self.say(f"{piece.label}: starting on 127.0.0.1:{piece.port}")
            self._start_until_it_stays(ward)
        if self._stopping:
            return
        piece.finish(self.say)
        ward.health = "healthy"
        self.say(f"{piece.label}: ready")

    def _start_until_it_stays(self, ward: Ward) -> None:
        """Start a service; once more if it ends at once, for what a killed one left behind may need a moment to go."""
        for last in (False, True):
            ward.start()
            assert ward.running is not None
            self._publish()
            try:
                await_ready(ward.piece, ward.running, READY_SECONDS, lambda: self._stopping)
            except BrokenPiece:
                if last or ward.running.alive():
                    raise
                time.sleep(1)
            else:
                return

    def _start_workers(self) -> None:
        local = next((ward.piece for ward in self._wards if isinstance(ward.piece, Postgres)), None)
        settings = self.settings if local is None else self.settings.model_copy(update={"postgres": local.login_url})
        workers = [Ward(worker) for worker in worker_table(self.folder, settings)]
        if not workers:
            return
        self.say(f"Workers: starting {len(workers)}")
        for ward in workers:
            if not self._take_over(ward):
                ward.start()
        self._wards += workers
        deadline = time.monotonic() + READY_SECONDS
        while not self._stopping and any(ward.health != "healthy" for ward in workers):
            self._tend()
            if any(ward.health == "crash-looping" for ward in workers) or time.monotonic() > deadline:
                return  # `up` reports it; the others run, and this one is tried again
            time.sleep(_TICK_SECONDS)

    def _take_over(self, ward: Ward) -> bool:
        """Take over the process that an earlier supervisor started; whether there is one."""
        record = next((record for record in self._before if record["name"] == ward.piece.name), None)
        if record is None or not record["pid"]:
            return False
        running = Running.find(record["pid"], record["started"])
        if running is None:
            return False
        if isinstance(ward.piece, Postgres | Kafka):
            ward.piece.take_over(record["port"])
        ward.running = running
        ward.restarts = record["restarts"]
        ward.since = running.started
        self.say(f"{ward.piece.label}: taken over, it runs already")
        return True

    def _publish(self) -> None:
        """Write state.json and, once up, stack.json."""
        with self._publishing:
            self._write_state()

    def _write_state(self) -> None:
        pieces = [ward.record() for ward in self._wards]
        me = psutil.Process()
        state = {
            "phase": self.phase,
            "error": self.error or None,
            "steps": self._steps,
            "supervisor": {"pid": me.pid, "started": me.create_time()},
            "pieces": pieces,
        }
        if self.phase == "up":
            pids = {record["name"]: record["pid"] for record in pieces if record["pid"]}
            stack: dict[str, Any] = {
                "kafka": self.settings.kafka,
                "postgres": self.settings.postgres,
                "api": None,
                "console": None,
                "validators": [],
                "kafka_client": self._kafka_login(),
                "pids": {**pids, "supervisor": me.pid},
            }
            write_json(self.folder.stack_file, stack, mode=0o600)
        write_json(self.folder.state_file, state)  # last: whoever sees "up" finds the addresses

    def _kafka_login(self) -> dict[str, str]:
        """How commands log in to a broker of ours that asks for it; the file that it goes into is of mode 600."""
        local = any(isinstance(ward.piece, Kafka) for ward in self._wards)
        return self.settings.kafka_client_fields() if local and self.settings.kafka_security == "scram" else {}

    def _take_down(self) -> None:
        """Workers first, then the services; each by its own id."""
        if self.phase != "failed":
            self.phase = "stopping"
        self._publish()
        services = [ward for ward in self._wards if ward.piece.name in ("kafka", "postgres")]
        workers = [ward for ward in self._wards if ward not in services]
        for group in (workers, services):
            with ThreadPoolExecutor(max_workers=16) as pool:
                list(pool.map(Ward.stop, group))
        self.folder.stack_file.unlink(missing_ok=True)
        self.phase = "failed" if self.error else "down"
        self._publish()
        log.info("down")


def check_given(settings: Settings) -> None:
    """Services that were given by address must answer before anything is started: ServiceUnavailable otherwise."""
    if settings.kafka is not None and not any(_accepts(address.strip()) for address in settings.kafka.split(",")):
        raise ServiceUnavailable(
            f"Kafka at {settings.kafka}", "QENEX_KAFKA names it: start it, or unset QENEX_KAFKA for a local one."
        )
    if settings.postgres is not None:
        import psycopg

        try:
            psycopg.connect(settings.postgres, connect_timeout=5).close()
        except psycopg.Error as fault:
            why = " ".join(str(fault).split())
            raise ServiceUnavailable(
                f"Postgres at {mask_url(settings.postgres)}",
                f"QENEX_POSTGRES names it: start it, or unset QENEX_POSTGRES for a local one. ({why})",
            ) from None


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), 5):
            return True
    except OSError:
        return False


def hold(folder: DataFolder) -> Callable[[], None] | None:
    """Take the supervisor's lock of a folder; None when another supervisor has it. Call the result to let go."""
    handle = (folder.run / "supervisor.lock").open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle.close


def main() -> int:
    """Supervise the folder named on the command line."""
    folder = DataFolder(Path(sys.argv[1]))
    let_go = hold(folder)
    if let_go is None:
        return 0
    settings = load(data=folder.root)
    configure_logging(settings, "supervisor")
    os.umask(0o022)
    log.info("start", data=str(folder.root))
    status = Supervisor(folder, settings).run()
    let_go()
    return status


if __name__ == "__main__":
    sys.exit(main())
