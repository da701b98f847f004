"""The payment: what every format is turned into, in ISO 20022's words.

Rule: one shape for all formats; a field that a format does not have is None. Values were checked by the parser that
built them; the shapes are msgspec Structs so that they cross the bus without a second model.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from payments.money import Money


class PaymentKind(StrEnum):
    """What a payment asks for."""

    CREDIT_TRANSFER = "credit-transfer"
    FINANCIAL_INSTITUTION_TRANSFER = "financial-institution-transfer"
    DIRECT_DEBIT = "direct-debit"
    RETURN = "return"
    REVERSAL = "reversal"
    CANCELLATION_REQUEST = "cancellation-request"
    NOTIFICATION = "notification"
    PRENOTE = "prenote"

    #: That of the text: an enumeration's own is a call of Python for each look-up in a set.
    __hash__ = str.__hash__


class Address(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A postal address: free ``lines`` and whatever is structured. ``country`` is ISO 3166 alpha-2."""

    lines: tuple[str, ...] = ()
    street: str | None = None
    building: str | None = None
    postal_code: str | None = None
    town: str | None = None
    country_subdivision: str | None = None
    country: str | None = None


class Party(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A debtor or creditor. ``account`` is an IBAN or the scheme's own number; ``bic`` identifies the party itself."""

    name: str | None = None
    account: str | None = None
    address: Address | None = None
    bic: str | None = None
    lei: str | None = None
    identification: str | None = None
    birth_date: str | None = None


class Agent(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A financial institution: BIC (11 characters) or a member of a clearing system (``USABA`` 021000021)."""

    bic: str | None = None
    clearing_system: str | None = None
    clearing_id: str | None = None
    name: str | None = None
    account: str | None = None
    address: Address | None = None


class Original(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The payment that a return, reversal, cancellation or notification is about, and why."""

    message_type: str | None = None
    message_id: str | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    transaction_id: str | None = None
    uetr: str | None = None
    amount: Money | None = None
    settlement_date: str | None = None
    reason_code: str | None = None
    reason_text: str | None = None
    status: str | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One payment of one message; ``index`` is its place there, from 0.

    Dates are ISO 8601. ``direction`` of the money follows from ``kind``: a direct debit collects from the debtor's
    agent. ``details`` holds what only a writer of the same format needs (an ACH trace, a transaction code).
    """

    index: int
    kind: PaymentKind
    amount: Money | None = None
    value_date: str | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    transaction_id: str | None = None
    uetr: str | None = None
    charge_bearer: str | None = None
    instructed_amount: Money | None = None
    debtor: Party | None = None
    debtor_agent: Agent | None = None
    creditor: Party | None = None
    creditor_agent: Agent | None = None
    ultimate_debtor: Party | None = None
    ultimate_creditor: Party | None = None
    instructing_agent: Agent | None = None
    instructed_agent: Agent | None = None
    intermediaries: tuple[Agent, ...] = ()
    purpose: str | None = None
    remittance: str | None = None
    priority: str | None = None
    service_level: str | None = None
    local_instrument: str | None = None
    acceptance_time: str | None = None
    original: Original | None = None
    details: dict[str, str] = {}

    def record(self) -> dict[str, object]:
        """The public JSON shape: amounts as decimal strings, absent values as None."""
        return {
            "index": self.index,
            "kind": self.kind.value,
            **_money("amount", "currency", self.amount),
            "value_date": self.value_date,
            "instruction_id": self.instruction_id,
            "end_to_end_id": self.end_to_end_id,
            "uetr": self.uetr,
            "charge_bearer": self.charge_bearer,
            **_money("instructed_amount", "instructed_currency", self.instructed_amount),
            "debtor": _full(self.debtor),
            "debtor_agent": _full(self.debtor_agent),
            "creditor": _full(self.creditor),
            "creditor_agent": _full(self.creditor_agent),
            "instructing_agent": _full(self.instructing_agent),
            "instructed_agent": _full(self.instructed_agent),
            "intermediaries": [_full(agent) for agent in self.intermediaries],
            "purpose": self.purpose,
            "remittance": self.remittance,
            "original": _original(self.original),
            "transaction_id": self.transaction_id,
            "ultimate_debtor": _full(self.ultimate_debtor),
            "ultimate_creditor": _full(self.ultimate_creditor),
            "priority": self.priority,
            "service_level": self.service_level,
            "local_instrument": self.local_instrument,
            "acceptance_time": self.acceptance_time,
            "details": self.details,
        }


def _money(amount: str, currency: str, money: Money | None) -> dict[str, object]:
    if money is None:
        return {amount: None, currency: None}
    return {amount: money.decimal, currency: money.currency}


def _full(value: Party | Agent | None) -> dict[str, object] | None:
    if value is None:
        return None
    record: dict[str, object] = {name: getattr(value, name) for name in value.__struct_fields__}
    if value.address is not None:
        record["address"] = msgspec.structs.asdict(value.address)
    return record


def _original(original: Original | None) -> dict[str, object] | None:
    if original is None:
        return None
    record: dict[str, object] = msgspec.structs.asdict(original)
    return {**record, **_money("amount", "currency", original.amount)}
