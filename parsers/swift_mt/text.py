"""The text of a message (block 4): its fields in order, and a plan made once for each row of tags.

Rule: what depends only on the message type and on the row of tags is computed once and kept: matchers, places of the
fields, structure. Real traffic has few rows, so a message costs one lookup. The cache is bounded in entries and in the
length of a row; a longer row is planned each time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container
from functools import lru_cache
from operator import itemgetter

from parsers.swift_mt.fields import CHECKS, FIELDS, Field
from parsers.swift_mt.layouts import (
    FLAGGED,
    LONGEST,
    LONGEST_OTHERWISE,
    key_of,
    layout_of,
    sequences_of,
    structure_faults,
)
from parsers.swift_mt.rule_tables import rules_for
from parsers.swift_mt.rules import Rule

_SPLIT = re.compile(r"\n:([0-9][0-9][A-Z]?):").split
_CACHED_TAGS = 256


_ANYTHING = re.compile(r"(?s:.*)").fullmatch

#: Fields that a Payment has no place for: kept in its details under their tag, for whoever writes or answers.
_DETAIL = re.compile(r"13C|23B|23E|25P?|36|51A|53.|54.|55.|71[FG]|72|77[BT]")


class Plan:
    """What a type, a validation flag (block 3, 119) and a row of tags determine.

    ``places`` maps a field's number (``"52"``) to the place of its first occurrence; in a cover message the fields of
    the underlying customer transfer (sequence B) are in ``cover`` instead, which is otherwise empty. ``checks`` are the
    quick tests of the values, ``longest`` the length a text may have, ``name`` the type as people write it (MT103STP).
    A bank transfer with the customers of a cover is read as one: that its flag is missing is a fault.
    ``at`` gives all places of a tag; ``payable`` says that all tags are among those of the type: of a stranger's
    content no payment is made.
    """

    __slots__ = (
        "_chosen", "_guards", "_known", "_pick", "_sequences", "at", "checks", "cover", "details", "faults", "key",
        "longest", "name", "payable", "places", "rules", "tags",
    )  # fmt: skip

    def __init__(self, message_type: str, flag: str, row: str) -> None:
        self.tags = tags = row.split(" ") if row else []
        covers = not flag and message_type in FLAGGED["COV"] and {"50", "59"}.issubset([tag[:2] for tag in tags])
        flagged = "COV" if covers else flag if message_type in FLAGGED.get(flag, ()) else ""
        self.key = key = key_of(message_type, flagged)
        self.name = f"MT{message_type}{flagged}" if message_type else None
        self.longest = LONGEST.get(message_type[:1], LONGEST_OTHERWISE)
        known: Container[str] = FIELDS
        if key is None or key[0] == "n":  # copied fields keep the form of another type: read, not judged
            known = {"20", "21", "11R", "11S", "75", "76", "77A", "79"} if key else ()
        self._known = known
        self._sequences: list[tuple[str, int, int]] | None = None
        self.faults = structure_faults(key, tags, row) if key is not None else []
        if covers:
            self.faults.append((_boundary(tags), "sequence B of a cover, and block 3 has no {119:COV}"))
        self.at: defaultdict[str, list[int]] = defaultdict(list)
        for place, tag in enumerate(tags):
            self.at[tag].append(place)
        checks = {tag: CHECKS[tag] if tag in known else _ANYTHING for tag in self.at}
        self.checks = [checks[tag] for tag in tags]
        boundary = _boundary(tags) if key in {"202COV", "205COV"} else len(tags)
        self.places: dict[str, int] = {}
        self.cover: dict[str, int] = {}
        for tag, at in self.at.items():
            if at[0] < boundary:
                self.places.setdefault(tag[:2], at[0])
            if at[-1] >= boundary:
                self.cover.setdefault(tag[:2], next(place for place in at if place >= boundary))
        self.rules: tuple[Rule, ...] = () if self.faults else rules_for(key, self.at)
        self.payable = key is not None and (not self.faults or layout_of(key).tags.issuperset(tags))
        self.details = sorted((place, tag) for tag, at in self.at.items() if _DETAIL.fullmatch(tag) for place in at)
        guarded = {rule.when[0]: self.places[rule.when[0]] for rule in self.rules if rule.when}
        self._guards = tuple(guarded)
        self._pick = itemgetter(*guarded.values()) if guarded else None
        self._chosen: dict[object, tuple[Rule, ...]] = {}

    def field(self, place: int) -> Field | None:
        """The field that a value is judged by; None where it is only read."""
        tag = self.tags[place]
        return FIELDS[tag] if tag in self._known else None

    def sequences(self) -> list[tuple[str, int, int]]:
        """The sequences: (letter, first place, place after the last); asked for by rules of types that have some."""
        if self._sequences is None:
            self._sequences = sequences_of(self.key, self.tags) if self.key else []
        return self._sequences

    def rules_of(self, values: list[str]) -> tuple[Rule, ...]:
        """The rules that these values can break: those of another service level or bearer of charges are left out."""
        if self._pick is None:
            return self.rules
        codes = self._pick(values)
        chosen = self._chosen.get(codes)
        if chosen is None:
            given = (codes,) if len(self._guards) == 1 else codes
            stand = dict(zip(self._guards, given, strict=True))
            chosen = tuple(rule for rule in self.rules if not rule.when or stand[rule.when[0]] in rule.when[1])
            if len(self._chosen) < _MOST_CHOSEN:
                self._chosen[codes] = chosen
        return chosen


#: Pairs of a service level and a bearer of charges, and room for what is neither.
_MOST_CHOSEN = 32


def _boundary(tags: list[str]) -> int:
    """Where sequence B of a cover message begins: at its first 50a, else after 58a and 72."""
    for place, tag in enumerate(tags):
        if tag[:2] in {"50", "59"}:
            return place
    return len(tags)


_cached_plan = lru_cache(maxsize=4_096)(Plan)


class Text:
    """Block 4 of one message: ``values[i]`` belongs to ``plan.tags[i]``; line breaks in values are LF.

    ``lead`` is what stood before the first field. ``sender`` and ``receiver`` are BICs from the headers or None.
    """

    __slots__ = ("flag", "lead", "length", "matches", "message_type", "plan", "receiver", "sender", "values")

    def __init__(self, body: str, message_type: str, flag: str, sender: str | None, receiver: str | None) -> None:
        parts = _SPLIT(body)
        self.lead = parts[0]
        self.length = len(body)
        self.values = parts[2::2]
        row = " ".join(parts[1::2])
        self.plan = (_cached_plan if len(row) <= _CACHED_TAGS else Plan)(
            message_type, flag if flag in FLAGGED else "", row
        )
        self.message_type = message_type
        self.flag = flag
        self.sender = sender
        self.receiver = receiver
        self.matches: list[re.Match[str] | None] = []

    def get(self, number: str) -> str | None:
        """Value of the first field of that number (sequence A), whatever its option."""
        place = self.plan.places.get(number)
        return None if place is None else self.values[place]

    def option(self, number: str) -> str | None:
        """Option letter of that field: "" when it has none, None when there is no such field."""
        place = self.plan.places.get(number)
        return None if place is None else self.plan.tags[place][2:]

    def all(self, tag: str) -> list[tuple[int, str]]:
        """Every field of a tag: (place, value)."""
        return [(place, self.values[place]) for place in self.plan.at.get(tag, ())]

    def line_of(self, place: int) -> int:
        """Line of a field in the text block, the line with ``{4:`` being 1 (as in the NAK's line number)."""
        return 2 + sum(value.count("\n") + 1 for value in self.values[:place]) + self.lead.count("\n")
