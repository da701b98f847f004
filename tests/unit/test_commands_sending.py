"""Sending: the bytes go untouched, signed, to the right topic, and where they arrived is found again."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import ids, sending
from engine.bus.memory import MemoryBus
from engine.bus.record import Outgoing
from engine.errors import UsageFault
from engine.sending import Drop, Signer
from engine.store.outcomes import MessageView, PaymentView, outcome_of, record
from payments import Money

KEY, OLD_KEY = b"k" * 32, b"o" * 32
MT103 = (
    b"{1:F01ALPHDEFFAXXX0000000000}{2:I103BETAFRPPXXXXN}{4:\r\n:20:REF1\r\n:23B:CRED\r\n:32A:261124EUR5,\r\n"
    b":50K:/DE89370400440532013000\r\nANNA\r\n:59:/FR1420041010050500013M02606\r\nPAUL\r\n:71A:SHA\r\n-}"
)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def bus(partitions: int = 3) -> MemoryBus:
    made = MemoryBus()
    made.create_topic("ingest.swift-mt", partitions)
    return made


def deliver(on: MemoryBus, drops: list[Drop]) -> None:
    sending.deliver(drops, on.producer(), on.consumer("send"), on.admin())


def test_topic_key_and_signature_come_from_the_message() -> None:
    drop = sending.prepared("a.fin", MT103, Signer({"ALPHDEFFXXX": [KEY, OLD_KEY]}), topic=None, key=None)
    assert (drop.topic, drop.key, drop.problem) == ("ingest.swift-mt", "ALPHDEFFXXX", None)
    assert drop.signature == hmac.new(KEY, MT103, hashlib.sha256).hexdigest()


def test_options_come_before_what_the_message_says_but_the_sender_inside_signs() -> None:
    signer = Signer({"ALPHDEFFXXX": [KEY], "BETAFRPPXXX": [OLD_KEY]})
    drop = sending.prepared("a.fin", MT103, signer, topic="ingest.sepa", key="BETAFRPPXXX")
    assert (drop.topic, drop.key) == ("ingest.sepa", "BETAFRPPXXX")
    assert drop.signature == hmac.new(KEY, MT103, hashlib.sha256).hexdigest()


def test_what_nobody_recognises_needs_a_topic_and_is_signed_with_the_key_named() -> None:
    signer = Signer({"ALPHDEFFXXX": [KEY]})
    without = sending.prepared("x", b"garbage", signer, topic=None, key=None)
    named = sending.prepared("x", b"garbage", signer, topic="ingest.ach", key="ALPHDEFFXXX")
    assert without.problem is not None
    assert "--topic" in without.problem
    assert named.problem is None
    assert named.signature == hmac.new(KEY, b"garbage", hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("sender", "signed"), [("ALPHDEFFXXX", True), ("ALPHDEFF123", True), ("BETAFRPPXXX", False), (None, False)]
)
def test_a_branch_signs_with_its_institutions_key(sender: str | None, signed: bool) -> None:
    assert (Signer({"ALPHDEFF": [KEY]}).sign(sender, b"x") is not None) is signed


def test_messages_are_found_where_they_arrived_between_those_of_others() -> None:
    on = bus()
    other = on.producer()
    for _ in range(5):
        other.send(Outgoing("ingest.swift-mt", 0, b"k", b"other", {}))
    other.flush(1)
    drops = [Drop(f"{n}.fin", b"v%d" % n, "ingest.swift-mt", key) for n, key in enumerate(("A", "B", None, "A"))]
    deliver(on, drops)
    for drop in drops:
        assert drop.place is not None
        assert drop.offset is not None
        stored = next(each for each in on.records(*drop.place) if each.offset == drop.offset)
        assert stored.value == drop.value
    assert drops[0].place == drops[3].place
    assert (drops[0].offset or 0) < (drops[3].offset or 0)


def test_the_signature_travels_in_its_header_and_only_if_there_is_one() -> None:
    on = bus(1)
    deliver(on, [Drop("a", b"x", "ingest.swift-mt", "A", signature="ab"), Drop("b", b"y", "ingest.swift-mt", "A")])
    assert [each.headers.get("lau") for each in on.records("ingest.swift-mt")] == [b"ab", None]


def test_a_topic_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageFault, match=r"ingest\.nowhere"):
        deliver(bus(), [Drop("a", b"x", "ingest.nowhere", "A")])


def test_what_could_not_be_sent_keeps_its_problem_and_the_others_go() -> None:
    on = bus(1)
    drops = [Drop("a", b"", problem="cannot be read"), Drop("b", b"y", "ingest.swift-mt", "A")]
    deliver(on, drops)
    assert [drop.offset for drop in drops] == [None, 0]
    shown = sending.record(drops[0], None, {})
    assert (shown["outcome"], shown["error"], shown["payments"]) == (None, "cannot be read", [])


@pytest.mark.parametrize(
    ("states", "expected", "outcome"),
    [
        ([], 1, None),
        (["SETTLED"], 2, None),
        (["SETTLED", "SETTLED"], 2, "SETTLED"),
        (["SETTLED", "REJECTED"], 2, "PARTIAL"),
        (["QUEUED"], 1, "QUEUED"),
        (["QUEUED", "SETTLED"], 2, "PARTIAL"),
        (["PARSED"], 1, "PARSED"),
        (["DUPLICATE", "DUPLICATE"], 2, "DUPLICATE"),
    ],
)
def test_the_outcome_of_a_message_is_what_its_payments_share(
    states: list[str], expected: int, outcome: str | None
) -> None:
    assert outcome_of(states, expected) == outcome


def view(offset: int, **changes: Any) -> MessageView:
    message = ids.payment_id(1, offset, 0)
    values: dict[str, Any] = {
        "id": message, "attempt": 0, "kind": "credit-transfer", "state": "SETTLED", "reason": None,
        "explanation": None, "amount": Money(12_345, "EUR"), "at": NOW, "duplicate_of": None,
    }  # fmt: skip
    made = MessageView(message, 1, "MT103", "ALPHDEFFXXX", "REF1", NOW, NOW)
    made.payments.append(PaymentView(**{**values, **changes}))
    return made


def test_the_record_of_a_sent_file_has_the_public_shape() -> None:
    drop = Drop("a.fin", MT103, "ingest.swift-mt", place=("ingest.swift-mt", 2), offset=7)
    shown = sending.record(drop, view(7), {1: ("ingest.swift-mt", 2)})
    assert {name: shown[name] for name in ("file", "topic", "partition", "offset", "outcome", "duplicate_of")} == {
        "file": "a.fin", "topic": "ingest.swift-mt", "partition": 2, "offset": 7, "outcome": "SETTLED",
        "duplicate_of": None,
    }  # fmt: skip
    assert isinstance(shown["payments"], list)
    assert shown["payments"][0] == {
        "id": "00000001-0000-0000-0000-000700000000", "state": "SETTLED", "reason": None, "amount": "123.45",
        "currency": "EUR", "explanation": None,
    }  # fmt: skip


def test_a_repetition_names_the_place_of_the_first() -> None:
    repeated = view(9, state="DUPLICATE", duplicate_of=ids.payment_id(1, 7, 0))
    assert record(repeated, {1: ("ingest.swift-mt", 2)})["duplicate_of"] == "ingest.swift-mt/2/7"
    assert record(repeated, {})["duplicate_of"] == "00000001-0000-0000-0000-000700000000"
    assert not repeated.refused
