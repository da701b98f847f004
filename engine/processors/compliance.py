"""Compliance on the way: the decision about one envelope, with its scheme's own policy.

Rule: requests and news are not held; an instant payment is never held; a release is screened again, and only what
two persons released stays released.
"""

from __future__ import annotations

from engine.compliance.decision import ComplianceFacts, comply
from engine.wire import Envelope, Rejection
from payments import PaymentKind
from settlement.schemes import scheme_for


def clear(envelope: Envelope, facts: ComplianceFacts) -> Envelope:
    """RECEIVED becomes CLEARED, HELD or REJECTED."""
    payment = envelope.payment
    if payment is None or payment.kind is PaymentKind.CANCELLATION_REQUEST:
        envelope.state = "CLEARED"
        return envelope
    currency = payment.amount.currency if payment.amount is not None else ""
    scheme = scheme_for(envelope.format, envelope.type, envelope.scheme, currency)
    clearance = comply(
        payment,
        facts,
        instant=scheme is not None and not scheme.may_wait,
        party_screening="on" if scheme is None else scheme.party_screening,
        scheme=None if scheme is None else scheme.name,
        participant=envelope.sender,
        released=frozenset(envelope.release.hits) if envelope.release is not None else frozenset(),
    )
    envelope.clearance = clearance
    envelope.state = clearance.decision
    if clearance.decision == "REJECTED":
        envelope.rejection = Rejection(clearance.reason or "RR04", clearance.text, "compliance")
    return envelope
