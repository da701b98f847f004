"""What goes over the bus: records read, messages to write, and the headers they carry.

Rule: values are bytes and stay as received; headers are CloudEvents in binary mode for Kafka (CloudEvents 1.0.2, Kafka
binding 3.1: attributes as ``ce_...`` headers) plus ``traceparent`` (W3C Trace Context). A header that a sender repeats
counts once, with its last value; a null value or header is empty bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

#: Hex HMAC-SHA256 of the value under the sender's key, on every ingest message.
LAU = "lau"
TRACEPARENT = "traceparent"

#: Where a copy in ``deadletter`` came from and why; the value is the record's, untouched.
SOURCE_HEADER = "source"
STAGE_HEADER = "stage"
ERROR_HEADER = "error"
#: Length of a value of which the copy holds only the beginning: one as large as a message may be leaves no room.
CUT_HEADER = "cut-from"

#: A partition of a topic.
Place = tuple[str, int]

#: A broker refuses a header that takes the message over its limit; the stack's end says what happened.
_ERROR_MAX = 16_384
_COPY_MAX = 16 * 1024 * 1024 - 131_072


class Record(msgspec.Struct, frozen=True, gc=False):
    """One message read from a topic. ``timestamp_ms`` is the broker's append time on every topic of ours.

    ``leader_epoch`` is that of the partition's leader when it was appended, None where the broker does not say.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]
    leader_epoch: int | None = None

    @property
    def place(self) -> Place:
        """Topic and partition."""
        return self.topic, self.partition

    @property
    def coordinates(self) -> str:
        """``topic/partition/offset``, as people and ``qenex trace`` write it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One message to write. Without a partition the key decides (murmur2, as Java clients do)."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


def cloud_event(
    identity: str, source: str, kind: str, *, time: str | None = None, traceparent: bytes | None = None
) -> dict[str, bytes]:
    """Headers of a CloudEvent: ``time`` in RFC 3339, ``traceparent`` handed on from the record it derives from."""
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": identity.encode(),
        "ce_source": source.encode(),
        "ce_type": kind.encode(),
    }
    if time is not None:
        headers["ce_time"] = time.encode()
    if traceparent is not None:
        headers[TRACEPARENT] = traceparent
    return headers


def deadletter_copy(record: Record, stage: str, error: str, *, topic: str = "deadletter") -> Outgoing:
    """The record for ``deadletter``: as it was, plus source, stage and error; cut when too large."""
    headers = {
        SOURCE_HEADER: record.coordinates.encode(),
        STAGE_HEADER: stage.encode(),
        ERROR_HEADER: error[-_ERROR_MAX:].encode("utf-8", "replace"),
    }
    carried = sum(len(name) + len(value) for name, value in record.headers.items())
    value = record.value
    if len(value) + carried > _COPY_MAX:  # the copy must never be what cannot be sent
        headers[CUT_HEADER] = str(len(value)).encode()
        value = value[:_COPY_MAX]
    else:
        headers = {**record.headers, **headers}
    return Outgoing(topic, None, record.coordinates.encode(), value, headers)


def header_text(headers: Mapping[str, bytes], name: str) -> str | None:
    """A header as text; what is not UTF-8 is replaced, None when the header is missing."""
    value = headers.get(name)
    return None if value is None else value.decode("utf-8", "replace")
