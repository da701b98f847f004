"""A message that ends its worker is counted in Postgres and held at the third time; the stream goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from engine.bus.loop import StageLoop
from engine.bus.memory import MemoryBus
from engine.bus.record import Outgoing, Record, deadletter_copy
from engine.bus.stage import LoopSettings, StageCrashError
from engine.bus.topics import DEADLETTER
from engine.settings import environment_for_child
from engine.stack.local import LocalStack
from engine.store.connection import Lasting, connect
from engine.store.crashes import StoredCrashRegister
from engine.testbed.bed import Arrival, Bed, Sender, message_ids
from engine.testbed.checks import audited
from engine.testbed.samples import Sample, Writer
from ledger import migrate

pytestmark = pytest.mark.integration
PLACE = ("ingest.swift-mt", 0)
WORKER = "worker.stages-0"
RAISES, KILLS = b"POISON THAT RAISES", b"POISON THAT KILLS"
#: A stages worker whose parser has two defects: one raises, the other takes the process with it.
PROGRAM = f"""
import os, signal, sys
import parsers
sound = parsers.parse_all
def parse_all(values, **options):
    if any({RAISES!r} in value for value in values):
        raise RuntimeError("the parser has a defect")
    if any({KILLS!r} in value for value in values):
        os.kill(os.getpid(), signal.SIGKILL)
    return sound(values, **options)
parsers.parse_all = parse_all
from engine.worker import main
sys.argv = ["worker", "stages"]
main()
"""


class Crashing:
    """A stage that one record crashes; it stops its loop when it has done the last."""

    name = "crashing"

    def __init__(self, bad: int, last: int) -> None:
        self._bad = bad
        self._last = last
        self.loop: StageLoop | None = None

    def process(self, records: Sequence[Record]) -> list[Outgoing]:
        if any(record.offset == self._bad for record in records):
            raise ValueError("a defect")
        if records[-1].offset == self._last and self.loop is not None:
            self.loop.stop()
        return [Outgoing("payments.routed", 0, None, record.value, {}) for record in records]

    def put_aside(self, record: Record, error: str) -> list[Outgoing]:
        return [deadletter_copy(record, self.name, error)]


def test_the_register_in_postgres_outlives_the_workers_that_die(services: LocalStack, database: str) -> None:
    with connect(database, "owner") as owner:
        migrate.apply(owner)
    bus = MemoryBus(wait=time.sleep)
    for topic in (PLACE[0], "payments.routed", DEADLETTER):
        bus.create_topic(topic, 1)
    for number in range(9):
        bus.append(Outgoing(PLACE[0], 0, None, b"%d" % number, {}))

    def live() -> None:
        connection = Lasting(partial(connect, database, "qenex_writer"))
        stage = Crashing(bad=4, last=8)
        register = StoredCrashRegister(connection, "stages-0", {PLACE: 1})
        settings = LoopSettings(batch=5, linger=0.0, idle_wait=0.01)
        loop = StageLoop(
            bus.consumer("stages", "stages-0"), bus.producer(), stage, register, [PLACE[0]], settings=settings
        )
        stage.loop = loop
        try:
            loop.run()
        finally:
            connection().close()

    for count in (1, 2, 3):
        with pytest.raises(StageCrashError):
            live()
        with connect(database, "owner") as owner:
            found = owner.execute('select source_id, "offset", crashes, error from engine.crashes').fetchall()
        assert [row[:3] for row in found] == [(1, 4, count)]
        assert "ValueError: a defect" in found[0][3]
    live()
    assert sorted({int(record.value) for record in bus.records("payments.routed")}) == [0, 1, 2, 3, 5, 6, 7, 8]
    (copy,) = bus.records(DEADLETTER)
    assert (copy.value, copy.headers["source"], copy.headers["stage"]) == (b"4", b"ingest.swift-mt/0/4", b"crashing")
    assert bus.positions("stages") == {PLACE: 9}
    with connect(database, "owner") as owner:
        assert owner.execute("select * from engine.crashes").fetchall() == []


def poisoned(writer: Writer, text: bytes) -> Sample:
    sample = writer.mt103(rich=True)
    value = sample.value.replace(b"\r\n:71A:", b"\r\n" + text + b"\r\n:71A:")
    return Sample(sample.topic, sample.sender, sample.key, value, text.decode())


@pytest.fixture
def defective(bed: Bed) -> Iterator[Bed]:
    """The shared bed without its sound stages worker; that one is back afterwards."""
    bed.stack.stop(WORKER)
    yield bed
    if not bed.stack.has_started(WORKER):
        bed.stack.start(WORKER)


def run_until_settled(bed: Bed, arrived: Sequence[Arrival]) -> list[int]:
    """Start the defective worker again and again; returns how its lives ended."""
    settings = bed.stack.settings
    environment = environment_for_child(
        data=str(bed.stack.folder.root), kafka=str(settings.kafka), postgres=str(settings.postgres), metrics_port="0"
    )
    ends: list[int] = []
    deadline = time.monotonic() + 120
    with bed.database() as connection:
        wanted = [message.hex() for message in message_ids(bed, connection, arrived)]
        while True:
            log = (bed.stack.folder.log / "defective.log").open("ab")
            with log, subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stderr=log) as worker:
                while worker.poll() is None:
                    query = "select count(*) from engine.inbox where payment_id = any(%s::uuid[])"
                    if connection.execute(query, (wanted,)).fetchall() == [(len(wanted),)]:
                        worker.terminate()
                        worker.wait(20)
                        return ends
                    if time.monotonic() > deadline:
                        worker.kill()
                        raise AssertionError(f"the stream stands still; lives ended with {ends}")
                    time.sleep(0.1)
            ends.append(worker.returncode)


def test_a_message_that_ends_its_worker_three_times_is_held_and_the_others_settle(defective: Bed) -> None:
    bed, sender, writer = defective, Sender(defective), Writer(41, defective.dates, "P")
    samples = [writer.mt103(rich=True) for _ in range(30)]
    samples[10], samples[20] = poisoned(writer, RAISES), poisoned(writer, KILLS)
    for sample in samples:
        sender.send(sample)
    sender.flush()
    ends = run_until_settled(bed, sender.arrived)
    assert ends.count(1) == 3, "an exception ends the worker with status 1, three times"
    assert 3 <= ends.count(-9) <= 4, "the first death without an exception only makes the next run careful"
    bed.stack.start(WORKER)
    bed.settle()

    with bed.database() as connection:
        known = message_ids(bed, connection, sender.arrived)
        states = {
            sample.kind: {
                connection.execute("select state from engine.inbox where payment_id = %s", (message.hex(),)).fetchone()
                for message, arrival in known.items()
                if arrival.sample.kind == sample.kind
            }
            for sample in samples
        }
        assert states == {"mt103": {("SETTLED",)}, RAISES.decode(): {("HELD",)}, KILLS.decode(): {("HELD",)}}
        poison = {arrival.sample.kind: message for message, arrival in known.items() if "POISON" in arrival.sample.kind}
        cases = connection.execute(
            "select payment_id, kind, status, summary from engine.cases where payment_id = any(%s::uuid[])",
            ([message.hex() for message in poison.values()],),
        ).fetchall()
        assert {(payment.bytes, kind, status) for payment, kind, status, _ in cases} == {
            (message, "crash", "open") for message in poison.values()
        }
        assert connection.execute("select count(*) from engine.crashes").fetchone() == (0,)
        assert [check.record() for check in audited(connection) if not check.ok] == []
    copies = {record.value: record for record in bed.read([DEADLETTER])}
    for sample, error in ((samples[10], b"the parser has a defect"), (samples[20], b"ended without an exception")):
        assert error in copies[sample.value].headers["error"]
