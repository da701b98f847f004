"""Decided cases go back into the stream: what their commit put into the cases' outbox is published in order.

Rule: a row is published, then its number stored; after a crash between the two it is published again, and the inbox
drops the repetition (the attempt has an id of its own).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.bus.port import Producer
from engine.bus.record import Outgoing, cloud_event
from engine.store import cases, outbox
from engine.store.connection import Connection

#: The relay's number among the writers' relays.
CASES_NO = 1003
_LOOK_SECONDS = 0.2


class CaseRelay:
    """Publishes released, rejected and blocked cases. ``pump`` is called between batches."""

    def __init__(self, connection: Connection, producer: Producer, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._producer = producer
        self._clock = clock
        self._looked = float("-inf")
        self._published: int | None = None

    def pump(self) -> None:
        """Publish what is new."""
        now = self._clock()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        if self._published is None:
            self._published = outbox.place(self._connection, CASES_NO)[0]
        rows = cases.outgoing_after(self._connection, self._published)
        for seq, topic, partition, payload in rows:
            headers = cloud_event(f"{CASES_NO}-{seq}", "qenex/cases", "case.decided")
            self._producer.send(Outgoing(topic, partition, None, payload, headers))
            self._published = seq
        if rows:
            self._producer.flush(30.0)
            outbox.checkpoint(self._connection, CASES_NO, self._published)
