"""The headers and trailers: blocks 1, 2, 3 and 5 read into their parts and checked.

Rule: what a header says is taken even when a part of it is wrong, and each wrong part is a problem with SWIFT's H or U
code. Source: SWIFT User Handbook, FIN Service Description (headers, trailers) and FIN Error Codes (H, U).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from parsers.swift_mt.values import terminal_bic

#: (code, place, value, detail)
Problem = tuple[str, str, str, str]

_BASIC = re.compile(r"([A-Z])([0-9]{2})([A-Z0-9]{12})([0-9]{4})([0-9]{6})")
#: Messages to the network itself (general purpose application and login), of which the first have no session number.
_ACCESS = re.compile(r"[AL][0-9]{2}[A-Z0-9]{12}([0-9]{10})?")
_BEGIN = re.compile(r"[A-Z][0-9]{2}[A-Z0-9]{12}")
_INPUT = re.compile(r"I([0-9]{3})([A-Z0-9]{12})([A-Z])(?:[123](?:[0-9]{3})?)?")
_OUTPUT = re.compile(r"O([0-9]{3})([0-9]{4})(([0-9]{6})([A-Z0-9]{12})([0-9]{4})([0-9]{6}))([0-9]{6})([0-9]{4})([A-Z])?")
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
    r"(?:\{103:([A-Z]{3})\})?(?:\{113:([A-Za-z0-9]{4})\})?(?:\{108:([A-Za-z0-9/\-?:().,'+ ]{1,16})\})?"
    r"(?:\{119:([A-Z0-9]{1,8})\})?(?:\{111:([0-9]{3})\})?(?:\{121:(" + _UETR.pattern + r")\})?"
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
        self.message_type = self.other_terminal = self.direction = self.priority = ""
        self.reference = self.output_time = ""
        self.sequence = basic[19:25]
        self.session = basic[15:19]
        begin = _begin(basic[:15])
        self.service, self.terminal, own = begin.service, begin.terminal, begin.bic
        if begin.problem or len(basic) != 25 or not (basic.isascii() and basic[15:].isdigit()):
            self._basic_problem(basic, begin)
        self.sender = self.receiver = None
        if application is None:
            if self.service == "21" or basic[:1] in {"A", "L"}:
                self.receiver = own
            else:
                self.problems.append(("H25", "block 2", "", "there is no block 2"))
        elif application[:1] == "I" and len(application) <= _INPUT_MOST:
            to = _input(application)
            self.direction = "input"
            self.message_type, self.other_terminal, self.priority = to.message_type, to.terminal, to.priority
            self.sender, self.receiver = own, to.bic
            if to.problems:
                self.problems += to.problems
        else:
            other = self._read_output(application)
            self.sender, self.receiver = (own, other) if self.direction != "output" else (other, own)

    def _basic_problem(self, basic: str, begin: _Begin) -> None:
        if begin.problem == "" and _ACCESS.fullmatch(basic):
            return  # a request to log in or to select: no session yet
        if begin.problem == "H01" or _BASIC.fullmatch(basic) is None:
            self.terminal = self.session = self.sequence = ""
            self.problems.append(("H01", "block 1", basic, ""))
        elif begin.problem:
            value = basic if begin.problem == "H02" else self.terminal
            self.problems.append((begin.problem, "block 1", value, ""))

    def _read_output(self, application: str) -> str | None:
        parts = _OUTPUT.fullmatch(application)
        if parts is None:
            self.problems.append(("H25", "block 2", application, ""))
            kind = application[1:4]
            self.message_type = kind if kind.isascii() and kind.isdigit() else ""
            self.direction = "output" if application[:1] == "O" else "input"
            at = 14 if self.direction == "output" else 4
            return terminal_bic(application[at : at + 12])
        self.direction = "output"
        self.message_type, self.reference, self.other_terminal = parts[1], parts[3], parts[5]
        self.output_time, self.priority = parts[8] + parts[9], parts[10] or ""
        other = terminal_bic(self.other_terminal)
        self.problems += _address_problems(self.message_type, self.other_terminal, self.priority, other)
        return other


class _Begin(NamedTuple):
    """The first fifteen characters of block 1; ``problem`` is a code or ""."""

    service: str
    terminal: str
    bic: str | None
    problem: str


@lru_cache(maxsize=16_384)
def _begin(head: str) -> _Begin:
    own = terminal_bic(head[3:15])
    if _BEGIN.fullmatch(head) is None:
        return _Begin(head[1:3], head[3:15], own, "H01")
    problem = "H02" if head[0] not in "FAL" else "H10" if own is None else ""
    return _Begin(head[1:3], head[3:15], own, problem)


class _To(NamedTuple):
    """Block 2 of an input message."""

    message_type: str
    terminal: str
    priority: str
    bic: str | None
    problems: list[Problem]


#: The longest block 2 of an input message.
_INPUT_MOST = 21


@lru_cache(maxsize=16_384)
def _input(application: str) -> _To:
    parts = _INPUT.fullmatch(application)
    if parts is None:
        kind = application[1:4] if application[1:4].isascii() and application[1:4].isdigit() else ""
        return _To(kind, "", "", terminal_bic(application[4:16]), [("H25", "block 2", application, "")])
    kind, terminal, priority = parts.groups()
    bic = terminal_bic(terminal)
    return _To(kind, terminal, priority, bic, _address_problems(kind, terminal, priority, bic))


def _address_problems(kind: str, terminal: str, priority: str, bic: str | None) -> list[Problem]:
    found: list[Problem] = []
    if bic is None and kind >= "100":  # system messages go to no bank
        found.append(("H50", "block 2", terminal, ""))
    if (priority or "N") not in ("S" if kind < "100" else "UN"):
        found.append(("H40", "block 2", priority, ""))
    return found


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
    ordinary = _ORDINARY_USER.fullmatch(content)
    if ordinary is not None:
        return _ordinary_user(*ordinary.groups())
    pairs = _TAGS.findall(content)
    found: dict[str, str] = dict(pairs)
    if sum([len(value) for _, value in pairs]) + 6 * len(pairs) != len(content):
        problems.append(("U03", "block 3", content, ""))
    if (tag := _order_problem(tuple([pair[0] for pair in pairs]))) is not None:
        problems.append(("U00", f"block 3, {{{tag}:}}", found[tag], "unknown, repeated or out of order"))
    for tag, (form, code) in _FORMATS.items():
        value = found.get(tag)
        if value is not None and form.fullmatch(value) is None:
            problems.append((code, f"block 3, {{{tag}:}}", value, ""))
    return found


def _ordinary_user(
    service: str | None,
    priority: str | None,
    reference: str | None,
    flag: str | None,
    service_type: str | None,
    uetr: str | None,
) -> dict[str, str]:
    found = {}
    if service is not None:
        found["103"] = service
    if priority is not None:
        found["113"] = priority
    if reference is not None:
        found["108"] = reference
    if flag is not None:
        found["119"] = flag
    if service_type is not None:
        found["111"] = service_type
    if uetr is not None:
        found["121"] = uetr
    return found


def trailer_problem(content: str) -> Problem | None:
    """What is wrong with block 5."""
    return None if _TRAILER_ROW.fullmatch(content) else ("N03", "block 5", content, "")


def trailers(content: str) -> dict[str, str]:
    """Block 5 as tag -> value ("" for a tag without one)."""
    return {row[1]: row[2] or "" for row in _TRAILERS.finditer(content)}


def tag_blocks(content: str) -> dict[str, str]:
    """Tags of a service or system message, the first of each: ``{177:...}{451:0}``."""
    found: dict[str, str] = {}
    for tag, value in tag_rows(content):
        found.setdefault(tag, value)
    return found


def tag_rows(content: str) -> list[tuple[str, str]]:
    """Every tag of a service or system message in its order, also one that is not closed; of one that holds others,
    what stands before them.
    """
    return _OPEN_TAGS.findall(content)


_OPEN_TAGS = re.compile(r"\{([0-9A-Z]{1,3}):([^{}]*)")
