"""Statements of account from MT 940, 941, 942, 950, 970 and 972: balances, entries, what is said of each.

Rule: statements are read leniently, a part that cannot be read is None and the rest stands; what was received is in
the message's content as it stood. RC (the reversal of a credit) takes from the account, RD gives to it; an entry date
without a year takes the year that puts it nearest the value date; a day that its month does not have (30 February of
German banks) is the month's last. An 86 belongs to the 61 before it, else to the statement.
Source: SWIFT User Handbook, Standards MT category 9; translation to camt.053 and camt.052.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

from parsers.swift_mt.narratives import details_of
from parsers.swift_mt.text import Text
from parsers.swift_mt.values import bic11, iso_date, money_of
from payments import CURRENCIES, Money
from payments.statement import Balance, BalanceType, Entry, Statement, Totals

TYPES = frozenset({"940", "941", "942", "950", "970", "972"})
_INTERIM = frozenset({"941", "942"})
_BALANCES: dict[str, BalanceType] = {"60": "OPBD", "62": "CLBD", "64": "CLAV", "65": "FWAV"}
_BALANCE = re.compile(r"\s*([CD])\s*([0-9]{6})\s*([A-Z]{3})\s*([0-9]*[,.]?[0-9]*)")
_ENTRY = re.compile(
    r"\s*([0-9]{6})([0-9]{4}| {4})?\s*+(R?[CD]|E[CD])\s*+([A-Z])?\s*+([0-9]*[,.]?[0-9]*) *+"
    r"([A-Z][A-Z0-9]{3})?([^\n]*)(?:\n([\s\S]*))?"
)
_TOTALS = re.compile(r"([0-9]{1,5})([A-Z]{3})([0-9]*[,.]?[0-9]*)")
_FLOOR = re.compile(r"([A-Z]{3})([CD])?([0-9]*[,.]?[0-9]*)")
_NUMBER = re.compile(r"([0-9]{1,5})/?([0-9]{1,5})?")


def statement_of(text: Text) -> Statement | None:
    """The statement in a text, whatever findings its message has; None for other types."""
    if text.message_type not in TYPES:
        return None
    tags, values = text.plan.tags, text.values
    currency = _currency(text)
    balances: list[Balance] = []
    entries: list[Entry] = []
    said: list[str] = []
    place, end = 0, len(tags)
    while place < end:
        tag = tags[place]
        if tag == "61":
            here, place = place, place + 1
            while place < end and tags[place] == "86":
                place += 1
            found = entry_of(values[here], currency, "\n".join(values[here + 1 : place]) if place > here + 1 else None)
            entries.append(found)
            continue
        if tag == "86":
            said.append(values[place])
        elif (kind := _BALANCES.get(tag[:2])) is not None:
            balances.append(_balance(kind, values[place], tag.endswith("M")))
        place += 1
    number, page = _numbers(text)
    account, owner = _account(text)
    return Statement(
        kind="interim-report" if text.message_type in _INTERIM else "statement",
        message_id=text.get("20"),
        related_reference=text.get("21"),
        account=account,
        account_owner=owner,
        currency=currency,
        number=number,
        page=page,
        last_page="62M" not in text.plan.at,
        created=_created(_first(text, "13D")),
        balances=tuple(balances),
        entries=tuple(entries),
        floor_limits=_floors(text),
        debits=_totals(_first(text, "90D"), -1),
        credits=_totals(_first(text, "90C"), 1),
        information="\n".join(said) or None,
    )


def entry_of(value: str, currency: str | None, information: str | None = None) -> Entry:
    """The entry of a 61 and of the 86 that belongs to it; what cannot be read stays in ``supplement``."""
    details = details_of(information) if information is not None else {}
    found = _ENTRY.fullmatch(value)
    if found is None:
        return Entry(None, supplement=value, information=information, details=details)
    day, entered, mark, funds, figures, code, references, supplement = found.groups()
    own, _, servicer = references.partition("//")
    value_day = day_of(day)
    return Entry(
        amount=_amount(figures, currency, -1 if mark in _TAKES else 1),
        value_date=value_day,
        booking_date=_booked(entered, value_day) if entered is not None and entered != "    " else None,
        reversal=mark[0] == "R",
        status="PDNG" if mark[0] == "E" else "BOOK",
        funds_code=funds,
        transaction_code=code,
        reference=own.strip() or None,
        servicer_reference=servicer.strip() or None,
        supplement=supplement or None,
        information=information,
        details=details,
    )


#: Marks of what is taken from the account; C, RD and EC give to it.
_TAKES = frozenset({"D", "RC", "ED"})


def day_of(yymmdd: str) -> str | None:
    """ISO date of YYMMDD; a day that its month does not have is the month's last."""
    found = iso_date(yymmdd)
    if found is None and "28" < yymmdd[4:] <= "31":
        return next((day for last in ("30", "29", "28") if (day := iso_date(yymmdd[:4] + last)) is not None), None)
    return found


@lru_cache(maxsize=4_096)
def _booked(mmdd: str, value_date: str | None) -> str | None:
    """The day of an entry: MMDD of the year in which it is nearest the value date."""
    if value_date is None:
        return None
    valued = date.fromisoformat(value_date)
    best: tuple[timedelta, str] | None = None
    for year in (valued.year, valued.year - 1, valued.year + 1):
        found = day_of(f"{year % 100:02d}{mmdd}")
        if found is not None:
            distance = abs(date.fromisoformat(found) - valued)
            if best is None or distance < best[0]:
                best = (distance, found)
    return None if best is None else best[1]


def _amount(figures: str, currency: str | None, sign: int) -> Money | None:
    """A signed amount: the comma may be a point, missing, or without digits before it."""
    if currency is None or not figures.strip(",."):
        return None
    text = figures.replace(".", ",")
    if "," not in text:
        text += ","
    whole, _, decimals = text.partition(",")
    decimals = decimals.rstrip("0") if len(decimals) > CURRENCIES.get(currency, 0) else decimals
    found = money_of(f"{whole or '0'},{decimals}", currency)
    return found if found is None or sign > 0 else Money(-found.minor, currency)


def _currency(text: Text) -> str | None:
    """The account's currency: that of its first balance, floor limit or sum."""
    at = text.plan.at
    for tag, start in _CURRENCIES_AT:
        if tag in at:
            code = text.values[at[tag][0]].lstrip()[start : start + 3]
            if code in CURRENCIES:
                return code
    return None


#: Tags that name the currency, and where in their value.
_CURRENCIES_AT = (("60F", 7), ("60M", 7), ("62F", 7), ("62M", 7), ("34F", 0), ("64", 7), ("65", 7))


def _balance(kind: BalanceType, value: str, intermediate: bool) -> Balance:
    found = _BALANCE.match(value)
    if found is None:
        return Balance(kind, None, None, intermediate)
    mark, day, currency, figures = found.groups()
    return Balance(kind, _amount(figures, currency, -1 if mark == "D" else 1), day_of(day), intermediate)


def _first(text: Text, tag: str) -> str | None:
    at = text.plan.at.get(tag)
    return None if at is None else text.values[at[0]]


def _numbers(text: Text) -> tuple[int | None, int | None]:
    found = _NUMBER.match((text.get("28") or "").strip())
    if found is None:
        return None, None
    return int(found[1]), None if found[2] is None else int(found[2])


def _account(text: Text) -> tuple[str | None, str | None]:
    """The account of a 25a and the BIC of its owner (option P)."""
    account, _, owner = (text.get("25") or "").partition("\n")
    return account or None, bic11(owner) if owner else None


def _created(value: str | None) -> str | None:
    """ISO 8601 time of a 13D: YYMMDDHHMM and the offset from UTC."""
    found = None if value is None else _MOMENT.fullmatch(value)
    if found is None:
        return None
    day = iso_date(found[1])
    return None if day is None else f"{day}T{found[2]}:{found[3]}:00{found[4]}{found[5]}:{found[6]}"


_MOMENT = re.compile(r"([0-9]{6})([0-9]{2})([0-9]{2})([+-])([0-9]{2})([0-9]{2})")


def _floors(text: Text) -> tuple[Money, ...]:
    """Floor limits of a 942: for debits (below zero), for credits; one without a mark holds for both."""
    found: list[Money] = []
    for place in text.plan.at.get("34F", ()):
        limit = _FLOOR.match(text.values[place])
        amount = None if limit is None else _amount(limit[3], limit[1], -1 if limit[2] == "D" else 1)
        if amount is not None:
            found.append(amount)
    return tuple(found)


def _totals(value: str | None, sign: int) -> Totals | None:
    found = None if value is None else _TOTALS.match(value)
    return None if found is None else Totals(int(found[1]), _amount(found[3], found[2], sign))
