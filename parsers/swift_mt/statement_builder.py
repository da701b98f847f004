"""MT 940, 942 and 950 from a statement, page by page.

Rule: a page has 2,000 characters at most; each but the last ends with an intermediate balance that the next begins
with, so that every page adds up. Amounts that do not add up to the closing balance are a ValueError. What is built is
judged by the reader in strict mode before it is handed out. Source: SWIFT User Handbook, Standards MT category 9.
"""

from __future__ import annotations

import re
from typing import Literal

from parsers.swift_mt.builder import Letterhead, compose
from parsers.swift_mt.composing import Row
from parsers.swift_mt.layouts import LONGEST
from parsers.swift_mt.values import amount_text
from parsers.swift_mt.writer import day_text, folded, reference_text
from payments import BIC, Money
from payments.statement import Balance, Entry, Statement, Totals

StatementType = Literal["940", "942", "950"]
_CODE = re.compile(r"S[0-9]{3}|[NF][A-Z0-9]{3}")
#: Balances that follow the last page, and their fields.
_AFTER = (("CLAV", "64"), ("FWAV", "65"))
_LIMIT = LONGEST["9"]


def statement_pages(statement: Statement, head: Letterhead, *, message_type: StatementType = "940") -> list[bytes]:
    """The pages of a statement (940, 950) or of a report in the course of the day (942), in order."""
    entries = [_entry_rows(entry, message_type) for entry in statement.entries]
    if message_type == "942":
        pages = _report_pages(statement, entries)
    else:
        pages = _balanced_pages(statement, entries, message_type)
    found = []
    for number, rows in enumerate(pages):
        page = Letterhead(head.sender, head.receiver, head.at, head.sequence + number)
        found.append(compose(message_type, [*_heading(statement, number + 1, message_type), *rows], page))
    return found


def _heading(statement: Statement, page: int, message_type: StatementType) -> list[Row]:
    if statement.account is None:
        raise ValueError("a statement needs its account")
    account = folded(statement.account, 35, 1)
    rows = [("20", reference_text(statement.message_id or ""))]
    if statement.related_reference and message_type != "950":
        rows.append(("21", reference_text(statement.related_reference)))
    if statement.account_owner and message_type != "950":
        rows.append(("25P", f"{account}\n{BIC(statement.account_owner)}"))
    else:
        rows.append(("25", account))
    rows.append(("28C", f"{(statement.number or 1) % 100_000}/{page}"))
    return rows


def _balanced_pages(statement: Statement, entries: list[list[Row]], message_type: StatementType) -> list[list[Row]]:
    """Pages of a 940 or 950, each from one balance to the next."""
    opening, closing = statement.balance("OPBD"), statement.balance("CLBD")
    if opening is None or closing is None or opening.amount is None or closing.amount is None:
        raise ValueError("a statement needs its opening and closing balances")
    end = _ending(statement, message_type)
    pages: list[list[Row]] = []
    rows, running = [_balance_row("60M" if opening.intermediate else "60F", opening)], opening.amount
    for entry, written in zip(statement.entries, entries, strict=True):
        if entry.amount is None or entry.amount.currency != running.currency:
            raise ValueError(f"an entry of {entry.amount} cannot stand in a statement in {running.currency}")
        if len(rows) > 1 and _size(rows) + _size(written) + _size(end) > _ROOM:
            middle = Balance("CLBD", running, closing.date, True)
            pages.append([*rows, _balance_row("62M", middle)])
            rows = [_balance_row("60M", middle)]
        rows += written
        running = Money(running.minor + entry.amount.minor, running.currency)
    if running != closing.amount:
        raise ValueError(f"opening balance and entries give {running}, the closing balance is {closing.amount}")
    last = _balance_row("62M" if closing.intermediate else "62F", closing)
    return [*pages, [*rows, last, *end]]


def _ending(statement: Statement, message_type: StatementType) -> list[Row]:
    """What follows the closing balance: available balances, and what is said of the whole statement."""
    rows: list[Row] = []
    for kind, tag in _AFTER:
        found = [balance for balance in statement.balances if balance.type == kind]
        if message_type == "950":
            found = found[:1] if tag == "64" else []
        rows += [_balance_row(tag, balance) for balance in found[: 1 if tag == "64" else None]]
    if message_type != "950" and statement.information:
        rows.append(("86", folded(statement.information, 65, 6)))
    return rows


def _report_pages(statement: Statement, entries: list[list[Row]]) -> list[list[Row]]:
    """Pages of a 942: floor limits and time on each, the sums on the last."""
    begin = [*_floor_rows(statement), ("13D", _moment(statement.created))]
    end = [_totals_row("90D", statement.debits), _totals_row("90C", statement.credits)]
    sums = [row for row in end if row is not None]
    if statement.information:
        sums.append(("86", folded(statement.information, 65, 6)))
    pages, rows = [], list(begin)
    for written in entries:
        if len(rows) > len(begin) and _size(rows) + _size(written) + _size(sums) > _ROOM:
            pages.append(rows)
            rows = list(begin)
        rows += written
    return [*pages, [*rows, *sums]]


def _floor_rows(statement: Statement) -> list[Row]:
    limits = statement.floor_limits
    if not limits:
        if statement.currency is None:
            raise ValueError("a report needs a floor limit or its currency")
        limits = (Money(0, statement.currency),)
    if len(limits) == 1:
        return [("34F", f"{limits[0].currency}{amount_text(_unsigned(limits[0]))}")]
    debit, credit = sorted(limits[:2])
    return [
        ("34F", f"{debit.currency}D{amount_text(_unsigned(debit))}"),
        ("34F", f"{credit.currency}C{amount_text(_unsigned(credit))}"),
    ]


def _moment(created: str | None) -> str:
    """13D of an ISO 8601 time with its offset from UTC."""
    found = None if created is None else _MOMENT.fullmatch(created)
    if found is None:
        raise ValueError(f"a report needs the time it was made with its offset from UTC, not {created!r}")
    return f"{found[1]}{found[2]}{found[3]}{found[4]}{found[5]}" + (
        f"{found[7]}{found[8]}{found[9]}" if found[7] else "+0000"
    )


_MOMENT = re.compile(
    r"\d{2}(\d{2})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(:\d{2}(?:\.\d+)?)?(?:Z|([+-])(\d{2}):(\d{2}))", re.ASCII
)


def _totals_row(tag: str, totals: Totals | None) -> Row | None:
    if totals is None or totals.amount is None:
        return None
    return tag, f"{totals.number % 100_000}{totals.amount.currency}{amount_text(_unsigned(totals.amount))}"


def _balance_row(tag: str, balance: Balance) -> Row:
    if balance.amount is None or balance.date is None:
        raise ValueError("a balance needs its amount and its day")
    mark = "D" if balance.amount.minor < 0 else "C"
    figures = amount_text(_unsigned(balance.amount))
    return tag, f"{mark}{day_text(balance.date)}{balance.amount.currency}{figures}"


def _entry_rows(entry: Entry, message_type: StatementType) -> list[Row]:
    """A 61, and in a 940 or 942 the 86 of it."""
    if entry.amount is None or entry.value_date is None:
        raise ValueError("an entry needs its amount and its value date")
    debit = entry.amount.minor < 0
    if entry.status == "PDNG" and message_type == "942":
        mark = "ED" if debit else "EC"
    elif entry.reversal:
        mark = "RC" if debit else "RD"
    else:
        mark = "D" if debit else "C"
    code = entry.transaction_code
    value = (
        f"{day_text(entry.value_date)}{day_text(entry.booking_date)[2:] if entry.booking_date else ''}{mark}"
        f"{amount_text(_unsigned(entry.amount))}{code if code and _CODE.fullmatch(code) else 'NMSC'}"
        f"{reference_text(entry.reference or '')}"
    )
    if entry.servicer_reference:
        value += f"//{reference_text(entry.servicer_reference)}"
    if entry.supplement and entry.supplement.strip():
        value += "\n" + folded(entry.supplement, 34, 1)
    rows = [("61", value)]
    if entry.information and entry.information.strip() and message_type != "950":
        rows.append(("86", folded(entry.information, 65, 6)))
    return rows


def _unsigned(amount: Money) -> Money:
    return Money(abs(amount.minor), amount.currency)


def _size(rows: list[Row]) -> int:
    """Characters of fields with the ends of their lines."""
    return sum(len(tag) + len(value) + value.count("\n") + 4 for tag, value in rows)


#: What a page has for its entries and balances: references, account and the balance at its end take the rest.
_ROOM = _LIMIT - 16 - 16 - 60 - 20 - 60
