"""Mutated messages give records: payments, statements, copies and files of whatever is left; nothing raises."""

import random
from pathlib import Path

import pytest

from parsers.swift_mt import BATCHES, files, forwarded, read, singles

ROOT = Path(__file__).parents[2]
SEEDS = [path.read_bytes() for path in sorted((ROOT / "tests" / "vectors" / "swift_mt").glob("*.fin"))]
SEEDS += [
    (ROOT / "docs" / "examples" / "statement.sta").read_bytes(),
    b"{1:F01LINDSESSAXXX0001000007}{2:I102OAKBGB2LXXXXN}{4:\r\n:20:B\r\n:23:CREDIT\r\n:50K:ANNA\r\n:71A:OUR\r\n:21:T1\r\n"
    b":32B:EUR1,\r\n:59:OAK\r\n:33B:EUR1,\r\n:71G:EUR1,\r\n:32A:261124EUR2,\r\n:19:1,\r\n:71G:EUR1,\r\n-}",
    b"{1:F01LINDSESSAXXX0001000007}{2:I203OAKBGB2LXXXXN}{4:\r\n:19:3,\r\n:30:261124\r\n:20:A\r\n:21:A\r\n:32B:USD1,\r\n"
    b":58A:OAKBGB2L\r\n:20:B\r\n:21:B\r\n:32B:USD2,\r\n:57A:BARCGB22\r\n:58A:ELMBGB2L\r\n-}",
]
PIECES = [
    b"{", b"}", b":61:", b"\r\n:86:", b"?20", b"/EREF/", b"//", b"\n", b",", b"00", b"RC", b"\n:20:", b"$", b"\xff",
    b"\r\n:21:X\r\n:32B:EUR1,", b"{5:", b":72:/RETN/99", b":60:", b":13C:/CLSTIME/",
]  # fmt: skip
AT = "2026-11-24T08:00:00Z"


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        place = chance.randrange(len(data) + 1)
        way = chance.randrange(4)
        if way == 0 and data:
            data[place % len(data)] = chance.randrange(256)
        elif way == 1:
            del data[place : place + chance.randrange(20)]
        elif way == 2:
            data[place:place] = chance.choice(PIECES) * chance.choice((1, 1, 50))
        else:
            start = chance.randrange(len(data) + 1)
            data[place:place] = data[start : start + chance.randrange(200)]
    return bytes(data)


@pytest.mark.parametrize("mode", [None, "lenient", "strict"])
def test_whatever_is_left_is_made_of_it(mode):
    chance = random.Random(str(mode))
    accepted = copies = statements = 0
    for _ in range(1_500):
        data = mutated(chance)
        for message in read(data, mode=mode):
            statements += len([each.record() for each in message.statements()])
            payments = [each.record() for each in message.payments]
            if message.verdict != "accepted" or message.parsed is None:
                continue
            accepted += 1
            message.write()
            if payments and message.sender and message.receiver:
                several = message.type is not None and message.type.startswith(BATCHES)
                made = singles(message, at=AT, sequence=1) if several else [forwarded(message, at=AT, sequence=1)]
                copies += len(made)
        assert [each.type for each in files.messages([data], mode=mode)] == [
            each.type for each in read(data, mode=mode)
        ]
    assert min(accepted, copies, statements) > 20  # the mutations leave enough to be worth the name


def test_what_cannot_be_told_apart_takes_no_longer():
    storm = b":20:A\r\n:60F:C261123EUR1,\r\n:61:" + b"9" * 1_000_000 + b"\r\n:86:" + b"?20" * 300_000
    (message,) = read(storm)
    (statement,) = message.statements()
    assert len(statement.entries) == 1
