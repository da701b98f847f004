"""Statements of account: what a bank tells an account's owner of its balances and entries.

Rule: one shape for MT 940, 941, 942, 950, 970 and 972 and for reports of other formats; amounts are signed (a debit is
below zero), None where the message gives none that can be read; dates are ISO 8601. What is shown to people and
programs is unsigned with ``CRDT`` or ``DBIT`` beside it. Words are ISO 20022's (camt.053, camt.052).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from payments.money import Money

StatementKind = Literal["statement", "interim-report"]
#: Opening and closing booked, closing available, forward available.
BalanceType = Literal["OPBD", "CLBD", "CLAV", "FWAV"]


class Balance(msgspec.Struct, frozen=True):
    """One balance on one day; ``intermediate`` is that of a page that is not the first or the last."""

    type: BalanceType
    amount: Money | None
    date: str | None
    intermediate: bool = False

    def record(self) -> dict[str, object]:
        """The public JSON shape."""
        return {"type": self.type, "intermediate": self.intermediate, "date": self.date, **_signed(self.amount)}


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry. ``amount`` is its effect on the account: the reversal of a credit is below zero.

    ``status`` is BOOK, or PDNG for one that is expected. ``reference`` is the account owner's, ``servicer_reference``
    the bank's. ``information`` is what the bank says of it as it stood, ``details`` its parts where it has a structure.
    """

    amount: Money | None
    value_date: str | None = None
    booking_date: str | None = None
    reversal: bool = False
    status: Literal["BOOK", "PDNG"] = "BOOK"
    funds_code: str | None = None
    transaction_code: str | None = None
    reference: str | None = None
    servicer_reference: str | None = None
    supplement: str | None = None
    information: str | None = None
    details: dict[str, str] = {}

    def record(self) -> dict[str, object]:
        """The public JSON shape."""
        return {
            **_signed(self.amount),
            "value_date": self.value_date,
            "booking_date": self.booking_date,
            "reversal": self.reversal,
            "status": self.status,
            "funds_code": self.funds_code,
            "transaction_code": self.transaction_code,
            "reference": self.reference,
            "servicer_reference": self.servicer_reference,
            "supplement": self.supplement,
            "information": self.information,
            "details": self.details,
        }


class Totals(msgspec.Struct, frozen=True):
    """Number and sum of the debits or of the credits, as the sender counted them; ``amount`` is signed."""

    number: int
    amount: Money | None

    def record(self) -> dict[str, object]:
        """The public JSON shape."""
        return {"number": self.number, **_signed(self.amount)}


class Statement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One statement, or one page of it: ``number`` and ``page`` tell which, ``last_page`` that no other follows."""

    kind: StatementKind = "statement"
    message_id: str | None = None
    related_reference: str | None = None
    account: str | None = None
    account_owner: str | None = None
    currency: str | None = None
    number: int | None = None
    page: int | None = None
    last_page: bool = True
    created: str | None = None
    balances: tuple[Balance, ...] = ()
    entries: tuple[Entry, ...] = ()
    floor_limits: tuple[Money, ...] = ()
    debits: Totals | None = None
    credits: Totals | None = None
    information: str | None = None

    def balance(self, type_: BalanceType) -> Balance | None:
        """The first balance of that type."""
        return next((balance for balance in self.balances if balance.type == type_), None)

    def record(self) -> dict[str, object]:
        """The public JSON shape: amounts as decimal strings, absent values as None."""
        return {
            "kind": self.kind,
            "message_id": self.message_id,
            "related_reference": self.related_reference,
            "account": self.account,
            "account_owner": self.account_owner,
            "currency": self.currency,
            "number": self.number,
            "page": self.page,
            "last_page": self.last_page,
            "created": self.created,
            "balances": [balance.record() for balance in self.balances],
            "entries": [entry.record() for entry in self.entries],
            "floor_limits": [_signed(limit) for limit in self.floor_limits],
            "debits": None if self.debits is None else self.debits.record(),
            "credits": None if self.credits is None else self.credits.record(),
            "information": self.information,
        }


def _signed(amount: Money | None) -> dict[str, object]:
    """An amount without its sign, and what the sign says."""
    if amount is None:
        return {"amount": None, "currency": None, "credit_debit": None}
    unsigned = amount.decimal.removeprefix("-")
    return {
        "amount": unsigned,
        "currency": amount.currency,
        "credit_debit": "DBIT" if amount.minor < 0 else "CRDT",
    }
