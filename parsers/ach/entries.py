"""The rules of one entry and its addenda, as ordered tuples of small functions put together for each entry class.

Rule: a function looks at one entry and answers with the broken rule's name (``rules.RULES``) and the value, or None.
The first broken rule of level entry gives the return code with which the entry goes back. Source: Nacha Operating
Rules, Appendix Two 2.5, and Appendix Three for what each Standard Entry Class carries.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from parsers.ach.codes import (
    CARD_TRANSACTION_TYPES,
    CHANGE_CODES,
    CONTESTED_REASONS,
    DISHONORED_REASONS,
    IAT_MANDATORY_ADDENDA,
    REFUSED_CHANGE_CODES,
    RETURN_REASONS,
    SEC_CODES,
    EntryClass,
    TransactionCode,
)
from parsers.ach.layouts import Layout, entry_layout
from payments import InvalidIdentifierError, RoutingNumber

Fault = tuple[str, str]
_REASONS = RETURN_REASONS | CHANGE_CODES | REFUSED_CHANGE_CODES


class Entry:
    """One entry while it is checked. ``amount`` is in cents; ``answer`` is its addenda 98 or 99, if it has one."""

    __slots__ = ("addenda", "amount", "answer", "code", "context", "record")

    def __init__(self, record: str, code: TransactionCode, amount: int, addenda: list[str], context: Context) -> None:
        self.context = context
        self.record = record
        self.code = code
        self.amount = amount
        self.addenda = addenda
        last = addenda[-1] if addenda else ""
        self.answer = last if last[1:3] in ("98", "99") else None


#: Stands for a class that is not Nacha's; no rule of entries is asked of it.
_UNKNOWN_CLASS = EntryClass("", "unknown", "CD", "", 0)


class Context:
    """What the rules of an entry need to know of its batch."""

    __slots__ = ("account", "allowed", "counts", "layout", "mandatory", "reversal", "rules", "sec")

    def __init__(self, sec: str, *, reversal: bool) -> None:
        self.sec = sec
        self.reversal = reversal
        self.layout: Layout = entry_layout(sec)
        self.allowed: EntryClass = SEC_CODES.get(sec, _UNKNOWN_CLASS)
        self.rules = rules_of(sec)
        self.account = self.layout.columns("account")
        self.mandatory = tuple((name, self.layout.columns(name)) for name in self.allowed.mandatory)
        self.counts = self.layout.columns("addenda_count") if self.allowed.counted else None


EntryRule = Callable[[Entry], Fault | None]


@lru_cache(maxsize=4096)
def routing_fault(routing: str) -> Fault | None:
    """What is wrong with the nine columns 4-12, if anything."""
    if not routing.isdecimal() or routing[:8] == "00000000":
        return "rdfi", routing
    try:
        RoutingNumber(routing)
    except InvalidIdentifierError:
        return "check-digit", routing
    return None


def blank(text: str) -> bool:
    """Whether a field says nothing: blanks and zeros only."""
    return not text.strip(" 0")


def _routing(entry: Entry) -> Fault | None:
    return routing_fault(entry.record[3:12])


def _account(entry: Entry) -> Fault | None:
    text = entry.record[entry.context.account]
    return ("account", text) if text.isspace() else None


def _indicator(entry: Entry) -> Fault | None:
    indicator = entry.record[78]
    if indicator == "0":
        return ("indicator-zero", indicator) if entry.addenda else None
    if indicator != "1":
        return "indicator", indicator
    return None if entry.addenda else ("addenda-missing", indicator)


def _direction(entry: Entry) -> Fault | None:
    """A class that takes one direction takes the other for reversals only (returns keep their original's direction).

    A loan account is debited with 55 only, which is a reversal by definition.
    """
    allowed = entry.context.allowed
    if entry.code.use == "return":
        return None
    if entry.code.code == "55" and not entry.context.reversal:
        return "debit-not-allowed", entry.code.code
    if allowed.directions == "CD":
        return None
    debits = (allowed.directions == "D") != entry.context.reversal
    if entry.code.debit and not debits:
        return "debit-not-allowed", entry.code.code
    if not entry.code.debit and debits:
        return "credit-not-allowed", entry.code.code
    return None


def _amount(entry: Entry) -> Fault | None:
    allowed = entry.context.allowed
    if entry.amount:
        if allowed.zero_only or entry.code.use in ("prenote", "zero"):
            return "amount-not-zero", str(entry.amount)
        if entry.answer is not None and entry.answer[1:3] == "98":
            return "amount-not-zero", str(entry.amount)
        if allowed.most_cents is not None and entry.amount > allowed.most_cents:
            return "amount-limit", str(entry.amount)
        return None
    live = entry.code.use == "live" and not allowed.zero_only
    return ("amount-zero", "0") if live else None


def _zero_code(entry: Entry) -> Fault | None:
    allowed = entry.context.allowed
    if entry.code.use != "zero":
        return None
    if not allowed.zero_codes:
        return "class-code", entry.code.code
    if not entry.addenda and not allowed.zero_only:
        return "zero-addenda", entry.code.code
    return None


def _mandatory(entry: Entry) -> Fault | None:
    for name, columns in entry.context.mandatory:
        if blank(entry.record[columns]):
            return "mandatory", f"{name}: {entry.record[columns]!r}"
    return None


def _card_type(entry: Entry) -> Fault | None:
    text = entry.record[76:78]
    return None if text in CARD_TRANSACTION_TYPES else ("card-type", text)


def _shr(entry: Entry) -> Fault | None:
    expiry = entry.record[39:43]
    if not expiry.isdecimal() or not "01" <= expiry[:2] <= "12":
        return "mandatory", f"card_expiry: {expiry!r}"
    return None


def _counted(entry: Entry) -> Fault | None:
    if entry.context.counts is None or (entry.answer is not None and entry.context.sec != "IAT"):
        return None
    declared = entry.record[entry.context.counts]
    if declared.isdecimal() and int(declared) == len(entry.addenda):
        return None
    return "addenda-count", f"{declared!r} declared, {len(entry.addenda)} there"


def _reserved(entry: Entry) -> Fault | None:
    for field in entry.context.layout.fields:
        if field.kind == "B" and not entry.record[field.first - 1 : field.last].isspace():
            return "reserved", f"columns {field.first}-{field.last}: {entry.record[field.first - 1 : field.last]!r}"
    return None


def _return_code(entry: Entry) -> Fault | None:
    returning = entry.code.use == "return"
    if entry.answer is not None:
        return None if returning or entry.code.use == "advice" else ("return-code", entry.code.code)
    return ("return-addenda", entry.code.code) if returning else None


# Rules of the addenda, in the order in which they are asked. An answer (98, 99) has rules of its own.


def _class_addenda(entry: Entry) -> Fault | None:
    allowed = entry.context.allowed
    if not entry.addenda:
        needed = allowed.addenda == "98" or (allowed.addenda == "02" and entry.code.use == "live")
        return ("addenda-needed", allowed.addenda) if needed else None
    for record in entry.addenda:
        if record[1:3] != allowed.addenda:
            return "addenda-type", record[1:3]
    if len(entry.addenda) > allowed.most_addenda:
        return "addenda-many", str(len(entry.addenda))
    return None


def _sequenced(entry: Entry) -> Fault | None:
    """Addenda 05 are numbered from 1 and name the entry; addenda 02 repeat its trace number."""
    for number, record in enumerate(entry.addenda, 1):
        if record[1:3] == "05":
            if record[83:87] != f"{number:04}":
                return "addenda-sequence", record[83:87]
            if record[87:94] != entry.record[87:94]:
                return "addenda-entry", record[87:94]
        elif record[79:94] != entry.record[79:94]:
            return "addenda-trace", record[79:94]
    return None


def _answer(entry: Entry) -> Fault | None:
    answer = entry.answer
    if answer is None:
        return None
    if entry.context.sec != "IAT" and len(entry.addenda) > 1:
        return "addenda-many", str(len(entry.addenda))
    if (answer[1:3] == "98") != (entry.context.sec == "COR" or answer[3:4] == "C"):
        return "addenda-type", answer[1:6]
    if answer[3:6] not in _REASONS:
        return "return-reason", answer[3:6]
    if blank(answer[6:21]):
        return "original-trace", answer[6:21]
    if answer[79:94] != entry.record[79:94]:
        return "addenda-trace", answer[79:94]
    # The rulebook's own tables disagree about C13, which has nothing to correct with.
    if answer[1:3] == "98" and answer[35:64].isspace() and answer[3:6] != "C13":
        return "corrected-data", answer[35:64]
    return None


def _iat(entry: Entry) -> Fault | None:
    kinds = tuple(record[1:3] for record in entry.addenda)
    if entry.record[78] != "1":
        return "addenda-needed", entry.record[78]
    if kinds[:7] != IAT_MANDATORY_ADDENDA:
        return "iat-addenda", " ".join(kinds)
    optional = kinds[7:-1] if entry.answer is not None else kinds[7:]
    if entry.answer is not None:
        return ("iat-return", " ".join(kinds)) if optional else None
    if optional.count("17") > 2 or len(optional) > 5 or any(kind not in ("17", "18") for kind in optional):
        return "iat-optional", " ".join(kinds)
    return None


#: The fields of international addenda that may not be blank, and the columns that must be, as 0-based slices.
_IAT_FILLED = {
    "10": ((3, 6), (46, 81)),
    "11": ((3, 38), (38, 73)),
    "12": ((3, 38), (38, 73)),
    "13": ((3, 38), (38, 40), (40, 74), (74, 77)),
    "14": ((3, 38), (38, 40), (40, 74), (74, 77)),
    "15": ((18, 53),),
    "16": ((3, 38), (38, 73)),
    "17": ((3, 83),),
    "18": ((3, 38), (38, 40), (40, 74), (74, 77)),
}


def _iat_fields(entry: Entry) -> Fault | None:
    for record in entry.addenda:
        kind = record[1:3]
        for first, end in _IAT_FILLED.get(kind, ()):
            if record[first:end].isspace():
                return "mandatory", f"addenda {kind}, columns {first + 1}-{end}"
        if kind in ("13", "14", "18") and record[38:40] not in ("01", "02", "03"):
            return "mandatory", f"addenda {kind}, columns 39-40: {record[38:40]}"
        if kind not in ("98", "99") and record[87:94] != entry.record[87:94]:
            return "addenda-entry", record[87:94]
    return None


def _forward(rule: EntryRule) -> EntryRule:
    """The rule, asked of forward entries only: a return repeats the original entry's fields, right or wrong."""

    def asked(entry: Entry) -> Fault | None:
        return rule(entry) if entry.answer is None else None

    return asked


_FIRST: tuple[EntryRule, ...] = (_routing, _account, _indicator, _direction, _return_code, _amount)


@lru_cache(maxsize=64)
def rules_of(sec: str) -> tuple[EntryRule, ...]:
    """The rules of an entry class, in the order in which they are asked; none for a class that is not Nacha's."""
    row = SEC_CODES.get(sec)
    if row is None:
        return ()
    if sec == "IAT":
        return (*_FIRST, _zero_code, _iat, _counted, _iat_fields, _reserved, _answer)
    if sec == "ADV":
        return (_routing, _account, _indicator, _amount_of_advice, _answer, _forward(_class_addenda))
    rules: list[EntryRule] = [*_FIRST, _zero_code]
    if row.mandatory:
        rules.append(_forward(_mandatory))
    if sec in ("POS", "SHR"):
        rules.append(_forward(_card_type))
    if sec == "SHR":
        rules.append(_forward(_shr))
    if row.counted:
        rules.extend((_counted, _reserved))
    return (*rules, _answer, _forward(_class_addenda), _forward(_sequenced))


def _amount_of_advice(entry: Entry) -> Fault | None:
    return None if entry.amount else ("amount-zero", "0")


def stage_of(entry: Entry) -> str:
    """Which exchange an entry belongs to: forward, return, dishonored, contested or notification."""
    if entry.answer is None:
        return "forward"
    if entry.answer[1:3] == "98":
        return "notification"
    reason = entry.answer[3:6]
    if reason in DISHONORED_REASONS:
        return "dishonored"
    return "contested" if reason in CONTESTED_REASONS else "return"
