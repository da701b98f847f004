"""What a loop is given and what it raises: the stage it runs, its settings, whom it reports to.

Rule: a stage is a function of its records, so that doing a batch again gives the same messages with the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.bus.port import OperatingFaultError
from engine.bus.record import Outgoing, Record


class Stage(Protocol):
    """A function over records. The same records give the same outgoing messages, whoever runs it, however often."""

    @property
    def name(self) -> str:
        """For logs and metrics."""

    def process(self, records: Sequence[Record]) -> Sequence[Outgoing]:
        """What follows from these records. OperatingFaultError when a service it needs is away."""

    def put_aside(self, record: Record, error: str) -> Sequence[Outgoing]:
        """What becomes of a record that cannot be processed: its outcome, and a copy for ``deadletter``.

        It must not touch what crashed: no parsing, and nothing larger than the copy (``record.deadletter_copy``).
        """


class LoopMetrics(Protocol):
    """What the loop reports; ``engine.observability.WorkerMetrics`` is one."""

    def batch(self, stage: str, size: int, seconds: float) -> None:
        """One batch."""

    def latency(self, step: str, seconds: float) -> None:
        """One duration: ``commit``."""

    def lag(self, topic: str, partition: int, messages: int) -> None:
        """Messages behind."""

    def fault(self, kind: str) -> None:
        """``outage``, ``crash``, ``put-aside``, ``commit-refused``, ``back-pressure``."""


class NoMetrics:
    """Reports to nobody."""

    def batch(self, stage: str, size: int, seconds: float) -> None:
        """Nothing."""

    def latency(self, step: str, seconds: float) -> None:
        """Nothing."""

    def lag(self, topic: str, partition: int, messages: int) -> None:
        """Nothing."""

    def fault(self, kind: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Times in seconds. ``batch`` records or ``linger``, whichever comes first."""

    batch: int = 500
    linger: float = 0.005
    idle_wait: float = 0.1
    commit_every: float = 1.0
    flush_timeout: float = 10.0
    pending_limit: int = 50_000
    backoff_first: float = 0.1
    backoff_most: float = 2.0
    patience: float = 60.0
    put_aside_at: int = 3
    #: Records of each partition handled one by one after a death without an exception: more than one can have had in
    #: flight. If it had more, every start still gets this far.
    careful_records: int = 10_000
    #: No record for this long although there are some: the consumer is stuck.
    stall: float = 60.0


class StageCrashError(Exception):
    """A record has crashed the stage; counted, and everything before it committed. Start the worker anew."""

    def __init__(self, coordinates: str, count: int, stage: str) -> None:
        super().__init__(f"{coordinates} has crashed the stage {stage} {count} times")
        self.coordinates = coordinates
        self.count = count


class StalledError(OperatingFaultError):
    """There are records and none comes: the consumer is stuck. Start the worker anew."""
