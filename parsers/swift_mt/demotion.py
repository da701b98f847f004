"""Rules set aside for a sender: errors of named codes become warnings, and each use is recorded.

Rule: what a rule protects decides whether it may be set aside. Never: what says how much, in which currency, in which
direction, on which day, or whether it was sent before; nor a form without which a value cannot be read, because then
no payment could be made of the message. The setting comes in as a value: sender (BIC of eight or eleven characters) ->
codes. Source: house rule; the codes are SWIFT's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from parsers.swift_mt.codes import CODES, finding
from parsers.swift_mt.rule_tables import RULES
from payments import Finding

Demotions = Mapping[str, Collection[str]]

#: Codes that stay errors, by what they protect.
_KEPT = {
    "amounts": "C01 C03 D21 D22 D57 D60 D68 D75 D79 D80 E54 T40 T43",
    "currency": "C02 C08 C27 C40 T52",
    "direction": "H01 H02 H03 H10 H25 H30 H40 H50 T15 T16 T27 D61 D17 C76 D86 C23 C96",
    "dates": "T38 T50",
    "duplicates": "N06 T10 T11",
    "what can be read at all": "N01 N02 N03 N04 N08 M60 T12 T13 T30 T33 T34 U03",
}
KEPT: dict[str, str] = {code: reason for reason, codes in _KEPT.items() for code in codes.split()}


def checked(demotions: Demotions) -> dict[str, frozenset[str]]:
    """The setting, ready to use; ValueError names the first code that may not be set aside or does not exist."""
    known = CODES.keys() | {rule.code for rules in RULES.values() for rule in rules}
    for sender, codes in demotions.items():
        if len(sender) not in {8, 11}:
            raise ValueError(f"{sender!r} is not a BIC of 8 or 11 characters")
        for code in codes:
            if code not in known:
                raise ValueError(f"{code!r} for {sender} is not the code of a rule: see the reference of SWIFT MT")
            if code in KEPT:
                raise ValueError(f"{code} for {sender} cannot be set aside: it protects {KEPT[code]}")
    return {sender: frozenset(codes) for sender, codes in demotions.items()}


def demoted(findings: list[Finding], sender: str | None, demotions: Demotions) -> list[Finding]:
    """The findings with those of the sender's codes as warnings, each followed by the record of its use (N09)."""
    if sender is None:
        return findings
    codes = {*demotions.get(sender, ()), *demotions.get(sender[:8], ())} - KEPT.keys()
    result: list[Finding] = []
    for each in findings:
        if each.severity != "error" or each.code not in codes:
            result.append(each)
            continue
        result.append(msgspec.structs.replace(each, severity="warning"))
        result.append(finding("N09", each.place, each.code, severity="warning", detail=f"{each.code} for {sender}"))
    return result
