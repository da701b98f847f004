"""Accounts and balances as people ask for them: read only, across books.

Rule: what waits is added up from ``engine.waiting``, whose envelopes say the book, the two participants and the amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from engine.store.connection import Connection
from payments import Money


@dataclass(slots=True)
class AccountView:
    """An account in minor units of its currency. ``credit_line`` None: a contra account, which has no floor."""

    number: int
    book: str
    participant: str
    purpose: str
    currency: str
    balance: int
    credit_line: int | None
    seq: int
    reserved: int = 0
    queued_out: int = 0
    queued_in: int = 0

    @property
    def available(self) -> int | None:
        """What a payment may use; None for a contra account."""
        return None if self.credit_line is None else self.balance + self.credit_line - self.reserved


class _Route(msgspec.Struct):
    book: str
    debit: str
    credit: str


class _Payment(msgspec.Struct):
    amount: Money | None = None


class _Waiting(msgspec.Struct):
    """What of an envelope counts here; the rest is not read."""

    route: _Route | None = None
    payment: _Payment | None = None


_decode = msgspec.json.Decoder(_Waiting).decode

_ACCOUNTS = """
    select a.account_id, a.book, a.participant, a.purpose, a.currency, b.balance, b.credit_line, b.seq
    from ledger.accounts a join ledger.balances b using (account_id)
    order by a.book, a.purpose desc, a.participant
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """An open account's number, currency and credit line (minor units)."""

    number: int
    currency: str
    credit_line: int | None = field(default=None)


def open_accounts(connection: Connection) -> dict[tuple[str, str], Terms]:
    """(book, participant) -> terms of its settlement account, for all that are open."""
    found = connection.execute(
        "select a.book, a.participant, a.account_id, a.currency, b.credit_line"
        " from ledger.accounts a join ledger.balances b using (account_id) where a.purpose = 'settlement'"
    )
    return {(row[0], row[1]): Terms(*row[2:]) for row in found.fetchall()}


def balances(connection: Connection) -> list[AccountView]:
    """All accounts, by book, settlement accounts before contra accounts, then by participant; one moment for all."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        views = [AccountView(*row) for row in connection.execute(_ACCOUNTS).fetchall()]
        places = {(view.book, view.participant): view for view in views if view.purpose == "settlement"}
        with connection.cursor(name="waiting") as waiting:
            waiting.itersize = 5_000
            waiting.execute("select state, envelope from engine.waiting where state in ('QUEUED', 'RESERVED')")
            for state, envelope in waiting:
                _count(places, state, _decode(envelope))
    return views


def _count(places: Mapping[tuple[str, str], AccountView], state: str, envelope: _Waiting) -> None:
    if envelope.route is None or envelope.payment is None or envelope.payment.amount is None:
        return
    amount = envelope.payment.amount.minor
    debit = places.get((envelope.route.book, envelope.route.debit))
    credit = places.get((envelope.route.book, envelope.route.credit))
    if state == "RESERVED":
        if debit is not None:
            debit.reserved += amount
        return
    if debit is not None:
        debit.queued_out += amount
    if credit is not None:
        credit.queued_in += amount
