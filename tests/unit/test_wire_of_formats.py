"""Payments of every format travel between stages and come out as they went in."""

from __future__ import annotations

from pathlib import Path

import pytest

import parsers
from engine.processors import claims
from engine.wire import Envelope, decode, encode

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
FILES = sorted(path for folder in ("swift_mt", "iso20022", "ach") for path in (VECTORS / folder).glob("*.*"))


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix != ".json"], ids=lambda path: path.name)
def test_a_payment_survives_the_wire(path: Path) -> None:
    for message in parsers.parse(path.read_bytes()):
        for payment in message.payments:
            sent = Envelope(
                source=1, offset=2, received_ms=3, digest="0" * 32, state="RECEIVED", format=message.format,
                payment=payment, findings=message.findings,
            )  # fmt: skip
            sent.claims = claims.of(sent, payment)
            assert decode(encode(sent)) == sent
