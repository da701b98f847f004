"""The message table: which fields a message type has, in which order, how often, with which option letters.

Rule: a type is one row in this notation: ``20`` mandatory; ``?`` optional; ``*`` any number of times; ``+`` at least
once; ``50AFK`` one of the options (``-`` stands for no letter); ``( ... )`` a sequence; ``..`` any fields (the copied
fields of n92, n95, n96). A row compiles to a regular expression for the verdict and to an automaton that explains a
refusal. Source: SWIFT User Handbook, Standards MT, format specifications of categories 1, 2, 9 and n.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_COVER = "50AFK 52AD? 56ACD? 57ABCD? 59-AF 70? 72? 33B?"
_CORE = "20 13C* 23B 23E* 26T? 32A 33B? 36? 50AFK"
_END = "71A 71F* 71G? 72? 77B?"
_COPY = "79? ..*"
LAYOUTS: dict[str, str] = {
    "103": f"{_CORE} 51A? 52AD? 53ABD? 54ABD? 55ABD? 56ACD? 57ABCD? 59-AF 70? {_END}",
    "103STP": f"{_CORE} 51A? 52A? 53AB? 54A? 55A? 56A? 57A? 59-AF 70? {_END}",
    "103REMIT": f"{_CORE} 51A? 52AD? 53ABD? 54ABD? 55ABD? 56ACD? 57ABCD? 59-AF 70? {_END} 77T?",
    "200": "20 32A 53B? 56AD? 57ABD 72?",
    "202": "20 21 13C* 32A 52AD? 53ABD? 54ABD? 56AD? 57ABD? 58AD 72?",
    "202COV": f"20 21 13C* 32A 52AD? 53ABD? 54ABD? 56AD? 57ABD? 58AD 72? ( {_COVER} )",
    "205": "20 21 13C* 32A 52AD 53ABD? 56AD? 57ABD? 58AD 72?",
    "205COV": f"20 21 13C* 32A 52AD 53ABD? 56AD? 57ABD? 58AD 72? ( {_COVER} )",
    "900": "20 21 25-P 13D? 32A 52AD? 72?",
    "910": "20 21 25-P 13D? 32A 50AFK? 52AD? 56AD? 72?",
    "940": "20 21? 25-P 28C 60FM 86* ( 61 86* )* 62FM 64? 65* 86?",
    "941": "20 21? 25-P 28 13D? 60F? 90D? 90C? 62F 64? 65* 86?",
    "942": "20 21? 25-P 28C 34F 34F? 13D 86* ( 61 86* )* 90D? 90C? 86?",
    "950": "20 25 28C 60FM 61* 62FM 64?",
    "n92": f"20 21 11S {_COPY}",
    "n95": f"20 21 75 77A? 11RS? {_COPY}",
    "n96": f"20 21 76 77A? 11RS? {_COPY}",
    "n99": "20 21? 79",
}
#: Validation flag (block 3, 119) -> the message types it selects another format of.
FLAGGED = {"STP": frozenset({"102", "103"}), "REMIT": frozenset({"103"}), "COV": frozenset({"202", "205"})}
#: Longest text block of a type, in characters (SWIFT: 10,000, statements and advices 2,000).
LONGEST = {"9": 2_000}
LONGEST_OTHERWISE = 10_000

_ATOM = re.compile(r"(\.\.|\(|\)|\d\d)([A-Z-]*)([?*+]?)")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a layout: the tags it takes ("" stands for any), whether it may be left out or repeated."""

    tags: frozenset[str]
    label: str
    optional: bool
    repeated: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A compiled row: ``pattern`` decides over tags joined by blanks, ``slots`` and ``loops`` explain.

    ``loops`` maps the place of a sequence's last slot to that of its first; ``skips`` the first to the place after it.
    """

    pattern: re.Pattern[str]
    slots: tuple[Slot, ...]
    loops: dict[int, int]
    skips: dict[int, int]
    tags: frozenset[str]


def key_of(message_type: str, flag: str) -> str | None:
    """Key of the message table for a type and a validation flag (block 3, 119); None when it is not there."""
    if flag in FLAGGED and message_type + flag in LAYOUTS:
        return message_type + flag
    if message_type in LAYOUTS:
        return message_type
    common = "n" + message_type[1:]
    return common if common in LAYOUTS and message_type[:1] in set("123456789") else None


@lru_cache(maxsize=64)
def layout_of(key: str) -> Layout:
    """The compiled layout of a key of the table."""
    pattern, slots, loops, skips, starts = [], list[Slot](), dict[int, int](), dict[int, int](), list[int]()
    for atom in _ATOM.finditer(LAYOUTS[key]):
        name, options, quantity = atom.groups()
        if name == "(":
            starts.append(len(slots))
            pattern.append("(?:")
        elif name == ")":
            first, last = starts.pop(), len(slots) - 1
            pattern.append(f"){quantity}")
            if quantity in {"*", "+"}:
                loops[last] = first
            if quantity in {"*", "?"}:
                skips[first] = last + 1
        else:
            tags = frozenset(name + option.replace("-", "") for option in options) if options else frozenset({name})
            choice = r"\d\d[A-Z]?" if name == ".." else "|".join(sorted(tags))
            pattern.append(f"(?:(?:{choice}) ){quantity}")
            label = name + ("a" if len(tags) > 1 else options.replace("-", ""))
            slot = Slot(frozenset() if name == ".." else tags, label, quantity in {"?", "*"}, quantity in {"*", "+"})
            slots.append(slot)
    known = frozenset(tag for slot in slots for tag in slot.tags)
    return Layout(re.compile("".join(pattern)), tuple(slots), loops, skips, known)


def structure_faults(key: str, tags: list[str]) -> list[tuple[int, str]]:
    """What breaks the layout: (place in ``tags``, what is wrong), place ``len(tags)`` being the end of the text.

    Walks the slots from left to right; a field that fits no later place is reported and passed over.
    """
    layout = layout_of(key)
    if layout.pattern.fullmatch(" ".join(tags) + " ") and tags:
        return []
    found: list[tuple[int, str]] = []
    here, repeating = 0, False
    for place, tag in enumerate(tags):
        if len(found) >= _MOST:
            break
        step = _advance(layout, here, tag, repeating)
        if step is None:
            if any(tag in slot.tags for slot in layout.slots[: here + 1]):
                found.append((place, f"field {tag} is out of order or repeated"))
            else:
                found.append((place, f"field {tag} is not defined here"))
            continue
        target, missing = step
        found += [(place, f"mandatory field {label} is missing before {tag}") for label in missing]
        here, repeating = target, True
    missing = _to_end(layout, here, repeating)
    return found + [(len(tags), f"mandatory field {label} is missing") for label in missing]


#: Deviations after which the rest of a text is not explained any more.
_MOST = 20


def _advance(layout: Layout, here: int, tag: str, repeating: bool) -> tuple[int, list[str]] | None:
    """The slot that takes ``tag`` when standing at ``here`` (``repeating``: already filled), and what it skips."""
    slots = layout.slots
    place = here
    missing: list[str] = []
    if repeating:
        if slots[here].repeated and _takes(slots[here], tag):
            return here, []
        for last, first in layout.loops.items():
            if first <= here <= last and all(slot.optional for slot in slots[here + 1 : last + 1]):
                back = _first_taking(layout, first, last, tag)
                if back is not None and not any(_takes(slot, tag) for slot in slots[here + 1 : last + 1]):
                    return back, []
        place = here + 1
    while place < len(slots):
        slot = slots[place]
        if _takes(slot, tag):
            return place, missing
        if place in layout.skips and not any(_takes(each, tag) for each in slots[place : layout.skips[place]]):
            place = layout.skips[place]
            continue
        if not slot.optional:
            missing.append(slot.label)
        place += 1
    return None


def _takes(slot: Slot, tag: str) -> bool:
    return not slot.tags or tag in slot.tags


def _first_taking(layout: Layout, first: int, last: int, tag: str) -> int | None:
    slot = layout.slots[first]
    return first if _takes(slot, tag) and first <= last else None


def _to_end(layout: Layout, here: int, repeating: bool) -> list[str]:
    """Mandatory slots between here and the end."""
    missing, place = [], here + 1 if repeating else here
    while place < len(layout.slots):
        if place in layout.skips:
            place = layout.skips[place]
            continue
        if not layout.slots[place].optional:
            missing.append(layout.slots[place].label)
        place += 1
    return missing
