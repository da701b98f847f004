"""Fields, compiled from the field table: the quick test of a value, its named components, what is wrong with it.

Rule: a good value costs one test; only a value that fails it is taken apart to say why. Source: SWIFT User Handbook,
Standards MT, field definitions and FIN Error Codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from parsers.swift_mt import values
from parsers.swift_mt.field_table import CODE_WORDS, IDENTIFIER_CODES, LINE_NUMBERS, REFERENCES, TABLE
from parsers.swift_mt.notation import pattern_of
from payments import CURRENCIES

Matched = re.Match[str]
#: What a value matched, or None.
Check = Callable[[str], "Matched | None"]
#: What is wrong inside a field that has the right form: (code, the offending part).
Fault = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """One row, compiled. ``match`` tells whether a value has the form, ``check`` in addition whether what it holds
    is right; ``faults`` says what is not.
    """

    tag: str
    notation: str
    names: tuple[str, ...]
    match: Check
    loose: Check

    def group(self, name: str) -> int:
        """Number of the group that holds a component, 0 when the field has none of that name."""
        return self.names.index(name) + 1 if name in self.names else 0

    def components(self, value: str) -> dict[str, str]:
        """The named components of a value, lines joined by CRLF; nothing when it does not have the form."""
        matched = self.match(value) or self.loose(value)
        if matched is None:
            return {}
        result: dict[str, str] = {}
        for name, text in zip(self.names, matched.groups(), strict=True):
            if not text:
                continue
            if name == "NumberedLines":
                result.update(numbered_components(text))
            elif name.endswith("*"):
                for number, line in enumerate(text.split("\n"), start=1):
                    result[name[:-1] + (str(number) if number > 1 else "")] = line
            else:
                result[name] = text.replace("\n", "\r\n")
        return result

    def faults(self, matched: Matched) -> list[Fault]:
        """What the captured components break: the detailed twin of ``check``."""
        found = [
            fault
            for name, text in zip(self.names, matched.groups(), strict=True)
            if text is not None and (check := _COMPONENT_FAULTS.get(name)) and (fault := check(text))
        ]
        found += _amount_faults(self, matched)
        if self.tag in REFERENCES and not _reference_fits(matched):
            found.append(("T26", matched[0]))
        if self.tag in CODE_WORDS and matched[0] not in CODE_WORDS[self.tag][0]:
            found.append((CODE_WORDS[self.tag][1], matched[0]))
        if self.tag == "71G" and _is_zero(matched[2]):
            found.append(("D57", matched[2]))
        if "NumberedLines" in self.names:
            found += numbered_faults(self.tag, matched)
        return found


def numbered_components(text: str) -> dict[str, str]:
    """Lines ``1/NAME`` of options F as Number1, NameAndAddress1, ... in the order they stand."""
    result = {}
    for place, line in enumerate(text.split("\n"), start=1):
        number, _, rest = line.partition("/")
        result[f"Number{place}"] = number
        result[f"NameAndAddress{place}"] = rest
    return result


def numbered_faults(tag: str, matched: Matched) -> list[Fault]:
    """Faults of the numbered lines of 50F and 59F, and of 50F's party identifier (codes T54, T55, T56, T73, T50)."""
    found: list[Fault] = []
    head, lines = matched[1] or "", matched[2].split("\n")
    if tag == "50F" and not head.startswith("/"):
        code, _, rest = head.partition("/")
        if code not in IDENTIFIER_CODES or not rest:
            found.append(("T55", head))
        elif not values.is_country(rest[:2]):
            found.append(("T73", rest[:2]))
    allowed = LINE_NUMBERS[tag]
    numbers = [line[0] if line[1:2] == "/" else "" for line in lines]
    wrong = [line for number, line in zip(numbers, lines, strict=True) if number not in allowed]
    if wrong or "" in numbers:
        return [*found, ("T54", (wrong or lines)[0])]
    unpaired = ("2" in numbers and "3" not in numbers) or (("4" in numbers) != ("5" in numbers))
    if numbers[0] != "1" or numbers != sorted(numbers) or unpaired:
        found.append(("T56", matched[2]))
    for number, line in zip(numbers, lines, strict=True):
        first = number != line[0] or lines.index(line) == numbers.index(number)
        if number in "35" and first and not values.is_country(line[2:4]):
            found.append(("T73", line[2:4]))
        if number == "4" and not (len(line) == 10 and values.iso_date(line[4:]) and line[2:4] in {"18", "19", "20"}):
            found.append(("T50", line[2:]))
    return found


def _date_fault(text: str) -> Fault | None:
    return None if values.iso_date(text) else ("T50", text)


def _month_day_fault(text: str) -> Fault | None:
    """A day of some year: 29 February is one."""
    return None if values.iso_date("00" + text) else ("T50", text)


def _currency_fault(text: str) -> Fault | None:
    return None if text in values.CURRENCY_CODES else ("T52", text)


def _bic_fault(text: str) -> Fault | None:
    return None if values.bic11(text) else ("T27", text)


def _time_fault(text: str) -> Fault | None:
    return None if text < "2400" and text[2:] < "60" else ("T38", text)


def _offset_fault(text: str) -> Fault | None:
    return None if text < "1400" and text[2:] < "60" else ("T16", text)


def _name_fault(text: str) -> Fault | None:
    """A first line that begins with a slash is the account: alone, it leaves the name out."""
    return ("T34", text) if text.startswith("/") and "\n" not in text else None


_COMPONENT_FAULTS: dict[str, Callable[[str], Fault | None]] = {
    "Date": _date_fault,
    "ValueDate": _date_fault,
    "EntryDate": _month_day_fault,
    "Currency": _currency_fault,
    "IdentifierCode": _bic_fault,
    "NameAndAddress*": _name_fault,
    "Time": _time_fault,
    "Offset": _offset_fault,
    "TimeIndication": _time_fault,
    "TimeOffset": _offset_fault,
}


def _is_zero(amount: str) -> bool:
    return not amount.strip("0,")


_DATED = ("Date", "Currency", "Amount")


def _amount_faults(field: Field, matched: Matched) -> list[Fault]:
    currency, amount = field.group("Currency"), field.group("Amount")
    if not currency or not amount or matched[currency] not in values.CURRENCY_CODES:
        return []
    found = [] if values.decimals_fit(matched[amount], matched[currency]) else [("C03", matched[amount])]
    if field.names == _DATED and matched[currency] not in values.MONEY_CODES:
        found.append(("C08", matched[currency]))
    return found


def _reference_fits(matched: Matched) -> bool:
    text: str = matched[0]
    return "/" not in text or not (text[0] == "/" or text[-1] == "/" or "//" in text)


class Known(dict[str, Matched]):
    """Values of a field that are few in real traffic, with what they matched: each is judged once.

    Only values that pass are kept, so that an entry is no longer than the field's format; full, it starts anew.
    """

    __slots__ = ("judge",)

    def __init__(self, judge: Check) -> None:
        super().__init__()
        self.judge = judge

    def __missing__(self, value: str) -> Matched | None:
        matched = self.judge(value)
        if matched is not None:
            if len(self) >= _KNOWN_MOST:
                self.clear()
            self[value] = matched
        return matched


_KNOWN_MOST = 4_096
#: Fields whose values recur: codes, banks, times.
_RECURRING = re.compile(r"12|13C|23[BE]?|26T|5[1-8][ABCD]|71A|77B|77A")


def _check_for(field: Field) -> Check:
    """The quick test of a value: what it matched, None when anything is wrong with it."""
    names, match = field.names, field.match
    if names == _DATED:
        return _dated_amount(match, field.notation, 0, values.MONEY_CODES)
    if names == ("DCMark", "Date", "Currency", "Amount"):
        return _dated_amount(match, field.notation, 1, values.CURRENCY_CODES)
    if names == ("Currency", "Amount") and field.tag != "71G":
        return _amount(match, field.notation)
    if field.tag == "61":
        return _entry(match)
    if field.tag in CODE_WORDS or field.tag == "71G" or _LOOKED_AT & set(names):
        check = _full(field)
    else:
        pattern = pattern_of(field.notation, before_lines=_NOT_AN_ACCOUNT if "NameAndAddress*" in names else "")
        check = re.compile(_NO_SLASHES + pattern if field.tag in REFERENCES else pattern).fullmatch
    return Known(check).__getitem__ if _RECURRING.fullmatch(field.tag) else check


#: Components that an expression alone cannot judge.
_LOOKED_AT = frozenset(_COMPONENT_FAULTS.keys() - {"NameAndAddress*"} | {"NumberedLines"})
#: Before the first line of a name, and before a reference: what neither looks like.
_NOT_AN_ACCOUNT = r"(?!/[^\n]*\Z)"
_NO_SLASHES = r"(?!/)(?!.*//)(?!.*/\Z)"


def _full(field: Field) -> Check:
    def check(value: str) -> Matched | None:
        matched = field.match(value)
        return matched if matched is not None and not field.faults(matched) else None

    return check


def _amount(match: Check, notation: str) -> Check:
    """Currency and amount: nearly all currencies have two decimals, the others take the longer way."""
    usual = re.compile(_two_decimals(notation)).fullmatch

    def check(value: str) -> Matched | None:
        matched = usual(value)
        if matched is not None and value[:3] in _TWO_DECIMALS:
            return matched
        matched = match(value)
        if matched is None or len(value) - value.index(",") - 1 > CURRENCIES.get(value[:3], -1):
            return None
        return matched

    return check


_TWO_DECIMALS = frozenset(currency for currency, decimals in CURRENCIES.items() if decimals == 2)


def _two_decimals(notation: str) -> str:
    return pattern_of(notation).replace(",[0-9]*+", ",[0-9]{0,2}+")


def _dated_amount(match: Check, notation: str, start: int, currencies: frozenset[str]) -> Check:
    """Date, currency and amount; ``start`` is the place of the date. Few pairs of date and currency are in use."""
    end = start + 9
    usual = re.compile(_two_decimals(notation)).fullmatch
    twos: set[str] = set()

    def longer_way(value: str) -> Matched | None:
        matched = match(value)
        head = value[start:end]
        if matched is None or values.iso_date(head[:6]) is None or head[6:] not in currencies:
            return None
        if head[6:] in _TWO_DECIMALS and len(twos) < _KNOWN_MOST:
            twos.add(head)
        return matched if len(value) - value.index(",") - 1 <= CURRENCIES[head[6:]] else None

    def check(value: str) -> Matched | None:
        matched = usual(value)
        return matched if matched is not None and value[start:end] in twos else longer_way(value)

    return check


def _entry(match: Check) -> Check:
    """Field 61: its two dates, of which few pairs are in use."""
    day = values.iso_date
    known: set[str] = set()

    def check(value: str) -> Matched | None:
        matched = match(value)
        if matched is None or value[:10] in known:
            return matched
        entered = matched[2]
        if day(value[:6]) is None or (entered is not None and day("00" + entered) is None):
            return None
        if entered is not None and len(known) < _KNOWN_MOST:
            known.add(value[:10])
        return matched

    return check


#: What is tried of fields that real statements get wrong in more ways than the relaxed notation takes: blanks around
#: the amount, a day of entry left blank, no type of transaction.
_LOOSE = {
    "61": r"([0-9]{6})([0-9]{4}|[ ]{4})?(R?[CD]|E[CD])[ ]*([A-Z])?\s*([0-9]*[,.]?[0-9]*)[ ]*([A-Z])?([A-Z0-9]{3})?"
    r"((?:(?!//).)*)(?://(.*))?(?:\n((?:.|\n)*))?",
}


def _field(row: str) -> Field:
    tag, rest = row.split("|", 1)
    notation, names_text = rest.rsplit("|", 1)
    tag, notation, names = tag.strip(), notation.strip(), tuple(names_text.split())
    strict = re.compile(pattern_of(notation)).fullmatch
    loose = re.compile(_LOOSE.get(tag) or pattern_of(notation, loose=True)).fullmatch
    return Field(tag, notation, names, strict, loose)


#: Tag -> field. A tag that is not here is read as it stands.
FIELDS: dict[str, Field] = {field.tag: field for row in TABLE.strip().split("\n") if (field := _field(row))}
#: Tag -> the quick test of a value.
CHECKS: dict[str, Check] = {tag: _check_for(field) for tag, field in FIELDS.items()}


def form_faults(field: Field, value: str) -> list[Fault]:
    """Why a value does not have its field's form; at least one fault."""
    if value == "":
        return [("T34", value)]
    if foreign := _NOT_SWIFT.search(value):
        return [("M60", foreign[0])]
    if field.tag == "50H" and (not value.startswith("/") or not 1 <= value.count("\n") <= _LINES_OF_50H):
        return [("T76", value)]
    loose = field.loose(value)
    if loose is None:
        return [("T33", value)]
    found: list[Fault] = []
    for name, text in zip(field.names, loose.groups(), strict=True):
        if text is None:
            continue
        if name in {"Amount", "Rate"}:
            found += _amount_form(text)
        elif name == "IdentifierCode" and not _BIC_FORM.fullmatch(text):
            found.append(("T27", text))
        elif name == "Sign" and text not in {"+", "-"}:
            found.append(("T15", text))
    if not found and (limit := _LINES.search(field.notation)) and value.count("\n") > int(limit[1]):
        found.append(("T30", value))
    found += [fault for fault in field.faults(loose) if fault[0] in {"T50", "T52"}]
    return found or [("T33", value)]


#: The lines of name and address below the account.
_LINES_OF_50H = 4
_NOT_SWIFT = re.compile(r"[^A-Za-z0-9/\-?:().,'+ =!\"%&*<>;{@#_\n]")
_BIC_FORM = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_LINES = re.compile(r"(\d+)\*")


def _amount_form(text: str) -> list[Fault]:
    if text.count(",") != 1 or "." in text:
        return [("T40", text)]
    if text[0] == "," or len(text) > 15:
        return [("T43", text)]
    return []
