"""Rows in Postgres' binary COPY format, built fast: fixed-width columns first, then text.

Rule: pure bytes; a table's layout is one ``Layout`` in column order of the COPY statement. Source: PostgreSQL
documentation, COPY, "Binary Format". Times are microseconds since 2000-01-01 UTC, dates days since then.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import chain

import numpy as np

HEADER = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
TRAILER = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_LENGTH = struct.Struct(">i").pack
_BIGINT = struct.Struct(">iq").pack
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_UNIX_MS = int(_EPOCH.timestamp()) * 1000
_CODES = {"smallint": "h", "integer": "i", "bigint": "q", "uuid": "16s", "timestamptz": "q", "date": "i"}


def micros(moment: datetime) -> int:
    """A moment as timestamptz counts it."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def micros_of_ms(unix_ms: int) -> int:
    """A Kafka timestamp (milliseconds since 1970) as timestamptz counts it."""
    return (unix_ms - _EPOCH_UNIX_MS) * 1000


def days(day: date) -> int:
    """A date as Postgres counts it."""
    return (day - _EPOCH.date()).days


#: Lengths that stand before the values of a layout.
SMALLINT, INTEGER, BIGINT, UUID = 2, 4, 8, 16


def layout(*types: str) -> Callable[..., bytes]:
    """A packer of a row's leading fixed-width, non-null columns.

    Called with the row's number of columns, then length and value of each column in order: written out by the caller,
    because a loop over columns for each of a payment's rows costs more than everything else that is done to them.

    >>> layout("smallint", "bigint")(2, SMALLINT, 7, BIGINT, 1).hex(" ", 2)
    '0002 0000 0002 0007 0000 0008 0000 0000 0000 0001'
    """
    return struct.Struct(">h" + "".join("i" + _CODES[name] for name in types)).pack


def text(value: str | None) -> bytes:
    """A text column."""
    if value is None:
        return NULL
    if "\x00" in value:  # the one character that Postgres' text cannot hold; the archive keeps the bytes
        value = value.replace("\x00", "\ufffd")
    try:
        encoded = value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        encoded = value.encode("utf-8", "replace")
    return _LENGTH(len(encoded)) + encoded


def raw(value: bytes | None) -> bytes:
    """A bytea (or uuid) column."""
    return NULL if value is None else _LENGTH(len(value)) + value


def bigint(value: int | None) -> bytes:
    """A bigint column that may be null."""
    return NULL if value is None else _BIGINT(8, value)


class TextCache(dict[str | None, bytes]):
    """Words that repeat (states, BICs, currencies) as text columns, encoded once; bounded, lest references fill it.

    Looked up as a dictionary: ``cache[word]`` runs no code of ours for a word that it has.
    """

    def __init__(self, limit: int = 20_000) -> None:
        super().__init__({None: NULL})
        self._limit = limit

    def __missing__(self, word: str | None) -> bytes:
        """Encode a new word."""
        if len(self) >= self._limit:
            self.clear()
            self[None] = NULL
        found = self[word] = text(word)
        return found


_POSTING = np.dtype(
    [
        ("columns", ">i2"),
        ("l0", ">i4"), ("account_id", ">i4"),
        ("l1", ">i4"), ("account_seq", ">i8"),
        ("l2", ">i4"), ("entry_id", ">i8"),
        ("l3", ">i4"), ("amount", ">i8"),
        ("l4", ">i4"), ("balance_after", ">i8"),
    ]
)  # fmt: skip


def postings_image(postings: Sequence[tuple[int, int, int, int, int]]) -> bytes:
    """The COPY image of postings (account, sequence, entry, amount, balance after)."""
    count = len(postings)
    table = np.fromiter(chain.from_iterable(postings), np.int64, 5 * count).reshape(count, 5)
    image = np.empty(count, dtype=_POSTING)
    image["columns"] = 5
    image["l0"] = 4
    image["l1"] = image["l2"] = image["l3"] = image["l4"] = 8
    for column, name in enumerate(("account_id", "account_seq", "entry_id", "amount", "balance_after")):
        image[name] = table[:, column]
    return HEADER + image.tobytes() + TRAILER


def image(rows: Iterable[bytes]) -> bytes:
    """The COPY image of packed rows."""
    return b"".join((HEADER, *rows, TRAILER))


#: Object ids of types and of their arrays, the same in every Postgres.
OID_BIGINT, OID_TEXT, OID_BIGINTS, OID_TEXTS = 20, 25, 1016, 1009
_ARRAY = struct.Struct(">iiiii").pack


def bigints(values: Sequence[int | None]) -> bytes:
    """A parameter of type ``bigint[]`` in binary: one dimension from 1, nulls allowed, as ``array_recv`` reads it.

    >>> bigints([7, None]).hex(" ", 4)
    '00000001 00000001 00000014 00000002 00000001 00000008 00000000 00000007 ffffffff'
    """
    return b"".join((_ARRAY(1, 1, OID_BIGINT, len(values), 1), *map(bigint, values)))


def texts(values: Sequence[str | None]) -> bytes:
    """A parameter of type ``text[]``, likewise."""
    return b"".join((_ARRAY(1, 1, OID_TEXT, len(values), 1), *map(text, values)))
