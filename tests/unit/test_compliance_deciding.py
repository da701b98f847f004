"""What a decided case sends back: the next attempt, with the decision, and nothing of what was found out before."""

from __future__ import annotations

import msgspec
import pytest

from engine.bus.topics import REJECTED, RELEASED
from engine.compliance.cases import Case, Operator, approve, propose
from engine.compliance.deciding import next_attempt
from engine.compliance.decision import Clearance, hit_key
from engine.compliance.screening import Hit
from engine.wire import Envelope, Rejection, Route, decode, encode
from payments import Money, Payment, PaymentKind

HIT = Hit(
    field="creditor.name",
    value="Mirela Ostrand",
    entry_id="L:5",
    entry_version="0a" * 8,
    list="L",
    matched_name="Mirela Ostrand",
    score=0.91,
    reason="equal",
    measure="block",
    party="0b" * 16,
)
EARLIER = msgspec.structs.replace(HIT, field="debtor.name", entry_id="L:6")
HELD = Envelope(
    source=3,
    offset=41,
    attempt=1,
    received_ms=1_780_000_000_000,
    digest="0c" * 16,
    state="HELD",
    format="swift-mt",
    type="MT103",
    sender="NORDFIHHXXX",
    payment=Payment(index=0, kind=PaymentKind.CREDIT_TRANSFER, amount=Money(12_345, "EUR")),
    clearance=Clearance(decision="HELD", hits=(HIT,), released=(EARLIER,), list_version="v1", settings_version="s1"),
    route=Route("EUR-RTGS", "NORDFIHHXXX", "SUDBITMMXXX", 4),
)


def sent(decision: str, held: Envelope = HELD) -> tuple[str, Envelope]:
    case = Case(
        case_id=9,
        payment_id="00" * 16,
        attempt=held.attempt,
        payment_digest="0d" * 32,
        hits=() if held.clearance is None else held.clearance.hits,
        list_version="v1",
        settings_version="s1",
        readable=held.payment is not None,
    )
    proposed, proposal = propose(case, Operator("kim", "analyst"), decision, "born 1995")
    decided, _ = approve(proposed, proposal, Operator("lou", "officer"), proposal.hash)
    topic, envelope = next_attempt(held, decided, proposal, "lou")
    return topic, decode(encode(envelope))


def test_a_release_is_received_anew_with_all_hits_that_persons_released():
    topic, envelope = sent("release")
    assert (topic, envelope.state, envelope.attempt) == (RELEASED, "RECEIVED", 2)
    assert (envelope.clearance, envelope.route, envelope.rejection, envelope.crash) == (None, None, None, None)
    assert envelope.payment == HELD.payment
    assert envelope.payment_id == HELD.payment_id
    release = envelope.release
    assert release is not None
    assert (release.case_id, release.proposed_by, release.approved_by) == (9, "kim", "lou")
    assert release.hits == tuple(sorted((hit_key(HIT), hit_key(EARLIER))))


@pytest.mark.parametrize(("decision", "state"), [("reject", "REJECTED"), ("block", "BLOCKED")])
def test_a_refusal_says_nothing_of_what_was_found(decision, state):
    topic, envelope = sent(decision)
    assert (topic, envelope.state, envelope.attempt) == (REJECTED, state, 2)
    assert envelope.rejection == Rejection("RR04", "regulatory reason", "compliance")
    assert envelope.route is None


def test_a_message_that_could_not_be_processed_is_refused_without_a_regulatory_reason():
    crashed = msgspec.structs.replace(HELD, payment=None, clearance=None, attempt=0, crash="ValueError: 7")
    topic, envelope = sent("reject", crashed)
    assert (topic, envelope.state, envelope.attempt, envelope.crash) == (REJECTED, "REJECTED", 1, None)
    assert envelope.rejection is not None
    assert (envelope.rejection.code, envelope.rejection.stage) == ("MS03", "operations")
    assert "7" not in envelope.rejection.text


def test_the_held_envelope_stays_as_it_was():
    before = encode(HELD)
    sent("release")
    assert encode(HELD) == before
