"""The headers and trailers: blocks 1, 2, 3 and 5 read into their parts and checked.

Rule: what a header says is taken even when a part of it is wrong, and each wrong part is a problem with SWIFT's H or U
code. Source: SWIFT User Handbook, FIN Service Description (headers, trailers) and FIN Error Codes (H, U).
"""

from __future__ import annotations

import re
from functools import lru_cache

from parsers.swift_mt.values import terminal_bic

#: (code, place, value, detail)
Problem = tuple[str, str, str, str]

_BASIC = re.compile(r"([A-Z])([0-9]{2})([A-Z0-9]{12})([0-9]{4})([0-9]{6})")
_APPLICATION = re.compile(
    r"I([0-9]{3})([A-Z0-9]{12})([A-Z])(?:[123](?:[0-9]{3})?)?"
    r"|O([0-9]{3})([0-9]{4})(([0-9]{6})([A-Z0-9]{12})([0-9]{4})([0-9]{6}))([0-9]{6})([0-9]{4})([A-Z])?"
)
_TAGS = re.compile(r"\{([0-9A-Z]{3}):([^{}]*)\}")
_TRAILERS = re.compile(r"\{([A-Z]{3})(?::([^{}]*))?\}")
_TRAILER_ROW = re.compile(r"\s*(?:\{[A-Z]{3}(?::[^{}]*)?\}\s*)*")
_UETR = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ORDER = ("103", "113", "108", "119", "423", "106", "424", "111", "121", "115", "165", "433", "434")
_FORMATS = {
    "108": (re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{0,16}"), "U02"),
    "113": (re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{0,4}"), "U01"),
    "119": (re.compile(r"[A-Z0-9]{0,8}"), "U08"),
    "121": (_UETR, "U13"),
}
#: Block 3 as most messages have it: nothing in it needs a second look.
_ORDINARY_USER = re.compile(
    r"(?:\{103:[A-Z]{3}\})?(?:\{113:[A-Za-z0-9]{4}\})?(?:\{108:[A-Za-z0-9/\-?:().,'+ ]{1,16}\})?"
    r"(?:\{119:[A-Z0-9]{1,8}\})?(?:\{111:[0-9]{3}\})?(?:\{121:" + _UETR.pattern + r"\})?"
)


class Headers:
    """Blocks 1 and 2: who sends what to whom. BICs have eleven characters, None where they cannot be read.

    ``terminal`` is the logical terminal of block 1, ``other_terminal`` that of block 2. ``reference`` is the message
    input reference (MIR) of an output message, made up from block 1 for an input message.
    """

    __slots__ = (
        "direction",
        "message_type",
        "other_terminal",
        "output_time",
        "priority",
        "problems",
        "receiver",
        "reference",
        "sender",
        "sequence",
        "service",
        "session",
        "terminal",
    )

    def __init__(self, basic: str, application: str | None) -> None:
        self.problems: list[Problem] = []
        self.message_type = self.terminal = self.other_terminal = self.session = self.sequence = self.service = ""
        self.direction = self.priority = self.reference = self.output_time = ""
        self.sender = self.receiver = None
        own = self._read_basic(basic)
        if application is None:
            if self.service == "21":
                self.receiver = own
            else:
                self.problems.append(("H25", "block 2", "", "there is no block 2"))
            return
        other = self._read_application(application)
        self.sender, self.receiver = (own, other) if self.direction != "output" else (other, own)

    def _read_basic(self, basic: str) -> str | None:
        parts = _BASIC.fullmatch(basic)
        if parts is None:
            self.problems.append(("H01", "block 1", basic, ""))
            self.service = basic[1:3]
            return terminal_bic(basic[3:15])
        application, self.service, self.terminal, self.session, self.sequence = parts.groups()
        own = terminal_bic(self.terminal)
        if application not in "FAL":
            self.problems.append(("H02", "block 1", basic, ""))
        if own is None:
            self.problems.append(("H10", "block 1", self.terminal, ""))
        return own

    def _read_application(self, application: str) -> str | None:
        parts = _APPLICATION.fullmatch(application)
        if parts is None:
            self.problems.append(("H25", "block 2", application, ""))
            self.message_type = application[1:4] if application[1:4].isdigit() else ""
            self.direction = "output" if application[:1] == "O" else "input"
            at = 14 if self.direction == "output" else 4
            return terminal_bic(application[at : at + 12])
        if parts[1] is not None:
            self.direction = "input"
            self.message_type, self.other_terminal, self.priority = parts[1], parts[2], parts[3]
        else:
            self.direction = "output"
            self.message_type, self.reference, self.other_terminal = parts[4], parts[6], parts[8]
            self.output_time, self.priority = parts[11] + parts[12], parts[13] or ""
        other = terminal_bic(self.other_terminal)
        if other is None and self.message_type >= "100":  # system messages go to no bank
            self.problems.append(("H50", "block 2", self.other_terminal, ""))
        if (self.priority or "N") not in ("S" if self.message_type < "100" else "UN"):
            self.problems.append(("H40", "block 2", self.priority, ""))
        return other


@lru_cache(maxsize=1_024)
def _order_problem(tags: tuple[str, ...]) -> str | None:
    """The first tag of block 3 that is unknown, repeated or out of order."""
    last = -1
    for tag in tags:
        rank = _ORDER.index(tag) if tag in _ORDER else -1
        if rank <= last:
            return tag
        last = rank
    return None


def user_header(content: str | None, problems: list[Problem]) -> dict[str, str]:
    """Block 3 as tag -> value; what is wrong goes to ``problems``."""
    if not content:
        return {}
    pairs = _TAGS.findall(content)
    found: dict[str, str] = dict(pairs)
    if _ORDINARY_USER.fullmatch(content) is not None:
        return found
    if sum([len(value) for _, value in pairs]) + 6 * len(pairs) != len(content):
        problems.append(("U03", "block 3", content, ""))
    if (tag := _order_problem(tuple([pair[0] for pair in pairs]))) is not None:
        problems.append(("U00", f"block 3, {{{tag}:}}", found[tag], "unknown, repeated or out of order"))
    for tag, (form, code) in _FORMATS.items():
        value = found.get(tag)
        if value is not None and form.fullmatch(value) is None:
            problems.append((code, f"block 3, {{{tag}:}}", value, ""))
    return found


def trailer_problem(content: str) -> Problem | None:
    """What is wrong with block 5."""
    return None if _TRAILER_ROW.fullmatch(content) else ("N03", "block 5", content, "")


def trailers(content: str) -> dict[str, str]:
    """Block 5 as tag -> value ("" for a tag without one)."""
    return {row[1]: row[2] or "" for row in _TRAILERS.finditer(content)}


def tag_blocks(content: str) -> dict[str, str]:
    """Tags of a service or system message: ``{177:...}{451:0}``, also where one is not closed; nested ones whole."""
    found: dict[str, str] = {}
    for row in _OPEN_TAGS.finditer(content):
        found.setdefault(row[1], row[2])
    return found


_OPEN_TAGS = re.compile(r"\{([0-9A-Z]{3}):([^{}]*)")
