"""How an input is broken: small functions from bytes and a source of randomness to bytes, in a table.

Rule: the same seed gives the same inputs; what is inserted is what a format's own syntax is made of, because random
bytes alone are refused at the door.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytes, Random], bytes]

#: Pieces of the syntax of SWIFT MT, and bytes that are none of it.
PIECES: tuple[bytes, ...] = (
    b"{", b"}", b"{1:", b"{2:O", b"{3:", b"{4:\n", b"{5:", b"-}", b"\n-}", b"\r\n-}", b"\n:20:", b"\n:61:", b"\n:86:",
    b"\n:21:", b"\n:32B:", b"\n:23E:", b"\n:50F:", b"\n", b"\r", b"$", b"\x01", b"\x03", b":", b"//", b",", b"\xff",
    b"\x00", b"\xc3\xa4", b"{1:F21NORDDEHHAXXX0042000017}{4:{177:2611231020}{451:1}}", b"{119:COV}", b"{119:STP}",
    b"{121:", b":72:/RETN/", b"0" * 20, b" " * 40, b":79:", b":11S:103\n261123",
)  # fmt: skip
_LONG = 20_000


def flip(data: bytes, chance: Random) -> bytes:
    """Some bytes become others."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(data: bytes, chance: Random) -> bytes:
    """A stretch is lost, or everything behind a place."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + (data[start + chance.randint(1, 80) :] if chance.random() < 0.7 else b"")


def repeat(data: bytes, chance: Random) -> bytes:
    """A stretch stands there again, up to fifty times."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start : start + chance.randint(1, 120)] * chance.randint(2, 50) + data[start:]


def insert(data: bytes, chance: Random) -> bytes:
    """A piece of syntax where it does not belong."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.choice(PIECES) * chance.randint(1, 4) + data[start:]


def storm(data: bytes, chance: Random) -> bytes:
    """Thousands of one piece of syntax."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.choice(PIECES) * chance.randint(100, 3_000) + data[start:]


def lengthen(data: bytes, chance: Random) -> bytes:
    """A very long line."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.choice((b"A", b"9", b" ", b"/", b"(", b"-", b"1,")) * _LONG + data[start:]


def swap(data: bytes, chance: Random) -> bytes:
    """Two lines change places."""
    lines = data.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


#: How often each is chosen; the costly ones seldom.
WEIGHTS: dict[Mutation, int] = {flip: 30, cut: 20, insert: 25, repeat: 12, swap: 10, lengthen: 2, storm: 1}


def mutated(seeds: Sequence[bytes], chance: Random) -> bytes:
    """One input: a seed after one to four mutations."""
    data = chance.choice(seeds)
    for change in chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=chance.randint(1, 4)):
        data = change(data, chance)
    return data
