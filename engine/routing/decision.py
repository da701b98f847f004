"""Routing: scheme, both participants, the book. A pure function of the payment and the directory.

Rule: money flows from the debtor's side to the creditor's side. In a credit transfer the authenticated sender pays;
in a direct debit the sender collects. The other side is the instructed agent or, where the message went to the
operator, the far agent, found by BIC of 11, of 8, or routing number. Refusals carry the scheme's own code.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.routing.directory import Directory, Participant
from engine.wire import Envelope, Rejection, Route
from payments import Agent, Payment, PaymentKind
from settlement.schemes import Scheme, scheme_for

#: Kinds that ask for a movement of money; the others are requests or news.
MOVES_MONEY = frozenset(
    {
        PaymentKind.CREDIT_TRANSFER,
        PaymentKind.FINANCIAL_INSTITUTION_TRANSFER,
        PaymentKind.DIRECT_DEBIT,
        PaymentKind.RETURN,
        PaymentKind.REVERSAL,
    }
)


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """What routing looks at besides the payment: the directory of one version, and the operator's own BIC."""

    directory: Directory
    operator: str


def route(envelope: Envelope, facts: RoutingFacts) -> Route | Rejection:
    """Where an envelope's payment settles, or why nowhere."""
    payment = envelope.payment
    if payment is None or payment.amount is None:
        return Rejection("FF01", "there is no amount to settle", "routing")
    scheme = scheme_for(envelope.format, envelope.type, envelope.scheme, payment.amount.currency)
    if scheme is None:
        return Rejection("AM03", f"no scheme here settles {envelope.type} in {payment.amount.currency}", "routing")
    near = facts.directory.find(envelope.sender)
    far = _far_side(payment, envelope, facts)
    if near is None or far is None or near is far:
        return _nowhere(near, far, scheme, envelope)
    collects = payment.kind is PaymentKind.DIRECT_DEBIT
    debit, credit = (far, near) if collects else (near, far)
    problem = _excluded(debit, credit, scheme, facts.directory)
    if problem is not None:
        return problem
    book = _book(debit, credit, scheme, facts.directory)
    if book is None:
        text = f"{debit.id} and {credit.id} have no accounts in a common system of {scheme.name}"
        return Rejection(scheme.codes.forbidden, text, "routing")
    envelope.scheme = scheme.name
    return Route(
        book=book,
        debit=debit.id,
        credit=credit.id,
        reference=facts.directory.version,
        priority=payment.priority or "normal",
        no_wait=not scheme.may_wait,
    )


def _far_side(payment: Payment, envelope: Envelope, facts: RoutingFacts) -> Participant | None:
    """The participant on the other side: the instructed agent unless that is the operator, else the far agent."""
    last = payment.debtor_agent if payment.kind is PaymentKind.DIRECT_DEBIT else payment.creditor_agent
    for identifier in (
        *_identifiers(payment.instructed_agent),
        envelope.receiver,
        *(found for agent in payment.intermediaries for found in _identifiers(agent)),
        *_identifiers(last),
    ):
        if identifier is not None and identifier[:8] != facts.operator[:8] and identifier != envelope.sender:
            found = facts.directory.find(identifier)
            if found is not None:
                return found
    return None


def _identifiers(agent: Agent | None) -> tuple[str | None, ...]:
    return () if agent is None else (agent.bic, agent.clearing_id)


def _nowhere(near: Participant | None, far: Participant | None, scheme: Scheme, envelope: Envelope) -> Rejection:
    if near is None:
        return Rejection(
            scheme.codes.debtor_agent_unknown, f"the sender {envelope.sender} is no participant", "routing"
        )
    if far is None:
        text = "the receiving bank is no participant, and no participant is named on the way to it"
        return Rejection(scheme.codes.creditor_agent_unknown, text, "routing")
    return Rejection(scheme.codes.forbidden, f"{near.id} would pay itself", "routing")


def _excluded(debit: Participant, credit: Participant, scheme: Scheme, directory: Directory) -> Rejection | None:
    codes = scheme.codes
    for participant, suspended in ((debit, codes.debtor_agent_suspended), (credit, codes.creditor_agent_suspended)):
        if scheme.name not in directory.schemes[participant.id]:
            text = f"{participant.id} does not take part in {scheme.name}"
            return Rejection(codes.forbidden, text, "routing")
        if participant.status != "active":
            return Rejection(suspended, f"{participant.id} is suspended", "routing")
    return None


def _book(debit: Participant, credit: Participant, scheme: Scheme, directory: Directory) -> str | None:
    for book in scheme.books:
        if (debit.id, book) in directory.accounts and (credit.id, book) in directory.accounts:
            return book
    return None
