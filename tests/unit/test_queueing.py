"""The queue as people see it: order, what is lacking for each and all before it, what is not a matter of funds."""

from __future__ import annotations

from datetime import date

from engine.queueing import queue_of
from engine.store.books import WaitingRow
from engine.wire import Envelope, Route
from ledger import Account
from payments import Money, Payment, PaymentKind

ACCOUNTS = (
    Account(1, "LIQUIDITY", "contra", "EUR", -500, None, 2),
    Account(2, "NORD", "settlement", "EUR", 100, 50, 1),
    Account(3, "SUED", "settlement", "EUR", 400, 0, 1),
)


def row(
    offset: int,
    amount: int,
    debit: str = "NORD",
    *,
    priority: str = "normal",
    state: str = "QUEUED",
    until: date | None = None,
    position: int | None = None,
) -> WaitingRow:
    envelope = Envelope(
        source=1,
        offset=offset,
        received_ms=0,
        digest="0c" * 16,
        state="CLEARED",
        reference=f"R{offset}",
        payment=Payment(index=0, kind=PaymentKind.CREDIT_TRANSFER, amount=Money(amount, "EUR")),
        route=Route("EUR-RTGS", debit, "SUED" if debit == "NORD" else "NORD", 1, priority=priority),
    )
    return WaitingRow(envelope, state, offset, position, until, 1)


def test_each_sender_in_its_order_with_what_it_lacks_for_all_before():
    rows = [row(1, 200), row(2, 900, "SUED"), row(3, 70), row(4, 170, priority="urgent")]
    found = queue_of("EUR-RTGS", "EUR", ACCOUNTS, rows)
    shown = [(each.reference, each.place, each.shortfall) for each in found]
    assert shown == [
        ("R4", 1, Money(20, "EUR")),
        ("R1", 2, Money(220, "EUR")),
        ("R3", 3, Money(290, "EUR")),
        ("R2", 1, Money(500, "EUR")),
    ]
    assert found[0].why == "EUR 0.20 short: EUR 1.50 available"
    assert [each.why for each in found[1:3]] == [
        "1 payment of its sender before it",
        "2 payments of its sender before it",
    ]


def test_a_moved_payment_stands_where_it_was_moved_to():
    rows = [row(1, 200), row(2, 300, position=-1)]
    assert [each.reference for each in queue_of("EUR-RTGS", "EUR", ACCOUNTS, rows)] == ["R2", "R1"]


def test_what_is_warehoused_comes_last_by_its_date_and_lacks_nothing():
    later, sooner = date(2027, 3, 9), date(2027, 3, 8)
    rows = [row(1, 200, state="WAREHOUSED", until=later), row(2, 200, state="WAREHOUSED", until=sooner), row(3, 200)]
    found = queue_of("EUR-RTGS", "EUR", ACCOUNTS, rows)
    assert [(each.reference, each.place) for each in found] == [("R3", 1), ("R2", None), ("R1", None)]
    assert found[1].shortfall is None
    assert found[1].why == "warehoused until 2027-03-08"


def test_nothing_waits_in_an_empty_book():
    assert queue_of("USD-ACH", "USD", (), ()) == []
