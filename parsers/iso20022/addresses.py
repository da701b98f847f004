"""Postal addresses: structured, or hybrid; unstructured ones until a scheme's date.

Rule: from the date on, judged by the interbank settlement date (execution date of an initiation), an address has town
and country in their own elements and at most two free lines of 70 (hybrid), or none (structured). Before it, and in
schemes without a date, nothing is said. Sources: EPC153-22 section 7.4 (SEPA), CBPR+ and Fedwire release notes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from parsers.iso20022.facts import Facts, listed
from parsers.iso20022.messages import MessageFacts, Transaction
from parsers.iso20022.report import Report

#: Where a transaction or batch has parties and agents, and the reason that its sender gets for a bad address:
#: BE07 for the debtor's side, BE04 for the creditor's (ExternalStatusReason1Code).
_ROLES: dict[str, str] = {
    "Dbtr": "BE07",
    "UltmtDbtr": "BE07",
    "InitgPty": "BE07",
    "DbtrAgt": "BE07",
    "Cdtr": "BE04",
    "UltmtCdtr": "BE04",
    "CdtrAgt": "BE04",
    "IntrmyAgt1": "BE04",
    "IntrmyAgt2": "BE04",
    "IntrmyAgt3": "BE04",
}
_LINES_MAX = 2
_LINE_LENGTH = 70


def addresses_are_structured(message: MessageFacts, report: Report) -> None:
    """Every party's and agent's address has town and country from the scheme's date on."""
    since = message.address_date
    if since is None:
        return
    for item in message.transactions:
        date = _settlement_date(message, item)
        if date is not None and date >= since:
            _transaction(message, item, since, report)
            if item.batch and item.number == 1:
                _holder(item.batch, partial(_batch_path, message, item), since, report)


def _batch_path(message: MessageFacts, item: Transaction) -> str:
    return f"{message.root}/PmtInf[{item.batch_number}]"


def _settlement_date(message: MessageFacts, item: Transaction) -> str | None:
    date: Any = (
        item.facts.get("IntrBkSttlmDt")
        or message.group.get("IntrBkSttlmDt")
        or item.batch.get("ReqdExctnDt")
        or item.batch.get("ReqdColltnDt")
    )
    if isinstance(date, dict):
        date = date.get("Dt") or date.get("DtTm")
    return date[:10] if isinstance(date, str) else None


def _transaction(message: MessageFacts, item: Transaction, since: str, report: Report) -> None:
    _holder(item.facts, lambda: message.path(item), since, report)
    underlying = item.facts.get("UndrlygCstmrCdtTrf")
    if underlying:
        _holder(underlying, lambda: message.path(item, "UndrlygCstmrCdtTrf"), since, report)


def _holder(holder: Facts, path: Callable[[], str], since: str, report: Report) -> None:
    for name, facts in holder.items():
        code = _ROLES.get(name)
        if code is None or not isinstance(facts, dict):
            continue
        institution = facts.get("FinInstnId")
        address = (facts if institution is None else institution).get("PstlAdr")
        if isinstance(address, dict) and (rule := _broken(address)) is not None:
            where = f"{name}/PstlAdr" if institution is None else f"{name}/FinInstnId/PstlAdr"
            value = ", ".join(listed(address.get("AdrLine"))) or None
            remedy = "give TwnNm and Ctry; the rest in its own elements, or in at most two AdrLine of 70"
            report.error(code, "entry", f"{path()}/{where}", value, f"{rule} for settlement from {since}", remedy)


def _broken(address: Facts) -> str | None:
    """The rule that an address breaks."""
    if "TwnNm" not in address or "Ctry" not in address:
        return "an address has town and country in elements of their own"
    lines = listed(address.get("AdrLine"))
    if len(lines) > _LINES_MAX or (lines and max(map(len, lines)) > _LINE_LENGTH):
        return "a hybrid address has at most two free lines of 70 characters"
    return None
