"""The small parts that exactly once stands on: ids, the envelope, claims, what was seen, what a batch says."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from engine import ids, wire
from engine.compliance.decision import Clearance
from engine.processors import claims
from engine.processors.batch import Answer, Batch, Place, Waiting
from engine.processors.book_state import instruction_of
from engine.processors.decisions import Claims, Seen
from engine.wire import Envelope, Route
from payments import Finding, Money, Party, Payment, PaymentKind
from settlement.lifecycle import State

DIGEST = "00112233445566778899aabbccddeeff"


def _payment(**changes: object) -> Payment:
    payment = Payment(
        index=0,
        kind=PaymentKind.CREDIT_TRANSFER,
        amount=Money(12_345, "EUR"),
        instruction_id="REF1",
        debtor=Party(name="Jane Example"),
        creditor=Party(name="John Sample"),
    )
    return msgspec.structs.replace(payment, **changes)


def _envelope(offset: int = 7, **changes: object) -> Envelope:
    envelope = Envelope(
        source=3, offset=offset, received_ms=1_795_000_000_000, digest=DIGEST, state="CLEARED", format="swift-mt",
        type="MT103", sender="ALPHDEFFXXX", payment=_payment(),
        route=Route("EUR-RTGS", "ALPHDEFFXXX", "BETAFRPPXXX", 1),
    )  # fmt: skip
    return msgspec.structs.replace(envelope, **changes)


def test_ids_are_coordinates_in_the_order_of_arrival() -> None:
    first, later = ids.payment_id(3, 9, 0), ids.payment_id(3, 10, 0)
    assert ids.coordinates(ids.payment_id(3, 9, 2)) == (3, 9, 2)
    assert first < ids.payment_id(3, 9, 1) < later < ids.payment_id(4, 0, 0)
    assert ids.message_id(ids.payment_id(3, 9, 5)) == first
    assert ids.parse(ids.shown(first)) == first
    assert ids.shown(first) == str(uuid.UUID(bytes=first))
    assert ids.parse("REF1") is None


def test_an_envelope_survives_the_bus_and_another_version_is_refused() -> None:
    envelope = _envelope(forward="a\r\n\xe9")
    assert wire.decode(wire.encode(envelope)) == envelope
    with pytest.raises(wire.WireError, match="version 99"):
        wire.decode(wire.encode(_envelope(v=99)))
    with pytest.raises(wire.WireError):
        wire.decode(b"{}")


def test_a_claim_is_the_senders_reference_in_its_year() -> None:
    ((name, digest),) = claims.of(_envelope(), _payment())
    assert name == "ALPHDEFFXXX|swift-mt|20|2026|REF1"
    assert digest == claims.content_digest(_payment())


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"index": 4}, True),
        ({"details": {"session": "0002", "sequence": "000007"}}, True),
        ({"amount": Money(12_346, "EUR")}, False),
        ({"creditor": Party(name="Somebody Else")}, False),
        ({"end_to_end_id": "E2E"}, False),
        ({"value_date": "2026-11-25"}, False),
    ],
)
def test_a_digest_leaves_out_what_changes_from_one_sending_to_the_next(changes: dict[str, object], same: bool) -> None:
    assert (claims.content_digest(_payment(**changes)) == claims.content_digest(_payment())) is same


def test_a_reference_belongs_to_the_message_that_took_it_first() -> None:
    taken = Claims({})
    batch = Batch("EUR-RTGS", 1, 1, datetime(2026, 11, 24, tzinfo=UTC))
    first = _envelope(claims=(("K", DIGEST),))
    assert taken.take(first, batch) is None
    assert taken.take(first, batch) is None, "a message does not collide with itself"
    repeated = taken.take(_envelope(8, claims=(("K", DIGEST),)), batch)
    assert repeated is not None
    assert (repeated.same, repeated.original) == (True, ids.payment_id(3, 7, 0))
    other = taken.take(_envelope(9, claims=(("K", "ff" * 16),)), batch)
    assert other is not None
    assert (other.same, other.rejection().code) == (False, "AM05")
    assert len(batch.changes.claims) == 1


def test_what_was_seen_is_remembered_for_two_generations() -> None:
    seen = Seen(generation=2)
    seen.add([(b"a", 0), (b"b", 0), (b"c", 0)])
    seen.add([(b"d", 0)])
    assert (b"a", 0) in seen
    assert (b"a", 1) not in seen
    seen.add([(b"e", 0), (b"f", 0)])
    assert (b"a", 0) not in seen


def test_a_batch_numbers_answers_in_the_order_of_decisions() -> None:
    batch = Batch("EUR-RTGS", 1, 41, datetime(2026, 11, 24, tzinfo=UTC))
    answers = [Answer("ALPHDEFFXXX", "ACK", b"1"), Answer("BETAFRPPXXX", "MT103", b"2")]
    batch.decide(_envelope(), Place(0, 5), State.SETTLED, answers=answers)
    batch.decide(_envelope(8), Place(0, 6), State.QUEUED)
    assert [(posted.seq, posted.answer.type) for posted in batch.posted] == [(41, "ACK"), (42, "MT103")]
    assert batch.next_seq == 43
    assert (len(batch.changes.inbox), len(batch.changes.outcomes), len(batch.changes.outbox)) == (2, 1, 2)
    assert [event.state for event in batch.events] == ["SETTLED", "QUEUED"]


def test_an_event_says_each_thing_in_its_own_field() -> None:
    finding = Finding("T13", "warning", "field", "20", None, "rule", "remedy")
    hit_free = Clearance(decision="CLEARED", list_version="L1")
    envelope = _envelope(
        index=2, count=3, attempt=1, scheme="RTGS", reference="MSG1", findings=(finding,), clearance=hit_free,
        payment=_payment(uetr="U-1"),
    )  # fmt: skip
    batch = Batch("EUR-RTGS", 1, 1, datetime(2026, 11, 24, tzinfo=UTC))
    original = ids.payment_id(3, 1, 0)
    batch.decide(envelope, Place(0, 5), State.DUPLICATE, reason="AM05", explanation="why", duplicate_of=original)
    assert msgspec.structs.asdict(batch.events[0]) == {
        "id": f"{envelope.payment_id.hex()}-1-0", "payment_id": ids.shown(envelope.payment_id), "state": "DUPLICATE",
        "at": "2026-11-24T00:00:00.000Z", "attempt": 1, "index": 2, "count": 3, "reason": "AM05",
        "explanation": "why", "book": "EUR-RTGS", "scheme": "RTGS", "type": "MT103", "sender": "ALPHDEFFXXX",
        "debit": "ALPHDEFFXXX", "credit": "BETAFRPPXXX", "amount": "123.45", "currency": "EUR", "reference": "MSG1",
        "uetr": "U-1", "duplicate_of": ids.shown(original), "findings": ("T13",), "list_version": "L1", "hits": 0,
    }  # fmt: skip


def test_an_instruction_says_each_thing_in_its_own_field() -> None:
    route = Route("EUR-RTGS", "ALPHDEFFXXX", "BETAFRPPXXX", 1, priority="urgent", no_wait=True)
    envelope = _envelope(
        attempt=2, scheme="RTGS", reference="MSG1", route=route, payment=_payment(value_date="2026-11-25")
    )
    found = {name: value for name, value in msgspec.structs.asdict(instruction_of(envelope, 9)).items() if value}
    assert found == {
        "payment_id": envelope.payment_id.hex(), "attempt": 2, "book": "EUR-RTGS", "scheme": "RTGS",
        "kind": "credit-transfer", "debit": "ALPHDEFFXXX", "credit": "BETAFRPPXXX", "amount_minor": 12_345,
        "currency": "EUR", "priority": "urgent", "value_date": "2026-11-25", "sender": "ALPHDEFFXXX",
        "reference": "MSG1", "no_wait": True, "arrival": 9,
    }  # fmt: skip


def test_a_final_state_is_never_left() -> None:
    batch = Batch("EUR-RTGS", 1, 1, datetime(2026, 11, 24, tzinfo=UTC))
    waiting = Waiting(_envelope(), State.QUEUED, 5, 1)
    batch.move(waiting, State.SETTLED, "released")
    with pytest.raises(ValueError, match="SETTLED cannot become"):
        batch.move(waiting, State.REJECTED, "too late")
    assert len(batch.changes.outcomes) == 1
