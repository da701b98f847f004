"""Payment ids: where a message arrived, and the payment's index in it. Never hashed, never random.

Rule: 128 bits, big-endian: source (32), offset (64), index (32); so ids of one source are inserted in order, and a
redelivery has the id of the first delivery. A message's own id is that of its index 0. Shown as a UUID.
"""

from __future__ import annotations

import struct
import uuid

_LAYOUT = struct.Struct(">IQI")


def payment_id(source: int, offset: int, index: int) -> bytes:
    """Sixteen bytes."""
    return _LAYOUT.pack(source, offset, index)


def message_id(payment: bytes) -> bytes:
    """Id of the message that holds a payment."""
    return payment[:12] + b"\x00\x00\x00\x00"


def coordinates(payment: bytes) -> tuple[int, int, int]:
    """Source, offset, index."""
    source, offset, index = _LAYOUT.unpack(payment)
    return source, offset, index


def shown(payment: bytes) -> str:
    """As people and JSON see it."""
    text = payment.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def parse(text: str) -> bytes | None:
    """The id in a text, or None when the text is not one."""
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        return None
