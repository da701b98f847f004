"""The arithmetic of statements: balances, and the counts and sums of entries.

Rule: no network validates it, so a difference is a warning with a code of the house, in every mode; it is exact, in
units of 10**-15. A finder returns (place, what is wrong), None when it adds up or cannot be told. Source: SWIFT User
Handbook, Standards MT category 9: fields 60a, 61, 62a, 90C, 90D; RC is a debit, RD a credit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parsers.swift_mt.text import Text

_SCALE = 15
_CENT = 10_000_000_000_000
#: Mark of an entry -> its effect on the balance; expected entries (EC, ED) have none yet.
_EFFECT = {"C": 1, "RD": 1, "D": -1, "RC": -1, "EC": 0, "ED": 0}
#: Mark of an entry -> the field that counts it.
_COUNTED = {"C": "90C", "RD": "90C", "EC": "90C", "D": "90D", "RC": "90D", "ED": "90D"}
_SUM = re.compile(r"([0-9]{1,5})[A-Z]{3}([0-9]+,[0-9]*)")

#: Opening and closing balance of the types that have both.
_BALANCED = frozenset({"940", "950", "970", "972"})
_SUMMED = frozenset({"942"})

Difference = tuple[int, str]


def _units(amount: str) -> int:
    whole, _, decimals = amount.partition(",")
    return int(whole + decimals[:_SCALE].ljust(_SCALE, "0"))


def _signed(balance: str) -> int:
    """``C261123EUR10,50`` in units, negative for a debit balance."""
    return _units(balance[10:]) if balance[0] == "C" else -_units(balance[10:])


def _shown(units: int) -> str:
    whole, rest = divmod(abs(units), 10**_SCALE)
    return f"{'-' if units < 0 else ''}{whole},{str(rest).rjust(_SCALE, '0').rstrip('0')}"


def _entries(text: Text) -> dict[str, tuple[int, int]] | None:
    """Mark -> how many entries and their sum; None when one of them cannot be read."""
    amounts: dict[str, list[str]] = {}
    matches = text.matches
    for place in text.plan.at.get("61", ()):
        matched = matches[place]
        if matched is None:
            return None
        mark, amount = matched.group(3, 5)
        if mark in amounts:
            amounts[mark].append(amount)
        else:
            amounts[mark] = [amount]
    return {mark: (len(given), _sum(given)) for mark, given in amounts.items()}


def _sum(amounts: list[str]) -> int:
    """Their sum in units; all at once where all have two decimals, as nearly always."""
    joined = " ".join(amounts) + " "
    if len(_TWO_DECIMALS(joined)) == len(amounts):
        return sum(map(int, joined.replace(",", "").split())) * _CENT
    return sum(map(_units, amounts))


_TWO_DECIMALS = re.compile(",[0-9][0-9] ").findall


def differences(text: Text) -> list[Difference]:
    """What does not add up in a statement; nothing for other messages and for values that cannot be read."""
    key = text.plan.key
    if key not in _BALANCED and key not in _SUMMED:
        return []
    entries = _entries(text)
    if entries is None:
        return []
    found = _balance(text, entries) if key in _BALANCED else None
    return ([] if found is None else [found]) + (_sums(text, entries) if key == "942" else [])


def _balance(text: Text, entries: dict[str, tuple[int, int]]) -> Difference | None:
    opening, closing = _first(text, "60F", "60M"), _first(text, "62F", "62M")
    if opening is None or closing is None or text.matches[opening] is None or text.matches[closing] is None:
        return None
    expected = _signed(text.values[opening]) + sum(_EFFECT[mark] * total for mark, (_, total) in entries.items())
    if expected == _signed(text.values[closing]):
        return None
    return closing, f"opening balance and entries give {_shown(expected)}"


def _first(text: Text, *tags: str) -> int | None:
    """Place of the first of these tags; a 60 or 62 without a letter is no field of a statement."""
    return next((text.plan.at[tag][0] for tag in tags if tag in text.plan.at), None)


def _sums(text: Text, entries: dict[str, tuple[int, int]]) -> list[Difference]:
    """Interim reports: 90C and 90D against the entries, where there are any."""
    found: list[Difference] = []
    for tag in ("90C", "90D"):
        places = text.plan.at.get(tag)
        stated = _SUM.fullmatch(text.values[places[0]]) if places else None
        if places is None or stated is None or not entries:
            continue
        mine = [entries[mark] for mark in entries if _COUNTED[mark] == tag]
        count, total = sum(number for number, _ in mine), sum(amount for _, amount in mine)
        if (int(stated[1]), _units(stated[2])) != (count, total):
            found.append((places[0], f"the entries are {count} with a sum of {_shown(total)}"))
    return found
