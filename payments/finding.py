"""Findings: what is wrong with an input, said to the person who can mend it.

Rule: every finding carries a stable code (the code the counterparty will receive where there is one), the place, the
value, the rule with its source, and the remedy. A message is rejected exactly when one of its findings is an error.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["error", "warning"]
Level = Literal["file", "batch", "entry", "message", "field"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=False, gc=False):
    """One deviation. ``level`` says how much of the input falls with it."""

    code: str
    severity: Severity
    level: Level
    place: str
    value: str | None
    rule: str
    remedy: str


#: A value is shown to a person: more of it than this helps nobody and floods logs.
_VALUE_MAX = 140


def _shown(value: object) -> str | None:
    if value is None:
        return None
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text if len(text) <= _VALUE_MAX else text[:_VALUE_MAX] + "…"


def error(code: str, level: Level, place: str, value: object, rule: str, remedy: str) -> Finding:
    """A finding that rejects its level."""
    return Finding(code, "error", level, place, _shown(value), rule, remedy)


def warning(code: str, level: Level, place: str, value: object, rule: str, remedy: str) -> Finding:
    """A finding that is reported and rejects nothing."""
    return Finding(code, "warning", level, place, _shown(value), rule, remedy)
