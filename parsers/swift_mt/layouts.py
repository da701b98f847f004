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
#: Parts of the batches: who orders, the parts common to every transaction, the sums.
_BATCHED = "26T? 77B? 71A?"
_BATCH_END = "32A 19? 71G? 13C* 53AC? 54A? 72?"
_DEBITOR = "50CL? 50AK? 52ACD?"
_DEBITS_HEAD = f"21E? 30 51A? {_DEBITOR} {_BATCHED} 72?"
_DEBIT = f"( 21 23E? 21C? 21D? 21E? 32B {_DEBITOR} 57ACD? 59-A 70? 26T? 77B? 33B? 71A? 71F? 71G? 36? )+"
_DEBITS_END = "( 32B 19? 71F? 71G? 53AB? )"
_ORDERED = "20 21R? 28D 50CL? 50FGH? 52AC? 51A? 30 25?"
_ORDER = "( 21 21F? 23E* 32B 50CL? 50FGH? 52AC? 56ACD? 57ACD? 59-AF 70? 77B? 33B? 71A 25A? 36? )+"
_CHEQUE = "( 21 30 32AB 50AFK? 52ABD? 59-F )+"
_ENTRIES = "60FM 61* 62FM 64?"
LAYOUTS: dict[str, str] = {
    "101": f"{_ORDERED} {_ORDER}",
    "102": (
        f"20 23 51A? 50AFK? 52ABC? {_BATCHED} 36?"
        f" ( 21 32B 50AFK? 52ABC? 57AC? 59-AF 70? 26T? 77B? 33B? 71A? 71F* 71G? 36? )+ ( {_BATCH_END} )"
    ),
    "102STP": (
        f"20 23 51A? 50AFK? 52A? {_BATCHED} 36?"
        f" ( 21 32B 50AFK? 52A? 57A? 59-AF 70? 26T? 77B? 33B? 71A? 71F* 71G? 36? )+ ( {_BATCH_END} )"
    ),
    "103": f"{_CORE} 51A? 52AD? 53ABD? 54ABD? 55ABD? 56ACD? 57ABCD? 59-AF 70? {_END}",
    "103STP": f"{_CORE} 51A? 52A? 53AB? 54A? 55A? 56A? 57A? 59-AF 70? {_END}",
    "103REMIT": f"{_CORE} 51A? 52AD? 53ABD? 54ABD? 55ABD? 56ACD? 57ABCD? 59-AF 70? {_END} 77T?",
    "104": f"20 21R? 23E? {_DEBITS_HEAD} {_DEBIT} {_DEBITS_END}?",
    "107": f"20 23E? {_DEBITS_HEAD} {_DEBIT} {_DEBITS_END}",
    "110": f"20 53ABD? 54ABD? 72? {_CHEQUE}",
    "111": "20 21 30 32AB 52ABD? 59-F? 75?",
    "112": "20 21 30 32AB 52ABD? 59-F? 76",
    "200": "20 32A 53B? 56AD? 57ABD 72?",
    "201": "19 30 53B? 72? ( 20 32B 56AD? 57ABD 72? )+",
    "202": "20 21 13C* 32A 52AD? 53ABD? 54ABD? 56AD? 57ABD? 58AD 72?",
    "202COV": f"20 21 13C* 32A 52AD? 53ABD? 54ABD? 56AD? 57ABD? 58AD 72? ( {_COVER} )",
    "203": "19 30 52AD? 53ABD? 54ABD? 72? ( 20 21 32B 56AD? 57ABD? 58AD 72? )+",
    "204": "20 19 30 57ABD? 58AD? 72? ( 20 21? 32B 53ABD 72? )+",
    "205": "20 21 13C* 32A 52AD 53ABD? 56AD? 57ABD? 58AD 72?",
    "205COV": f"20 21 13C* 32A 52AD 53ABD? 56AD? 57ABD? 58AD 72? ( {_COVER} )",
    "210": "20 25? 30 ( 21 32B 50-CF? 52AD? 56AD? )+",
    "900": "20 21 25-P 13D? 32A 52AD? 72?",
    "910": "20 21 25-P 13D? 32A 50AFK? 52AD? 56AD? 72?",
    "920": "20 ( 12 25-P 34F? 34F? )+",
    "935": "20 ( 23? 25? 30 37H+ )+ 72?",
    "940": "20 21? 25-P 28C 60FM 86* ( 61 86* )* 62FM 64? 65* 86?",
    "941": "20 21? 25-P 28 13D? 60F? 90D? 90C? 62F 64? 65* 86?",
    "942": "20 21? 25-P 28C 34F 34F? 13D 86* ( 61 86* )* 90D? 90C? 86?",
    "950": f"20 25 28C {_ENTRIES}",
    "970": f"20 25 28C {_ENTRIES}",
    "971": "20 ( 25 62F )+",
    "972": f"20 25 28C {_ENTRIES}",
    "973": "20 ( 12 25 )+",
    "985": "20 57ABD? 59 75?",
    "986": "20 21 59? 79",
    "n90": "20 21 25-P 32CD 52AD? 71B 72?",
    "n91": "20 21 32B 52AD? 57ABD? 71B 72?",
    "n92": f"20 21 11S {_COPY}",
    "n95": f"20 21 75 77A? 11RS? {_COPY}",
    "n96": f"20 21 76 77A? 11RS? {_COPY}",
    "n98": "20 12 77E",
    "n99": "20 21? 79",
}
#: What each key is called.
NAMES = {
    "101": "Request for Transfer",
    "102": "Multiple Customer Credit Transfer",
    "102STP": "Multiple Customer Credit Transfer, STP",
    "103": "Single Customer Credit Transfer",
    "103STP": "Single Customer Credit Transfer, STP",
    "103REMIT": "Single Customer Credit Transfer, REMIT",
    "104": "Direct Debit and Request for Debit Transfer",
    "107": "General Direct Debit",
    "110": "Advice of Cheque(s)",
    "111": "Request for Stop Payment of a Cheque",
    "112": "Status of a Request for Stop Payment of a Cheque",
    "200": "Financial Institution Transfer for its Own Account",
    "201": "Multiple Financial Institution Transfer for its Own Account",
    "202": "General Financial Institution Transfer",
    "202COV": "General Financial Institution Transfer, cover",
    "203": "Multiple General Financial Institution Transfer",
    "204": "Financial Markets Direct Debit",
    "205": "Financial Institution Transfer Execution",
    "205COV": "Financial Institution Transfer Execution, cover",
    "210": "Notice to Receive",
    "900": "Confirmation of Debit",
    "910": "Confirmation of Credit",
    "920": "Request Message",
    "935": "Rate Change Advice",
    "940": "Customer Statement",
    "941": "Balance Report",
    "942": "Interim Transaction Report",
    "950": "Statement",
    "970": "Netting Statement",
    "971": "Netting Balance Report",
    "972": "Netting Interim Statement",
    "973": "Netting Request",
    "985": "Status Enquiry",
    "986": "Status Report",
    "n90": "Advice of Charges, Interest and Other Adjustments",
    "n91": "Request for Payment of Charges, Interest and Other Expenses",
    "n92": "Request for Cancellation",
    "n95": "Queries",
    "n96": "Answers",
    "n98": "Proprietary",
    "n99": "Free Format",
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

    ``loops`` maps the place of a sequence's last slot to that of its first; ``skips`` the first to the place after it;
    ``letters`` has the sequence of each slot: B the first in brackets, C the next, A what is in none.
    """

    pattern: re.Pattern[str]
    slots: tuple[Slot, ...]
    loops: dict[int, int]
    skips: dict[int, int]
    letters: tuple[str, ...]
    tags: frozenset[str]


def key_of(message_type: str, flag: str) -> str | None:
    """Key of the message table for a type and a validation flag (block 3, 119); None when it is not there."""
    if flag in FLAGGED and message_type + flag in LAYOUTS:
        return message_type + flag
    if message_type in LAYOUTS:
        return message_type
    common = "n" + message_type[1:]
    return common if common in LAYOUTS and message_type[:1] in {"1", "2", "9"} else None


@lru_cache(maxsize=64)
def layout_of(key: str) -> Layout:
    """The compiled layout of a key of the table."""
    pattern, slots, loops, skips, starts = [], list[Slot](), dict[int, int](), dict[int, int](), list[int]()
    letters: list[str] = []
    named = 0
    for atom in _ATOM.finditer(LAYOUTS[key]):
        name, options, quantity = atom.groups()
        if name == "(":
            starts.append(len(slots))
            named += 1
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
            letters.append(chr(ord("A") + named) if starts else "A")
    known = frozenset(tag for slot in slots for tag in slot.tags)
    return Layout(re.compile("".join(pattern)), tuple(slots), loops, skips, tuple(letters), known)


def sequences_of(key: str, tags: list[str]) -> list[tuple[str, int, int]]:
    """The sequences of a text of the right structure: (letter, first place, place after its last)."""
    layout = layout_of(key)
    found: list[tuple[str, int, int]] = []
    here, began, letter = -1, 0, "A"
    for place, tag in enumerate(tags):
        step = _advance(layout, max(here, 0), tag, here >= 0)
        if step is None:
            continue
        target = step[0]
        belongs = layout.letters[target]
        again = target < here or (target == here and not layout.slots[target].repeated)
        if belongs != letter or again:
            if place > began:
                found.append((letter, began, place))
            began, letter = place, belongs
        here = target
    return [*found, (letter, began, len(tags))]


def structure_faults(key: str, tags: list[str], row: str | None = None) -> list[tuple[int, str]]:
    """What breaks the layout: (place in ``tags``, what is wrong), place ``len(tags)`` being the end of the text.

    ``row`` is the tags with blanks between them, for who has it.

    Walks the slots from left to right; a field that fits no later place is reported and passed over.
    """
    layout = layout_of(key)
    if layout.pattern.fullmatch((" ".join(tags) if row is None else row) + " ") and tags:
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
    """The slot that takes ``tag`` when a sequence begins again; what stands before it may be left out."""
    for place in range(first, last + 1):
        if _takes(layout.slots[place], tag):
            return place
        if not layout.slots[place].optional:
            return None
    return None


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
