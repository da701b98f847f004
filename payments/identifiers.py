"""Identifiers that refuse to exist when wrong: BIC, IBAN, UETR, ABA routing number.

Rule: a constructor either returns the normalised value or raises InvalidIdentifierError with the rule that is broken;
nothing here says whether an identifier is registered. Sources: ISO 9362 (BIC), ISO 13616 (IBAN, lengths and BBAN
structures as held by schwifty's registry), RFC 4122 version 4 in lower case (UETR), ABA check digit 3-7-1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Self

#: ISO 3166-1 alpha-2 codes, and XK, in real use for Kosovo.
COUNTRIES = frozenset(
    """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD
CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF
GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI
SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
VN VU WF WS YE YT ZA ZM ZW XK
""".split()
)
_BIC = re.compile(r"[A-Z0-9]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?", re.ASCII)
_UETR = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_NINE_DIGITS = re.compile(r"\d{9}", re.ASCII)


class InvalidIdentifierError(ValueError):
    """The text is not such an identifier; the message says which rule it breaks."""


def is_country(code: str) -> bool:
    """Whether this is an ISO 3166-1 alpha-2 code (or XK, in real use for Kosovo)."""
    return code in COUNTRIES


class BIC(str):
    """ISO 9362 business identifier code, always eleven characters (a BIC of eight gets the branch ``XXX``).

    >>> BIC("CHASUS33")
    'CHASUS33XXX'
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check shape and country."""
        match = _BIC.fullmatch(text)
        if match is None:
            raise InvalidIdentifierError(
                f"{text!r} is not a BIC: 4 letters or digits, country, 2 and optionally 3 more"
            )
        if match.group(1) not in COUNTRIES:
            raise InvalidIdentifierError(f"{text!r}: {match.group(1)} is not a country (ISO 3166)")
        return super().__new__(cls, text if len(text) == 11 else text + "XXX")

    @property
    def country(self) -> str:
        """ISO 3166 country of the institution."""
        return self[4:6]

    @property
    def institution(self) -> str:
        """The first eight characters: the institution without its branch."""
        return self[:8]


@lru_cache(maxsize=1)
def _bban_patterns() -> dict[str, re.Pattern[str]]:
    """Country -> pattern of the whole IBAN, from schwifty's registry (ISO 13616)."""
    from schwifty.exceptions import SchwiftyException
    from schwifty.registry import get_iban_spec

    kinds = {"n": r"\d", "a": "[A-Z]", "c": "[A-Z0-9]", "e": " "}
    patterns = {}
    for country in COUNTRIES:
        try:
            registered = get_iban_spec(country)
        except SchwiftyException:  # a country that issues no IBANs
            continue
        if registered.aspirational:  # a plan of that country, not in ISO 13616's registry
            continue
        specification = registered.bban_spec
        body = "".join(f"{kinds[kind]}{{{length}}}" for length, kind in re.findall(r"(\d+)!([nace])", specification))
        patterns[country] = re.compile(rf"{country}\d{{2}}{body}", re.ASCII)
    return patterns


_LETTER_VALUES = {ord(letter): str(value) for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", start=10)}
#: Country -> its letters as the digits that the mod-97 check counts.
_COUNTRY_DIGITS = {country: country.translate(_LETTER_VALUES) for country in COUNTRIES}


def checked_iban(text: str) -> str:
    """An IBAN without blanks as plain text; InvalidIdentifierError when country, structure or check digits are wrong.

    For readers of many: no object of a type of its own is made.
    """
    compact = text.replace(" ", "")
    country = compact[:2]
    pattern = _bban_patterns().get(country)
    if pattern is None or pattern.fullmatch(compact) is None:
        raise InvalidIdentifierError(_broken_iban(text, compact))
    account = compact[4:]
    if not account.isdigit():
        account = account.translate(_LETTER_VALUES)
    if int(account + _COUNTRY_DIGITS[country] + compact[2:4]) % 97 != 1:
        raise InvalidIdentifierError(f"{text!r} fails the mod-97 check (ISO 13616)")
    return compact


def _broken_iban(text: str, compact: str) -> str:
    """Which rule of form an IBAN breaks."""
    if _IBAN.fullmatch(compact) is None:
        return f"{text!r} does not have the shape of an IBAN"
    if compact[:2] not in _bban_patterns():
        return f"{text!r}: {compact[:2]} issues no IBANs"
    return f"{text!r} does not have the structure of an IBAN of {compact[:2]}"


class IBAN(str):
    """ISO 13616 account number: country structure and mod-97 check digits hold.

    >>> IBAN("DE89 3704 0044 0532 0130 00")
    'DE89370400440532013000'
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Drop blanks, then check country, length, structure and check digits."""
        return super().__new__(cls, checked_iban(text))

    @staticmethod
    def looks_like(text: str) -> bool:
        """Whether the text has the general shape of an IBAN of a country that issues them."""
        return _IBAN.fullmatch(text) is not None and text[:2] in _bban_patterns()


class UETR(str):
    """Unique end-to-end transaction reference: a UUID of version 4 in lower case."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the shape."""
        if _UETR.fullmatch(text) is None:
            raise InvalidIdentifierError(f"{text!r} is not a UETR: a version 4 UUID in lower case")
        return super().__new__(cls, text)


class RoutingNumber(str):
    """ABA routing transit number: nine digits, the last a check digit (weights 3-7-1).

    >>> RoutingNumber("021000021")
    '021000021'
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check shape and check digit."""
        if _NINE_DIGITS.fullmatch(text) is None:
            raise InvalidIdentifierError(f"{text!r} is not a routing number: nine digits")
        if int(text[8]) != cls.check_digit(text):
            raise InvalidIdentifierError(f"{text!r}: the check digit should be {cls.check_digit(text)}")
        return super().__new__(cls, text)

    @staticmethod
    def check_digit(first_eight: str) -> int:
        """Check digit of a routing number's first eight digits."""
        total = sum(int(digit) * weight for digit, weight in zip(first_eight[:8], (3, 7, 1) * 3, strict=False))
        return -total % 10
