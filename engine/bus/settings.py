"""Settings of the bus's clients, handed in by the composition root.

Rule: the defaults are those that were measured to matter; nothing here reads the environment. Times in milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BusSettings:
    """``security`` goes to librdkafka as it is (``security.protocol``, ``sasl.mechanism``, ``ssl.ca.location``...)."""

    bootstrap: str
    client_id: str = "qenex"
    security: Mapping[str, str] = field(default_factory=dict)
    linger_ms: int = 5
    batch_bytes: int = 1_000_000
    batch_messages: int = 10_000
    compression: str = "none"
    #: After this long an undelivered message is a failure: longer than a broker's restart, shorter than patience.
    delivery_timeout_ms: int = 120_000
    #: Messages and kilobytes that the producer may hold; beyond them ``send`` waits, then reports an outage.
    queue_messages: int = 200_000
    queue_kbytes: int = 262_144
    queue_full_ms: int = 30_000
    #: The broker answers a fetch when it has this much, or after this long: fewer answers cost everybody less.
    fetch_bytes: int = 1
    fetch_wait_ms: int = 500
    fetch_queue_messages: int = 20_000
    fetch_queue_kbytes: int = 65_536
    #: A dead member's partitions move after this; the broker's least is 6,000.
    session_timeout_ms: int = 10_000
    replication: int = 1
    #: Longest wait for one administrative answer.
    request_timeout_ms: int = 15_000
