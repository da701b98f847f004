"""The benches' banks and customers: 200 euro banks, US routing numbers, names and accounts that mean nobody.

Rule: everything follows from a seed. BICs, IBANs (ISO 13616 check digits) and routing numbers are valid; whom a payment
concerns follows Zipf's law with exponent 1.1 on both sides, so that one account meets four of ten payments.
Customers' names share given names and company words with watch lists, as real ones do, and not family names; two in a
hundred are made of the list's very words, so that screening finds something.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from engine.compliance.synthetic import bench_names
from payments import RoutingNumber

BANKS: Final = 200
ZIPF: Final = 1.1
#: Share of names in a hundred that are made of the watch list's words.
LIST_LIKE: Final = 2
#: Another seed than the list's: similar names, seldom the same.
_LIST_LIKE_SEED: Final = 7_001

#: Country -> length of its BBAN, for countries whose BBAN may be all digits.
_BBANS: Final = {
    "DE": 18, "AT": 16, "ES": 20, "BE": 12, "PT": 21, "FI": 14, "FR": 23, "LU": 16, "EE": 16, "SK": 20, "SI": 15,
    "LT": 16, "HR": 17,
}  # fmt: skip
_GIVEN: Final = """
Maria Anna Paul Peter Mohammed Ali Ivan Carlos Jorge Wei Ming Jean Pierre Marie Hans Klaus Giovanni Marco Giulia John
William James Robert Susan Thomas Mehmet Ayse Andrzej Tomasz Laszlo Lena Jonas Mia Noah Emma Finn Clara Hugo Lina Elias
Ines Rui Tiago Marta Nuria Pau Aino Eero Kaisa Liis Rasmus Maja Luka Tine Ruta Jonas Sander Lotte Bram Femke Louise
Arthur Juliette Leon Camille Theo Margaux Oskar Frieda Anton Greta Emil Ida Karl Josef Sofia Matteo Alice Pietro Chiara
""".split()
_FIRST: Final = """
Bach Berg Birk Brand Buch Dahl Eich Falk Feld Fels Forst Gart Grau Hain Heid Hirsch Holt Kalt Kirch Korn Lang Lich Lind
Moor Nord Oster Quell Rein Rosen Sand Schaf Sommer Stein Tann Teich Ufer Vogel Wald Weid Wiesen Abel Arne Bisc Cala
Corta Duma Espin Ferru Gali Horta Jaune Lavi Marqu Noga Olive Parra Quint Ribe Salv Toma Urqui Vale Xime Zabal
""".split()
_MIDDLE: Final = ["", "", "", "en", "er", "el", "in", "a", "o", "i", "ens", "ing"]
_LAST: Final = """
ach aler bauer beck burg dorf eck egger fels furt hagen halter hausen heim hofer inger kamp lehner mair moser nagel
pichler rath reiter sack schmid taler thal wanger weger winkler zeller ado alves ante arro bert court delle eda ero
etto fort goux ier illo inha lain mont nelli oli ouse poix quez rette seco tanne udo uria vaux velho villa zola
""".split()
_TRADES: Final = """
Trading Logistics Foods Textile Energy Bau Moebel Agrar Optik Papier Metall Druck Garten Medizin Software Glas Marine
Chemicals Engineering Werkzeuge Obst Wein Keramik Fahrrad Holz Transport Elektro
""".split()
_FORMS: Final = ("GmbH", "AG", "SA", "SARL", "SL", "BV", "Oy", "Lda", "KG", "Ltd", "UAB")
_STREETS: Final = ("Hauptstrasse", "Rue Neuve", "Calle Mayor", "Lindenweg", "Am Markt", "Rua Direita", "Via Roma")
_TOWNS: Final = "Bremen Lyon Sevilla Graz Gent Porto Turku Metz Tartu Nitra Celje Kaunas Zadar Ulm Nantes Linz".split()


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank: BIC of 11, its country and the length of its BBANs, the digits that its accounts begin with."""

    bic: str
    country: str
    bban: int
    prefix: str
    name: str

    @property
    def terminal(self) -> str:
        """Its address in a SWIFT header: BIC with the terminal code A."""
        return f"{self.bic[:8]}A{self.bic[8:]}"

    def account(self, rng: random.Random) -> str:
        """An IBAN of a customer."""
        digits = self.bban - len(self.prefix)
        return iban(self.country, f"{self.prefix}{rng.randrange(10**digits):0{digits}d}")


def iban(country: str, bban: str) -> str:
    """The IBAN of an all-digit BBAN (ISO 13616: mod 97)."""
    letters = f"{ord(country[0]) - 55}{ord(country[1]) - 55}"
    return f"{country}{98 - int(f'{bban}{letters}00') % 97:02d}{bban}"


def banks(count: int = BANKS, seed: int = 1) -> list[Bank]:
    """Banks with different BICs."""
    rng = random.Random(seed)
    countries = sorted(_BBANS)
    found: dict[str, Bank] = {}
    while len(found) < count:
        country = countries[len(found) % len(countries)]
        letters = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=4))
        place = "".join(rng.choices("ABCDEFGHIJKLMNPQRSTUVWXYZ23456789", k=2))
        bic = f"{letters}{country}{place}XXX"
        name = f"{letters.title()} Bank {country}"
        found[bic] = Bank(bic, country, _BBANS[country], f"{rng.randrange(10**5):05d}", name)
    return list(found.values())


def routing_numbers(count: int, seed: int = 1) -> list[str]:
    """Valid ABA routing numbers of the twelve districts."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        first = f"{rng.randint(1, 12):02d}{rng.randrange(10**6):06d}"
        found[f"{first}{RoutingNumber.check_digit(first)}"] = None
    return list(found)


class Zipf:
    """Draws places 0 .. count - 1; the place i has the weight 1 / (i + 1) ** exponent."""

    def __init__(self, count: int, rng: random.Random, exponent: float = ZIPF) -> None:
        weights: list[float] = [1 / (rank + 1) ** exponent for rank in range(count)]
        self._until = list(accumulate(weights))
        self._total = self._until[-1]
        self._random = rng.random

    def share(self, place: int) -> float:
        """How much of all draws falls on a place."""
        before = self._until[place - 1] if place else 0.0
        return (self._until[place] - before) / self._total

    def draw(self) -> int:
        """One place."""
        return bisect(self._until, self._random() * self._total)

    def pair(self) -> tuple[int, int]:
        """Two different places; both are drawn again when they are equal, so that neither side is favoured."""
        first, second = self.draw(), self.draw()
        while second == first:
            first, second = self.draw(), self.draw()
        return first, second


class Customers:
    """Names and addresses, nearly all different."""

    def __init__(self, rng: random.Random, list_like: Sequence[str] | None = None) -> None:
        self._rng = rng
        self._list_like = list(list_like if list_like is not None else bench_names(5_000, _LIST_LIKE_SEED))

    def name(self) -> str:
        """A person's (seven of ten) or a company's name, at most 33 characters of the SWIFT character set."""
        rng = self._rng
        chance = rng.random()
        if chance * 100 < LIST_LIKE:
            return rng.choice(self._list_like)[:33].strip()
        family = rng.choice(_FIRST) + rng.choice(_MIDDLE) + rng.choice(_LAST)
        if chance < 0.7:
            second = f" {rng.choice(_GIVEN)}" if chance < 0.25 else ""
            return f"{rng.choice(_GIVEN)}{second} {family}"[:33]
        return f"{family} {rng.choice(_TRADES)} {rng.choice(_FORMS)}"[:33]

    def street(self) -> str:
        """Street and number."""
        return f"{self._rng.choice(_STREETS)} {self._rng.randint(1, 180)}"

    def town(self) -> str:
        """Postal code and town."""
        return f"{self._rng.randrange(1000, 99999)} {self._rng.choice(_TOWNS)}"
