"""``qenex bench pipeline``: the whole engine under a load that arrives by the clock, durable, with everything on.

Rule: open loop from a process of its own, 10 s of warm-up and then the measured window; a rate is kept up when
everything offered is decided a second after the last message, the generator kept its clock, and the check of the books
finds nothing. The ladder is climbed with short windows from its middle, or descended where that is too high already,
and what is reported is a full window at the highest rate.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from engine.bench import measured
from engine.bench.bed import BOOK, BUSIEST, DEVIATIONS, LISTED, Bed, openings
from engine.bench.figures import Figure, Say, Terms, against, calibration, rounded, speed
from engine.bench.load import Generator, Plan, Sent
from engine.bench.measured import Latencies
from engine.bench.naive import NAIVE, Naive
from engine.bench.processes import Accounts
from engine.errors import UsageFault

BENCH = "pipeline"
WARM_UP_SECONDS = 10.0
WINDOW_SECONDS = 60.0
LADDER = (500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 6_000, 8_000, 10_000, 12_000, 15_000)
FIRST_RUNG = 4_000
P99_MS = 150.0
LATENCY_RATE = 2_000
#: Windows of the climb.
_RUNG_WARM_UP, _RUNG_SECONDS = 4.0, 10.0
_FIRST_WARM_UP = 8.0
#: Everything must be decided this long after the last message, and the generator never further behind its clock.
_BEHIND_SECONDS, _LATE_MS = 1.0, 250.0
_DRAIN_SECONDS = 120.0
#: Root of the mean square of an amount in cents (see `openings`).
_TYPICAL_AMOUNT = 1_077_000
_CREDIT_LINE = 10_000_00

#: Case -> what is sent.
MIXES: Mapping[str, dict[str, int]] = {
    "mt103": {"mt103": 1},
    "pacs.008": {"pacs.008": 1},
    "mixed": {"mt103": 6, "pacs.008": 4},
}
CASES = (*(f"{mix}-sustained" for mix in MIXES), f"mt103-p99-at-{LATENCY_RATE}", NAIVE)


@dataclass(frozen=True, slots=True)
class Run:
    """One run at one rate: what was sent, how long it took to be committed, what it cost."""

    rate: int
    seconds: float
    warm_up: float
    sent: Sent
    latencies: Latencies
    behind: float
    cpu: dict[str, float]
    answered: float | None
    speeds: tuple[int, int]
    broken: tuple[str, ...]

    @property
    def kept_up(self) -> bool:
        """Whether the offered rate was a sustained one."""
        return not self.broken and self.behind <= _BEHIND_SECONDS and self.sent.late_ms <= _LATE_MS

    @property
    def in_time(self) -> bool:
        """Kept up, and within the latency that is promised."""
        return self.kept_up and self.latencies.p99 <= P99_MS

    def words(self) -> str:
        """The run on one line."""
        spent = {name: seconds for name, seconds in self.cpu.items() if name != "machine"}
        payments = max(1, self.latencies.committed)
        each = ", ".join(f"{name} {seconds / payments * 1e6:.0f}" for name, seconds in spent.items())
        cores = sum(spent.values()) / self.seconds
        found = self.latencies
        return (
            f"{self.rate:,}/s for {self.seconds:g} s after {self.warm_up:g} s: p50 {found.p50:.0f},"
            f" p99 {found.p99:.0f}, p99.9 {found.p999:.0f}, max {found.longest:.0f} ms,"
            f" worst second's p99 {found.worst_second_p99:.0f} ms;"
            f" last decision {self.behind:.2f} s after the last message, generator at most {self.sent.late_ms:.0f} ms"
            f" late, {found.per_batch:.0f} payments a commit; CPU us a payment: {each}; {cores:.2f} cores of these,"
            f" {self.cpu['machine'] / self.seconds:.2f} busy in all,"
            f" calibration {self.speeds[0]:,} iterations/s before and {self.speeds[1]:,} after;"
            f" {'kept up' if self.kept_up else 'NOT kept up'}"
            f"{'' if not self.broken else '; BROKEN: ' + '; '.join(self.broken)}"
        )


class Runs:
    """Runs on one bed, one after another; each with references of its own."""

    def __init__(self, bed: Bed, mix: str, say: Say) -> None:
        self._bed = bed
        self._mix = mix
        self._say = say
        self._runs = 0
        self._sent = 0

    def run(self, rate: int, seconds: float, warm_up: float) -> Run:
        """Offer a rate: warm-up, window, drain, check."""
        bed, plan = self._bed, self._plan(rate, int(rate * (warm_up + seconds)))
        self._say(f"{self._mix}: making {plan.count:,} messages")
        with Generator(plan) as generator:
            before = speed()
            accounts = Accounts({**bed.pids(), "generator": generator.pid})
            self._say(f"{self._mix}: {rate:,}/s for {warm_up:g} + {seconds:g} s")
            generator.go()
            began = time.time()
            time.sleep(warm_up)
            accounts.mark()
            time.sleep(max(0.0, began + warm_up + seconds - time.time()))
            cpu = accounts.since()
            sent = generator.sent()
        self._sent += sent.count
        broken: list[str] = []
        if not measured.await_decisions(bed.connection, self._sent, _DRAIN_SECONDS):
            missing = self._sent - measured.decided(bed.connection)
            broken.append(f"{missing} of {self._sent} undecided after {_DRAIN_SECONDS:.0f} s")
        behind = measured.last_commit(bed.connection, sent.began) - sent.ended
        answered = measured.await_answers(bed.connection, _DRAIN_SECONDS)
        if answered is None:
            broken.append(f"answers unpublished after {_DRAIN_SECONDS:.0f} s")
        broken += measured.violations(bed, self._sent)
        window = (sent.began + warm_up, sent.began + warm_up + seconds)
        found = measured.latencies(bed.connection, *window)
        done = Run(rate, seconds, warm_up, sent, found, behind, cpu, answered, (before, speed()), tuple(broken))
        self._say(f"{self._mix}: {done.words()}")
        return done

    def shares(self) -> str:
        """First decisions in hundredths, and what waits at the end."""
        found = measured.states(self._bed.connection)
        total = sum(found.values())
        return ", ".join(f"{count * 100 / total:.2f} % {state}" for state, count in found.items())

    def _plan(self, rate: int, count: int) -> Plan:
        bed = self._bed
        self._runs += 1
        assert bed.settings.kafka is not None
        return Plan(
            bootstrap=bed.settings.kafka,
            rate=rate,
            count=count,
            seed=1_000 * self._runs,
            run="ABCDEFGHJKLMNPQRSTUVWXYZ"[self._runs - 1],
            value_date=bed.value_date.isoformat(),
            mix=MIXES[self._mix],
            keys={bic: key.hex() for bic, key in bed.keys.items()},
        )


def climb(run: Callable[[int, float, float], Run], seconds: float) -> tuple[Run | None, Run | None]:
    """The highest rate kept up over a full window, and the highest kept up with p99 in time; None: not even the lowest.

    ``run`` is given rate, seconds and warm-up.
    """
    kept: list[int] = []
    timely: list[int] = []
    start, rungs = LADDER.index(FIRST_RUNG), 0

    def rung(rate: int) -> bool:
        nonlocal rungs
        done = run(rate, min(_RUNG_SECONDS, seconds), _RUNG_WARM_UP if rungs else _FIRST_WARM_UP)
        rungs += 1
        kept.extend([rate] if done.kept_up else [])
        timely.extend([rate] if done.in_time else [])
        return done.kept_up

    for rate in LADDER[start:]:
        if not rung(rate):
            break
    for rate in reversed(LADDER[:start]):
        if kept and timely:
            break
        rung(rate)

    def full(rate: int) -> Run:
        return run(rate, seconds, WARM_UP_SECONDS)

    best = _highest(max(kept, default=0), full, lambda done: done.kept_up)
    if best is not None and best.in_time:
        return best, best
    most = max((rate for rate in timely if best is None or rate < best.rate), default=0)
    return best, _highest(most, full, lambda done: done.in_time)


def _highest(most: int, run: Callable[[int], Run], good: Callable[[Run], bool]) -> Run | None:
    """The highest rate of the ladder that is good over a full window, from ``most`` downward."""
    for rate in reversed(LADDER):
        if rate <= most:
            done = run(rate)
            if good(done):
                return done
    return None


def run(terms: Terms, say: Say) -> Iterator[Figure]:
    """The cases in turn, the naive form first: it is the others' peer."""
    yield calibration(BENCH)
    if terms.case is not None and terms.case not in CASES:
        raise UsageFault(f"--case {terms.case}: the pipeline's cases are {', '.join(CASES)}")
    seconds = terms.seconds or WINDOW_SECONDS
    naive: Naive | None = None
    if terms.case in (None, NAIVE):
        from engine.bench.naive import measure

        naive = measure(min(seconds, 10.0), say)
        yield naive.figure(BENCH)
    for mix in MIXES:
        if terms.wants(f"{mix}-sustained"):
            yield from _sustained(mix, terms, seconds, naive, say)
    latency = f"mt103-p99-at-{LATENCY_RATE}"
    if terms.wants(latency) and (terms.rate is None or terms.case == latency):
        yield _latency(latency, seconds, say)


def _bed(count: int, say: Say) -> Bed:
    return Bed(say, opening=openings(count, _TYPICAL_AMOUNT), credit_line=_CREDIT_LINE)


def _conditions(runs: Runs, done: Run, bed: Bed) -> str:
    settings = bed.settings
    answered = "" if done.answered is None else f" answers all published {done.answered:.1f} s after that;"
    return (
        f"{done.words()};{answered} first decisions of all runs: {runs.shares()};"
        f" {done.sent.bytes / done.sent.count:.0f} bytes a message,"
        f" {done.sent.repetitions * 100 / done.sent.count:.1f} % repetitions;"
        " 200 banks by Zipf 1.1 on"
        f" both sides in {BOOK}, opening balances of {DEVIATIONS[0]:g} ({BUSIEST} busiest) and {DEVIATIONS[1]:g}"
        " standard deviations of what each pays, queueing"
        f" on; {LISTED:,} listed names; signatures, archive, claims, answers on; fsync, synchronous_commit,"
        f" full_page_writes on; one broker; {settings.stage_workers} stage worker(s), lingers"
        f" {settings.stage_linger_ms} + {settings.producer_linger_ms} + {settings.settle_linger_ms} ms;"
        f" everything on {os.cpu_count()} cores;"
        " ingest by the broker's clock, commit by Postgres's"
    )


def _sustained(mix: str, terms: Terms, seconds: float, naive: Naive | None, say: Say) -> Iterator[Figure]:
    """The ladder, or the one rate that was asked for."""
    case = f"{mix}-sustained"
    if terms.rate is not None:
        count = terms.rate * (seconds + min(WARM_UP_SECONDS, seconds))
    else:  # the rungs of the usual climb, and a full window at its end
        climbed = LADDER[LADDER.index(FIRST_RUNG) :][:5]
        count = sum(climbed) * (_RUNG_WARM_UP + _RUNG_SECONDS) + climbed[-1] * (WARM_UP_SECONDS + seconds)
    with _bed(int(count), say) as bed:
        runs = Runs(bed, mix, say)
        best: Run | None
        timely: Run | None
        if terms.rate is not None:
            best = runs.run(terms.rate, seconds, min(WARM_UP_SECONDS, seconds))
            timely = best if best.in_time else None
        else:
            best, timely = climb(runs.run, seconds)
        if best is None:
            yield _row(case, 0, f"not even {terms.rate or LADDER[0]:,}/s was kept up")
            return
        value = best.rate if best.kept_up else 0
        figure = _row(case, value, _conditions(runs, best, bed))
        yield against(figure, "one Postgres transaction a payment", naive.best) if naive is not None else figure
        if timely is None:
            yield _row(f"{case}-p99-in-{P99_MS:.0f}-ms", 0, "no rate tried was kept up with that p99")
        else:
            yield _row(f"{case}-p99-in-{P99_MS:.0f}-ms", timely.rate, timely.words())


def _row(case: str, value: int, conditions: str) -> Figure:
    return Figure(bench=BENCH, case=case, value=value, unit="payments/s", better="higher", conditions=conditions)


def _latency(case: str, seconds: float, say: Say) -> Figure:
    with _bed(int(LATENCY_RATE * (seconds + WARM_UP_SECONDS)), say) as bed:
        runs = Runs(bed, "mt103", say)
        done = runs.run(LATENCY_RATE, seconds, min(WARM_UP_SECONDS, seconds))
        if done.broken:
            raise RuntimeError("; ".join(done.broken))
        value = rounded(done.latencies.p99)
        return Figure(
            bench=BENCH, case=case, value=value, unit="ms", better="lower", conditions=_conditions(runs, done, bed)
        )
