"""Money: an integer of minor units with its ISO 4217 currency.

Rule: no float ever touches an amount; a Money in an unknown currency cannot be built. Source: ISO 4217 (list one,
with the number of decimals of each currency).
"""

from __future__ import annotations

import re

import msgspec

_TWO_DECIMALS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU
CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR
NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
BGN HRK ANG CUC SLL ZWL
"""
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"
#: Commodities: codes of the standard that are no money; an amount in them is counted in whole ounces.
COMMODITIES = frozenset({"XAU", "XAG", "XPD", "XPT"})

#: Currency code -> number of decimals.
CURRENCIES: dict[str, int] = {
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
    **dict.fromkeys(_FOUR_DECIMALS.split(), 4),
    **dict.fromkeys(COMMODITIES, 0),
}

_DECIMAL = re.compile(r"(\d{1,18})(?:\.(\d*))?", re.ASCII)
_SCALE = tuple(10**n for n in range(5))


class InvalidAmountError(ValueError):
    """The text is not an amount in that currency; the message says which rule it breaks."""


def exponent_of(currency: str) -> int:
    """Number of decimals of an ISO 4217 currency; InvalidAmountError when there is no such currency."""
    try:
        return CURRENCIES[currency]
    except KeyError:
        raise InvalidAmountError(f"{currency!r} is not an ISO 4217 currency code") from None


class Money(msgspec.Struct, frozen=True, order=True, gc=False):
    """An amount: ``minor`` units (cents for EUR) of ``currency``. Signed, so that a difference is Money too.

    >>> Money.parse("1234.5", "EUR")
    Money(minor=123450, currency='EUR')
    >>> str(Money(5, "JPY")), Money(5, "KWD").decimal
    ('JPY 5', '0.005')
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in CURRENCIES:
            raise InvalidAmountError(f"{self.currency!r} is not an ISO 4217 currency code")

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a decimal string in major units: digits, one point at most, no more decimals than the currency has."""
        match = _DECIMAL.fullmatch(text)
        if match is None:
            raise InvalidAmountError(f"{text!r} is not a decimal amount")
        whole, decimals = match.groups("")
        exponent = CURRENCIES.get(currency)
        if exponent is None:
            exponent = exponent_of(currency)
        if len(decimals) == exponent:  # as amounts are written as a rule
            return cls(int(whole + decimals), currency)
        significant = decimals.rstrip("0")
        if len(significant) > exponent:
            raise InvalidAmountError(f"{text!r} has more than the {exponent} decimals of {currency}")
        return cls(int(whole) * _SCALE[exponent] + int(significant.ljust(exponent, "0") or "0"), currency)

    @property
    def decimal(self) -> str:
        """The amount in major units with exactly the currency's decimals: ``"1234.50"``."""
        exponent, minor = CURRENCIES[self.currency], self.minor
        if exponent == 2 and minor >= 0:
            return f"{minor // 100}.{minor % 100:02d}"
        if exponent == 0:
            return str(self.minor)
        digits = str(abs(self.minor)).rjust(exponent + 1, "0")
        return f"{'-' if self.minor < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"

    def __str__(self) -> str:
        return f"{self.currency} {self.decimal}"
