"""Messages with several transactions: MT 101, 102, 104, 107, 201, 203, 204 and 210, one payment a transaction.

Rule: what a transaction (sequence B) does not say, the head (sequence A) or the foot (sequence C) says; the order of
the payments is that of the transactions. 101 is an order to execute (as pain.001), 104, 107 and 204 collect, 210 is
news. ``instruction_id`` is the transaction's own reference (21; 20 in 201 and 203), ``details`` has the rest under its
tag and the message's reference under ``message_id``. Source: SWIFT User Handbook, Standards MT categories 1 and 2.
"""

from __future__ import annotations

from typing import Any

from parsers.swift_mt.headers import Headers
from parsers.swift_mt.parties import party_of
from parsers.swift_mt.pieces import BEARERS, PRIORITIES, agent_at, bank_of, customer_at, header_details, stated
from parsers.swift_mt.text import Text
from parsers.swift_mt.transfers import ROC, returned
from parsers.swift_mt.values import bic11, iso_date
from payments import Agent, Money, Party, Payment, PaymentKind

#: Tags that have a place of their own in a Payment, or belong to the message as a whole.
_PLACED = frozenset({"20", "21", "26T", "30", "32A", "32B", "33B", "70", "71A", "19", "28D"})
_PLACED_NUMBERS = frozenset({"52", "56", "57", "58", "59"})
_ORDERING = ("50A", "50F", "50G", "50H", "50K")
_INSTRUCTING = frozenset({"50C", "50L"})


class Part:
    """One sequence of a text: its fields by tag and by number, and what a Payment has no place for."""

    __slots__ = ("notes", "places", "text")

    def __init__(self, text: Text, first: int, after: int) -> None:
        self.text = text
        self.places: dict[str, int] = {}
        self.notes: dict[str, str] = {}
        for place in range(first, after):
            tag = text.plan.tags[place]
            self.places.setdefault(tag, place)
            self.places.setdefault(tag[:2], place)
            if tag not in _PLACED and tag[:2] not in _PLACED_NUMBERS and tag not in _ORDERING:
                value = text.values[place]
                self.notes[tag] = f"{self.notes[tag]}\n{value}" if tag in self.notes else value

    def get(self, tag: str) -> str | None:
        """Value of the first field of that tag, or of that number."""
        place = self.places.get(tag)
        return None if place is None else self.text.values[place]


class Batch:
    """A message of several transactions: ``head``, ``items`` and ``foot`` with what the headers say."""

    def __init__(self, text: Text, headers: Headers, user: dict[str, str]) -> None:
        rows = text.plan.sequences()
        parts = [(letter, Part(text, first, after)) for letter, first, after in rows]
        nothing = Part(text, 0, 0)
        self.text, self.user = text, user
        self.head = next((part for letter, part in parts if letter == "A"), nothing)
        self.foot = next((part for letter, part in parts if letter == "C"), nothing)
        self.items = [part for letter, part in parts if letter == "B"]
        self.sender, self.receiver = bank_of(text.sender), bank_of(text.receiver)
        self.priority = PRIORITIES.get(headers.priority)
        day = self.foot.get("32A") or self.head.get("30")
        self.day = None if day is None else iso_date(day[:6])
        self.shared = {**header_details(headers, user), **self.head.notes, **self.foot.notes}
        if (reference := self.head.get("20")) is not None:
            self.shared["message_id"] = reference

    def said(self, item: Part, tag: str) -> str | None:
        """What the transaction says, else the head."""
        own = item.get(tag)
        return own if own is not None else self.head.get(tag)

    def agent(self, item: Part, number: str) -> Agent | None:
        """The institution of a transaction, else of the head."""
        for part in (item, self.head):
            place = part.places.get(number)
            if place is not None:
                return agent_at(self.text, place)
        return None

    def ordering(self, item: Part) -> Party | None:
        """The customer of a 50a that orders, in the transaction or in the head."""
        for part in (item, self.head):
            for tag in _ORDERING:
                if tag in part.places:
                    return customer_at(self.text, part.places[tag])
        return None

    def instructing(self, item: Part) -> Party | None:
        """The party of a 50C or 50L, who instructs for another."""
        for part in (item, self.head):
            if (bic := part.get("50C")) is not None:
                return Party(bic=bic11(bic))
            if (named := part.get("50L")) is not None:
                return Party(identification=named)
        return None

    def _amount(self, item: Part) -> Money | None:
        """What is settled: in a 102 the receiver's charges (71G) are part of it, as in the sum of its 32A."""
        amount, charges = stated(self.text, item.places.get("32B")), stated(self.text, item.places.get("71G"))
        if self.text.message_type != "102" or amount is None or charges is None or charges.currency != amount.currency:
            return amount
        return Money(amount.minor + charges.minor, amount.currency)

    def common(self, index: int, item: Part) -> dict[str, Any]:
        """What every kind of transaction has."""
        bearer, remittance = self.said(item, "71A"), item.get("70")
        roc = ROC.match(remittance) if remittance is not None else None
        between_banks = self.text.message_type[0] == "2"
        return {
            "index": index,
            "amount": self._amount(item),
            "value_date": self.day,
            "instruction_id": item.get("20") or item.get("21"),
            "end_to_end_id": roc[1] if roc is not None else item.get("21") if between_banks else None,
            "uetr": self.user.get("121") if len(self.items) == 1 else None,
            "charge_bearer": None if bearer is None else BEARERS.get(bearer),
            "instructed_amount": stated(self.text, item.places.get("33B")),
            "instructing_agent": self.sender,
            "instructed_agent": self.receiver,
            "purpose": self.said(item, "26T"),
            "remittance": remittance,
            "priority": self.priority,
            "details": {**self.shared, **item.notes},
        }


def credits(text: Text, headers: Headers, user: dict[str, str]) -> list[Payment]:  # noqa: A001  (a word of banking)
    """MT 101 and 102: from the ordering customer to each beneficiary; an order's agent is the bank that executes it."""
    batch = Batch(text, headers, user)
    near = batch.receiver if text.message_type == "101" else batch.sender
    made = []
    for index, item in enumerate(batch.items):
        base = batch.common(index, item)
        debtor = batch.ordering(item) or batch.instructing(item)
        place = item.places.get("59")
        creditor = None if place is None else customer_at(text, place)
        payer, payee = batch.agent(item, "52") or near, batch.agent(item, "57") or batch.receiver
        original = returned(text, batch.foot.get("72"), user)
        if original is not None:
            debtor, creditor, payer, payee = creditor, debtor, batch.sender, batch.receiver
        between = batch.agent(item, "56")
        made.append(
            Payment(
                kind=PaymentKind.CREDIT_TRANSFER if original is None else PaymentKind.RETURN,
                debtor=debtor,
                debtor_agent=payer,
                creditor=creditor,
                creditor_agent=payee,
                intermediaries=() if between is None else (between,),
                original=original,
                **base,
            )
        )
    return made


def debits(text: Text, headers: Headers, user: dict[str, str]) -> list[Payment]:
    """MT 104 and 107: the ordering customer is the creditor, the party of each 59a pays."""
    batch = Batch(text, headers, user)
    made = []
    for index, item in enumerate(batch.items):
        place = item.places.get("59")
        made.append(
            Payment(
                kind=PaymentKind.DIRECT_DEBIT,
                debtor=None if place is None else customer_at(text, place),
                debtor_agent=batch.agent(item, "57") or batch.receiver,
                creditor=batch.ordering(item) or batch.instructing(item),
                creditor_agent=batch.agent(item, "52") or batch.sender,
                **batch.common(index, item),
            )
        )
    return made


def bank_credits(text: Text, headers: Headers, user: dict[str, str]) -> list[Payment]:
    """MT 201 (to the sender's own accounts) and 203: from the ordering bank to each beneficiary bank."""
    batch = Batch(text, headers, user)
    made = []
    for index, item in enumerate(batch.items):
        orderer = batch.agent(item, "52") or batch.sender
        beneficiary = batch.agent(item, "58") or batch.sender
        between = batch.agent(item, "56")
        original = returned(text, batch.said(item, "72"), user)
        made.append(
            Payment(
                kind=PaymentKind.FINANCIAL_INSTITUTION_TRANSFER if original is None else PaymentKind.RETURN,
                debtor=None if orderer is None else party_of(orderer),
                debtor_agent=batch.sender,
                creditor=None if beneficiary is None else party_of(beneficiary),
                creditor_agent=(batch.agent(item, "57") if original is None else None) or batch.receiver,
                intermediaries=() if between is None else (between,),
                original=original,
                **batch.common(index, item),
            )
        )
    return made


def bank_debits(text: Text, headers: Headers, user: dict[str, str]) -> list[Payment]:
    """MT 204: the sender collects from the institution in each 53a, for the one in 58a or itself."""
    batch = Batch(text, headers, user)
    made = []
    for index, item in enumerate(batch.items):
        paying = batch.agent(item, "53") or batch.receiver
        beneficiary = batch.agent(item, "58") or batch.sender
        made.append(
            Payment(
                kind=PaymentKind.DIRECT_DEBIT,
                debtor=None if paying is None else party_of(paying),
                debtor_agent=paying,
                creditor=None if beneficiary is None else party_of(beneficiary),
                creditor_agent=batch.agent(item, "57") or batch.sender,
                **batch.common(index, item),
            )
        )
    return made


def expected(text: Text, headers: Headers, user: dict[str, str]) -> list[Payment]:
    """MT 210: each amount that the sender expects on its account with the receiver."""
    batch = Batch(text, headers, user)
    made = []
    for index, item in enumerate(batch.items):
        ordering, place = batch.agent(item, "52"), item.places.get("50")
        between = batch.agent(item, "56")
        debtor = None if place is None or text.plan.tags[place] in _INSTRUCTING else customer_at(text, place)
        if debtor is None and ordering is not None:
            debtor = party_of(ordering)
        made.append(
            Payment(
                kind=PaymentKind.NOTIFICATION,
                debtor=debtor,
                debtor_agent=ordering,
                creditor=Party(account=batch.head.get("25"), bic=text.sender),
                creditor_agent=batch.receiver,
                intermediaries=() if between is None else (between,),
                **batch.common(index, item),
            )
        )
    return made
