"""The banks of the testbed: who they are, what they own, how their customers' accounts are numbered.

Rule: invented names and codes; check digits are right (ISO 13616 for IBANs, the ABA rule for routing numbers).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from payments import RoutingNumber

#: Every euro bank, every dollar bank; the last euro bank owns next to nothing, so that its payments queue.
EURO_BANKS, DOLLAR_BANKS = 9, 4
_RICH, _POOR = "500000000.00", "2000.00"
_FIRST = "Anneke Birte Conrad Dorle Enno Frauke Gerrit Hinrich Imke Jasper Karsten Levke Momme Nele Ocke Peer".split()
_LAST = (
    "Achterberg Brodersen Claasen Dethlefs Eggers Friedrichsen Gosch Harmsen Ingwersen Jessen Kruppa Lorenzen".split()
)
_TOWNS = (("24937", "Flensburg"), ("25813", "Husum"), ("26382", "Wilhelmshaven"), ("18055", "Rostock"))


@dataclass(frozen=True, slots=True)
class Bank:
    """A participant. ``bic`` of 11 characters; ``sort_code`` of eight digits for its IBANs; ``routing`` for ACH."""

    bic: str
    name: str
    sort_code: str = ""
    routing: str = ""
    poor: bool = False

    def iban(self, number: int) -> str:
        """A German IBAN of this bank."""
        account = f"{self.sort_code}{number % 10**10:010d}"
        return f"DE{98 - int(account + '131400') % 97:02d}{account}"

    def record(self) -> dict[str, Any]:
        """As ``qenex participants import`` takes it."""
        if self.routing:
            accounts = [("USD-ACH", "USD"), ("USD-RTGS", "USD")]
            schemes = ["USD-ACH", "USD-RTGS"]
        else:
            accounts = [("EUR-RTGS", "EUR"), ("EUR-INST", "EUR")]
            schemes = ["EUR-RTGS", "SCT-INST"]
        return {
            "bic": self.bic,
            "name": self.name,
            "schemes": schemes,
            **({"routing_number": self.routing} if self.routing else {}),
            "accounts": [
                {
                    "system": system,
                    "currency": currency,
                    "opening_balance": _POOR if self.poor else _RICH,
                    "credit_line": "0.00",
                }
                for system, currency in accounts
            ],
        }


def euro_banks() -> list[Bank]:
    """The euro banks; the last one is poor."""
    return [
        Bank(
            f"KOG{letter}DEHHXXX",
            f"Koggenbank {letter}",
            sort_code=f"2999{index:02d}00",
            poor=index == EURO_BANKS - 1,
        )
        for index, letter in enumerate("ABCDEFGHIJKLMNOP"[:EURO_BANKS])
    ]


def dollar_banks() -> list[Bank]:
    """The dollar banks, with routing numbers."""
    return [
        Bank(
            f"PRA{letter}US33XXX",
            f"PRAIRIE TRUST {letter}",
            routing=(number := f"0810{index:02d}77") + str(RoutingNumber.check_digit(number)),
        )
        for index, letter in enumerate("ABCDEFGH"[:DOLLAR_BANKS])
    ]


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of a bank."""

    name: str
    street: str
    building: str
    post_code: str
    town: str
    iban: str


def person(bank: Bank, chance: random.Random) -> Person:
    """Some customer of a bank."""
    code, town = chance.choice(_TOWNS)
    return Person(
        f"{chance.choice(_FIRST)} {chance.choice(_LAST)}",
        "Deichweg",
        str(chance.randrange(1, 200)),
        code,
        town,
        bank.iban(chance.randrange(10**10)),
    )
