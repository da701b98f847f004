"""The values inside fields: dates, amounts, BICs, logical terminals, clearing codes; pure and cached.

Rule: each function returns the value or None; the code of the error is the caller's. The caches are bounded: what an
input can fill them with is limited. Sources: SWIFT User Handbook (year window 80-99 is 19xx), ISO 9362, ISO 4217,
ISO 20022 external clearing system identification codes.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from payments import BIC, CURRENCIES, InvalidIdentifierError, Money
from payments.identifiers import is_country
from payments.money import COMMODITIES

__all__ = [
    "CLEARING_SYSTEMS",
    "CURRENCY_CODES",
    "MONEY_CODES",
    "amount_text",
    "bic11",
    "decimals_fit",
    "is_country",
    "iso_date",
    "money_of",
    "terminal_bic",
]

#: Code of a party identifier ``//cc...`` -> ISO 20022 clearing system (MT103 field 52a and CBPR+ translation rules).
CLEARING_SYSTEMS = {
    "AT": "ATBLZ",
    "AU": "AUBSB",
    "BL": "DEBLZ",
    "CC": "CACPA",
    "CN": "CNAPS",
    "CP": "USPID",
    "ES": "ESNCC",
    "FW": "USABA",
    "GR": "GRBIC",
    "HK": "HKNCC",
    "IE": "IENCC",
    "IN": "INFSC",
    "IT": "ITNCC",
    "NZ": "NZNCC",
    "PL": "PLKNR",
    "PT": "PTNCC",
    "RU": "RUCBC",
    "SC": "GBDSC",
    "SW": "CHBCC",
    "ZA": "ZANCC",
}
CURRENCY_CODES = frozenset(CURRENCIES)
MONEY_CODES = CURRENCY_CODES - COMMODITIES


@lru_cache(maxsize=65_536)
def bic11(text: str) -> str | None:
    """The BIC in eleven characters, or None when its shape or country is wrong."""
    try:
        return str(BIC(text))
    except InvalidIdentifierError:
        return None


@lru_cache(maxsize=65_536)
def terminal_bic(terminal: str) -> str | None:
    """The BIC of a logical terminal: its ninth character, the terminal code, left out."""
    return bic11(terminal[:8] + terminal[9:]) if len(terminal) == 12 else None


@lru_cache(maxsize=65_536)
def iso_date(yymmdd: str) -> str | None:
    """``261123`` -> ``2026-11-23``; None when there is no such day. Years 80-99 are 19xx (SWIFT's window)."""
    try:
        year = int(yymmdd[:2])
        return date(year + (1900 if year >= 80 else 2000), int(yymmdd[2:4]), int(yymmdd[4:6])).isoformat()
    except ValueError:
        return None


def decimals_fit(amount: str, currency: str) -> bool:
    """Whether an amount has no more digits after the comma than its currency has decimals (code C03)."""
    comma = amount.find(",")
    return len(amount) - comma - 1 <= CURRENCIES.get(currency, 0)


def money_of(amount: str, currency: str) -> Money | None:
    """``1234,5`` in EUR -> 123450 minor units; None when it is no amount of that currency."""
    scale = _SCALES.get(currency)
    if scale is None:
        return None
    comma = amount.find(",")
    decimals = len(amount) - comma - 1 if comma >= 0 else 0
    digits = amount.replace(",", "", 1)
    if comma == 0 or decimals >= len(scale) or not (digits.isdigit() and digits.isascii()):
        return None
    return Money(int(digits) * scale[decimals], currency)


#: Currency -> what makes minor units of an amount's digits, by the number of digits after the comma.
_SCALES = {
    currency: tuple([10 ** (exponent - given) for given in range(exponent + 1)])
    for currency, exponent in CURRENCIES.items()
}


def amount_text(money: Money) -> str:
    """Money as an amount of a field: ``1234,5`` and never more than 15 characters; ValueError when it cannot be."""
    whole, _, decimals = money.decimal.partition(".")
    text = f"{whole},{decimals}"
    if money.minor < 0 or len(text) > 15:
        raise ValueError(f"{money} cannot stand in an amount of 15 characters")
    return text
