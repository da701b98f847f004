"""Named points at which a process kills itself, and other faults that are planted into a process as it starts.

Rule: a point names a function of the engine and a side of its call; ``plant`` wraps that one function in that one
process, so that nothing is paid for where no fault is asked for, and no code of the engine knows of it. A death is
SIGKILL: no handler, no ``finally``, nothing flushed. Called once, by the worker program, when ``crash_point`` is set.
"""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Literal

from engine.errors import UsageFault

#: Texts in a message that make the planted parser fail; no message of a bank has them.
RAISES, KILLS = b"POISON THAT RAISES", b"POISON THAT KILLS"
POISON, CLOCK = "poison", "clock"
#: Seconds by which a worker's wall clock is wrong, one after the other.
CLOCK_OFFSETS, CLOCK_STEP_SECONDS = (0, 3_600, -1_800, 120, -7_200), 1.5

_Arguments = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """Where a worker dies: ``target`` is ``module:attribute.path``, ``only`` tells calls that count from others."""

    worker: str
    name: str
    target: str
    when: Literal["before", "after"]
    says: str
    only: Callable[[_Arguments], bool] = lambda _: True

    @property
    def title(self) -> str:
        """As the setting names it."""
        return f"{self.worker}.{self.name}"


def _payments(arguments: _Arguments) -> bool:
    """A commit (connection, lease, changes, ...) that decides something."""
    return bool(arguments[2].inbox)


def _statements(arguments: _Arguments) -> bool:
    return bool(arguments[2].statements)


def _records(arguments: _Arguments) -> bool:
    return bool(arguments[1])


def _posted(arguments: _Arguments) -> bool:
    return bool(arguments[1])


_COMMIT = "engine.store.commit:commit"
_RELAY = "engine.processors.relay:Relay"
_CONSUMER = "engine.bus.kafka:KafkaConsumer"

#: Every step of a payment's way, and of a writer's life.
POINTS: tuple[Point, ...] = (
    Point("settlement", "lease-taken", "engine.store.leases:take", "after", "the lease is taken, nothing is loaded"),
    Point("settlement", "loaded", "engine.processors.owned:OwnedBook.load", "after", "the book is rebuilt"),
    Point(
        "settlement", "read", "engine.processors.writing:Writer.process", "before", "a batch is read, none of it"
        " decided", _records,
    ),
    Point("settlement", "decided", _COMMIT, "before", "decided in memory, nothing is written", _payments),
    Point(
        "settlement", "moved", "ledger.store:move_balances", "after", "inside the transaction, behind the balances",
    ),
    Point(
        "settlement", "fenced", "engine.store.commit:_fence", "after", "everything is written, COMMIT is not sent",
        lambda arguments: bool(arguments[2]),
    ),
    Point("settlement", "committed", _COMMIT, "after", "committed, nobody is told", _payments),
    Point("settlement", "offered", f"{_RELAY}.offer", "after", "answers are with the relay, none is sent", _posted),
    Point("settlement", "published", f"{_RELAY}._publish", "after", "one answer is in the producer's queue"),
    Point("settlement", "flushed", "engine.store.outbox:checkpoint", "before", "answers are sent, that is not stored"),
    Point("settlement", "checkpoint", "engine.store.outbox:checkpoint", "after", "how far answers are sent is stored"),
    Point("recorder", "decided", _COMMIT, "before", "decided in memory, nothing is written", _payments),
    Point(
        "recorder", "fenced", "engine.store.commit:_fence", "after", "everything is written, COMMIT is not sent",
        lambda arguments: bool(arguments[2]),
    ),
    Point("recorder", "committed", _COMMIT, "after", "committed, nobody is told", _payments),
    Point("recorder", "published", f"{_RELAY}._publish", "after", "one answer is in the producer's queue"),
    Point(
        "archiver", "packed", "engine.processors.archiver:commit", "before", "a range is packed, not written",
        _statements,
    ),
    Point("archiver", "archived", "engine.processors.archiver:commit", "after", "a range is committed", _statements),
    Point("archiver", "advanced", "engine.store.archive:set_progress", "after", "done_through has moved"),
    Point("stages", "read", "engine.processors.stages:Stage.process", "before", "a batch is read, not parsed"),
    Point("stages", "parsed", "engine.processors.stages:Stage.process", "after", "parsed and routed, nothing is sent"),
    Point("stages", "sent", f"{_CONSUMER}.commit", "before", "sent and acknowledged, the position is not committed"),
    Point("stages", "committed", f"{_CONSUMER}.commit", "after", "the position is committed"),
)  # fmt: skip
_BY_TITLE = {point.title: point for point in POINTS}


def of_worker(worker: str) -> list[Point]:
    """The points of one kind of worker, in the order of a payment's way."""
    return [point for point in POINTS if point.worker == worker]


def plant(name: str) -> None:
    """Put a fault into this process. UsageFault when there is none of this name."""
    if name == POISON:
        _wrap("engine.processors.stages:parse_records", _poisoned)
    elif name == CLOCK:
        _wrap("engine.app:utc_now", _jumping)
    elif name in _BY_TITLE:
        point = _BY_TITLE[name]
        _wrap(point.target, functools.partial(_deadly, point))
    else:
        raise UsageFault(f"QENEX_CRASH_POINT is {name!r}; there are: {', '.join((*_BY_TITLE, POISON, CLOCK))}.")


def find(target: str) -> tuple[Any, str]:
    """The object that holds a target, and the name under which it does; AttributeError when there is none."""
    module, _, path = target.partition(":")
    holder: Any = import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        holder = getattr(holder, part)
    if not callable(getattr(holder, name)):
        raise AttributeError(f"{target} is no function")
    return holder, name


def _wrap(target: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    holder, name = find(target)
    inner = getattr(holder, name)
    setattr(holder, name, functools.wraps(inner)(wrapper(inner)))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal is on its way: no further step


def _deadly(point: Point, inner: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        counts = point.only(arguments)
        if counts and point.when == "before":
            _die()
        answer = inner(*arguments, **named)
        if counts and point.when == "after":
            _die()
        return answer

    return call


def _poisoned(inner: Callable[..., Any]) -> Callable[..., Any]:
    def call(records: Any, *arguments: Any) -> Any:
        for record in records:
            if RAISES in record.value:
                raise ValueError("the parser has a defect")
            if KILLS in record.value:
                _die()
        return inner(records, *arguments)

    return call


def _jumping(inner: Callable[[], datetime]) -> Callable[[], datetime]:
    del inner
    began = time.monotonic()

    def now() -> datetime:
        step = int((time.monotonic() - began) / CLOCK_STEP_SECONDS)
        return datetime.now(UTC) + timedelta(seconds=CLOCK_OFFSETS[step % len(CLOCK_OFFSETS)])

    return now
