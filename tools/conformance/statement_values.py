"""Values of statements that a manifest's source asserts, set against the statements that are read.

Rule: a name of the manifest is a row here with what it is called in a statement; a name without a row is not compared.
``statement.`` speaks of a whole file as one (libraries that merge), ``statements[n].`` of the n-th.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from payments import Money
from payments.statement import Entry, Statement

_NAME = re.compile(r"statement(?:s\[(-?\d+)\])?\.(?:transactions\[(-?\d+)\]\.)?(.+)")

#: Of an entry: name in the manifest (without a format in braces) -> value.
ENTRY: dict[str, Callable[[Entry], object]] = {
    "amount_signed": lambda entry: _figures(entry.amount),
    "currency": lambda entry: None if entry.amount is None else entry.amount.currency,
    "date": lambda entry: entry.value_date,
    "value_date": lambda entry: entry.value_date,
    "entry_date": lambda entry: entry.booking_date,
    "book_date": lambda entry: entry.booking_date,
    "id": lambda entry: entry.transaction_code,
    "bank_reference": lambda entry: entry.servicer_reference,
    "bank_ref": lambda entry: entry.servicer_reference,
    "extra_details": lambda entry: entry.supplement,
    "funds_code": lambda entry: entry.funds_code,
    "gvc": lambda entry: entry.details.get("transaction_code"),
    "tx_text": lambda entry: entry.details.get("booking_text"),
    "primanota": lambda entry: entry.details.get("journal_number"),
    "eref": lambda entry: entry.details.get("end_to_end_id"),
    "end_to_end_reference": lambda entry: entry.details.get("end_to_end_id"),
    "kref": lambda entry: entry.details.get("customer_reference"),
    "mref": lambda entry: entry.details.get("mandate_id"),
    "cred": lambda entry: entry.details.get("creditor_id"),
    "account_holder": lambda entry: entry.details.get("name"),
    "applicant_name": lambda entry: entry.details.get("name"),
    "iban": lambda entry: entry.details.get("account"),
    "applicant_iban": lambda entry: entry.details.get("account"),
    "bic": lambda entry: entry.details.get("bank"),
}
#: Of a statement.
STATEMENT: dict[str, Callable[[Statement], object]] = {
    "transactions.count": lambda statement: len(statement.entries),
    "account": lambda statement: statement.account,
    "opening_balance.amount": lambda statement: _balance(statement, "OPBD"),
    "closing_balance.amount": lambda statement: _balance(statement, "CLBD"),
}


def compared(values: Mapping[str, Any], statements: Sequence[Statement]) -> tuple[dict[str, object], dict[str, object]]:
    """What is stated and what is found, by the manifest's names, for those that can be compared."""
    stated: dict[str, object] = {}
    found: dict[str, object] = {}
    entries = [entry for statement in statements for entry in statement.entries]
    for name, value in values.items():
        parts = _NAME.fullmatch(name)
        if parts is None:
            continue
        which, place, rest = parts.groups()
        key = rest.split("{")[0]
        if which is None and len(statements) != 1 and place is None:
            continue
        statement = _at(statements, which)
        if place is not None and key in ENTRY:
            entry = _at(entries if which is None else statement.entries if statement else (), place)
            stated[name], found[name] = _plain(value), _plain(None if entry is None else ENTRY[key](entry))
        elif place is None and key in STATEMENT:
            stated[name] = _plain(value)
            found[name] = _plain(None if statement is None else STATEMENT[key](statement))
    return stated, found


def _at(values: Sequence[Any], place: str | None) -> Any:
    number = int(place or 0)
    return values[number] if -len(values) <= number < len(values) else None


def _figures(amount: Money | None) -> str | None:
    return None if amount is None else amount.decimal


def _balance(statement: Statement, kind: str) -> str | None:
    balance = next((balance for balance in statement.balances if balance.type == kind), None)
    return None if balance is None else _figures(balance.amount)


def _plain(value: object) -> object:
    """Without blanks, times of day and ends of decimals; German dates turned round; nothing is None."""
    text = "" if value is None else "".join(str(value).split())
    turned = _DAY_FIRST.fullmatch(text)
    if turned is not None:
        text = f"{turned[3]}-{turned[2]}-{turned[1]}"
    text = _MIDNIGHT.sub("", text)
    if _NUMBER.fullmatch(text):
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text or None


_DAY_FIRST = re.compile(r"(\d\d)-(\d\d)-(\d{4})")
_MIDNIGHT = re.compile(r"(?<=\d{4}-\d\d-\d\d)00:00:00\Z")
_NUMBER = re.compile(r"-?\d+\.\d+")
