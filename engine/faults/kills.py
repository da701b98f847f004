"""Rows in which processes die, stand still, come back, come and go.

Rule: a worker that a row kills is started again by who tends the bed, as the supervisor does; services by the row.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import psutil

from engine.faults.checker import Finding
from engine.faults.points import Point, of_worker
from engine.faults.scene import REFUSED, Plan, Scene, plan_of, wait_for
from engine.store import leases
from engine.store.connection import Connection
from engine.testbed.samples import Writer

OWNER, STANDBY = "worker.settlement", "worker.settlement-1"
BOOK = "EUR-RTGS"
_OTHERS = {"recorder": "worker.recorder", "archiver": "worker.archiver", "stages": "worker.stages-0"}
#: Messages a second while workers go from death to death.
_TRICKLE = 25.0
_DEATH_SECONDS = 15.0
_STORM_SECONDS = 14.0
_GROWTH_MB = 256


def crash_points_of_books(scene: Scene) -> None:
    """Row 1: settlement dies at each of its points; the standby, which takes over, has the next point in it."""
    points = of_worker("settlement")
    _die_at_points(scene, {OWNER: points[0::2], STANDBY: points[1::2]}, in_turn=True)
    scene.rest()


def crash_points_of_others(scene: Scene) -> None:
    """Row 1: recorder, archiver and stages die at each of their points, all three at a time."""
    _die_at_points(scene, {name: of_worker(kind) for kind, name in _OTHERS.items()}, in_turn=False)
    scene.rest()


def _die_at_points(scene: Scene, ways: Mapping[str, Sequence[Point]], *, in_turn: bool) -> None:
    """Each worker goes from death to death: its next life has the next point, the last one none.

    ``in_turn``: the workers are each other's standby; one that has had all its points stays away until all are done,
    so that the work is the other's.
    """
    stack, over = scene.stack, threading.Event()
    scene.produce(_trickle(scene.writer(), over), 1 / _TRICKLE)
    left = {name: list(points) for name, points in ways.items()}
    deadline = time.monotonic() + _DEATH_SECONDS
    try:
        for name in ways:
            stack.stop(name)
            stack.arm(name, left[name][0].title)
            stack.launch(name)
        while any(left.values()):
            for name in [name for name in left if left[name] and stack.has_ended(name)]:
                scene.inject(f"killed at {left[name].pop(0).title}")
                if left[name] or not in_turn:
                    stack.arm(name, left[name][0].title if left[name] else None)
                    stack.launch(name)
                deadline = time.monotonic() + _DEATH_SECONDS
            if time.monotonic() > deadline:
                missed = [points[0].title for points in left.values() if points]
                raise TimeoutError(f"{', '.join(missed)} was not reached within {_DEATH_SECONDS:.0f} s")
            time.sleep(0.01)
    finally:
        over.set()
        for name in ways:
            if left[name] or in_turn:
                stack.kill(name)
                stack.arm(name, None)
                stack.launch(name)


def _trickle(writer: Writer, over: threading.Event) -> Iterator[Plan]:
    """Sound messages, and one in three for the recorder, until it is over."""
    while not over.is_set():
        yield plan_of(writer.some())
        yield plan_of(writer.some())
        refused = writer.mt103()  # signed, and wrong in its form: it gets an answer
        yield Plan(replace(refused, value=refused.value.replace(b":23B:CRED", b":23B:CREX")), REFUSED)


def broker_killed(scene: Scene) -> None:
    """Row 3: the broker dies twice under load, and comes back."""
    _service_dies(scene, "kafka", times=2, crash=False)


def postgres_killed(scene: Scene) -> None:
    """Row 4: Postgres dies by SIGKILL."""
    _service_dies(scene, "postgres", times=2, crash=False)


def postgres_immediate(scene: Scene) -> None:
    """Row 4: Postgres is stopped in its immediate mode, as ``pg_ctl stop -m immediate`` does."""
    _service_dies(scene, "postgres", times=2, crash=True)


def _service_dies(scene: Scene, piece: str, *, times: int, crash: bool) -> None:
    stack = scene.stack
    with scene.bed.tended():
        scene.load(8, 120)
        for _ in range(times):
            time.sleep(1.5)
            if crash:
                stack.crash(piece)
            else:
                stack.kill(piece)
            scene.inject(f"{piece} {'stopped at once' if crash else 'killed'}")
            stack.start(piece)
        scene.rest()


def stale_owner(scene: Scene) -> None:
    """Row 6: the owner of the books stands still past its lease, the standby takes over, the owner wakes up."""
    stack = scene.stack
    with scene.bed.database() as connection, scene.bed.tended():
        owner = owner_of_books(scene)
        seen = _epoch(connection, BOOK)
        scene.load(9, 120)
        time.sleep(1.5)
        stack.signal(owner, signal.SIGSTOP)
        scene.inject("owner stopped past its lease", lease_seconds=leases.LEASE_SECONDS)
        try:
            wait_for(lambda: _epoch(connection, BOOK) > seen, 10, "nobody took over")
            time.sleep(1.0)
        finally:
            stack.signal(owner, signal.SIGCONT)
        taken = _epoch(connection, BOOK)
        time.sleep(2.0)
        refused = Finding("stale-owner-refused", examined=1)
        if _epoch(connection, BOOK) != taken:
            refused.wrong.append(f"the epoch went from {taken} to {_epoch(connection, BOOK)} after the owner woke up")
        said = (stack.folder.log / f"{owner.removeprefix('worker.')}.log").read_text(errors="replace")
        if not any(word in said for word in ("was taken over", "is stale", "is over")):
            refused.wrong.append("the owner that woke up does not say that its lease was lost")
        scene.findings.append(refused)
        scene.rest()


def _epoch(connection: Connection, book: str) -> int:
    row = connection.execute("select epoch from engine.leases where writer = %s", (book,)).fetchone()
    assert row is not None
    return int(row[0])


def owner_of_books(scene: Scene) -> str:
    """Name of the settlement worker that owns the book."""
    pid = owner_pid(scene)
    return next(name for name in (OWNER, STANDBY) if scene.stack.pid(name) == pid)


def owner_pid(scene: Scene) -> int:
    """Process id of the owner of the book, from its lease."""
    with scene.bed.database() as connection:
        row = connection.execute("select owner from engine.leases where writer = %s", (BOOK,)).fetchone()
    assert row is not None
    return int(row[0].rpartition("/")[2])


def slow_consumer(scene: Scene) -> None:
    """Row 16: who settles and who records stands still under load; nothing grows without bound, nothing is lost."""
    stack = scene.stack
    slow = (OWNER, STANDBY, "worker.recorder")
    watched = ("worker.stages-0", *slow)
    before = {name: _resident(stack.pid(name)) for name in watched}
    most = dict(before)
    with scene.bed.tended():
        scene.load(9, 300)
        time.sleep(0.5)
        for name in slow:
            stack.signal(name, signal.SIGSTOP)
            scene.inject("consumer stopped")
        try:
            for _ in range(14):
                time.sleep(0.5)
                most = {name: max(size, _resident(stack.pid(name))) for name, size in most.items()}
        finally:
            for name in slow:
                stack.signal(name, signal.SIGCONT)
        scene.rest()
        most = {name: max(size, _resident(stack.pid(name))) for name, size in most.items()}
    bounded = Finding("memory-bounded", examined=len(watched))
    for name in watched:
        grown = (most[name] - before[name]) // 2**20
        scene.outcome.notes.append(f"{name} grew by {max(grown, 0)} MB")
        if grown > _GROWTH_MB:
            bounded.wrong.append(f"{name} grew by {grown} MB")
    scene.findings.append(bounded)


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def rebalance_storm(scene: Scene) -> None:
    """Row 17: more stage workers join, leave and die all the time."""
    stack = scene.stack
    added: list[str] = []
    with scene.bed.tended():
        scene.load(_STORM_SECONDS - 2, 60)
        until = time.monotonic() + _STORM_SECONDS
        number = 0
        while time.monotonic() < until:
            number += 1
            instance = 1 + number % 3
            name = f"worker.stages-{instance}"
            if name in added:
                added.remove(name)
                if number % 2:
                    stack.kill(name)
                stack.drop_worker(name)
                scene.inject("member killed" if number % 2 else "member left")
            else:
                added.append(stack.add_worker("stages", instance))
                scene.inject("member joined")
            time.sleep(1.2)
        for name in added:
            stack.drop_worker(name)
        scene.rest()
