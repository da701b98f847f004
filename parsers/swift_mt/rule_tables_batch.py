"""Network validated rules, the tables of messages with sequences: batches, cheques, requests, rates.

Rule: as in ``rule_tables``; a type's rules stand in the order of the handbook. Sources: SWIFT User Handbook, Standards
MT category 1 (101, 102, 104, 107, 110), 2 (201, 203, 204, 210), 9 (920, 935, 941); numbers from memory of it where a
published excerpt was not at hand (102, 107, 201, 203, 204: ``codes`` marks the source of each code).
"""

from __future__ import annotations

from parsers.swift_mt.rules import EUROPE, Rule, return_guideline, returns_only
from parsers.swift_mt.rules_batch import (
    at_most,
    charges_of_all,
    charges_of_beneficiary,
    charges_reach_the_sum,
    cheque_account,
    code_of_each,
    code_repeated_within,
    codes_exclude_within,
    codes_known,
    decimals_of_total,
    floor_limit_currencies,
    floor_limit_marks,
    floor_limit_wanted,
    function_or_account,
    head_or_each,
    head_or_some,
    instructed_in_europe,
    needs_within,
    no_charges_with,
    note_with_return,
    one_currency,
    one_currency_by_reference,
    one_orderer,
    other_amount,
    other_currency,
    rate_in_batch,
    rate_with_amount,
    rate_with_currency,
    registration_with_creditor,
    requested_types,
    sums_of_debits,
    text_only_after,
    total_is_sum,
    total_of_its_own,
    zero_amount,
)

_CODES_101 = frozenset("CHQB CMSW CMTO CMZB CORT EQUI INTC NETS OTHR PHON REPA RTGS URGP".split())
_EXCLUDED_101 = frozenset(
    frozenset(pair.split("-"))
    for pair in (
        "CHQB-CMSW CHQB-CMTO CHQB-CMZB CHQB-CORT CHQB-NETS CHQB-PHON CHQB-REPA CHQB-RTGS CHQB-URGP CMSW-CMTO CMSW-CMZB"
        " CMTO-CMZB CORT-CMSW CORT-CMTO CORT-CMZB CORT-REPA EQUI-CMSW EQUI-CMTO EQUI-CMZB NETS-RTGS"
    ).split()
)
_CODES_DEBIT = frozenset("AUTH NAUT OTHR RFDD RTND".split())
_ORDERING = ("50F", "50G", "50H")
_DECIMALS = Rule("19", "C03", decimals_of_total, "19 has no more decimals than its currency", "Round 19", "19")
_TEN = "A sequence repeats at most ten times"

_101 = (
    Rule("23E", "T47", codes_known(_CODES_101), "The code in 23E is one of those defined", "Use one", "23E"),
    Rule(
        "23E", "D97", text_only_after(frozenset("CMTO PHON OTHR REPA".split())), "Text only after some", "Drop", "23E"
    ),
    Rule("23E", "D66", codes_exclude_within(_EXCLUDED_101), "These codes of 23E exclude each other", "Keep one", "23E"),
    Rule("23E", "E46", code_repeated_within("OTHR"), "A code of 23E occurs once", "Remove the repetition", "23E"),
    Rule("C1", "D54", needs_within("B", "36", "21F"), "36 needs 21F", "Add 21F", "36"),
    Rule("C2", "D60", rate_with_amount, "36 stands exactly with 33B and a 32B above zero", "Add or drop 36", "33B 36"),
    Rule("C3", "D61", head_or_each(*_ORDERING), "50a (F G H) stands in A or in every B", "Keep it in one of them"),
    Rule("C4", "D62", head_or_some(("50C", "50L")), "50a (C L) stands in A or in B", "Keep one", "50C 50L"),
    Rule("C5", "D68", other_currency, "33B has another currency than 32B", "Drop 33B", "33B"),
    Rule("C6", "D64", head_or_some(("52",)), "52a stands in A or in B", "Keep one", "52"),
    Rule("C7", "D65", needs_within("B", "56", "57"), "56a needs 57a", "Add 57a", "56"),
    Rule("C8", "D98", one_currency_by_reference, "With 21R all 32B have one currency", "Split the message", "21R"),
    Rule("C9", "E54", zero_amount, "A 32B of zero needs EQUI and 33B, or neither 33B nor 21F", "Correct 32B"),
)
_OURS = no_charges_with("OUR", "71F")
_SHARED = no_charges_with("SHA", "71G")
_102 = (
    _DECIMALS,
    Rule("C1", "C01", total_is_sum("B"), "19 is the sum of all 32B", "Correct 19", "19"),
    Rule("C2", "C02", one_currency("32A", "32B", "71G"), "71G, 32B and 32A have one currency", "Correct it"),
    Rule("C3", "D17", head_or_each("50"), "50a stands in A or in every B", "Keep it in one of them"),
    Rule("C4", "D20", head_or_each("71A"), "71A stands in A or in every B", "Keep it in one of them"),
    Rule("C5", "D18", head_or_some(("52",), ("26T",), ("77B",)), "52a, 26T, 77B: in A or in B", "Keep one", "52 26 77"),
    Rule("C6", "D22", rate_in_batch, "36 stands exactly when 33B has another currency", "Add or drop 36", "33B 36"),
    Rule("C7", "D49", instructed_in_europe(EUROPE), "33B is mandatory between the listed countries", "Add 33B"),
    Rule("C8", "E13", _OURS, "71A is OUR: 71F is not allowed", "Remove 71F", "71F"),
    Rule("C8", "D50", _SHARED, "71A is SHA: 71G is not allowed", "Remove 71G", "71G"),
    Rule("C8", "E15", charges_of_beneficiary, "71A is BEN: 71F is mandatory and 71G not allowed", "Give 71F", "71A"),
    Rule("C9", "D51", needs_within("B", "71F", "33B"), "71F needs 33B", "Add 33B", "71F"),
    Rule("C9", "D51", needs_within("B", "71G", "33B"), "71G needs 33B", "Add 33B", "71G"),
    Rule("C10", "D79", charges_reach_the_sum, "71G of a transaction needs 71G in sequence C", "Add it", "71G"),
    Rule("C11", "D93", cheque_account, "23 is CHQB: no account in 59a; otherwise one", "Correct 59a"),
)
_DEBITS = (
    _DECIMALS,
    Rule("72", "D82", returns_only, "72 begins with /REJT/ or /RETN/", "Correct 72", "72"),
    Rule("72", "T80", return_guideline, "72 follows the Payments Reject/Return Guidelines", "Correct 72", "72"),
    Rule("23E", "T47", codes_known(_CODES_DEBIT), "23E is AUTH, NAUT, OTHR, RFDD or RTND", "Use one", "23E"),
    Rule("23E", "D81", text_only_after(frozenset({"OTHR"})), "Only OTHR takes text", "Drop the text", "23E"),
)
_DEBIT_ENDS = (
    Rule("C6", "D79", charges_of_all("71F"), "71F stands in C exactly when it stands in B", "Add or drop it", "71F"),
    Rule("C6", "D79", charges_of_all("71G"), "71G stands in C exactly when it stands in B", "Add or drop it", "71G"),
    Rule("C7", "D21", other_amount, "33B differs from 32B in currency or amount", "Drop 33B", "33B"),
    Rule(
        "C8", "D75", rate_with_currency, "36 stands exactly when 33B has another currency", "Add or drop 36", "33B 36"
    ),
    Rule("C9", "D80", total_of_its_own, "19 stands exactly when 32B of C is not the sum of B", "Add or drop 19"),
    Rule("C10", "C01", total_is_sum("B"), "19 is the sum of the 32B of B", "Correct 19", "19"),
    Rule("C11", "C02", one_currency("32B", "71G"), "32B and 71G have one currency", "Correct the currency"),
    Rule("C11", "C02", one_currency("71F"), "71F has one currency", "Correct the currency", "71F"),
)
_COMMON = (("21E",), ("26T",), ("52",), ("71A",), ("77B",), ("50C", "50L"))
_ONLY_ONCE = head_or_some(*_COMMON)
_ONCE_TEXT = "21E, 26T, 52a, 71A, 77B and 50a (C L) stand in A or in B"
_CREDITOR = head_or_each("50A", "50K")
_104 = (
    *_DEBITS,
    Rule("C1", "C75", code_of_each, "23E: in A as RFDD and in every B, in A alone, or in every B", "Correct 23E"),
    Rule("C2", "C76", _CREDITOR, "50a (A K) stands in A or in every B", "Keep it in one of them"),
    Rule("C3", "D73", _ONLY_ONCE, _ONCE_TEXT, "Keep one"),
    Rule("C4", "D77", registration_with_creditor, "21E needs 50a (A K)", "Add 50a", "21E"),
    Rule("C5", "C82", note_with_return, "72 stands in A exactly with 23E RTND", "Add or drop 72", "23E 72"),
    *_DEBIT_ENDS,
    Rule("C12", "C96", sums_of_debits, "Sequence C stands unless 23E of A is RFDD", "Add or drop it"),
)
_107 = (
    *_DEBITS,
    Rule("C1", "D86", head_or_each("23E"), "23E stands in A or in every B", "Keep it in one of them"),
    Rule("C1", "D86", _CREDITOR, "50a (A K) stands in A or in every B", "Keep it in one of them"),
    Rule("C2", "D73", _ONLY_ONCE, _ONCE_TEXT, "Keep one"),
    Rule("C3", "D77", registration_with_creditor, "21E needs 50a (A K)", "Add 50a", "21E"),
    Rule("C4", "C82", note_with_return, "72 stands in A exactly with 23E RTND", "Add or drop 72", "23E 72"),
    *(rule._replace(number=f"C{int(rule.number[1:]) - 1}") for rule in _DEBIT_ENDS),
)
_TEN_TIMES = at_most("B", 10)
_SUM = total_is_sum("B")
_ONE = one_currency("32B")

BATCH_RULES: dict[str, tuple[Rule, ...]] = {
    "101": _101,
    "102": _102,
    "102STP": _102,
    "104": _104,
    "107": _107,
    "110": (
        Rule("C1", "T10", _TEN_TIMES, _TEN, "Split the message"),
        Rule("C2", "C02", one_currency("32A", "32B"), "All 32a have one currency", "Split the message"),
    ),
    "201": (
        _DECIMALS,
        Rule("C1", "T10", _TEN_TIMES, _TEN, "Split the message"),
        Rule("C2", "C01", _SUM, "19 is the sum of all 32B", "Correct 19"),
        Rule("C3", "C02", _ONE, "All 32B have one currency", "Split the message"),
    ),
    "203": (
        _DECIMALS,
        Rule("C1", "C01", _SUM, "19 is the sum of all 32B", "Correct 19"),
        Rule("C2", "C81", needs_within("B", "56", "57"), "56a needs 57a", "Add 57a", "56"),
        Rule("C3", "C02", _ONE, "All 32B have one currency", "Split the message"),
        Rule("C4", "T10", _TEN_TIMES, _TEN, "Split the message"),
    ),
    "204": (
        _DECIMALS,
        Rule("C1", "C01", _SUM, "19 is the sum of all 32B", "Correct 19"),
        Rule("C2", "C02", _ONE, "All 32B have one currency", "Split the message"),
        Rule("C3", "T10", _TEN_TIMES, _TEN, "Split the message"),
    ),
    "210": (
        Rule("C1", "T10", _TEN_TIMES, _TEN, "Split the message"),
        Rule("C2", "C06", one_orderer, "Either 50a or 52a, not both", "Keep one"),
        Rule("C3", "C02", _ONE, "All 32B have one currency", "Split the message"),
    ),
    "920": (
        Rule("12", "T88", requested_types(frozenset({"940", "941", "942", "950"})), "12 is 940 to 950", "Correct 12"),
        Rule("C1", "C22", floor_limit_wanted, "A request for 942 has 34F", "Add 34F"),
        Rule("C2", "C23", floor_limit_marks, "One 34F has no mark; two have D, then C", "Correct 34F", "34F"),
        Rule("C3", "C40", floor_limit_currencies, "34F of one request have one currency", "Correct 34F", "34F"),
    ),
    "935": (
        Rule("C1", "T10", _TEN_TIMES, _TEN, "Split the message"),
        Rule("C2", "C83", function_or_account, "Either 23 or 25, not both", "Keep one"),
    ),
    "973": (
        Rule("12", "T88", requested_types(frozenset({"971", "972", "998"})), "12 is 971, 972 or 998", "Correct 12"),
    ),
}
