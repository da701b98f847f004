"""Values of fields from parties, agents and amounts: what the builders of messages are made of.

Rule: a value that comes from here has its field's form: text is brought into set x and folded, identifiers are taken
as they are or refused with a ValueError. The option letter is the one that says most: a BIC (A), numbered lines with
country and town (F), name and address (K, none or D), a code (C), an account alone (B).
Source: SWIFT User Handbook, Standards MT, field definitions 50 to 59.
"""

from __future__ import annotations

import re

from parsers.swift_mt.fields import CHECKS
from parsers.swift_mt.values import CLEARING_SYSTEMS, amount_text, is_country
from parsers.swift_mt.writer import day_text, folded
from payments import BIC, CURRENCIES, Address, Agent, Money, Party

#: One field of a text: its tag with the option letter, and its value with lines ended by LF.
Row = tuple[str, str]
_CODES = {system: code for code, system in CLEARING_SYSTEMS.items()}
_ACCOUNT = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{1,34}")
_CLEARING = re.compile(r"[A-Za-z0-9]{1,30}")
NOT_PROVIDED = "NOTPROVIDED"


def customer_row(number: str, party: Party) -> Row:
    """A 50a or 59a."""
    head = "" if party.account is None else f"/{_account(party.account)}\n"
    if party.bic is not None and party.name is None:
        return number + "A", head + BIC(party.bic)
    address = party.address or Address()
    if address.country is not None and is_country(address.country) and (head or number == "59"):
        return number + "F", head + _numbered(party.name or NOT_PROVIDED, address, address.country)
    return number + ("K" if number == "50" else ""), head + _free(party.name, address)


def agent_row(number: str, agent: Agent, options: str) -> Row:
    """A 51a to 58a with the best of the option letters that the field may have there."""
    head = _identifier(agent)
    if agent.bic is not None and "A" in options:
        return number + "A", (head + "\n" if head else "") + BIC(agent.bic)
    if agent.name is None and head.startswith("//") and "C" in options:
        return number + "C", head
    if (agent.name is not None or head.startswith("//") or "B" not in options) and "D" in options:
        if agent.name is None and agent.bic is None and not head:
            raise ValueError(f"field {number} needs a BIC, a clearing code, an account or a name")
        return number + "D", (head + "\n" if head else "") + _free(agent.name or agent.bic, agent.address or Address())
    if head and "B" in options:
        return number + "B", head
    if agent.address is not None and agent.address.lines and "B" in options:
        return number + "B", _begun(folded(agent.address.lines[0], 35, 1))
    raise ValueError(f"field {number} with option {' or '.join(options)} cannot say who {agent} is")


def dated_row(tag: str, day: str, amount: Money) -> Row:
    """A 32A."""
    return tag, f"{day_text(day)}{amount.currency}{amount_text(amount)}"


def amount_row(tag: str, amount: Money) -> Row:
    """A 32B, 33B, 71F or 71G."""
    return tag, f"{amount.currency}{amount_text(amount)}"


def kept_rows(details: dict[str, str], *tags: str) -> list[Row]:
    """Fields that came with a message of the same kind, where they still have their form; repeated ones a line each."""
    found: list[Row] = []
    for tag in tags:
        value = details.get(tag)
        if value is not None:
            several = value.split("\n") if tag in _REPEATED else [value]
            found += [(tag, each) for each in several if CHECKS[tag](each)]
    return found


_REPEATED = frozenset({"13C", "23E", "71F"})


def rate_text(instructed: Money, settled: Money) -> str:
    """The rate of a 36: what makes the settled amount of the instructed one, 12 characters with the comma at most."""
    if instructed.minor <= 0:
        raise ValueError(f"there is no rate from {instructed} to {settled}")
    above = settled.minor * 10 ** CURRENCIES[instructed.currency]
    below = instructed.minor * 10 ** CURRENCIES[settled.currency]
    whole = str(above // below)
    decimals = 11 - len(whole)
    if decimals < 0:
        raise ValueError(f"the rate from {instructed} to {settled} has no room in 12 characters")
    fraction = (above % below) * 10**decimals // below
    return f"{whole},{str(fraction).rjust(decimals, '0') if decimals else ''}".rstrip("0") or "0,"


def _account(text: str) -> str:
    if _ACCOUNT.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an account of up to 34 characters of set x")
    return text


def _identifier(agent: Agent) -> str:
    """The party identifier: a clearing code, else the account; "" for none."""
    if agent.clearing_id is not None and agent.clearing_system is not None:
        code = _CODES.get(agent.clearing_system)
        if code is not None and _CLEARING.fullmatch(agent.clearing_id):
            return f"//{code}{agent.clearing_id}"
    if agent.account is None:
        return ""
    # What begins with a slash here would be read as a clearing code, and C or D alone as a mark.
    return "/" + _account(agent.account.lstrip("/") if agent.account not in {"C", "D"} else f"/{agent.account}")


def _begun(lines: str) -> str:
    """Lines whose first is not taken for an account."""
    return "." + lines[1:] if lines.startswith("/") else lines


def _free(name: str | None, address: Address) -> str:
    """Name and address in four lines."""
    return _begun(folded("\n".join([name or NOT_PROVIDED, *_parts(address, whole=True)]), 35, 4))


def _parts(address: Address, *, whole: bool) -> list[str]:
    """The lines of an address; ``whole`` with town and country."""
    street = " ".join(part for part in (address.street, address.building) if part)
    place = " ".join(part for part in (address.postal_code, address.town) if part)
    end = "/".join(part for part in (address.country, place) if part) if whole else ""
    return [part for part in (street, *address.lines, end) if part]


def _numbered(name: str, address: Address, country: str) -> str:
    """Lines of an option F: 1 name, 2 address, 3 country and town; four at most."""
    names = folded(name, 33, 2).split("\n")
    lines = [f"1/{line}" for line in names]
    parts = _parts(address, whole=False)
    if parts:
        lines += [f"2/{line}" for line in folded("\n".join(parts), 33, 3 - len(names)).split("\n")]
    place = " ".join(part for part in (address.postal_code, address.town) if part)
    return "\n".join([*lines, f"3/{country}" + (f"/{folded(place, 30, 1)}" if place.strip() else "")])
