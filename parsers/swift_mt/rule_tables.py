"""Network validated rules, the tables: which rules a message type has, in the order of the handbook.

Rule: a row is one rule: its number, SWIFT's code, the finder, the sentence, the remedy, the fields it concerns. A rule
with three codes is three rows. Sources: SWIFT User Handbook, Standards MT category 1 (103 C1-C18, 103 STP C1-C10,
103 REMIT), category 2 (200, 202, 205 and cover), category 9, category n; field 23E (T47, D97, D98, D67, E46).
"""

from __future__ import annotations

from collections.abc import Iterable

from parsers.swift_mt.rule_tables_batch import BATCH_RULES
from parsers.swift_mt.rules import (
    ORDER_23E,
    PRIORITY,
    SERVICES,
    STANDARD,
    Rule,
    account_in_53b,
    account_with_option,
    balance_currencies,
    bearer,
    charges_beneficiary,
    charges_need_instructed_amount,
    cheque_without_account,
    code_repeated,
    codes_among,
    codes_exclude,
    codes_in_order,
    copy_missing,
    cover_intermediary,
    exchange_rate,
    extended_remittance,
    floor_limits,
    iban_in_europe,
    instructed_amount_in_europe,
    instructing_bank,
    instructing_bank_twice,
    interim_currencies,
    intermediary_option,
    narrative_without_entry,
    needs,
    no_account,
    no_codes_without,
    no_field,
    no_number,
    note_and_copy,
    option,
    orderer_missing,
    receivers_charges_currency,
    remittance_twice,
    report_currencies,
    return_guideline,
    return_in_note,
    text_after_code,
    unknown_code,
)

_A_ONLY = frozenset("A")
_23E_RULES = (
    Rule("23E", "T47", unknown_code, "The code in 23E is one of those defined", "Use a defined code", "23E"),
    Rule("23E", "D97", text_after_code, "Only PHON PHOB PHOI TELE TELB TELI HOLD REPA take text", "Drop it", "23E"),
    Rule("23E", "D98", codes_in_order, f"Codes of 23E in order {' '.join(ORDER_23E)}", "Reorder them", "23E"),
    Rule("23E", "D67", codes_exclude, "These two codes of 23E exclude each other", "Keep one of the two", "23E"),
    Rule("23E", "E46", code_repeated, "A code of 23E occurs once", "Remove the repetition", "23E"),
)
_INSTRUCTING = Rule("72", "T27", instructing_bank, "/INS/ in 72 is followed by a BIC alone", "Correct 72", "72")
_NOTES = (
    _INSTRUCTING,
    Rule("72", "T80", return_guideline, "72 follows the Payments Reject/Return Guidelines", "Correct 72", "72"),
)
_STP_NOTES = (
    _INSTRUCTING,
    Rule("72", "T47", instructing_bank_twice, "/INS/ stands in 72 once", "Keep one", "72"),
    Rule("72", "T81", return_in_note, "An STP payment has no /REJT/ or /RETN/ in 72", "Send it without STP", "72"),
    Rule("72", "T82", extended_remittance, "An STP payment has no /OCMT/ or /CHGS/ in 72", "Remove it", "72"),
)
_CHARGES = (
    ("E13", no_field("71F"), "71A is OUR: 71F is not allowed", "Remove 71F", "71F", bearer("OUR")),
    ("D50", no_field("71G"), "71A is SHA: 71G is not allowed", "Remove 71G", "71G", bearer("SHA")),
    ("E15", charges_beneficiary, "71A is BEN: 71F is mandatory and 71G not allowed", "Give 71F", "", bearer("BEN")),
)
_RATE = Rule("C1", "D75", exchange_rate, "36 stands exactly when 33B has another currency", "Add or drop 36", "33 36")
_EUROPE_33B = Rule("C2", "D49", instructed_amount_in_europe, "33B is mandatory between the listed countries", "Add 33B")
_PRIORITY_CODES = codes_among(frozenset({"SDVA", "TELB", "PHOB", "INTC"}))
_STP_CODES = codes_among(frozenset({"SDVA", "INTC"}))
_NO_23E = Rule("C3", "E02", no_field("23E"), "23B is SSTD or SPAY: no 23E", "Remove 23E", "23E", STANDARD)
_LISTED = "23B is SPRI, SSTD, SPAY:"

#: C1 to C13 of the 103, the same in both forms.
_CORE = (
    _RATE,
    _EUROPE_33B,
    Rule("C3", "E01", _PRIORITY_CODES, "23B is SPRI: 23E only SDVA, TELB, PHOB, INTC", "Drop it", "23E", PRIORITY),
    _NO_23E,
    Rule("C4", "E03", option("53", frozenset("AB")), f"{_LISTED} 53a is not option D", "Use 53A", "53", SERVICES),
    Rule("C5", "E04", account_in_53b, f"{_LISTED} 53B has its party identifier", "Add it", "53B", SERVICES),
    Rule("C6", "E05", option("54", _A_ONLY), f"{_LISTED} 54a only as option A", "Use 54A", "54", SERVICES),
    Rule("C7", "E06", needs("55", "53", "54"), "55a needs 53a and 54a", "Add 53a and 54a", "55"),
    Rule("C8", "E07", option("55", _A_ONLY), f"{_LISTED} 55a only as option A", "Use 55A", "55", SERVICES),
    Rule("C9", "C81", needs("56", "57"), "56a needs 57a", "Add 57a", "56"),
    Rule("C10", "E16", no_number("56"), "23B is SPRI: 56a is not allowed", "Remove 56a", "56", PRIORITY),
    Rule("C10", "E17", intermediary_option, "23B is SSTD, SPAY: 56a is A, or C with //", "Use 56A", "56", STANDARD),
    Rule("C11", "E09", account_with_option, f"{_LISTED} 57a is A, C, or D with /", "Use 57A", "57", SERVICES),
    Rule("C12", "E10", no_account, f"{_LISTED} the account in 59a is mandatory", "Add the account", "", SERVICES),
    Rule("C13", "E18", cheque_without_account, "23E is CHQB: no account in 59a", "Remove the account", "23E"),
)
_CHARGED = "71F or 71G needs 33B"
_PHONED = no_codes_without("56", frozenset({"TELI", "PHOI"}))
_CALLED = no_codes_without("57", frozenset({"TELE", "PHON"}))
_SAME = "71G has the currency of 32A"


def _later(shift: int) -> tuple[Rule, ...]:
    """C14 to C18 of the 103, which stand one number higher in the REMIT form."""
    number = "C{}".format
    return (
        *(Rule(number(14 + shift), *row) for row in _CHARGES),
        Rule(number(15 + shift), "D51", charges_need_instructed_amount, _CHARGED, "Add 33B", "71F 71G"),
        Rule(number(16 + shift), "E44", _PHONED, "Without 56a, 23E is not TELI or PHOI", "Add 56a", "23E"),
        Rule(number(17 + shift), "E45", _CALLED, "Without 57a, 23E is not TELE or PHON", "Add 57a", "23E"),
        Rule(number(18 + shift), "C02", receivers_charges_currency, _SAME, "Correct the currency", "71G"),
    )


_STP = (
    _RATE,
    _EUROPE_33B,
    Rule("C3", "E01", _STP_CODES, "23B is SPRI: 23E only SDVA, INTC", "Remove the code", "23E", PRIORITY),
    _NO_23E,
    Rule("C4", "E06", needs("55", "53", "54"), "55A needs 53a and 54A", "Add 53a and 54A", "55"),
    Rule("C5", "C81", needs("56", "57"), "56A needs 57A", "Add 57A", "56"),
    Rule("C6", "E16", no_number("56"), "23B is SPRI: 56A is not allowed", "Remove 56A", "56", PRIORITY),
    *(Rule("C7", *row) for row in _CHARGES),
    Rule("C8", "D51", charges_need_instructed_amount, "71F or 71G needs 33B", "Add 33B", "71F 71G"),
    Rule("C9", "C02", receivers_charges_currency, "71G has the currency of 32A", "Correct the currency", "71G"),
    Rule("C10", "D19", iban_in_europe, "Between the listed countries the account in 59a is an IBAN", "Give the IBAN"),
    Rule("53B", "E04", account_in_53b, "53B of an STP payment has its party identifier", "Add it", "53B"),
    Rule("59a", "E10", no_account, "The account in 59a of an STP payment is mandatory", "Add the account"),
)
_BANK = (*_NOTES, Rule("C1", "C81", needs("56", "57"), "56a needs 57a", "Add 57a", "56"))
_COVER = (*_BANK, Rule("C2", "C68", cover_intermediary, "In sequence B 56a needs 57a", "Add 57a"))

_BALANCES = (Rule("C1", "C27", balance_currencies, "60a, 62a and 64 have one currency", "Correct the currency"),)

#: Key of the message table -> its rules, in the order of the handbook.
RULES: dict[str, tuple[Rule, ...]] = {
    **BATCH_RULES,
    "103": (*_23E_RULES, *_NOTES, *_CORE, *_later(0)),
    "103STP": (*_23E_RULES, *_STP_NOTES, *_STP),
    "103REMIT": (
        *_23E_RULES,
        *_NOTES,
        *_CORE,
        *_later(1),
        Rule("C14", "E12", remittance_twice, "70 and 77T exclude each other", "Remove one of them", "77T"),
    ),
    "200": _BANK,
    "202": _BANK,
    "202COV": _COVER,
    "205": _BANK,
    "205COV": _COVER,
    "910": (Rule("C1", "C06", orderer_missing, "50a or 52a is present", "Add one of them"),),
    "940": (
        Rule("C1", "C24", narrative_without_entry, "An 86 among the entries follows its 61", "Add the 61", "86"),
        Rule("C2", "C27", balance_currencies, "60a, 62a, 64 and 65 have one currency", "Correct the currency"),
    ),
    "941": (Rule("C1", "C27", report_currencies, "60F, 62F, 64, 65, 90a have one currency", "Correct the currency"),),
    "942": (
        Rule("C3", "C24", narrative_without_entry, "An 86 among the entries follows its 61", "Add the 61", "86"),
        Rule("C1", "C27", interim_currencies, "34F, 90C and 90D have one currency", "Correct the currency"),
        Rule("C2", "C23", floor_limits, "One 34F has no mark; of two the first is D, the second C", "Correct 34F"),
    ),
    "950": _BALANCES,
    "970": _BALANCES,
    "972": _BALANCES,
    "n92": (Rule("C1", "C25", copy_missing, "79, or a copy of the mandatory fields, or both", "Add field 79"),),
    "n95": (Rule("C1", "C31", note_and_copy, "79 or a copy of the fields, not both", "Keep one", "79"),),
    "n96": (Rule("C1", "C31", note_and_copy, "79 or a copy of the fields, not both", "Keep one", "79"),),
}


#: Where the rules of a key are from: "UHB" the user handbook's own pages, "vendor" published validator output and
#: tables beside it, "memory" the handbook as remembered (rely on the rule, verify its number).
SOURCES = dict.fromkeys(RULES, "UHB") | {
    **dict.fromkeys(("102", "102STP", "107", "201", "203", "204", "935", "973", "n95", "n96"), "memory"),
    **dict.fromkeys(("110", "200", "202", "202COV", "205", "205COV", "210", "910", "920", "941", "n92"), "vendor"),
}


def rules_for(key: str | None, tags: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of a key of the message table that can fail a message with these tags.

    ``Rule.concerns`` names fields (``56`` or ``71G``, several with blanks between them): where none of them is
    present, the rule holds; so it does where the field of ``Rule.when`` is not there.
    """
    begun = {tag[:2] for tag in tags}.union(tags)
    return tuple(
        rule
        for rule in RULES.get(key or "", ())
        if (not rule.concerns or not begun.isdisjoint(rule.concerns.split()))
        and (rule.when is None or rule.when[0] in begun)
    )
