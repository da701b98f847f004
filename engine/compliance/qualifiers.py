"""What beside the name speaks for or against a match: birth date, country, kind of party.

Rule: each qualifier moves the score by its delta and says so; data that is missing on a side moves nothing. Lists often
have a birth year only, or a wrong one, so a small difference costs nothing and a large one more than a name can carry.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.compliance.watchlist import EntryType


class Qualifier(NamedTuple):
    """What it adds to the score, and the words for it."""

    delta: float
    text: str


NO_QUALIFIER: Final = Qualifier(0.0, "")
#: Difference of birth years up to which -> what it costs. Beyond the last: YEARS_APART.
YEARS_NEAR: Final = ((2, 0.0), (9, -0.05))
YEARS_APART: Final = -0.2
SAME_DAY: Final = 0.03
SAME_YEAR: Final = 0.02
COUNTRY: Final = 0.02
OTHER_TYPE: Final = -0.3


def _years(listed: str) -> tuple[int, int]:
    first, _, last = listed.partition("..")
    return int(first[:4]), int((last or first)[:4])


def _birth_date(screened: str, listed: str) -> Qualifier:
    """How one listed birth date speaks."""
    if screened == listed and len(screened) == 10:
        return Qualifier(SAME_DAY, f"birth date {screened} agrees")
    year = int(screened[:4])
    first, last = _years(listed)
    if first <= year <= last:
        exact = len(screened) == 10 == len(listed)
        swapped = exact and screened[5:7] == listed[8:] and screened[8:] == listed[5:7]
        if exact and not swapped:
            return Qualifier(0.0, f"birth date {screened}, listed {listed}: the year agrees")
        return Qualifier(SAME_YEAR, f"birth date {screened} fits {listed}")
    apart = min(abs(year - first), abs(year - last))
    delta = next((cost for years, cost in YEARS_NEAR if apart <= years), YEARS_APART)
    return Qualifier(delta, f"birth date {screened}, listed {listed}: {apart} years apart")


def birth_date_qualifier(screened: str | None, listed: tuple[str, ...]) -> Qualifier:
    """The listed birth date that fits best. ``screened`` is ISO 8601, a year at least; anything else moves nothing."""
    if not screened or not listed or not screened[:4].isdecimal() or not screened.isascii() or len(screened) < 4:
        return NO_QUALIFIER
    return max((_birth_date(screened, date) for date in listed), key=lambda qualifier: qualifier.delta)


def country_qualifier(screened: str | None, listed: tuple[str, ...]) -> Qualifier:
    """Whether the party's country is one of the entry's. An address is not a nationality: it weighs little."""
    if not screened or not listed:
        return NO_QUALIFIER
    if screened.upper() in listed:
        return Qualifier(COUNTRY, f"country {screened.upper()} agrees")
    return Qualifier(-COUNTRY, f"country {screened.upper()}, listed {', '.join(listed)}")


def type_qualifier(screened: EntryType, listed: EntryType) -> Qualifier:
    """Whether a party that is known to be a person (or not) can be the entry."""
    if "any" in (screened, listed) or screened == listed:
        return NO_QUALIFIER
    return Qualifier(OTHER_TYPE, f"the party is a {screened}, the entry a {listed}")
