"""From a message to payments: each message type with what makes its payments.

Rule: in a Payment money flows from the debtor's agent to the creditor's agent; instructing and instructed agent are
sender and receiver of the message. What a Payment has no place for is in ``details`` under its tag (``53B``, ``72``),
header values under ``block3.108``, ``session``, ``sequence``, ``input_reference``, ``terminal``. A type that is not in
the table moves no money. Source: SWIFT User Handbook.
"""

from __future__ import annotations

from collections.abc import Callable

from parsers.swift_mt.headers import Headers
from parsers.swift_mt.notices import cancellation, confirmation
from parsers.swift_mt.text import Text
from parsers.swift_mt.transfers import bank_transfer, customer_transfer
from payments import Payment


def payments_of(text: Text, headers: Headers, user: dict[str, str]) -> tuple[Payment, ...]:
    """The payments of a message whose fields have the right form; none for a type that moves no money."""
    make = _MAKERS.get(text.plan.key or "")
    return () if make is None else (make(text, headers, user),)


#: Key of the message table -> what makes its payment; a type that is not here moves no money.
_MAKERS: dict[str, Callable[[Text, Headers, dict[str, str]], Payment]] = {
    "103": customer_transfer,
    "103STP": customer_transfer,
    "103REMIT": customer_transfer,
    "200": bank_transfer,
    "202": bank_transfer,
    "202COV": bank_transfer,
    "205": bank_transfer,
    "205COV": bank_transfer,
    "n92": cancellation,
    "900": confirmation,
    "910": confirmation,
}
