"""Broken MT103: codes of SWIFT's error list (FIN error codes: H block 1 and 2, U block 3, T and C fields, C rules)."""

from __future__ import annotations

import random
import re

from engine.testbed.samples import Sample, Writer
from tools.broken_inputs.kinds import Kind, Mutator, blank, change, garbage, rejected, swap


def _good(writer: Writer) -> Sample:
    return writer.mt103(rich=True)


def _kind(name: str, mutate: Mutator, *codes: str) -> Kind:
    return Kind(f"mt-{name}", _good, mutate, rejected(*codes))


def _cut_in_text(value: bytes, chance: random.Random) -> bytes:
    start = value.index(b"{4:") + 6
    return value[: chance.randrange(start, len(value) - 4)]


def _cut_in_headers(value: bytes, chance: random.Random) -> bytes:
    """Behind the sender: nobody can be answered before it is known who wrote."""
    return value[: chance.randrange(value.index(b"{2:") + 3, value.index(b"}{3:"))]


def _without(tag: bytes) -> Mutator:
    return change(rb"\r\n:" + tag + rb":.*?(?=\r\n[:-])", b"")


def _twice(tag: bytes) -> Mutator:
    return change(rb"\r\n:" + tag + rb":.*?(?=\r\n[:-])", rb"\g<0>\g<0>")


def _order(value: bytes, chance: random.Random) -> bytes:
    """Two neighbouring fields change places; 20 and 23B, 23B and 32A, 59 and 70 are never free to."""
    first, second = chance.choice(((b"20", b"23B"), (b"23B", b"32A"), (b"59", b"70")))
    pattern = rb"(\r\n:" + first + rb":.*?)(\r\n:" + second + rb":.*?)(?=\r\n[:-])"
    return change(pattern, rb"\2\1")(value, chance)


def _braces(value: bytes, chance: random.Random) -> bytes:
    storm = b"".join(chance.choice((b"{", b"}", b"{4:", b"{5:{")) for _ in range(chance.randrange(1_000, 20_000)))
    return value[: value.index(b"{4:")] + storm


def _binary(value: bytes, chance: random.Random) -> bytes:
    """Control characters inside a name."""
    bad = bytes(chance.choice((0, 1, 2, 7, 8, 14, 27, 127, 128, 200, 255)) for _ in range(chance.randrange(1, 9)))
    return change(rb"(:50K:/[A-Z0-9]+\r\n..)", lambda match, _: match[1] + bad)(value, chance)


def _digit_to_letter(match: re.Match[bytes], chance: random.Random) -> bytes:
    text = bytearray(match[2])
    places = [at for at, byte in enumerate(text) if 48 <= byte < 58]
    text[chance.choice(places)] = chance.choice(b"ABXYZ")
    return match[1] + bytes(text)


def _bad_bic(match: re.Match[bytes], chance: random.Random) -> bytes:
    """The receiver's terminal: no such country, or a digit where the country stands."""
    text = bytearray(match[2])
    text[4:6] = chance.choice((b"XX", b"QQ", b"1D", b"D9"))
    return match[1] + bytes(text)


def _bad_day(match: re.Match[bytes], chance: random.Random) -> bytes:
    return match[1] + chance.choice((b"261301", b"260230", b"260432", b"260000", b"261131"))


def _other_check_digits(match: re.Match[bytes], chance: random.Random) -> bytes:
    """Not the right two digits; and none that would be right as well (97 divides their difference)."""
    right = int(match[2])
    return match[1] + b"%02d" % chance.choice([n for n in range(2, 99) if (n - right) % 97])


def _stp(mutate: Mutator) -> Mutator:
    """The same on an MT103 STP."""

    def marked(value: bytes, chance: random.Random) -> bytes:
        return mutate(swap(b"{3:{121", b"{3:{119:STP}{121")(value, chance), chance)

    return marked


KINDS: tuple[Kind, ...] = (
    _kind("cut-in-text", _cut_in_text, "N02"),
    _kind("cut-in-headers", _cut_in_headers, "H25"),
    _kind("amount-digit-flipped", change(rb"(:32A:\d{6}EUR)(\d+)", _digit_to_letter), "T33", "T40", "T43"),
    _kind("amount-without-comma", change(rb"(:32A:\d{6}EUR\d+),\d\d", rb"\g<1>"), "T40"),
    _kind("amount-with-point", change(rb"(:32A:\d{6}EUR\d+),(\d\d)", rb"\g<1>.\2"), "T40", "T33"),
    _kind("amount-two-commas", change(rb"(:32A:\d{6}EUR\d+),(\d\d)", rb"\g<1>,\2,"), "T40", "T33"),
    _kind("amount-no-integer", change(rb"(:32A:\d{6}EUR)\d+,", rb"\1,"), "T43", "T40"),
    _kind("amount-too-long", change(rb"(:32A:\d{6}EUR)", rb"\g<1>12345678901234"), "T43", "T33"),
    _kind("amount-three-decimals", change(rb"(:32A:\d{6}EUR\d+,\d\d)", rb"\g<1>5"), "C03"),
    _kind("yen-with-decimals", change(rb":32A:(\d{6})EUR\d+,\d\d", rb":32A:\1JPY100,50"), "C03"),
    _kind("date-digit-flipped", change(rb"(:32A:)(\d{6})", _digit_to_letter), "T50", "T33"),
    _kind("date-no-day", change(rb"(:32A:)\d{6}", _bad_day), "T50"),
    _kind("currency-unknown", change(rb"(:32A:\d{6})EUR", rb"\g<1>ZQZ"), "T52"),
    _kind("receiver-bic-flipped", change(rb"(\{2:I103)([A-Z0-9]{12})", _bad_bic), "H50"),
    _kind("agent-bic-flipped", swap(b"\r\n:59:", b"\r\n:57A:KOGADXHH\r\n:59:"), "T27"),
    _kind("without-20", _without(b"20"), "T13"),
    _kind("without-23B", _without(b"23B"), "T13"),
    _kind("without-32A", _without(b"32A"), "T13"),
    _kind("without-50K", _without(b"50K"), "T13"),
    _kind("without-59", _without(b"59"), "T13"),
    _kind("without-71A", _without(b"71A"), "T13"),
    _kind("uetr-upper-case", change(rb"\{121:[^}]*\}", lambda match, _: match[0].upper()), "U13"),
    _kind("20-twice", _twice(b"20"), "T10", "T13"),
    _kind("32A-twice", _twice(b"32A"), "T10", "T13"),
    _kind("71A-twice", _twice(b"71A"), "T10", "T13"),
    _kind("fields-out-of-order", _order, "T13"),
    _kind("unknown-field", swap(b"\r\n:71A:", b"\r\n:99Z:WHATEVER\r\n:71A:"), "T13"),
    _kind("reference-slash", change(rb":20:(\w+)", rb":20:/\1"), "T26"),
    _kind("reference-double-slash", change(rb":20:(\w{3})", rb":20:\1//"), "T26"),
    _kind("reference-too-long", change(rb":20:", b":20:ABCDEFGHIJKLMNOPQ"), "T33"),
    _kind("operation-unknown", swap(b":23B:CRED", b":23B:CASH"), "T36"),
    _kind("charges-unknown", change(rb":71A:(SHA|OUR)", b":71A:ALL"), "T08"),
    _kind("name-missing", change(rb"(:59:/[A-Z0-9]+)\r\n.*?(?=\r\n:)", rb"\1"), "T34"),
    _kind("five-lines", change(rb"(:59:/[A-Z0-9]+\r\n)", rb"\1ONE\r\nTWO\r\n"), "T30", "T33"),
    _kind("line-too-long", change(rb"(:50K:/[A-Z0-9]+\r\n)", rb"\1" + b"NAME " * 8), "T33"),
    # Only the STP variant asks for IBANs (rule D19); in a plain MT103 the account is the banks' own business.
    _kind("stp-bad-iban", _stp(change(rb"(:59:/DE)(\d\d)", _other_check_digits)), "D19"),
    _kind("stp-with-50C", _stp(change(rb":50K:.*?(?=\r\n:)", b":50C:KOGADEHH")), "T12", "T13"),
    _kind("other-characters", change(rb"(:70:)", rb"\1" + "Grüße ".encode("latin-1")), "M60", "T33"),
    _kind("binary", _binary, "M60", "T33"),
    _kind("brace-storm", _braces, "N02", "N08", "N04", "N03"),
    _kind("type-not-a-number", swap(b"{2:I103", b"{2:I1A3"), "H25", "H30"),
    _kind("priority-unknown", change(rb"(\{2:I103[A-Z0-9]{12})N", rb"\1X"), "H40", "H25"),
    _kind("garbage", garbage, "N01"),
    _kind("blank", blank, "N01"),
    _kind("of-another-family", swap(b"{1:", b"<Document>"), "N01", "H01"),
    _kind("block-4-twice", change(rb"(\{4:.*-\})", rb"\1\1"), "N08"),
)
