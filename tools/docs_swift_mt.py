"""The reference page of SWIFT MT, made from the tables that the reader works with.

Rule: as in ``tools.docs``: nothing is written here that a table says; only what the columns mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from parsers.swift_mt.codes import CODES
from parsers.swift_mt.demotion import KEPT
from parsers.swift_mt.field_table import CODE_WORDS, TABLE
from parsers.swift_mt.layouts import FLAGGED, LAYOUTS, LONGEST, LONGEST_OTHERWISE, NAMES
from parsers.swift_mt.rule_tables import RULES, SOURCES
from parsers.swift_mt.rules import Rule

Table = Callable[[Sequence[str], Iterable[Sequence[object]]], str]
_SOURCES = {
    "UHB": "the pages of the SWIFT User Handbook",
    "vendor": "tables and validator output that vendors publish",
    "memory": "the handbook as remembered: rely on the rule, verify its number",
    "house": "this engine's own; no network refuses for it",
}


def page(table: Table) -> str:
    """The page; ``table`` makes a Markdown table."""
    return "\n".join(
        (
            "# SWIFT MT\n\n"
            "What the reader knows of FIN messages. A refusal carries the code of a row below; `qenex parse` and"
            " `qenex validate` show the same codes with line, value and remedy. A type that is not here is read as"
            " fields and reported with N05.\n",
            _types(table),
            _fields(table),
            _rules(table),
            _codes(table),
            _modes(table),
        )
    )


def _types(table: Table) -> str:
    rows = [(f"`{key}`", NAMES[key], f"`{' '.join(layout.split())}`") for key, layout in LAYOUTS.items()]
    flags = ", ".join(f"`{flag}` ({' '.join(sorted(types))})" for flag, types in FLAGGED.items())
    lengths = ", ".join(f"category {category} {longest:,}" for category, longest in LONGEST.items())
    return (
        "## Message types\n\n"
        "`?` optional, `*` any number of times, `+` at least once, `50AFK` one of the options, `-` no letter, `( )` a"
        " sequence (B is the first in brackets, C the next, A what stands before), `..` any fields (the copy of another"
        f" message). `n` stands for 1, 2 or 9. The validation flag in block 3 selects a form: {flags}. Longest text:"
        f" {LONGEST_OTHERWISE:,} characters, {lengths}.\n\n" + table(("Type", "Name", "Fields"), rows)
    )


def _fields(table: Table) -> str:
    rows = []
    for row in TABLE.strip().splitlines():
        tag, rest = row.split("|", 1)
        notation, names = rest.rsplit("|", 1)
        words = CODE_WORDS.get(tag.strip(), (frozenset[str](), ""))[0]
        rows.append(
            (
                f"`{tag.strip()}`",
                f"`{notation.strip()}`",
                names.strip().replace("*", " (lines)"),
                " ".join(sorted(words)),
            )
        )
    return (
        "## Fields\n\n"
        "SWIFT's notation: `16x` up to 16 characters of set x, `!` exactly, `4*35x` up to 4 lines, `15d` an amount with"
        " a comma, `[ ]` optional, `$` a line break. Sets: n digits, a capital letters, c capital letters and digits, h"
        " hexadecimal, x and z SWIFT's own. `<PARTY>` is `[/1!a][/34x]`, `<REF>` 16x without `//`, `<MARK>` C, D, RC,"
        " RD, EC or ED.\n\n" + table(("Field", "Format", "Components", "Code words"), rows)
    )


def _rules(table: Table) -> str:
    parts = [
        "## Network validated rules\n\n"
        "In the order of the handbook; a rule with several codes has several rows. They are asked of a message whose"
        " fields and structure are right. Where they are from: "
        + "; ".join(f"*{name}* {meaning}" for name, meaning in _SOURCES.items())
        + ".\n"
    ]
    shown: dict[tuple[Rule, ...], list[str]] = {}
    for key, rules in RULES.items():
        shown.setdefault(rules, []).append(key)
    for rules, keys in sorted(shown.items(), key=lambda item: min(item[1])):
        names = ", ".join(f"MT {key}" for key in sorted(keys))
        parts.append(f"### {names}\n\nSource: {SOURCES[keys[0]]}.\n")
        columns = ("Rule", "Code", "What holds", "Remedy")
        parts.append(table(columns, [(rule.number, f"`{rule.code}`", rule.text, rule.remedy) for rule in rules]))
    return "\n".join(parts)


def _codes(table: Table) -> str:
    rows = [(f"`{code}`", row.rule, row.remedy, row.source) for code, row in sorted(CODES.items())]
    return "## Codes of headers, fields and structure\n\n" + table(("Code", "What holds", "Remedy", "Source"), rows)


def _modes(table: Table) -> str:
    reasons = dict.fromkeys(KEPT.values())
    rows = [(reason, " ".join(code for code, why in KEPT.items() if why == reason)) for reason in reasons]
    return (
        "## Strict, lenient, and rules set aside\n\n"
        "Categories 1 and 2 are read strictly, category 9 leniently: each deviation is a warning with the same code,"
        " and nothing is lost; a statement whose amounts cannot be read, or that has no reference, is refused all the"
        " same. Whether balances and entries add up is a warning in both modes. For a sender (a BIC of 8 or 11)"
        " codes may be set aside: they become warnings, each followed by N09, the record of its use. Never set"
        " aside:\n\n" + table(("What it protects", "Codes"), rows)
    )
