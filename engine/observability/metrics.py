"""Metrics: the few figures by which a worker is watched, under one set of names.

Rule: one `WorkerMetrics` a process; every name starts with ``qenex_``, carries its unit, and has labels of few values
(never a payment, a BIC or an account). Cost on the hot path is one call a batch, not one a payment.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

#: Seconds. From a bare batch (1 ms) to what no one should wait for; dense where the promised p99 lie (50-250 ms).
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)


class WorkerMetrics:
    """The figures of one worker, in a registry of their own (`registry`, served by `engine.observability.serve`)."""

    def __init__(self, worker: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        Gauge("qenex_worker", "1, with the worker's name as label.", ["worker"], registry=self.registry).labels(
            worker
        ).set(1)
        self._messages = Counter(
            "qenex_messages", "Messages or payments done, by stage and outcome.", ["stage", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self._batch = Histogram(
            "qenex_batch_messages", "Messages taken at once.", ["stage"], buckets=BATCH_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._latency = Histogram(
            "qenex_latency_seconds", "Duration of a step, or ingest to commit.", ["step"], buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self._lag = Gauge(
            "qenex_lag_messages", "Messages not yet taken.", ["topic", "partition"], registry=self.registry
        )
        self._queue = Gauge(
            "qenex_queue_payments", "Payments waiting for funds.", ["system", "priority"], registry=self.registry
        )
        self._lease = Gauge("qenex_lease_held", "1 while this process is the writer.", ["book"], registry=self.registry)
        self._epoch = Gauge("qenex_lease_epoch", "Fencing epoch of the lease.", ["book"], registry=self.registry)
        self._faults = Counter("qenex_faults", "Faults survived, by kind.", ["kind"], registry=self.registry)

    def done(self, stage: str, outcome: str, count: int = 1) -> None:
        """Count messages or payments that a stage brought to an outcome."""
        self._messages.labels(stage, outcome).inc(count)

    def batch(self, stage: str, size: int, seconds: float) -> None:
        """One batch: how many, and how long it took."""
        self._batch.labels(stage).observe(size)
        self._latency.labels(stage).observe(seconds)

    def latency(self, step: str, seconds: float) -> None:
        """One duration, in seconds."""
        self._latency.labels(step).observe(seconds)

    def latencies(self, step: str, seconds: Iterable[float]) -> None:
        """Many durations of one step; the label is looked up once."""
        observe = self._latency.labels(step).observe
        for duration in seconds:
            observe(duration)

    def lag(self, topic: str, partition: int, messages: int) -> None:
        """How far a consumer is behind the end of a partition."""
        self._lag.labels(topic, str(partition)).set(messages)

    def queue(self, system: str, priority: str, payments: int) -> None:
        """How many payments of a class wait for funds in a settlement system."""
        self._queue.labels(system, priority).set(payments)

    def lease(self, book: str, epoch: int, *, held: bool) -> None:
        """Whether this process holds a book's lease, and its epoch."""
        self._lease.labels(book).set(1 if held else 0)
        self._epoch.labels(book).set(epoch)

    def fault(self, kind: str) -> None:
        """Count a fault that was survived (broker away, commit in doubt, poison message...)."""
        self._faults.labels(kind).inc()
