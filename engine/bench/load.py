"""The load generator: one process of its own that makes signed messages beforehand and sends them by the clock.

Rule: open loop. Messages go at a constant rate in ticks of ten milliseconds, whatever becomes of them; how far the
generator itself fell behind is reported. Protocol of ``python -m engine.bench.load``: a `Plan` as one JSON line on
stdin; it answers a line when everything is made; the line ``go`` starts the clock; a `Sent` ends it. One message in a
hundred repeats the bytes of one of the thousand before it.
"""

from __future__ import annotations

import gc
import hmac
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Final, Self

import msgspec

from engine import settings
from engine.bench.messages import Maker
from engine.bus import topics
from engine.bus.record import LAU, Outgoing
from engine.observability import configure_logging

TICK_SECONDS: Final = 0.01
REPETITIONS: Final = 0.01
_LOOK_BACK: Final = 1_000
#: Longer than a tick: a flush ends each, for librdkafka spends the last part of a linger awake.
_LINGER_MS: Final = 100
_FLUSH_SECONDS: Final = 120.0

#: Kind of message -> its topic.
KINDS: Mapping[str, str] = {"mt103": topics.INGEST_SWIFT_MT, "pacs.008": topics.INGEST_ISO20022}


class Plan(msgspec.Struct, frozen=True):
    """What to send. ``mix``: kind -> weight; ``keys``: sender's BIC -> key in hex; ``run``: prefix of references."""

    bootstrap: str
    rate: int
    count: int
    seed: int
    run: str
    value_date: str
    mix: dict[str, int]
    keys: dict[str, str]


class Sent(msgspec.Struct, frozen=True):
    """What was sent, when (seconds since 1970), and how far behind its clock the generator was at worst."""

    count: int
    repetitions: int
    began: float
    ended: float
    late_ms: float
    cpu_us: float
    bytes: int


def made(plan: Plan) -> tuple[list[Outgoing], int]:
    """Every message of a plan, signed, in order of sending; and how many are repetitions."""
    rng = random.Random(plan.seed)
    maker = Maker(plan.seed + 1, date.fromisoformat(plan.value_date), plan.run)
    makers = {"mt103": maker.mt103, "pacs.008": maker.pacs008}
    keys = {bic: bytes.fromhex(key) for bic, key in plan.keys.items()}
    kinds = rng.choices(list(plan.mix), weights=list(plan.mix.values()), k=plan.count)
    found: list[Outgoing] = []
    repetitions = 0
    for number, kind in enumerate(kinds):
        if found and rng.random() < REPETITIONS:
            found.append(found[-rng.randint(1, min(_LOOK_BACK, len(found)))])
            repetitions += 1
            continue
        sender, value = makers[kind](number)
        signature = hmac.digest(keys[sender], value, "sha256").hex().encode()
        found.append(Outgoing(KINDS[kind], None, sender.encode(), value, {LAU: signature}))
    return found, repetitions


def send(messages: Sequence[Outgoing], plan: Plan, repetitions: int) -> Sent:
    """Send by the clock."""
    from engine.bus.kafka import KafkaProducer
    from engine.bus.settings import BusSettings

    producer = KafkaProducer(BusSettings(plan.bootstrap, "qenex-bench-load", linger_ms=_LINGER_MS))
    sys.stdin.readline()
    began, clock, rate, total = time.time(), time.perf_counter, plan.rate, len(messages)
    cpu = time.process_time()
    start, done, late = clock(), 0, 0.0
    while done < total:
        passed = clock() - start
        due = min(total, int(passed * rate))
        late = max(late, passed - done / rate)
        for message in messages[done:due]:
            producer.send(message)
        done = due
        producer.flush(_FLUSH_SECONDS)
        wait = start + (int(passed / TICK_SECONDS) + 1) * TICK_SECONDS - clock()
        if wait > 0:
            time.sleep(wait)
    ended = time.time()
    producer.flush(_FLUSH_SECONDS)
    spent = (time.process_time() - cpu) / total * 1e6
    size = sum(len(message.value) for message in messages)
    return Sent(total, repetitions, began, ended, round(late * 1000, 1), round(spent, 2), size)


class Generator:
    """The process, seen from the bench: made when entered, told to go, waited for, ended when left."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until every message is made."""
        command = [sys.executable, "-P", "-m", "engine.bench.load"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        self._write(msgspec.json.encode(self._plan))
        self._line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def go(self) -> None:
        """Start its clock."""
        self._write(b"go")

    def sent(self) -> Sent:
        """Wait for its end."""
        return msgspec.json.decode(self._line(), type=Sent)

    def _write(self, line: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended with status {self._process.wait()}")
        return line


def main() -> None:
    """Serve one plan. The clients' logs go to stderr: stdout is the protocol."""
    configure_logging(settings.load(), "bench-load")
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    messages, repetitions = made(plan)
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.stdout.write("made\n")
    sys.stdout.flush()
    sys.stdout.write(msgspec.json.encode(send(messages, plan, repetitions)).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
