"""Invented names by the thousand, from a seed: for benchmarks and tests.

Rule: the same count and seed give the same names. They are put together from common words of many languages and mean
nobody.
"""

from __future__ import annotations

import random
from typing import Final

from engine.compliance.watchlist import Entry, ListedName, WatchList, build

_GIVEN: Final = """
Ahmad Mohammed Ali Hassan Hussein Ibrahim Khalid Omar Yusuf Abdullah Karim Said Tariq Nadia Fatima Leila Samira Amina
Ivan Sergei Dmitry Aleksandr Nikolai Vladimir Andrei Yuri Olga Natalia Svetlana Irina Ekaterina Boris Pavel Viktor
Carlos Jorge Luis Miguel Juan Pedro Raul Fernando Rosa Carmen Lucia Elena Javier Diego Alejandro Ricardo
Wei Ming Jun Hao Xiu Ying Jian Hong Li Chen Yan Hui Jin Yong Chol Sok Hyun Min Soo Kyung
Jean Pierre Michel Claude Marie Anne Luc Andre Hans Klaus Jurgen Dieter Ursula Petra Karl Franz Giovanni Marco
Luca Paolo Francesca Giulia John William James Robert George Edward Mary Susan Peter Thomas Emeka Chidi Ngozi Kwame
Kofi Abena Tendai Farai Themba Sipho Arjun Ravi Sanjay Priya Anil Deepak Mehmet Mustafa Ayse Emre Goran Zoran Dragan
Milos Jovana Andrzej Tomasz Agnieszka Istvan Laszlo Zsofia Reza Mehdi Shirin Parviz Bahram
""".split()
_ROOTS: Final = """
al-Khor al-Tamar al-Zuhr al-Bashr Mazur Sokol Volk Orlo Kuzne Smirn Petro Zaits Gromy Belov Tarkh Dolgo Morales Garcia
Herre Castil Figuer Salaz Velas Quin Zhang Wang Liu Zhao Huang Kim Park Rhee Nakam Yamas Fuji Tana Dubo Lefe Moreau
Schnei Fisch Weber Krau Hoffm Ross Bianc Ferra Romag Cart Whit Thorn Black Green Okon Adey Nwos Mensa Bamba Ndlo Moyo
Sharm Gupt Patel Redd Yilm Demir Kaya Jovan Petrov Novak Kowal Wisni Nagy Szab Hosse Ahmad Rahim Karim Tehr Shiraz
Qader Barza Hadid Mansu Najja Sabba Khoury Haddad Suleim Ramad Darw Fahim Atta Zadr Omaro Ismail Kassem Bakri
Tolst Grish Lebed Vorob Filat Zhuko Chern Rybak Melni Shevch Kravch Bondar Tkach Oliyn Lysen Marti Lopez Romer Duart
""".split()
_ENDINGS: Final = """
 ov ev in sky enko ova ian yan oglu zade i y a ez es os ini etti ard eau er mann berg stein feld son wood ton ley
 oma ele wu ji shi moto da ra mba ski wicz czyk ic evic escu aru ani awi uri
""".split()
_TRADES: Final = """
Trading Shipping Petroleum Holdings Industries Logistics Minerals Construction Aviation Electronics Chemicals Textile
Foods Metals Engineering Technologies Exchange Marine Energy Investment
""".split()
_COINED: Final = """
Alba Norda Vesta Khazra Zamor Orient Delta Polar Meridia Sable Crest Ferro Lumen Arca Tarsa Qamar Noor Sirius Altai
Baikal Taiga Ural Sahel Atlas Rumba Condor Andes Sierra Lotus Jade Phoenix Dragon Pearl Coral Amber Onyx Topaz Ruby
""".split()
_FORMS: Final = ("LLC", "Ltd", "JSC", "OOO", "GmbH", "S.A.", "FZE", "Co. Ltd", "Inc.", "PJSC", "S.R.L.", "")


def _person(rng: random.Random) -> str:
    family = (rng.choice(_ROOTS) + rng.choice(_ENDINGS)).replace("--", "-")
    given = " ".join(rng.sample(_GIVEN, rng.choice((1, 1, 2, 2, 3))))
    return f"{family.upper()}, {given}" if rng.random() < 0.3 else f"{given} {family}"


def _organisation(rng: random.Random) -> str:
    coined = rng.choice(_COINED) + rng.choice(("", "", "s", "tek", "ex", "mar", "invest", "prom"))
    root = rng.choice(_ROOTS) + rng.choice(_ENDINGS) if rng.random() < 0.5 else ""
    return " ".join(f"{coined} {root} {rng.choice(_TRADES)} {rng.choice(_FORMS)}".split())


def bench_names(count: int, seed: int) -> list[str]:
    """``count`` different invented names, three quarters of persons, the rest of organisations.

    >>> bench_names(2, 1) == bench_names(2, 1)
    True
    """
    rng = random.Random(seed)
    names: dict[str, None] = {}
    while len(names) < count:
        names[_person(rng) if rng.random() < 0.75 else _organisation(rng)] = None
    return list(names)


def bench_list(count: int, seed: int) -> WatchList:
    """A list of ``count`` entries with one invented name each."""
    entries = [
        Entry(id=f"bench:{number}", list="BENCH", names=(ListedName(name),))
        for number, name in enumerate(bench_names(count, seed))
    ]
    return build(f"bench names, seed {seed}", "1970-01-01", entries)
