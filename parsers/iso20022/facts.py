"""Facts of a message: its tree as dictionaries with checked values, made in one walk over the elements.

Rule: identifiers and amounts are checked where they stand, whatever message they stand in, and a value that breaks
its rule is None in the facts and a finding in the report. Clauses: ISO 4217 (currency codes and decimals), ISO 13616
(IBAN), ISO 9362 (BIC), ISO 3166 (countries): what the schemas do not say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from lxml import etree

from parsers.iso20022.report import Report, local_name
from payments import BIC, CURRENCIES, InvalidAmountError, InvalidIdentifierError, Money, exponent_of
from payments.identifiers import COUNTRIES, checked_iban

#: Local name -> text, checked value, further facts, or a list of these where the element is repeated.
Facts: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[etree._Element, str, Report], object]

#: Lexical space of xs:decimal; Decimal() would take digits of any script, underscores and blanks too.
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)


class FieldTable(dict[str, tuple[str, Check | None]]):
    """Qualified tag -> (local name, check of its text, None where any text will do), filled as tags are met."""

    def __init__(self, amounts: frozenset[str], containers: frozenset[str]) -> None:
        super().__init__()
        self._amounts = amounts
        self._containers = containers

    def __missing__(self, tag: str) -> tuple[str, Check | None]:
        name = local_name(tag)
        check = check_amount if name in self._amounts else CHECKS.get(name)
        if check is None and name in self._containers:
            check = _empty_container
        entry = (name, check)
        if len(self) < 2_000:  # tags come from outside: foreign ones must not fill the memory
            self[tag] = entry
        return entry


def walk(element: etree._Element, table: FieldTable, report: Report) -> Facts:
    """The facts of an element's children. An element without text gives a dictionary, empty or not.

    The children come as one list, which is quicker than an iterator over them or over the whole tree; the parser's
    limit of 256 levels bounds the recursion.
    """
    facts: Facts = {}
    for child in element[:]:  # type: ignore[index]  # the stubs know no slices
        name, check = table[child.tag]
        value: Any = child.text
        if value is None:
            if name == "SplmtryData":  # follows no schema of ours and is no fact of the payment
                continue
            value = walk(child, table, report)
        elif check is not None:
            value = check(child, value, report)
        if name in facts:
            present = facts[name]
            if type(present) is list:
                present.append(value)
            else:
                facts[name] = [present, value]
        else:
            facts[name] = value
    return facts


def _empty_container(element: etree._Element, text: str, report: Report) -> object:
    """None for an empty container that was written over two lines; the text of an element of the same name that is
    none.
    """
    del element, report
    return None if text.isspace() else text


def listed(value: Any) -> list[Any]:
    """What is repeated or not, or absent, as a list."""
    if value is None:
        return []
    return value if type(value) is list else [value]


def normalised_decimal(text: str) -> str | None:
    """An xs:decimal as digits and at most one point, its sign only when negative and not zero; None when it is none.

    >>> normalised_decimal("+05."), normalised_decimal("-0"), normalised_decimal("1 000")
    ('5', '0', None)
    """
    stripped = text.strip(" \t\r\n")
    if _DECIMAL.fullmatch(stripped) is None:
        return None
    whole, _, fraction = stripped.lstrip("+-").partition(".")
    plain = (whole.lstrip("0") or "0") + (f".{digits}" if (digits := fraction.rstrip("0")) else "")
    return f"-{plain}" if stripped[0] == "-" and plain != "0" else plain


#: A message says its amount two or three times: settled, instructed, in total.
_money = lru_cache(maxsize=1_024)(Money.parse)


def check_amount(element: etree._Element, text: str, report: Report) -> object:
    """An element with a currency attribute: a Money. Without one (a container of the same name) its text."""
    currency = element.get("Ccy")
    if currency is None:
        return text
    try:
        return _money(text, currency)
    except InvalidAmountError:
        pass
    if currency not in CURRENCIES:
        rule = f"{currency} is not a currency code (ISO 4217)"
        report.field("AM11", element, currency, rule, "give the currency's code of ISO 4217")
        return None
    plain = normalised_decimal(text)
    try:
        return Money.parse(plain or text, currency)
    except InvalidAmountError as problem:
        remedy = f"write digits with a point and at most {exponent_of(currency)} decimals"
        report.field("AM12", element, text, f"{problem} (ISO 4217)", remedy)
        return None


@lru_cache(maxsize=65_536)
def _bic(text: str) -> str:
    return str(BIC(text))  # plain: what goes over the wire has no types of ours


def check_bic(element: etree._Element, text: str, report: Report) -> object:
    """A BIC of 8 or 11 characters: a BIC of 11."""
    try:
        return _bic(text)
    except InvalidIdentifierError as problem:
        remedy = "give the BIC as registered: institution, country, location, branch"
        report.field("RC01", element, text, str(problem), remedy)
        return None


def check_iban(element: etree._Element, text: str, report: Report) -> object:
    """An IBAN: country structure and check digits hold. Blanks inside are not the electronic format."""
    try:
        if " " not in text:
            return checked_iban(text)
        problem = "an IBAN in a message has no blanks (ISO 13616)"
    except InvalidIdentifierError as reason:
        problem = str(reason)
    remedy = "ask the account's owner for the IBAN as printed on a statement"
    report.field("AC01", element, text, problem, remedy)
    return None


def check_country(element: etree._Element, text: str, report: Report) -> object:
    """An ISO 3166 country code."""
    if text not in COUNTRIES:
        rule = f"{text} is not a country code (ISO 3166)"
        report.field("BE09", element, text, rule, "give the country's two letters")
    return text


#: Local name -> check, in every message.
CHECKS: dict[str, Check] = {
    "IBAN": check_iban,
    "BICFI": check_bic,
    "BIC": check_bic,
    "AnyBIC": check_bic,
    "BICOrBEI": check_bic,
    "Ctry": check_country,
    "CtryOfRes": check_country,
}
