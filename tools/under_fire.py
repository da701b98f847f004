"""Kill processes under load, then look whether anything was lost, doubled or sent twice.

``python -m tools.under_fire --seconds 120 --rate 500 --seed N [--json]``: a stack of its own, messages by the clock,
and at moments that the seed draws SIGKILL for the settlement worker, the broker, Postgres and the other workers.

Rule: the first three faults are one of each that the promise names; which, when and how follow from the seed alone.
Exit 1 when a check fails.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.settings import load
from engine.stack.local import LocalStack
from engine.testbed import checks
from engine.testbed.bed import Arrival, Bed, Sender, message_ids
from engine.testbed.samples import Sample, Writer
from settlement.lifecycle import State

#: What the promise names comes first and more often than what it does not.
NAMED = ("worker.settlement", "kafka", "postgres")
_OTHERS = ("worker.stages-0", "worker.recorder", "worker.archiver")
_REPEATED = 0.02
_FILES = 0.01


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to which piece, when: seconds after the load began. ``how``: kill, or crash (Postgres, SIGQUIT)."""

    at: float
    piece: str
    how: str = "kill"


@dataclass(slots=True)
class Report:
    """What was done and found."""

    seed: int
    seconds: float
    rate: int
    sent: dict[str, int] = field(default_factory=dict)
    faults: list[dict[str, object]] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    settled_after: float = 0.0
    checks: list[checks.Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every check holds and the broker took every message."""
        return not self.refused and all(check.ok for check in self.checks)

    def record(self) -> dict[str, object]:
        """Everything but the checks, which are lines of their own."""
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "rate": self.rate,
            "sent": self.sent,
            "faults": self.faults,
            "restarts": self.restarts,
            "not_taken_by_the_broker": len(self.refused),
            "at_rest_after_seconds": round(self.settled_after, 1),
            "ok": self.ok,
        }


def plan(seed: int, seconds: float, every: float) -> list[Fault]:
    """Faults of a run: about one in ``every`` seconds, never two at once; the first three are the named ones."""
    chance = random.Random(f"faults {seed}")
    pieces = list(NAMED)
    chance.shuffle(pieces)
    faults: list[Fault] = []
    at = every * 0.3
    while at < seconds - 2:
        index = len(faults)
        piece = pieces[index] if index < len(pieces) else chance.choice((*NAMED, *NAMED, *_OTHERS))
        how = "crash" if piece == "postgres" and chance.random() < 0.5 else "kill"
        faults.append(Fault(at + chance.random() * every * 0.5, piece, how))
        at += every
    return faults


class Load(threading.Thread):
    """Sends by the clock: message *n* at second ``n / rate``, whatever becomes of the engine meanwhile."""

    def __init__(self, bed: Bed, writer: Writer, seconds: float, rate: int) -> None:
        super().__init__(name="load")
        self.sender = Sender(bed)
        self.sent: list[Sample] = []
        self.repeated = 0
        self._writer = writer
        self._count = int(seconds * rate)
        self._rate = rate
        self.problem: BaseException | None = None

    def run(self) -> None:
        """Until all are sent and acknowledged."""
        try:
            self._send_all()
            self.sender.flush()
        except BaseException as problem:
            self.problem = problem

    def _send_all(self) -> None:
        began = time.monotonic()
        for number in range(self._count):
            while (early := began + number / self._rate - time.monotonic()) > 0.002:
                self.sender.poll(early)  # it comes back as soon as there was something to serve
            self.sender.send(self._next())

    def _next(self) -> Sample:
        chance = self._writer.chance
        draw = chance.random()
        if draw < _REPEATED and self.sent:
            self.repeated += 1
            return chance.choice(self.sent)
        sample = self._writer.nacha() if draw < _REPEATED + _FILES else self._writer.some()
        self.sent.append(sample)
        return sample


def inject(bed: Bed, faults: Sequence[Fault], began: float, report: Report, say: Callable[[str], None]) -> None:
    """Do each fault at its time; services are started again here, workers by who tends the bed."""
    for fault in faults:
        time.sleep(max(0.0, began + fault.at - time.monotonic()))
        if time.monotonic() - began > report.seconds:
            return  # the services took their time to come back: what is left would come after the load
        at = time.monotonic()
        if fault.how == "crash":
            bed.stack.crash(fault.piece)
        else:
            bed.stack.kill(fault.piece)
        if not fault.piece.startswith("worker."):
            bed.stack.start(fault.piece)
        away = round(time.monotonic() - at, 2)
        report.faults.append({"at": round(at - began, 2), "piece": fault.piece, "how": fault.how, "back_after": away})
        say(f"{at - began:6.1f} s  {fault.how} {fault.piece}" + (f", back after {away} s" if away > 0.5 else ""))


def run(
    bed: Bed, *, seed: int, seconds: float, rate: int, every: float, name: str, say: Callable[[str], None]
) -> Report:
    """Load, faults, rest, checks. The bed's euro book closes its day at the end, so that no payment still waits."""
    report = Report(seed, seconds, rate)
    load = Load(bed, Writer(seed, bed.dates, name), seconds, rate)
    with bed.tended():
        began = time.monotonic()
        load.start()
        inject(bed, plan(seed, seconds, every), began, report, say)
        load.join()
        if load.problem is not None:
            raise load.problem
        over = time.monotonic()
        bed.settle()
        report.settled_after = time.monotonic() - over
        bed.turn_day("EUR-RTGS")
        bed.settle()
    say(f"all decided and answered {report.settled_after:.1f} s after the last message")
    report.restarts = dict(bed.restarts)
    report.refused = load.sender.refused
    arrived = load.sender.arrived
    report.sent = {kind: sum(one.sample.kind == kind for one in arrived) for kind in sorted(_kinds(arrived))}
    report.sent["repetitions"] = load.repeated
    report.checks = [*checks.all_of(bed, arrived), as_expected(bed, arrived)]
    return report


def _kinds(arrived: Sequence[Arrival]) -> set[str]:
    return {one.sample.kind for one in arrived}


def as_expected(bed: Bed, arrived: Sequence[Arrival]) -> checks.Check:
    """What each message had to become: the second of the same bytes DUPLICATE, who can pay SETTLED."""
    check = checks.Check("outcomes-as-expected")
    with bed.database() as connection:
        known = message_ids(bed, connection, arrived)
        states: dict[bytes, set[str]] = {}
        for payment, state in connection.execute("select payment_id, state from engine.outcomes"):
            states.setdefault(payment.bytes[:12], set()).add(state)
    seen: set[bytes] = set()
    poor = {State.SETTLED.value, State.REJECTED.value}
    for message in sorted(known):
        arrival = known[message]
        check.examined += 1
        repeats = arrival.digest in seen
        seen.add(arrival.digest)
        allowed = {State.DUPLICATE.value} if repeats else poor if arrival.sample.poor else {State.SETTLED.value}
        found = states.get(message[:12], set())
        if not found or not found <= allowed:
            check.wrong.append(f"{arrival.topic}/{arrival.partition}/{arrival.offset}: {sorted(found)}")
    return check


def main(arguments: Sequence[str] | None = None) -> int:
    """Run on a stack of its own and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.under_fire", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=8.0, help="seconds between two faults")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the data folder behind")
    given = parser.parse_args(arguments)
    root = Path(tempfile.mkdtemp(prefix="qenex-fire-"))
    root.chmod(0o755)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", file=sys.stderr, flush=True)

    try:
        with LocalStack(root / "data", workers=True, settings=load(), say=say) as stack:
            bed = Bed(stack)
            bed.populate()
            say("under fire")
            report = run(
                bed, seed=given.seed, seconds=given.seconds, rate=given.rate, every=given.every, name="F", say=say
            )
    finally:
        if given.keep:
            say(f"left behind: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
    _print(report, as_json=given.json)
    return 0 if report.ok else 1


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.record()))
        for check in report.checks:
            print(json.dumps(check.record()))
        return
    for name, value in report.record().items():
        if name != "faults":
            print(f"{name:26} {value}")
    for check in report.checks:
        shown = check.record()
        print(f"{'ok    ' if check.ok else 'WRONG '} {check.name:44} {check.examined:8}  {str(shown['detail'])[:150]}")


if __name__ == "__main__":
    sys.exit(main())
