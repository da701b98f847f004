"""Failover, measured: the owner of the books dies, hands over, every worker is restarted, all under load.

Rule: a moment is Postgres' own moment of a commit (``track_commit_timestamp``), ingest is the broker's append time:
neither is a clock of the engine. Each figure comes with how many runs it was taken from, and with its target.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise

from engine.faults.kills import BOOK, OWNER, STANDBY, owner_of_books
from engine.faults.scene import Outcome, Plan, Scene, plan_of, wait_for
from engine.store.connection import Connection

KILLS, HAND_OVERS = 20, 20
_RATE = 100.0
_TAKE_OVER_SECONDS = 15.0
#: What lies around a hand-over: payments that arrived so long before and after it may have waited for it.
_BEFORE_SECONDS, _AFTER_SECONDS = 0.5, 2.0

_FIRST_COMMIT = """
    select extract(epoch from min(pg_xact_commit_timestamp(xmin)))::float8 from engine.inbox
    where writer = %s and decided_at > %s
"""
_COMMITS = """
    select distinct extract(epoch from pg_xact_commit_timestamp(xmin))::float8 as at from engine.inbox
    where writer = %s and decided_at >= %s and decided_at < %s order by 1
"""
_WAITED = """
    select count(*), coalesce(percentile_disc(0.5) within group (order by waited), 0), coalesce(max(waited), 0) from (
        select extract(epoch from pg_xact_commit_timestamp(xmin) - received_at)::float8 as waited
        from engine.inbox where received_at >= %s and received_at < %s and attempt = 0) decided
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured time: median, 95th percentile and longest of ``runs``, in seconds, beside what was promised."""

    case: str
    what: str
    runs: int
    p50: float
    p95: float
    longest: float
    target: float | None
    note: str = ""

    @property
    def kept(self) -> bool:
        """Whether the 95th percentile is within the promise."""
        return self.target is None or self.p95 <= self.target

    def record(self) -> dict[str, object]:
        """For JSON and for a table."""
        return {**asdict(self), "verdict": "kept" if self.kept else "broken"}


def figure(case: str, what: str, values: Sequence[float], target: float | None, note: str = "") -> Figure:
    """The figure of some measured seconds."""
    ordered = sorted(values)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.949)]
    return Figure(case, what, len(ordered), round(at[0], 3), round(at[1], 3), round(ordered[-1], 3), target, note)


def judged(outcome: Outcome, said: str) -> Figure:
    """How many messages are lost, doubled or wrong after all of it: none, or the promise is broken."""
    wrong = float(len(outcome.broken))
    what = f"checks broken after {outcome.messages} messages and {outcome.injected.total()} faults"
    return Figure("nothing-lost", what, len(outcome.findings), wrong, wrong, wrong, 0.0, said)


def measure(scene: Scene, *, kills: int = KILLS, hand_overs: int = HAND_OVERS) -> Iterator[Figure]:
    """Each figure in turn, on a bed with two settlement workers, under a load that goes on all the time."""
    with scene.bed.database() as connection:
        yield figure(
            "owner-killed", "SIGKILL of the owner until the other has committed a payment",
            _each(scene, kills, lambda: _kill(scene, connection)), 3.0,
        )  # fmt: skip
        waited: list[float] = []
        stalls = _each(scene, hand_overs, lambda: _hand_over(scene, connection, waited))
        yield figure("hand-over", "time without a commit of the book while its owner is stopped in order", stalls, 0.3)
        yield figure("hand-over-wait", "longest wait of a payment, ingest to commit, around a hand-over", waited, None)
        waits = _each(scene, 1, lambda: _rolling_restart(scene, connection))
        yield figure("rolling-restart", "longest wait of a payment while every worker is restarted", waits, None)


def _each(scene: Scene, count: int, once: Callable[[], float]) -> list[float]:
    """Do it ``count`` times under a load that begins before and ends after."""
    found = []
    for _ in range(count):
        _both_ready(scene)
        stop = _endless(scene)
        try:
            time.sleep(1.0)
            found.append(once())
        finally:
            stop()
            scene.join()
    scene.rest()
    return found


def _endless(scene: Scene) -> Callable[[], None]:
    """A load until the returned function is called."""
    ended: list[bool] = []
    writer = scene.writer()

    def plans() -> Iterator[Plan]:
        while not ended:
            yield plan_of(writer.mt103() if writer.chance.random() < 0.7 else writer.pacs008())

    scene.produce(plans(), 1 / _RATE)
    return lambda: ended.append(True)


def _both_ready(scene: Scene) -> None:
    for name in (OWNER, STANDBY):
        if scene.stack.has_ended(name) or not scene.stack.has_started(name):
            scene.stack.launch(name)
        wait_for(lambda name=name: scene.stack.is_ready(name), _TAKE_OVER_SECONDS, f"{name} is not ready")  # type: ignore[misc]
    wait_for(lambda: _owns(scene), _TAKE_OVER_SECONDS, "nobody owns the book")


def _owns(scene: Scene) -> bool:
    try:
        return bool(owner_of_books(scene))
    except (StopIteration, AssertionError, ValueError):
        return False


def _kill(scene: Scene, connection: Connection) -> float:
    """Seconds from the kill to the first commit of another."""
    owner = owner_of_books(scene)
    at = datetime.now(UTC)
    scene.stack.signal(owner, signal.SIGKILL)
    scene.inject("owner killed")
    return first_commit(connection, at) - at.timestamp()


def first_commit(connection: Connection, after: datetime) -> float:
    """Unix time of the first commit of a decision that was made later."""
    deadline = time.monotonic() + _TAKE_OVER_SECONDS
    while time.monotonic() < deadline:
        row = connection.execute(_FIRST_COMMIT, (BOOK, after)).fetchone()
        if row is not None and row[0] is not None:
            return float(row[0])
        time.sleep(0.02)
    raise TimeoutError(f"nobody took over within {_TAKE_OVER_SECONDS} s")


def _hand_over(scene: Scene, connection: Connection, waited: list[float]) -> float:
    """The longest time between two commits around an orderly stop of the owner; ``waited`` gets the longest wait."""
    owner = owner_of_books(scene)
    at = time.time()
    scene.stack.signal(owner, signal.SIGTERM)
    scene.inject("owner asked to stop")
    first_commit(connection, datetime.fromtimestamp(at + 0.3, UTC))
    time.sleep(_AFTER_SECONDS)
    wait_for(lambda: scene.stack.has_ended(owner), 10, f"{owner} does not end")
    waited.append(_longest(scene, connection, at - _BEFORE_SECONDS, at + _AFTER_SECONDS))
    window = (datetime.fromtimestamp(at - _BEFORE_SECONDS, UTC), datetime.fromtimestamp(at + _AFTER_SECONDS, UTC))
    moments = [row[0] for row in connection.execute(_COMMITS, (BOOK, *window))]
    return float(max(later - earlier for earlier, later in pairwise(moments)))


def _rolling_restart(scene: Scene, connection: Connection) -> float:
    """The longest wait of a payment while each worker is stopped and started, one after the other."""
    since = time.time()
    stack = scene.stack
    for name in scene.bed.workers():
        stack.stop(name)
        stack.launch(name)
        wait_for(lambda name=name: stack.is_ready(name), _TAKE_OVER_SECONDS, f"{name} is not ready")  # type: ignore[misc]
        scene.inject("worker restarted")
        time.sleep(0.5)
    time.sleep(1.0)
    until = time.time()
    return _longest(scene, connection, since, until)


def _longest(scene: Scene, connection: Connection, since: float, until: float) -> float:
    time.sleep(0.5)  # what arrived last in the window is to have its decision
    window = (datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))
    row = connection.execute(_WAITED, window).fetchone()
    assert row is not None
    count, median, longest = row
    if not count:
        raise RuntimeError("nothing arrived around the hand-over")
    scene.history.note("fault", what="window", payments=count, median=round(median, 4), longest=round(longest, 4))
    return float(longest)
