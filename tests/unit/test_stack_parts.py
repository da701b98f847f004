"""The stack's parts without services: folder, ports, secrets, processes, jars, back-off, logs and health."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import structlog

from engine.errors import BrokenPiece, UsageFault
from engine.observability import WorkerMetrics, configure_logging, get_logger, serve
from engine.settings import load
from engine.stack import jars
from engine.stack.folder import DataFolder, free_port, is_free, read_json, write_json
from engine.stack.kafka import answers
from engine.stack.process import Running, last_lines, spawn
from engine.stack.supervisor import Ward, hold
from engine.stack.workers import worker_table

SLEEPER = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


def test_a_folder_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(UsageFault, match="no data folder"):
        DataFolder(tmp_path).create()
    with pytest.raises(UsageFault, match="left alone"):
        DataFolder(tmp_path).purge()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_of_ours_is_created_again_and_purged(folder: DataFolder) -> None:
    folder.create()
    assert folder.is_ours()
    folder.purge()
    assert not folder.root.exists()
    folder.purge()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokenPiece, match="cannot be written"):
        DataFolder(tmp_path / "file" / "data").create()


def test_a_port_is_kept_until_it_is_taken(folder: DataFolder) -> None:
    first = folder.port("kafka")
    assert folder.port("kafka") == first
    assert folder.port("postgres") != first
    with socket.create_server(("127.0.0.1", first)):
        assert not is_free(first)
        assert folder.port("kafka") != first


def test_a_wanted_port_that_is_taken_is_refused(folder: DataFolder) -> None:
    port = free_port()
    assert folder.port("kafka", port) == port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(BrokenPiece, match="QENEX_KAFKA_PORT"):
        folder.port("kafka", port)


def test_secrets_are_made_once_and_private(folder: DataFolder) -> None:
    first = folder.secret("owner")
    assert len(first) >= 32
    assert folder.secret("owner") == first != folder.secret("postgres")
    assert (folder.root / "secrets.json").stat().st_mode & 0o077 == 0


def test_small_files_are_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"a": 1})
    assert read_json(path, None) == {"a": 1}
    path.write_text('{"a": ')
    assert read_json(path, "default") == "default"
    assert [found.name for found in tmp_path.iterdir()] == ["state.json"]


def test_a_process_is_known_by_id_and_start(folder: DataFolder) -> None:
    running = spawn(SLEEPER, log=folder.log / "x.log", env=os.environ)
    try:
        assert Running.find(running.pid, running.started) is not None
        stranger = Running(running.pid, running.started - 100)
        assert not stranger.alive()
        stranger.stop(signal.SIGKILL, 0.1)
        assert running.alive()
    finally:
        running.stop(signal.SIGTERM, 5)
    assert not running.alive()
    assert running.ended == "was ended by SIGTERM"


def test_a_process_that_will_not_end_is_ended(folder: DataFolder) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    running = spawn([sys.executable, "-c", deaf], log=folder.log / "x.log", env=os.environ)
    deadline = time.monotonic() + 10
    while "deaf" not in last_lines(folder.log / "x.log") and time.monotonic() < deadline:
        time.sleep(0.05)
    running.stop(signal.SIGTERM, 0.2)
    assert running.ended == "was ended by SIGKILL"


class Dying:
    """A piece that ends as soon as it has started."""

    name = label = "dying"
    port = 0
    stop_signal, stop_seconds = int(signal.SIGTERM), 1.0

    def __init__(self, log: Path) -> None:
        self.log = log
        self.starts = 0

    def start(self) -> Running:
        self.starts += 1
        running = spawn([sys.executable, "-S", "-c", "print('no money')"], log=self.log, env=os.environ)
        running.wait(10)
        return running

    def ready(self, running: Running) -> bool:
        return False


def test_what_keeps_dying_is_started_less_often_and_reported(folder: DataFolder) -> None:
    piece = Dying(folder.log / "dying.log")
    ward = Ward(piece)
    ward.start()
    moments = [time.monotonic()]
    while piece.starts < 4:
        before = piece.starts
        ward.tend()
        if piece.starts > before:
            moments.append(time.monotonic())
        time.sleep(0.01)
        assert time.monotonic() - moments[0] < 30
    ward.tend()
    pauses = [after - before for before, after in itertools.pairwise(moments)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 3 * pauses[0]
    record = ward.record()
    assert (record["health"], record["restarts"]) == ("crash-looping", 3)
    assert "no money" in record["detail"]


def test_one_supervisor_a_folder(folder: DataFolder) -> None:
    let_go = hold(folder)
    assert let_go is not None
    assert hold(folder) is None
    let_go()
    again = hold(folder)
    assert again is not None
    again()


def test_the_lock_file_names_kafka_and_java_logging() -> None:
    names = {jar.coordinates.rpartition(":")[0] for jar in jars.locked()}
    assert {"org.apache.kafka:kafka_2.13", "org.apache.kafka:kafka-tools", "org.slf4j:slf4j-simple"} <= names
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars.locked())
    assert len({jar.name for jar in jars.locked()}) == len(jars.locked())


def test_a_jar_that_differs_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jar = jars.Jar("org.test:kafka_2.13:9.9", hashlib.sha256(b"right").hexdigest())
    monkeypatch.setattr(jars, "locked", lambda: (jar,))
    monkeypatch.setattr(jars, "jar_folder", lambda data: data)
    (tmp_path / jar.name).write_bytes(b"right")
    assert jars.ensure(tmp_path, pytest.fail) == [tmp_path / "kafka_2.13-9.9.jar"]
    (tmp_path / jar.name).write_bytes(b"wrong")
    with pytest.raises(BrokenPiece, match=r"kafka_2\.13-9\.9\.jar is not the jar that kafka\.lock names"):
        jars.ensure(tmp_path, pytest.fail)


def test_jars_that_cannot_be_fetched_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(jars, "jar_folder", lambda data: data)
    said: list[str] = []
    with pytest.raises(BrokenPiece, match="could not be fetched"):
        jars.ensure(tmp_path, said.append, "http://127.0.0.1:1")
    assert "fetching" in said[0]
    assert not list(tmp_path.glob("*.jar"))


def test_no_broker_no_answer() -> None:
    assert not answers("127.0.0.1:1")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert not answers(f"127.0.0.1:{mute.getsockname()[1]}", seconds=0.2)


def test_workers_follow_the_settings(monkeypatch: pytest.MonkeyPatch, folder: DataFolder) -> None:
    monkeypatch.setattr("engine.stack.workers.find_spec", lambda name: object())
    names = [worker.name for worker in worker_table(folder, load(stage_workers=2, settlement_workers=1))]
    assert names == [
        "worker.archiver", "worker.recorder", "worker.settlement", "worker.stages-0", "worker.stages-1",
    ]  # fmt: skip
    monkeypatch.setattr("engine.stack.workers.find_spec", lambda name: None)
    assert worker_table(folder, load()) == []


def test_health_and_metrics_on_one_port(tmp_path: Path) -> None:
    health = {"ok": True, "lag": 3}
    metrics = WorkerMetrics("settlement")
    metrics.done("settlement", "SETTLED", 5)
    metrics.batch("settlement", 5, 0.02)
    served = serve(0, lambda: health, registry=metrics.registry, record=tmp_path / "run" / "settlement.json")
    try:
        assert read_json(tmp_path / "run" / "settlement.json", None) == {"pid": os.getpid(), "port": served.port}
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/health") as answer:
            assert json.load(answer) == health
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/metrics") as answer:
            text = answer.read().decode()
        assert 'qenex_messages_total{outcome="SETTLED",stage="settlement"} 5.0' in text
        health["ok"] = False
        with pytest.raises(urllib.error.HTTPError) as sick:
            urllib.request.urlopen(f"http://127.0.0.1:{served.port}/health")
        assert sick.value.code == 503
        sick.value.close()
        with pytest.raises(BrokenPiece, match="QENEX_METRICS_PORT"):
            serve(served.port, lambda: health)
    finally:
        served.close()
    assert not (tmp_path / "run" / "settlement.json").exists()


@pytest.fixture
def own_logs() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("own_logs")
def test_logs_are_json_lines_without_private_data() -> None:
    written = io.StringIO()
    with redirect_stderr(written):
        configure_logging(load(log_level="info"), "settlement")
        log = get_logger()
        log.debug("hidden")
        log.info("settled", payment_id="01", debtor_name="Ada Lovelace", iban="DE89370400440532013000")
        try:
            int("Ada Lovelace")
        except ValueError:
            log.exception("failed", payment_id="02")
    assert "Lovelace" not in written.getvalue()
    assert "DE89" not in written.getvalue()
    settled, failed = map(json.loads, written.getvalue().splitlines())
    assert list(settled)[:4] == ["ts", "level", "worker", "event"]
    assert (settled["worker"], settled["event"], settled["payment_id"]) == ("settlement", "settled", "01")
    assert (failed["level"], failed["error"]) == ("error", "ValueError")
    assert "test_stack_parts.py" in failed["where"][-1]
