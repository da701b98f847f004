"""Copies of fields in MT n92, n95 and n96, resolved against the type they copy.

Rule: what follows the header of a common message (20, 21, 11a, 75, 76, 77A, 79) is a copy of fields of the message
that field 11a names, so it is read with that type's fields and held to that type's mandatory ones. A copy of a type
that is not in the tables is read as it stands. Source: SWIFT User Handbook, Standards MT category n, rule C1 of n92.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from parsers.swift_mt.layouts import key_of, layout_of

if TYPE_CHECKING:
    from parsers.swift_mt.text import Text

_HEADER = frozenset({"20", "21", "11R", "11S", "75", "76", "77A", "79"})


def original_type(text: Text) -> str | None:
    """The message type that field 11a names, None when it names none."""
    place = text.plan.places.get("11")
    named = "" if place is None else text.values[place][:3]
    return named if len(named) == 3 and named.isascii() and named.isdigit() else None


def copied(text: Text) -> list[int]:
    """Places of the copied fields."""
    tags = text.plan.tags
    begin = next((place for place in range(2, len(tags)) if tags[place] not in _HEADER), len(tags))
    # A copy that begins with the original's own reference comes after all of the header.
    seen = set[str]()
    for place in range(begin):
        if tags[place] in seen:
            return list(range(place, len(tags)))
        seen.add(tags[place])
    return list(range(begin, len(tags)))


def lacking(message_type: str, tags: Iterable[str]) -> list[str]:
    """Mandatory fields of the first sequence of a type that a copy does not have; none for an unknown type."""
    held = set(tags)
    return [label for options, label in _mandatory(message_type) if held.isdisjoint(options)]


@lru_cache(maxsize=256)
def _mandatory(message_type: str) -> tuple[tuple[frozenset[str], str], ...]:
    key = key_of(message_type, "")
    if key is None or key[0] == "n":
        return ()
    layout = layout_of(key)
    return tuple(
        (slot.tags, slot.label)
        for slot, letter in zip(layout.slots, layout.letters, strict=True)
        if letter == "A" and not slot.optional
    )
