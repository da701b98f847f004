"""From a message to payments: each message type with what makes its payments.

Rule: in a Payment money flows from the debtor's agent to the creditor's agent; instructing and instructed agent are
sender and receiver of the message. What a Payment has no place for is in ``details`` under its tag (``53B``, ``72``),
header values under ``block3.108``, ``session``, ``sequence``, ``input_reference``, ``terminal``. A type that is not in
the table moves no money. Source: SWIFT User Handbook.
"""

from __future__ import annotations

from collections.abc import Callable

from parsers.swift_mt import batches
from parsers.swift_mt.headers import Headers
from parsers.swift_mt.notices import cancellation, confirmation, rejection, resolution
from parsers.swift_mt.text import Text
from parsers.swift_mt.transfers import bank_transfer, customer_transfer
from payments import Payment


def payments_of(text: Text, headers: Headers, user: dict[str, str]) -> tuple[Payment, ...]:
    """The payments of a message whose fields have the right form; none for a type that moves no money."""
    key = text.plan.key or ""
    make = _MAKERS.get(key)
    if make is not None:
        made = make(text, headers, user)
        return () if made is None else (made,)
    several = _BATCHES.get(key)
    return () if several is None else tuple(several(text, headers, user))


#: Key of the message table -> what makes its payment.
_MAKERS: dict[str, Callable[[Text, Headers, dict[str, str]], Payment | None]] = {
    "103": customer_transfer,
    "103STP": customer_transfer,
    "103REMIT": customer_transfer,
    "200": bank_transfer,
    "202": bank_transfer,
    "202COV": bank_transfer,
    "205": bank_transfer,
    "205COV": bank_transfer,
    "900": confirmation,
    "910": confirmation,
    "n92": cancellation,
    "n96": resolution,
    "n99": rejection,
}
#: Key of the message table -> what makes the payments of its transactions.
_BATCHES: dict[str, Callable[[Text, Headers, dict[str, str]], list[Payment]]] = {
    "101": batches.credits,
    "102": batches.credits,
    "102STP": batches.credits,
    "104": batches.debits,
    "107": batches.debits,
    "201": batches.bank_credits,
    "203": batches.bank_credits,
    "204": batches.bank_debits,
    "210": batches.expected,
}
#: How the types of several transactions begin.
BATCHES = tuple(sorted({f"MT{key[:3]}" for key in _BATCHES}))
#: Types that ask for a movement of money, as messages name them (``MT103``): one without payments was not executed.
MOVING = frozenset(f"MT{key}" for key in (*_MAKERS, *_BATCHES) if key[0] in "12" and key not in {"101", "210"})
