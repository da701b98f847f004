"""Parties and agents from fields: 50a and 59a customers, 51a to 58a institutions.

Rule: a field of the right form always gives a party; the option letter says how it is written (A a BIC, F numbered
lines, K or none free lines, B a location, C a clearing code, D name and address). Source: SWIFT User Handbook,
Standards MT, field definitions 50 to 59.
"""

from __future__ import annotations

import re
from functools import lru_cache

from parsers.swift_mt.values import CLEARING_SYSTEMS, bic11, iso_date
from payments import Address, Agent, Party


def customer(tag: str, matched: re.Match[str]) -> Party:
    """The party of a 50a or 59a."""
    account, body = (None, matched[1]) if tag == "50" else (matched[1], matched[2])
    if tag not in _FREE:
        return _numbered(tag, account, body) if tag[2:] == "F" else Party(account=account, bic=bic11(body))
    name, _, rest = body.partition("\n")
    return Party(name, account, Address(tuple(rest.split("\n"))) if rest else None)


#: Customers in free lines, the first of which is the name; the other options are F and those with a BIC.
_FREE = frozenset({"50", "50H", "50K", "59"})


def _numbered(tag: str, head: str | None, body: str) -> Party:
    """Option F: numbered lines, and for the ordering customer an account or an identification before them."""
    held: dict[str, list[str]] = {}
    for line in body.split("\n"):
        held.setdefault(line[:1], []).append(line[2:])
    account, identification = head, None
    if tag == "50F" and head is not None and head.startswith("/"):
        account = head[1:]
    elif tag == "50F" and head is not None and _IDENTIFIED.match(head):
        account, identification = None, head
    places = held.get("3", [])
    country, _, town = places[0].partition("/") if places else ("", "", "")
    numbers = held.get("6", []) + held.get("7", [])
    birth = held.get("4", [""])[0]
    day = iso_date(birth[2:]) if len(birth) == 8 else None
    lines = tuple(held.get("2", []) + places[1:])
    address = Address(lines, town=town or None, country=country or None) if lines or places else None
    return Party(
        name=" ".join(held.get("1", [])) or None,
        account=account,
        address=address,
        identification=identification or (numbers[0] if numbers else None),
        birth_date=f"{birth[:4]}{day[4:]}" if day else None,
    )


_IDENTIFIED = re.compile(r"[A-Z]{4}/[A-Z]{2}/")


@lru_cache(maxsize=16_384)
def institution(letter: str, groups: tuple[str | None, ...]) -> Agent:
    """The agent of a 51a to 58a from its option letter and its components (see the field table)."""
    if letter == "C":
        return _identified(groups[0])
    if letter == "A":
        return _identified(groups[1], bic=bic11(groups[2] or ""))
    if letter == "B":
        place = groups[2] or groups[3]
        return _identified(groups[1], address=Address((place,)) if place else None)
    name, _, rest = (groups[2] or "").partition("\n")
    return _identified(groups[1], name=name, address=Address(tuple(rest.split("\n"))) if rest else None)


def _identified(
    account: str | None, *, bic: str | None = None, name: str | None = None, address: Address | None = None
) -> Agent:
    """An agent whose party identifier is an account, or a clearing code when it begins with a second slash."""
    if account is None or not account.startswith("/"):
        return Agent(bic=bic, name=name, account=account, address=address)
    system = CLEARING_SYSTEMS.get(account[1:3])
    return Agent(bic, system, account[3:] if system else None, name, None if system else account, address)


def party_of(agent: Agent) -> Party:
    """An institution in the place of a debtor or creditor."""
    return Party(agent.name, agent.account, agent.address, agent.bic)


@lru_cache(maxsize=16_384)
def bank(bic: str) -> Agent:
    """The agent of a BIC of eleven characters."""
    return Agent(bic)
