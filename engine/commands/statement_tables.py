"""Statements of account as tables for people: what `qenex parse` shows below its table of messages.

Rule: nothing is computed here but the sign; amounts are those of the statement. One table a statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.commands.output import table
from payments.money import Money
from payments.statement import Entry, Statement

_COLUMNS = ("date", "what", "amount", "reference", "said")
_WORDS = {"OPBD": "opening balance", "CLBD": "closing balance", "CLAV": "available", "FWAV": "available then"}
#: More of what a bank says of an entry is in the record.
_SAID_MOST = 80


def show(place: str, statement: Statement) -> None:
    """Print a statement: opening balance, entries, the other balances. ``place`` says which file and message."""
    number = "" if statement.number is None else f", {statement.kind} {statement.number}"
    page = "" if statement.page is None else f" page {statement.page}"
    title = f"{place}: account {statement.account or '-'}{number}{page}"
    table(_rows(statement), _COLUMNS, title=title, right="amount")


def _rows(statement: Statement) -> Iterator[dict[str, Any]]:
    opening = [balance for balance in statement.balances if balance.type == "OPBD"]
    others = [balance for balance in statement.balances if balance.type != "OPBD"]
    for balance in opening:
        yield _row(balance.date, _WORDS[balance.type], balance.amount)
    for entry in statement.entries:
        yield _of_entry(entry)
    for balance in others:
        yield _row(balance.date, _WORDS[balance.type], balance.amount)


def _of_entry(entry: Entry) -> dict[str, Any]:
    what = "reversal" if entry.reversal else "expected" if entry.status == "PDNG" else "entry"
    code = f" {entry.transaction_code}" if entry.transaction_code else ""
    row = _row(entry.booking_date or entry.value_date, what + code, entry.amount)
    details = entry.details
    said = [details[key] for key in ("name", "remittance", "booking_text") if key in details]
    text = ", ".join(said) or (entry.information or entry.supplement or "").replace("\n", " ")
    row["reference"] = entry.reference
    row["said"] = text[: _SAID_MOST - 1] + "…" if len(text) > _SAID_MOST else text or None
    return row


def _row(day: str | None, what: str, amount: Money | None) -> dict[str, Any]:
    return {"date": day, "what": what, "amount": None if amount is None else str(amount)}
