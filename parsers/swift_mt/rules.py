"""Network validated rules, the finders: small functions that look for what a rule forbids.

Rule: the rules themselves are rows in ``rule_tables``; a finder looks only at a Text whose structure is right. It
returns the place of the offending field, END for the end of the text, None when the rule holds. Sources: SWIFT User
Handbook, Standards MT category 1 (103 C1-C18, 103 STP C1-C10, REMIT), category 2 and 9.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from parsers.swift_mt.copies import copied, lacking, original_type
from parsers.swift_mt.values import bic11
from payments import IBAN

if TYPE_CHECKING:  # a plan of the text holds its rules
    from parsers.swift_mt.text import Text


END = -1
Find = Callable[["Text"], int | None]


class Rule(NamedTuple):
    """One network validated rule.

    ``concerns`` names fields (``56`` or ``71G``, several with blanks between them) without any of which the rule
    holds; ``when`` a field and the values of it without which it holds.
    """

    number: str
    code: str
    find: Find
    text: str
    remedy: str
    concerns: str = ""
    when: tuple[str, frozenset[str]] | None = None


SERVICES = ("23", frozenset({"SPRI", "SSTD", "SPAY"}))
PRIORITY = ("23", frozenset({"SPRI"}))
STANDARD = ("23", frozenset({"SSTD", "SPAY"}))


def bearer(code: str) -> tuple[str, frozenset[str]]:
    """The rule holds unless 71A is this."""
    return "71", frozenset({code})


#: Countries of rules C2 and C10 (handbook of 2015 with the later members Croatia and San Marino).
EUROPE = frozenset(
    "AD AT BE BG BV CH CY CZ DE DK EE ES FI FR GB GF GI GP GR HR HU IE IS IT LI LT LU LV MC MQ MT NL NO PL PM PT RE RO"
    " SE SI SJ SK SM TF VA".split()
)
ORDER_23E = ("SDVA", "INTC", "REPA", "CORT", "HOLD", "CHQB", "PHOB", "TELB", "PHON", "TELE", "PHOI", "TELI")
_CODES_23E = {
    "103": frozenset(ORDER_23E),
    "103REMIT": frozenset(ORDER_23E),
    "103STP": frozenset({"CORT", "INTC", "SDVA", "REPA"}),
}
_TEXT_23E = frozenset({"PHON", "PHOB", "PHOI", "TELE", "TELB", "TELI", "HOLD", "REPA"})
_EXCLUDED_23E = frozenset(
    frozenset(pair.split("-"))
    for pair in (
        "SDVA-HOLD SDVA-CHQB INTC-HOLD INTC-CHQB REPA-HOLD REPA-CHQB CORT-HOLD CORT-CHQB REPA-CORT HOLD-CHQB PHOB-TELB"
        " PHON-TELE PHOI-TELI"
    ).split()
)


def _place(text: Text, number: str) -> int | None:
    return text.plan.places.get(number)


def _currency(text: Text, number: str) -> str | None:
    value = text.get(number)
    return None if value is None else value[6:9] if number == "32" else value[:3]


def needs(number: str, *needed: str) -> Find:
    """A field needs others."""

    def find(text: Text) -> int | None:
        place = _place(text, number)
        return place if place is not None and any(each not in text.plan.places for each in needed) else None

    return find


def exchange_rate(text: Text) -> int | None:
    """36 stands exactly when 33B has another currency than 32A."""
    places, values = text.plan.places, text.values
    rate, instructed = places.get("36"), places.get("33")
    other = instructed is not None and values[instructed][:3] != values[places["32"]][6:9]
    if other == (rate is not None):
        return None
    return rate if rate is not None else instructed


def instructed_amount_in_europe(text: Text) -> int | None:
    """33B between two banks of the listed countries."""
    if "33" in text.plan.places or text.sender is None or text.receiver is None:
        return None
    return END if text.sender[4:6] in EUROPE and text.receiver[4:6] in EUROPE else None


def codes_among(allowed: frozenset[str]) -> Find:
    """23E only of these codes."""
    return lambda text: next((place for place, value in text.all("23E") if value[:4] not in allowed), None)


def no_field(tag: str) -> Find:
    """No field of this tag."""
    return lambda text: next((place for place, _ in text.all(tag)), None)


def option(number: str, allowed: frozenset[str]) -> Find:
    """A field only with these option letters."""
    return lambda text: _place(text, number) if (text.option(number) or "A") not in allowed else None


def account_in_53b(text: Text) -> int | None:
    """53B with its party identifier."""
    value = text.get("53")
    return _place(text, "53") if text.option("53") == "B" and not (value or "").startswith("/") else None


def no_number(number: str) -> Find:
    """No field of this number."""
    return lambda text: _place(text, number)


def intermediary_option(text: Text) -> int | None:
    """56a as A, or as C with a clearing code."""
    option, value = text.option("56"), text.get("56") or ""
    return None if option in {None, "A"} or (option == "C" and value.startswith("//")) else _place(text, "56")


def account_with_option(text: Text) -> int | None:
    """57a as A, C, or D with a party identifier."""
    option, value = text.option("57"), text.get("57") or ""
    return None if option in {None, "A", "C"} or (option == "D" and value.startswith("/")) else _place(text, "57")


def _has_account(text: Text) -> bool:
    return (text.get("59") or "").startswith("/")


def no_account(text: Text) -> int | None:
    """An account in 59a."""
    return None if _has_account(text) else _place(text, "59")


def cheque_without_account(text: Text) -> int | None:
    """With 23E CHQB, no account in 59a."""
    if not _has_account(text) or not any(value[:4] == "CHQB" for _, value in text.all("23E")):
        return None
    return _place(text, "59")


def charges_beneficiary(text: Text) -> int | None:
    """71F and no 71G."""
    receivers = next((p for p, _ in text.all("71G")), None)
    if receivers is not None:
        return receivers
    return None if "71F" in text.plan.tags else _place(text, "71")


def charges_need_instructed_amount(text: Text) -> int | None:
    """71F and 71G only with 33B."""
    if "33" in text.plan.places:
        return None
    return next((place for place, tag in enumerate(text.plan.tags) if tag in {"71F", "71G"}), None)


def no_codes_without(number: str, codes: frozenset[str]) -> Find:
    """These codes of 23E only with that field."""

    def find(text: Text) -> int | None:
        if number in text.plan.places:
            return None
        return next((place for place, value in text.all("23E") if value[:4] in codes), None)

    return find


def receivers_charges_currency(text: Text) -> int | None:
    """71G in the currency of 32A."""
    if "71G" not in text.plan.tags:
        return None
    return next((place for place, value in text.all("71G") if value[:3] != _currency(text, "32")), None)


def iban_in_europe(text: Text) -> int | None:
    """Between banks of the listed countries an IBAN in 59a."""
    if text.sender is None or text.receiver is None:
        return None
    if text.sender[4:6] not in EUROPE or text.receiver[4:6] not in EUROPE:
        return None
    bank = text.get("57")
    if bank is not None and bank.rsplit("\n", 1)[-1][4:6] not in EUROPE:
        return None
    account = (text.get("59") or "").split("\n", 1)[0][1:]
    try:
        IBAN(account)
    except ValueError:
        return _place(text, "59")
    return None if " " not in account else _place(text, "59")


def remittance_twice(text: Text) -> int | None:
    """70 or 77T."""
    return _place(text, "77") if "70" in text.plan.places and "77T" in text.plan.tags else None


# field 72 -------------------------------------------------------------------------------------------------------------

_RETURNS = frozenset({"/REJT/", "/RETN/"})
#: SWIFT's Payments Reject/Return Guidelines: what caused it, then the reason and the reference of what comes back.
_GUIDELINE = re.compile(
    r"/RE(?:JT|TN)/[0-9A-Z]{2,4}(?:/[0-9A-Z]{1,2})?"
    r"(?=(?:\n[^\n]*)*?\n/[A-Z]{2}[0-9]{2}/)(?=(?:\n[^\n]*)*?\n/MREF/[^\n])(?:\n[^\n]*)*"
)


def return_guideline(text: Text) -> int | None:
    """A 72 that begins with /REJT/ or /RETN/ follows the guidelines for returns."""
    place = text.plan.places.get("72")
    if place is None or text.values[place][:6] not in _RETURNS:
        return None
    return None if _GUIDELINE.fullmatch(text.values[place]) else place


def return_in_note(text: Text) -> int | None:
    """No /REJT/ or /RETN/ at the beginning of a line of 72."""
    lines = (text.get("72") or "").split("\n")
    return _place(text, "72") if any(line[:6] in _RETURNS for line in lines) else None


def returns_only(text: Text) -> int | None:
    """A 72 begins with /REJT/ or /RETN/ (104, 107)."""
    return None if (text.get("72") or "")[:6] in _RETURNS else _place(text, "72")


@lru_cache(maxsize=4_096)
def _names_banks(note: str) -> bool:
    named = [line[5:] for line in note.split("\n") if line.startswith("/INS/")]
    return all(bic11(bank) is not None for bank in named)


def instructing_bank(text: Text) -> int | None:
    """/INS/ at the beginning of a line of 72 is followed by a BIC and nothing else."""
    place = text.plan.places.get("72")
    return None if place is None or _names_banks(text.values[place]) else place


def instructing_bank_twice(text: Text) -> int | None:
    """/INS/ at the beginning of one line of 72 only."""
    lines = (text.get("72") or "").split("\n")
    return _place(text, "72") if sum(line.startswith("/INS/") for line in lines) > 1 else None


def extended_remittance(text: Text) -> int | None:
    """No extended remittance information (/OCMT/, /CHGS/) in 72."""
    note = text.get("72") or ""
    return _place(text, "72") if "/OCMT/" in note or "/CHGS/" in note else None


# codes of 23E --------------------------------------------------------------------------------------------------------


def unknown_code(text: Text) -> int | None:
    """A code of 23E that is not defined."""
    known = _CODES_23E[text.plan.key or "103"]
    return next((place for place, value in text.all("23E") if value[:4] not in known), None)


def text_after_code(text: Text) -> int | None:
    """Text after a code of 23E that takes none."""
    return next((p for p, v in text.all("23E") if len(v) > 4 and v[:4] not in _TEXT_23E), None)


def codes_in_order(text: Text) -> int | None:
    """Codes of 23E in their order."""
    last = -1
    for place, value in text.all("23E"):
        rank = ORDER_23E.index(value[:4]) if value[:4] in ORDER_23E else last
        if rank < last:
            return place
        last = rank
    return None


def codes_exclude(text: Text) -> int | None:
    """Codes of 23E that exclude each other."""
    fields = text.all("23E")
    codes = [value[:4] for _, value in fields[:_MOST_CODES]]
    for later, code in enumerate(codes):
        if any(frozenset({code, other}) in _EXCLUDED_23E for other in codes[:later]):
            return fields[later][0]
    return None


def code_repeated(text: Text) -> int | None:
    """A code of 23E twice."""
    seen = set[str]()
    for place, value in text.all("23E"):
        if value[:4] in seen:
            return place
        seen.add(value[:4])
    return None


_MOST_CODES = 40


# categories 2, 9, n --------------------------------------------------------------------------------------------------


def cover_intermediary(text: Text) -> int | None:
    """In sequence B of a cover message 57a with 56a."""
    cover = text.plan.cover
    return cover["56"] if "56" in cover and "57" not in cover else None


def orderer_missing(text: Text) -> int | None:
    """50a or 52a."""
    return END if "50" not in text.plan.places and "52" not in text.plan.places else None


def copy_missing(text: Text) -> int | None:
    """79, or a copy of at least the mandatory fields of the message that 11S names."""
    if "79" in text.plan.at:
        return None
    held = [text.plan.tags[place] for place in copied(text)]
    named = original_type(text)
    return END if not held or (named is not None and lacking(named, held)) else None


def note_and_copy(text: Text) -> int | None:
    """79 or copied fields, not both."""
    held = copied(text)
    return held[0] if held and "79" in text.plan.at else None


_BALANCES = ("60F", "60M", "62F", "62M", "64", "65")


def balance_currencies(text: Text) -> int | None:
    """One currency (its first two letters) in all balances."""
    return _one_currency([(place, value[7:9]) for tag in _BALANCES for place, value in text.all(tag)])


def report_currencies(text: Text) -> int | None:
    """One currency (its first two letters) in the balances and sums of a report."""
    sums = [(place, value.lstrip("0123456789")[:2]) for tag in ("90C", "90D") for place, value in text.all(tag)]
    return _one_currency(sums + [(place, value[7:9]) for tag in _BALANCES for place, value in text.all(tag)])


def _one_currency(pairs: list[tuple[int, str]]) -> int | None:
    """The first place, in the order of the text, whose first two letters are not those of the first."""
    pairs.sort()
    return next((place for place, pair in pairs if pair != pairs[0][1]), None)


def interim_currencies(text: Text) -> int | None:
    """One currency (its first two letters) in 34F, 90C, 90D."""
    limits = [(place, value[:2]) for place, value in text.all("34F")]
    sums = [(place, value.lstrip("0123456789")[:2]) for tag in ("90C", "90D") for place, value in text.all(tag)]
    return _one_currency(limits + sums)


def floor_limits(text: Text) -> int | None:
    """One 34F without mark, or two with D and C."""
    limits = [(place, value[3:4]) for place, value in text.all("34F")]
    if len(limits) == 1:
        return limits[0][0] if limits[0][1] in {"C", "D"} else None
    return limits[0][0] if limits and [mark for _, mark in limits[:2]] != ["D", "C"] else None


def narrative_without_entry(text: Text) -> int | None:
    """86 among the entries right after its 61; one after the balances, or the last field, speaks of the whole."""
    tags = text.plan.tags
    end = text.plan.places.get("62", len(tags) - 1)
    return next((p for p in text.plan.at.get("86", ()) if p < end and tags[p - 1] != "61"), None)
