"""Running histories: one, many, or until a planted defect is found.

Rule: history number ``n`` of a run that starts at seed ``s`` has the seed ``s + n``, whoever runs it; so a history is
named by its seed and its number of steps, and can be run again alone.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

import structlog

from engine.simulation.history import History, Verdict
from engine.simulation.sabotage import SABOTAGES

#: Steps of a history where nobody says otherwise; a sabotage has to be found within ten of them.
STEPS, SABOTAGE_HISTORIES = 1_000, 10


def run(seed: int, steps: int = STEPS, sabotage: str | None = None, *, digest: bool = False) -> Verdict:
    """One history. ``sabotage``: the name of a defect to plant; ``digest``: hash what it left behind."""
    with ExitStack() as undo, _quietly():
        plant = None if sabotage is None else SABOTAGES[sabotage]
        history = History(seed, steps, None if plant is None else lambda world: plant(world, undo))
        verdict = history.run()
        if digest:
            verdict.digest = history.digest()
    return verdict


def run_many(seed: int, steps: int, histories: int, sabotage: str | None = None, jobs: int = 1) -> Iterator[Verdict]:
    """Histories in the order of their seeds. With a sabotage it ends with the first that broke."""
    one = partial(run, steps=steps, sabotage=sabotage)
    if jobs == 1 or sabotage is not None:
        for each in range(seed, seed + histories):
            verdict = one(each)
            yield verdict
            if sabotage is not None and verdict.invariant is not None:
                return
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(one, range(seed, seed + histories), chunksize=4)


def command_line(verdict: Verdict, steps: int, sabotage: str | None = None) -> str:
    """What replays a history."""
    planted = f" --sabotage {sabotage}" if sabotage is not None else ""
    return f"qenex simulate --seed {verdict.seed} --steps {steps}{planted}"


@contextmanager
def _quietly() -> Iterator[None]:
    """Workers die by the hundred: their logs are not for people, and collecting garbage is for the end."""
    before, threshold = structlog.get_config(), gc.get_threshold()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        structlog.configure(**before)
        gc.set_threshold(*threshold)
