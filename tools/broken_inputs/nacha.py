"""Broken Nacha files: file and batch rules by name (Operating Rules, Appendix Two), entries by their return code."""

from __future__ import annotations

import random
from collections.abc import Callable

from engine.testbed.samples import Sample, Writer
from payments import RoutingNumber
from tools.broken_inputs.kinds import Expected, Kind, Mutator, blank, rejected


def _good(writer: Writer) -> Sample:
    return writer.nacha(writer.chance.randrange(2, 6))


def _kind(name: str, mutate: Mutator, *codes: str) -> Kind:
    return Kind(f"ach-{name}", _good, mutate, rejected(*codes))


def _in_record(kind: bytes, first: int, after: int, new: Callable[[bytes, random.Random], bytes]) -> Mutator:
    """Columns ``first`` to ``after`` (from 1, both in) of the first record of a type."""

    def mutate(value: bytes, chance: random.Random) -> bytes:
        records = value.split(b"\n")
        at = next(number for number, record in enumerate(records) if record[:1] == kind)
        record = records[at]
        made = new(record[first - 1 : after], chance)
        records[at] = record[: first - 1] + made + record[after:]
        return b"\n".join(records)

    return mutate


def _more(text: bytes, chance: random.Random) -> bytes:
    """Another number of the same width."""
    width = len(text)
    return b"%0*d" % (width, (int(text) + chance.randrange(1, 10)) % 10**width)


def _is(new: bytes) -> Callable[[bytes, random.Random], bytes]:
    return lambda old, _: new.ljust(len(old))


def _letter(text: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice((b"A", b"O", b"-", b" ", b".")) + text[at + 1 :]


def _without(kind: bytes) -> Mutator:
    def mutate(value: bytes, chance: random.Random) -> bytes:
        del chance
        records = value.split(b"\n")
        at = next(number for number, record in enumerate(records) if record[:1] == kind)
        return b"\n".join(records[:at] + records[at + 1 :])

    return mutate


def _short_record(value: bytes, chance: random.Random) -> bytes:
    """A record that lacks characters in its midst."""
    records = value.split(b"\n")
    at = chance.randrange(2, 4)
    records[at] = records[at][:20] + records[at][20 + chance.randrange(1, 30) :]
    return b"\n".join(records)


def _cut(value: bytes, chance: random.Random) -> bytes:
    """The end is missing, from a record on."""
    records = value.split(b"\n")
    last = next(number for number, record in enumerate(records) if record[:1] == b"9")
    return b"\n".join(records[: chance.randrange(3, last + 1)])


def _swapped_records(value: bytes, chance: random.Random) -> bytes:
    del chance
    records = value.split(b"\n")
    records[1], records[2] = records[2], records[1]
    return b"\n".join(records)


def _check_digit(text: bytes, chance: random.Random) -> bytes:
    right = RoutingNumber.check_digit(text[:8].decode())
    return text[:8] + b"%d" % ((right + chance.randrange(1, 10)) % 10)


def _entries(state: str, *codes: str | None) -> Expected:
    return Expected(state, frozenset(codes))


def _garbage(value: bytes, chance: random.Random) -> bytes:
    """Bytes that are nothing at all: none a digit, or columns of them might be taken for a sender who did not sign."""
    del value
    return bytes(chance.randrange(128, 256) for _ in range(chance.randrange(1, 4_000)))


KINDS: tuple[Kind, ...] = (
    _kind("batch-hash", _in_record(b"8", 11, 20, _more), "BATCH-HASH"),
    _kind("file-hash", _in_record(b"9", 22, 31, _more), "FILE-HASH"),
    _kind("batch-count", _in_record(b"8", 5, 10, _more), "BATCH-ENTRY-COUNT"),
    _kind("file-count", _in_record(b"9", 14, 21, _more), "FILE-ENTRY-COUNT"),
    _kind("file-batches", _in_record(b"9", 2, 7, _more), "FILE-BATCH-COUNT"),
    _kind("file-blocks", _in_record(b"9", 8, 13, _more), "FILE-BLOCK-COUNT"),
    _kind("batch-credit-total", _in_record(b"8", 33, 44, _more), "BATCH-CREDIT-TOTAL"),
    _kind("batch-debit-total", _in_record(b"8", 21, 32, _more), "BATCH-DEBIT-TOTAL"),
    _kind("file-credit-total", _in_record(b"9", 44, 55, _more), "FILE-CREDIT-TOTAL"),
    _kind("file-debit-total", _in_record(b"9", 32, 43, _more), "FILE-DEBIT-TOTAL"),
    _kind("batch-control-letters", _in_record(b"8", 33, 44, _letter), "BATCH-CONTROL-NUMERIC"),
    _kind("file-control-letters", _in_record(b"9", 44, 55, _letter), "FILE-CONTROL-NUMERIC"),
    _kind("debit-in-220", _in_record(b"6", 2, 3, _is(b"27")), "BATCH-DIRECTION"),
    _kind("service-class", _in_record(b"5", 2, 4, _is(b"210")), "BATCH-SERVICE-CLASS"),
    _kind("service-class-differs", _in_record(b"8", 2, 4, _is(b"200")), "BATCH-CONTROL-SERVICE-CLASS"),
    _kind("entry-class", _in_record(b"5", 51, 53, _is(b"QQQ")), "BATCH-SEC-CODE"),
    _kind("company-name", _in_record(b"5", 5, 20, _is(b"")), "BATCH-COMPANY-NAME"),
    _kind("company-id", _in_record(b"5", 41, 50, _is(b"")), "BATCH-COMPANY-ID"),
    _kind("description", _in_record(b"5", 54, 63, _is(b"")), "BATCH-ENTRY-DESCRIPTION"),
    _kind("originating-bank", _in_record(b"5", 80, 87, _is(b"0810X077")), "BATCH-ODFI"),
    _kind("originating-bank-differs", _in_record(b"8", 80, 87, _more), "BATCH-CONTROL-ODFI"),
    _kind("batch-number-differs", _in_record(b"8", 88, 94, _more), "BATCH-CONTROL-NUMBER"),
    _kind("transaction-code", _in_record(b"6", 2, 3, _is(b"99")), "BATCH-TRANSACTION-CODE"),
    _kind("amount-letters", _in_record(b"6", 30, 39, _letter), "BATCH-AMOUNT"),
    _kind("trace-letters", _in_record(b"6", 80, 94, _letter), "BATCH-TRACE-NUMERIC"),
    _kind("trace-order", _in_record(b"6", 88, 94, _is(b"9999999")), "BATCH-TRACE-ORDER"),
    _kind("trace-bank", _in_record(b"6", 80, 87, _is(b"06110021")), "BATCH-TRACE-ODFI"),
    _kind("record-length", _short_record, "RECORD-LENGTH"),
    _kind("record-type", _in_record(b"6", 1, 1, _is(b"4")), "RECORD-TYPE"),
    _kind("record-sequence", _swapped_records, "RECORD-SEQUENCE"),
    _kind("cut", _cut, "FILE-CONTROL-MISSING", "BATCH-CONTROL-MISSING"),
    _kind("without-batch-control", _without(b"8"), "BATCH-CONTROL-MISSING"),
    _kind("record-size", _in_record(b"1", 35, 37, _is(b"095")), "FILE-RECORD-SIZE"),
    _kind("blocking", _in_record(b"1", 38, 39, _is(b"20")), "FILE-BLOCKING-FACTOR"),
    _kind("format-code", _in_record(b"1", 40, 40, _is(b"2")), "FILE-FORMAT-CODE"),
    _kind("modifier", _in_record(b"1", 34, 34, _is(b"?")), "FILE-ID-MODIFIER"),
    _kind("garbage", _garbage, "RECORD-TYPE", "RECORD-LENGTH", "FILE-HEADER-MISSING"),
    _kind("blank", blank, "FILE-EMPTY"),
    _kind("of-another-family", lambda value, _: b"<Document>" + value, "FILE-HEADER-MISSING", "RECORD-TYPE"),
    _kind("creation-date", _in_record(b"1", 24, 29, _is(b"261341")), "FILE-CREATION-DATE"),
    # An entry's own faults return that entry; the others of its file settle.
    Kind("ach-check-digit", _good, _in_record(b"6", 4, 12, _check_digit), _entries("PARTIAL", "R28", None)),
    Kind("ach-indicator", _good, _in_record(b"6", 79, 79, _is(b"2")), _entries("PARTIAL", "R25", None)),
    Kind("ach-addenda-missing", _good, _in_record(b"6", 79, 79, _is(b"1")), _entries("PARTIAL", "R26", None)),
    Kind("ach-account-missing", _good, _in_record(b"6", 13, 29, _is(b"")), _entries("PARTIAL", "R04", None)),
)
