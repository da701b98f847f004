"""What the makers of payments share: agents, customers, money and details, found by the place of their field.

Rule: a place is looked up once for each row of tags (``Sketch``); agents recur and are kept by their text. The caches
are bounded. Sources: SWIFT User Handbook, Standards MT, field definitions.
"""

from __future__ import annotations

from functools import lru_cache

from parsers.swift_mt.headers import Headers
from parsers.swift_mt.parties import bank, customer, institution
from parsers.swift_mt.text import Plan, Text
from parsers.swift_mt.values import iso_date, money_of
from payments import Agent, Money, Party

BEARERS = {"OUR": "DEBT", "SHA": "SHAR", "BEN": "CRED"}
PRIORITIES = {"U": "urgent", "N": "normal"}
#: What a tag of block 3 is called in the details; one that is not here gets its name when it comes.
_USER_TAGS = {tag: "block3." + tag for tag in "103 106 108 111 113 115 119 165 423 424 433 434".split()}
#: Texts of agents kept for each option letter; full, a letter's start anew.
_AGENTS_MOST = 16_384


class Sketch:
    """Where the makers find what they need in a row of tags; None for what is not there.

    ``reference`` 20, ``related`` 21, ``settled`` 32A, ``instructed`` 33B, ``bearer`` 71A, ``note`` 72 and so on are
    places; ``notes`` are the (place, tag) that a Payment has no place for, each tag once, ``more`` its repetitions.
    """

    __slots__ = (
        "bearer", "between", "creditor", "debtor", "instructed", "more", "note", "notes", "ordering", "purpose",
        "receiving", "reference", "remittance", "settled", "times",
    )  # fmt: skip

    def __init__(self, plan: Plan) -> None:
        places = plan.places.get
        self.reference, self.purpose, self.settled = places("20"), places("26"), places("32")
        self.instructed, self.debtor, self.creditor = places("33"), places("50"), places("59")
        self.ordering, self.between, self.receiving = places("52"), places("56"), places("57")
        self.remittance, self.note = plan.at.get("70", (None,))[0], places("72")
        self.bearer = plan.at.get("71A", (None,))[0]
        self.times = plan.at.get("13C", ())
        seen: set[str] = set()
        self.notes: list[tuple[int, str]] = []
        self.more: list[tuple[int, str]] = []
        for place, tag in plan.details:
            (self.more if tag in seen else self.notes).append((place, tag))
            seen.add(tag)


sketch_of = lru_cache(maxsize=1_024)(Sketch)

_agents: dict[str, dict[str, Agent]] = {letter: {} for letter in "ABCD"}


def agent_at(text: Text, place: int) -> Agent | None:
    """The institution in the field at ``place``; None when the field does not have its form."""
    letter, value = text.plan.tags[place][2:], text.values[place]
    known = _agents.get(letter)
    if known is None:
        return None
    found = known.get(value)
    if found is None:
        matched = text.matches[place]
        if matched is None:
            return None
        if len(known) >= _AGENTS_MOST:
            known.clear()
        found = known[value] = institution(letter, matched.groups())
    return found


def agent_of(text: Text, number: str, places: dict[str, int]) -> Agent | None:
    """The institution in the first field of that number among ``places``."""
    place = places.get(number)
    return None if place is None else agent_at(text, place)


def customer_at(text: Text, place: int) -> Party | None:
    """The customer in the field at ``place``."""
    matched = text.matches[place]
    return None if matched is None else customer(text.plan.tags[place], matched)


def customer_of(text: Text, number: str, places: dict[str, int]) -> Party | None:
    """The customer in the first field of that number among ``places``."""
    place = places.get(number)
    return None if place is None else customer_at(text, place)


def bank_of(bic: str | None) -> Agent | None:
    """The agent of a BIC of eleven characters."""
    return None if bic is None else bank(bic)


def settled(text: Text, place: int | None) -> tuple[str | None, Money | None]:
    """Value date and amount of a 32A."""
    if place is None:
        return None, None
    value = text.values[place]
    return iso_date(value[:6]), money_of(value[9:], value[6:9])


def stated(text: Text, place: int | None) -> Money | None:
    """The amount of a 32B, 33B, 71F or 71G."""
    return None if place is None else money_of(text.values[place][3:], text.values[place][:3])


def header_details(headers: Headers, user: dict[str, str]) -> dict[str, str]:
    """What an answer quotes of the headers."""
    details = {
        "direction": headers.direction,
        "terminal": headers.terminal,
        "session": headers.session,
        "sequence": headers.sequence,
    }
    if headers.reference:
        details["input_reference"] = headers.reference
    for tag, value in user.items():
        if tag != "121":
            details[_USER_TAGS.get(tag) or "block3." + tag] = value
    return details


def details_of(text: Text, headers: Headers, user: dict[str, str], sketch: Sketch) -> dict[str, str]:
    """Headers and the fields that a Payment has no place for, under their tags; repeated ones a line each."""
    details, values = header_details(headers, user), text.values
    for place, tag in sketch.notes:
        details[tag] = values[place]
    for place, tag in sketch.more:
        details[tag] += "\n" + values[place]
    for place in sketch.times:
        code, moment = time_of(values[place])
        details[code] = moment
    return details


@lru_cache(maxsize=4_096)
def time_of(value: str) -> tuple[str, str]:
    """Code and ISO 8601 time of a 13C: ``/CLSTIME/0915+0100`` is CLSTIME, 09:15+01:00 (on the day of settlement)."""
    _, code, moment = value.split("/", 2)
    return code, f"{moment[:2]}:{moment[2:7]}:{moment[7:]}"
