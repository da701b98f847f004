"""Rows in which the network lies: between the engine and Postgres, between the engine and Kafka.

Rule: one fault at a time, each healed before the next; the testers' own connections are not touched.
"""

from __future__ import annotations

import time

from engine.faults.checker import Finding
from engine.faults.proxy import Proxy
from engine.faults.scene import Scene, wait_for

#: How the workers' sessions name themselves in Postgres' startup packet.
_SETTLEMENT = b"qenex settlement"
_EVERYBODY = b""
_STALL_SECONDS = 2.0


def lost_commits(scene: Scene) -> None:
    """Row 2: Postgres commits, and its reply never arrives."""
    proxy = scene.stack.postgres_proxy
    before = proxy.counts["lost-commit"]
    with scene.bed.tended():
        scene.load(10, 120)
        for only in (_SETTLEMENT, b"qenex recorder", b"qenex archiver", _SETTLEMENT, _SETTLEMENT):
            known = proxy.counts["lost-commit"]
            proxy.lose_commits(1, only)
            wait_for(lambda known=known: proxy.counts["lost-commit"] > known, 10, f"no COMMIT of {only!r}")  # type: ignore[misc]
            scene.inject("COMMIT's reply lost", who=only.decode())
            time.sleep(0.8)
        proxy.heal()
        scene.rest()
    found = Finding("replies-were-lost", examined=proxy.counts["lost-commit"] - before)
    if found.examined < 5:
        found.wrong.append(f"only {found.examined} replies were lost")
    scene.findings.append(found)


def postgres_network(scene: Scene) -> None:
    """Row 2: the way to Postgres is slow, silent in one direction, reset, cut in the midst of a statement."""
    _network(scene, scene.stack.postgres_proxy, _SETTLEMENT)


def kafka_network(scene: Scene) -> None:
    """Row 3: the same on the way to Kafka."""
    _network(scene, scene.stack.kafka_proxy, _EVERYBODY)


def _network(scene: Scene, proxy: Proxy, only: bytes) -> None:
    before = proxy.counts["cut"]
    with scene.bed.tended():
        scene.load(14, 100)
        time.sleep(0.5)
        try:
            proxy.delay(0.1, only)
            scene.inject("delay of 100 ms")
            time.sleep(1.5)
            for direction in ("up", "down"):
                proxy.stall(direction, only)
                scene.inject(f"nothing passes {direction}")
                time.sleep(_STALL_SECONDS)
                proxy.heal()
                time.sleep(0.3)
            for _ in range(3):
                scene.inject("connection reset", proxy.reset(only))
                time.sleep(0.6)
            for count in (1, 700, 20_000):
                known = proxy.counts["cut"]
                proxy.cut_after(count, only)
                wait_for(lambda known=known: proxy.counts["cut"] > known, 10, f"nothing to cut after {count} bytes")  # type: ignore[misc]
                scene.inject(f"cut after {count} bytes")
                time.sleep(0.6)
        finally:
            proxy.heal()
        scene.rest()
    found = Finding("connections-were-cut", examined=proxy.counts["cut"] - before)
    scene.findings.append(found)
