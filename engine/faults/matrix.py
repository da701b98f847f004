"""Plays the fault matrix: a stack, a bed on it, case after case, a judgement after each.

Rule: a case that cannot be finished is broken, not skipped; the next one begins on a stack that was made whole again,
or on a new one. Each case has its own history file.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from engine import settings as settings_module
from engine.faults import failover
from engine.faults.failover import Figure
from engine.faults.history import History
from engine.faults.rows import Case, Stage
from engine.faults.scene import Outcome, Scene
from engine.faults.stack import FaultyStack, set_environment
from engine.settings import Settings
from engine.testbed.bed import Bed

Say = Callable[[str], None]
#: What every stack of the matrix is told: days turn by command, a standby for the books, logs that say what happened.
_SETTINGS = {"settlement_workers": 2, "ingest_partitions": 3, "day_schedule": "manual", "log_level": "info"}
KEPT, BROKEN, SKIPPED = "kept", "broken", "not runnable here"


@dataclass(frozen=True, slots=True)
class Result:
    """A line of the printed matrix. ``injected`` counts faults; ``checks`` are those that are broken."""

    row: int
    case: str
    fault: str
    at_risk: str
    verdict: str
    injected: int = 0
    messages: int = 0
    checks: int = 0
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    broken: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    history: str | None = None

    def record(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


class Matrix:
    """Plays cases. ``folder`` gets the histories, and the stack while it runs."""

    def __init__(self, folder: Path, seed: int, say: Say) -> None:
        self._folder = folder
        self._seed = seed
        self._say = say
        self._stacks = self._played = 0

    def play(self, cases: Sequence[Case]) -> Iterator[Result]:
        """A result for each case, as soon as it is there."""
        self._tell()
        waiting = list(cases)
        while waiting:
            case = waiting[0]
            why = case.skip()
            if why is not None:
                yield _skipped(waiting.pop(0), why)
            elif case.stage is not None:
                with self._bed(case.stage) as bed:
                    yield self._play(waiting.pop(0), bed)
            else:
                yield from self._play_on_one(waiting)

    def _play_on_one(self, waiting: list[Case]) -> Iterator[Result]:
        """Cases that share a stack, taken from ``waiting`` as long as they follow each other and none breaks it."""
        with self._bed() as bed:
            whole = True
            while waiting and whole and waiting[0].stage is None:
                case = waiting.pop(0)
                why = case.skip()
                result = self._play(case, bed) if why is None else _skipped(case, why)
                whole = result.verdict != BROKEN
                yield result

    def _play(self, case: Case, bed: Bed) -> Result:
        assert case.play is not None
        assert isinstance(bed.stack, FaultyStack)
        path = self._folder / f"{case.row:02d}-{case.name}.jsonl"
        began = time.monotonic()
        self._say(f"row {case.row}: {case.fault}")
        with History(path) as history:
            self._played += 1  # references are of this case alone, also where a row is played again
            scene = Scene(bed, bed.stack, history, self._seed, f"{case.row:02d}C{self._played}")
            try:
                with scene.watched():
                    case.play(scene)
                played = time.monotonic() - began
                scene.judge()
            except Exception as problem:
                played = time.monotonic() - began
                said = f"{type(problem).__name__}: {problem}"
                scene.outcome.findings.append({"check": "played-to-the-end", "ok": False, "detail": said})
        return _result(case, scene.outcome, played, path)

    def failover(self) -> Iterator[Figure]:
        """The figures of failover, and at the end a judgement of everything that was sent meanwhile."""
        self._tell()
        with self._bed() as bed, History(self._folder / "failover.jsonl") as history:
            assert isinstance(bed.stack, FaultyStack)
            scene = Scene(bed, bed.stack, history, self._seed, "FO")
            with scene.watched():
                yield from failover.measure(scene)
            broken = scene.judge().broken
            said = "; ".join(f"{finding['check']}: {finding['detail']}" for finding in broken) or "every check holds"
            yield failover.judged(scene.outcome, said)

    def _tell(self) -> None:
        set_environment(**{f"QENEX_{name.upper()}": str(value) for name, value in _SETTINGS.items()})

    @contextmanager
    def _bed(self, stage: Stage | None = None) -> Iterator[Bed]:
        self._stacks += 1
        root = self._folder / f"stack-{self._stacks}"
        try:
            settings = settings_module.load(data=root)
            with _shared(root, settings, self._say) if stage is None else stage(root, settings, self._say) as stack:
                bed = Bed(stack)
                bed.populate()
                yield bed
        finally:
            shutil.copytree(root / "log", self._folder / f"log-{self._stacks}", dirs_exist_ok=True)
            shutil.rmtree(root, ignore_errors=True)


def _shared(root: Path, settings: Settings, say: Say) -> FaultyStack:
    return FaultyStack(root, settings=settings, say=say)


def _skipped(case: Case, why: str) -> Result:
    return Result(case.row, case.name, case.fault, case.at_risk, SKIPPED, notes=[why])


def _result(case: Case, outcome: Outcome, seconds: float, path: Path) -> Result:
    return Result(
        case.row, case.name, case.fault, case.at_risk, BROKEN if outcome.broken else KEPT,
        injected=outcome.injected.total(), messages=outcome.messages, checks=len(outcome.findings),
        seconds=round(seconds, 1), faults=dict(outcome.injected), broken=outcome.broken, notes=outcome.notes,
        history=str(path),
    )  # fmt: skip


@contextmanager
def folder_of(given: Path | None) -> Iterator[Path]:
    """Where histories are kept: the given folder, or a temporary one that Postgres' user may pass through."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="qenex-faults-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for stack in folder.glob("stack-*"):
            shutil.rmtree(stack, ignore_errors=True)
