"""Broken messages of the other SWIFT MT types, and rules that compare fields: made from an MT103, every field new.

Codes are those of SWIFT's error list; H30 is what a type gets that the engine does not process.
"""

from __future__ import annotations

import random
import re

from engine.testbed.samples import Sample, Writer
from tools.broken_inputs.kinds import Kind, Mutator, MutatorError, rejected

_PARTS = re.compile(rb"\{4:\r\n:20:(\w+)\r\n.*?:32A:(\d{6})EUR(\d+,\d\d)", re.DOTALL)


def _good(writer: Writer) -> Sample:
    return writer.mt103(rich=True)


def _other(message_type: str, text: str, *, flag: str = "") -> Mutator:
    """A message of that type with this text; R is the reference, V the value date, S the amount with its currency."""

    def mutate(value: bytes, chance: random.Random) -> bytes:
        del chance
        found = _PARTS.search(value)
        if found is None:
            raise MutatorError("the sample is no MT103")
        reference, day, figures = (part.decode() for part in found.groups())
        lines = [
            line.replace("<R>", reference).replace("<V>", day).replace("<S>", f"EUR{figures}").replace("_", " ")
            for line in text.split()
        ]
        body = "\r\n".join(lines).encode()
        head = value[: value.index(b"{4:")].replace(b"{2:I103", b"{2:I" + message_type.encode(), 1)
        if flag:
            head = head.replace(b"{3:{", b"{3:{119:" + flag.encode() + b"}{", 1)
        return head + b"{4:\r\n" + body + b"\r\n-}"

    return mutate


def _kind(name: str, message_type: str, text: str, *codes: str, flag: str = "") -> Kind:
    return Kind(f"mt-{name}", _good, _other(message_type, text, flag=flag), rejected(*codes))


_BEGIN = ":20:<R> :23B:CRED"
_PAID = ":32A:<V><S> :33B:<S> :50K:ANNA_LIND"
_TAKEN = ":59:/4711 OAK_TRADING"
_BANKS = ":20:<R> :21:<R> :32A:<V><S>"
_BATCH = ":20:<R> :23:CREDIT :50K:ANNA_LIND :71A:SHA :21:ONE :32B:EUR1, :59:/4711 OAK :33B:EUR1,"

KINDS: tuple[Kind, ...] = (
    _kind("unknown-type", "177", f":20:<R> :32A:<V><S> {_TAKEN}", "H30"),
    _kind("securities", "547", ":20C::SEME//<R> :23G:NEWM", "H30"),
    _kind("other-currency-without-rate", "103", f"{_BEGIN} :32A:<V><S> :33B:USD1, :50K:ANNA {_TAKEN} :71A:SHA", "D75"),
    _kind("rate-of-nothing", "103", f"{_BEGIN} :32A:<V><S> :33B:<S> :36:1,1 :50K:ANNA {_TAKEN} :71A:SHA", "D75"),
    _kind("intermediary-alone", "103", f"{_BEGIN} {_PAID} :56A:BARCGB22 {_TAKEN} :71A:SHA", "C81"),
    _kind("ben-without-charges", "103", f"{_BEGIN} {_PAID} {_TAKEN} :71A:BEN", "E15"),
    _kind("our-with-senders-charges", "103", f"{_BEGIN} {_PAID} {_TAKEN} :71A:OUR :71F:EUR1,", "E13"),
    _kind("sha-with-receivers-charges", "103", f"{_BEGIN} {_PAID} {_TAKEN} :71A:SHA :71G:EUR1,", "D50"),
    _kind("charges-in-other-currency", "103", f"{_BEGIN} {_PAID} {_TAKEN} :71A:OUR :71G:USD1,", "C02"),
    _kind("charges-of-nothing", "103", f"{_BEGIN} {_PAID} {_TAKEN} :71A:OUR :71G:EUR0,", "D57"),
    _kind("standard-with-instruction", "103", f":20:<R> :23B:SSTD :23E:CORT {_PAID} {_TAKEN} :71A:SHA", "E02"),
    _kind("phone-without-agent", "103", f"{_BEGIN} :23E:PHON {_PAID} {_TAKEN} :71A:SHA", "E45"),
    _kind("instruction-unknown", "103", f"{_BEGIN} :23E:WXYZ {_PAID} {_TAKEN} :71A:SHA", "T47"),
    _kind("202-without-beneficiary", "202", _BANKS, "T13"),
    _kind("202-without-related", "202", ":20:<R> :32A:<V><S> :58A:BARCGB22", "T13"),
    _kind("202-intermediary-alone", "202", f"{_BANKS} :56A:BARCGB22 :58A:BARCGB22", "C81"),
    _kind("202-with-a-customer", "202", f"{_BANKS} :58A:BARCGB22 :59:/4711 OAK", "T13"),
    _kind("cover-without-customers", "202", f"{_BANKS} :58A:BARCGB22", "T13", flag="COV"),
    _kind("205-without-ordering-bank", "205", f"{_BANKS} :58A:BARCGB22", "T13"),
    _kind("200-bank-of-no-country", "200", ":20:<R> :32A:<V><S> :57A:BARCXX22", "T27"),
    _kind("102-sum-wrong", "102", f"{_BATCH} :32A:<V>EUR1, :19:2,", "C01"),
    _kind("102-without-settlement", "102", _BATCH, "T13"),
    _kind("104-without-debtor", "104", ":20:<R> :23E:AUTH :30:<V> :50K:POWER :71A:SHA :21:ONE :32B:EUR1,", "T13"),
    _kind("cancellation-of-nothing", "192", ":20:<R> :21:OTHER :11S:103 <V>", "C25"),
    _kind("cancellation-without-date", "192", ":20:<R> :21:OTHER :79:/DUPL/", "T13"),
)  # fmt: skip
