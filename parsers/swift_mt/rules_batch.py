"""Network validated rules of messages with sequences: batches of payments, cheques, requests and statements.

Rule: as in ``rules``; a finder returns the place of the offending field, END for the end of the text, None when the
rule holds. Sequences are those of the message table (A before the first bracket, B the first in brackets, ...).
Sources: SWIFT User Handbook, Standards MT category 1 (101, 102, 104, 107, 110), 2 (201, 203, 204, 210), 9.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from parsers.swift_mt.rules import END, Find
from payments import CURRENCIES

if TYPE_CHECKING:  # a plan of the text holds its rules
    from parsers.swift_mt.text import Text

#: Tags whose amount comes after a date.
_DATED = frozenset({"32A", "32C", "32D"})
_SCALE = 15
#: Codes of one transaction that are set against each other; who gives more has broken a rule already.
_MOST_CODES = 40


def parts(text: Text, letter: str) -> list[tuple[int, int]]:
    """First place and place after the last of every sequence of that letter."""
    return [(start, end) for each, start, end in text.plan.sequences() if each == letter]


def within(text: Text, part: tuple[int, int], *names: str) -> int | None:
    """The first field in a sequence whose tag or number is one of the names."""
    tags = text.plan.tags
    return next((place for place in range(*part) if tags[place] in names or tags[place][:2] in names), None)


def fields(text: Text, part: tuple[int, int], tag: str) -> list[tuple[int, str]]:
    """Every field of a tag in a sequence: (place, value)."""
    tags = text.plan.tags
    return [(place, text.values[place]) for place in range(*part) if tags[place] == tag]


def currency_at(text: Text, place: int) -> str:
    """Currency of a field with an amount."""
    return text.values[place][6:9] if text.plan.tags[place] in _DATED else text.values[place][:3]


def amount_at(text: Text, place: int) -> int:
    """Amount of a field in units of 10**-15, so that sums are exact whatever the currency."""
    value = text.values[place]
    tag = text.plan.tags[place]
    return amount_units(value if tag == "19" else value[9:] if tag in _DATED else value[3:])


def amount_units(amount: str) -> int:
    """``1234,5`` in units of 10**-15; nothing for what is no amount (its own finding says so)."""
    whole, _, decimals = amount.lstrip("CD").partition(",")
    digits = (whole or "0") + decimals[:_SCALE].ljust(_SCALE, "0")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def at_most(letter: str, most: int) -> Find:
    """A sequence occurs no oftener than this."""

    def find(text: Text) -> int | None:
        found = parts(text, letter)
        return found[most][0] if len(found) > most else None

    return find


def head_or_each(*names: str) -> Find:
    """A field stands in sequence A or in every sequence B, never in both."""

    def find(text: Text) -> int | None:
        head = next((at for part in parts(text, "A") if (at := within(text, part, *names)) is not None), None)
        each = [within(text, part, *names) for part in parts(text, "B")]
        if head is not None:
            return next((place for place in each if place is not None), None)
        return next((part[0] for part, at in zip(parts(text, "B"), each, strict=True) if at is None), None)

    return find


def head_or_some(*groups: tuple[str, ...]) -> Find:
    """Each of these fields, when it stands in sequence A, stands in no sequence B."""

    def find(text: Text) -> int | None:
        heads, each = parts(text, "A"), parts(text, "B")
        for names in groups:
            if any(within(text, part, *names) is not None for part in heads):
                found = next((at for part in each if (at := within(text, part, *names)) is not None), None)
                if found is not None:
                    return found
        return None

    return find


def needs_within(letter: str, name: str, *needed: str) -> Find:
    """In a sequence of that letter a field needs another one."""

    def find(text: Text) -> int | None:
        for part in parts(text, letter):
            place = within(text, part, name)
            if place is not None and within(text, part, *needed) is None:
                return place
        return None

    return find


def one_currency(*tags: str) -> Find:
    """All these fields have one currency."""

    def find(text: Text) -> int | None:
        places = sorted(place for tag in tags for place in text.plan.at.get(tag, ()))
        return next((each for each in places if currency_at(text, each) != currency_at(text, places[0])), None)

    return find


def one_currency_by_reference(text: Text) -> int | None:
    """With 21R all 32B have one currency."""
    return one_currency("32B")(text) if "21R" in text.plan.at else None


def total_is_sum(letter: str) -> Find:
    """19 is the sum of the 32B of that sequence."""

    def find(text: Text) -> int | None:
        totals = text.plan.at.get("19")
        if not totals:
            return None
        places = [at for part in parts(text, letter) if (at := within(text, part, "32B")) is not None]
        return None if amount_at(text, totals[0]) == sum(amount_at(text, each) for each in places) else totals[0]

    return find


def decimals_of_total(text: Text) -> int | None:
    """19 has no more decimals than the currency of the 32B."""
    totals, amounts = text.plan.at.get("19"), text.plan.at.get("32B") or text.plan.at.get("32A")
    if not totals or not amounts:
        return None
    decimals = text.values[totals[0]].partition(",")[2]
    return totals[0] if len(decimals) > CURRENCIES.get(currency_at(text, amounts[0]), 0) else None


def total_of_its_own(text: Text) -> int | None:
    """19 stands exactly when the 32B of sequence C is not the sum of those of sequence B."""
    ends = parts(text, "C")
    settled = within(text, ends[0], "32B") if ends else None
    if settled is None:
        return None
    places = [at for part in parts(text, "B") if (at := within(text, part, "32B")) is not None]
    same = amount_at(text, settled) == sum(amount_at(text, each) for each in places)
    total = text.plan.at.get("19")
    return None if same == (total is None) else total[0] if total else settled


def charges_of_all(name: str) -> Find:
    """A field of charges stands in sequence C exactly when it stands in a sequence B."""

    def find(text: Text) -> int | None:
        ends = parts(text, "C")
        if not ends:
            return None
        one = next((at for part in parts(text, "B") if (at := within(text, part, name)) is not None), None)
        total = within(text, ends[0], name)
        return None if (one is None) == (total is None) else total if one is None else one

    return find


def charges_reach_the_sum(text: Text) -> int | None:
    """71G of a transaction (102) needs the 71G of sequence C."""
    one = next((at for part in parts(text, "B") if (at := within(text, part, "71G")) is not None), None)
    return one if one is not None and all(within(text, part, "71G") is None for part in parts(text, "C")) else None


def _pairs(text: Text) -> Iterable[tuple[tuple[int, int], int, int | None]]:
    """Every sequence B with the places of its 32B and its 33B."""
    for part in parts(text, "B"):
        ordered = within(text, part, "32B")
        if ordered is not None:
            yield part, ordered, within(text, part, "33B")


def rate_with_amount(text: Text) -> int | None:
    """36 stands exactly when 33B stands and 32B is not zero (101)."""
    for part, ordered, instructed in _pairs(text):
        rate = within(text, part, "36")
        if (instructed is not None and amount_at(text, ordered) != 0) != (rate is not None):
            return instructed if rate is None else rate
    return None


def rate_with_currency(text: Text) -> int | None:
    """36 stands exactly when 33B has another currency than 32B (104, 107)."""
    for part, ordered, instructed in _pairs(text):
        rate = within(text, part, "36")
        other = instructed is not None and currency_at(text, instructed) != currency_at(text, ordered)
        if other != (rate is not None):
            return instructed if rate is None else rate
    return None


def rate_in_batch(text: Text) -> int | None:
    """36 stands in A or in each B whose 33B has another currency, and not otherwise (102)."""
    head = next((at for part in parts(text, "A") if (at := within(text, part, "36")) is not None), None)
    foreign = 0
    for part, ordered, instructed in _pairs(text):
        rate = within(text, part, "36")
        other = instructed is not None and currency_at(text, instructed) != currency_at(text, ordered)
        foreign += other
        if rate is not None and (head is not None or not other):
            return rate
        if other and head is None and rate is None:
            return instructed
    return head if head is not None and not foreign else None


def other_currency(text: Text) -> int | None:
    """33B has another currency than 32B (101)."""
    return next(
        (given for _, own, given in _pairs(text) if given and currency_at(text, given) == currency_at(text, own)), None
    )


def other_amount(text: Text) -> int | None:
    """33B differs from 32B in currency or amount (104, 107)."""
    return next(
        (
            given
            for _, own, given in _pairs(text)
            if given
            and currency_at(text, given) == currency_at(text, own)
            and amount_at(text, given) == amount_at(text, own)
        ),
        None,
    )


def zero_amount(text: Text) -> int | None:
    """A 32B of zero: with EQUI in 23E 33B is mandatory, without it neither 33B nor 21F stands (101)."""
    for part, ordered, instructed in _pairs(text):
        if amount_at(text, ordered) != 0:
            continue
        equivalent = any(value == "EQUI" for _, value in fields(text, part, "23E"))
        if equivalent and instructed is None:
            return ordered
        if not equivalent and (place := within(text, part, "33B", "21F")) is not None:
            return place
    return None


def instructed_in_europe(europe: frozenset[str]) -> Find:
    """33B in every transaction between two banks of the listed countries (102)."""

    def find(text: Text) -> int | None:
        if text.sender is None or text.receiver is None:
            return None
        if text.sender[4:6] not in europe or text.receiver[4:6] not in europe:
            return None
        return next((part[0] for part, _, instructed in _pairs(text) if instructed is None), None)

    return find


def _bearers(text: Text) -> Iterable[tuple[tuple[int, int], str | None]]:
    """Every sequence B with the bearer of its charges, its own or that of A."""
    values = text.values
    head = next((values[at] for part in parts(text, "A") if (at := within(text, part, "71A")) is not None), None)
    for part in parts(text, "B"):
        own = within(text, part, "71A")
        yield part, head if own is None else values[own]


def no_charges_with(bearer: str, name: str) -> Find:
    """A transaction with this bearer of charges has no such field."""

    def find(text: Text) -> int | None:
        found = (within(text, part, name) for part, given in _bearers(text) if given == bearer)
        return next((place for place in found if place is not None), None)

    return find


def charges_of_beneficiary(text: Text) -> int | None:
    """A transaction with BEN has 71F and no 71G."""
    for part, given in _bearers(text):
        if given == "BEN" and (within(text, part, "71F") is None or within(text, part, "71G") is not None):
            return within(text, part, "71G") or part[0]
    return None


def cheque_account(text: Text) -> int | None:
    """59a: without an account with CHQB in 23, with one otherwise (102)."""
    cheque = text.get("23") == "CHQB"
    for part in parts(text, "B"):
        place = within(text, part, "59")
        if place is not None and text.values[place].startswith("/") == cheque:
            return place
    return None


# codes of 23E in the 101 and the debits -------------------------------------------------------------------------------


def codes_known(known: frozenset[str]) -> Find:
    """Codes of 23E that are defined for the type."""
    return lambda text: next((place for place, value in text.all("23E") if value[:4] not in known), None)


def text_only_after(codes: frozenset[str]) -> Find:
    """Text after a code of 23E that takes some."""
    return lambda text: next((p for p, value in text.all("23E") if len(value) > 4 and value[:4] not in codes), None)


def codes_exclude_within(pairs: frozenset[frozenset[str]]) -> Find:
    """Codes of 23E of one transaction that exclude each other."""

    def find(text: Text) -> int | None:
        for part in parts(text, "B"):
            seen = set[str]()
            for place, value in fields(text, part, "23E")[:_MOST_CODES]:
                if any(frozenset({value[:4], other}) in pairs for other in seen):
                    return place
                seen.add(value[:4])
        return None

    return find


def code_repeated_within(*may: str) -> Find:
    """A code of 23E twice in one transaction, these codes excepted."""

    def find(text: Text) -> int | None:
        for part in parts(text, "B"):
            seen = set[str]()
            for place, value in fields(text, part, "23E"):
                if value[:4] in seen and value[:4] not in may:
                    return place
                seen.add(value[:4])
        return None

    return find


def code_of_each(text: Text) -> int | None:
    """23E in A and, with RFDD, in every B; without it in A, in every B; with another code in A, in no B (104)."""
    head = next((at for part in parts(text, "A") if (at := within(text, part, "23E")) is not None), None)
    wanted = head is None or text.values[head][:4] == "RFDD"
    for part in parts(text, "B"):
        own = within(text, part, "23E")
        if (own is not None) != wanted:
            return part[0] if own is None else own
    return None


def registration_with_creditor(text: Text) -> int | None:
    """21E needs a 50a (A or K) in its sequence (104, 107)."""
    return needs_within("A", "21E", "50A", "50K")(text) or needs_within("B", "21E", "50A", "50K")(text)


def note_with_return(text: Text) -> int | None:
    """72 stands in A exactly when its 23E is RTND (104, 107)."""
    heads = parts(text, "A")[:1]
    code = next((text.values[at] for part in heads if (at := within(text, part, "23E")) is not None), "")
    note = next((at for part in heads if (at := within(text, part, "72")) is not None), None)
    if (code[:4] == "RTND") == (note is not None):
        return None
    return note if note is not None else within(text, heads[0], "23E")


def sums_of_debits(text: Text) -> int | None:
    """Sequence C stands unless 23E of A is RFDD, with which it does not (104)."""
    head = next((at for part in parts(text, "A") if (at := within(text, part, "23E")) is not None), None)
    requested = head is not None and text.values[head][:4] == "RFDD"
    ends = parts(text, "C")
    return None if requested != bool(ends) else ends[0][0] if requested else END


# categories 2 and 9 ---------------------------------------------------------------------------------------------------


def one_orderer(text: Text) -> int | None:
    """Either 50a or 52a in each transaction, not both (210)."""
    for part in parts(text, "B"):
        orderer, bank = within(text, part, "50"), within(text, part, "52")
        if (orderer is None) == (bank is None):
            return part[0] if orderer is None else bank
    return None


def floor_limit_wanted(text: Text) -> int | None:
    """A request for an MT942 names the floor limit (920)."""
    for part in parts(text, "B"):
        kind = within(text, part, "12")
        if kind is not None and text.values[kind] == "942" and within(text, part, "34F") is None:
            return kind
    return None


def floor_limit_marks(text: Text) -> int | None:
    """In a request one 34F has no mark; of two the first is D, the second C (920)."""
    for part in parts(text, "B"):
        marks = [(place, value[3:4]) for place, value in fields(text, part, "34F")]
        if len(marks) == 1 and marks[0][1] in {"C", "D"}:
            return marks[0][0]
        if len(marks) > 1 and [mark for _, mark in marks] != ["D", "C"]:
            return marks[0][0]
    return None


def floor_limit_currencies(text: Text) -> int | None:
    """The floor limits of one request have one currency (920)."""
    for part in parts(text, "B"):
        limits = [(place, value[:3]) for place, value in fields(text, part, "34F")]
        if any(currency != limits[0][1] for _, currency in limits):
            return limits[-1][0]
    return None


def function_or_account(text: Text) -> int | None:
    """Either 23 or 25 in each advice of a rate, not both (935)."""
    for part in parts(text, "B"):
        function, account = within(text, part, "23"), within(text, part, "25")
        if (function is None) == (account is None):
            return part[0] if function is None else account
    return None


def requested_types(known: frozenset[str]) -> Find:
    """Field 12 asks for one of these types (920, 973)."""
    return lambda text: next((place for place, value in text.all("12") if value not in known), None)
