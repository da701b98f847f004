"""Schemes: which one a message belongs to, and what differs between them as data.

Rule: the content says the scheme (service level and local instrument, clearing system, business service); the caller
may say it instead. Sources: EPC SCT Inst and SCT implementation guidelines, CBPR+ usage guidelines (business service),
Fedwire Funds Service (clearing system FDW).
"""

from __future__ import annotations

from typing import Any

from parsers.iso20022.build import code_of
from parsers.iso20022.facts import Facts
from parsers.iso20022.messages import MessageFacts

#: Scheme -> first settlement date on which a fully unstructured postal address is refused.
ADDRESS_DATES: dict[str, str] = {
    "SCT": "2026-11-15",
    "SCT-INST": "2026-11-15",
    "SDD": "2026-11-15",
    "CBPR+": "2026-11-14",
    "FEDWIRE": "2026-11-16",
}

_DIRECT_DEBITS = frozenset({"pacs.003", "pacs.007", "pain.008"})
_EMPTY: Facts = {}


def scheme_of(message: MessageFacts) -> str | None:
    """The scheme that the content names; None when it names none that we know."""
    service = (message.header or _EMPTY).get("BizSvc")
    if isinstance(service, str) and service.startswith("swift.cbprplus"):
        return "CBPR+"
    settlement = message.group.get("SttlmInf")
    if type(settlement) is dict and "ClrSys" in settlement and code_of(_choice(settlement["ClrSys"])) == "FDW":
        return "FEDWIRE"
    for kind in _payment_types(message):
        if "SvcLvl" in kind and code_of(_choice(kind["SvcLvl"])) == "SEPA":
            if message.family in _DIRECT_DEBITS:
                return "SDD"
            return "SCT-INST" if code_of(_choice(kind.get("LclInstrm"))) == "INST" else "SCT"
    return None


def _choice(value: Any) -> Facts | None:
    first = value[0] if type(value) is list else value
    return first if isinstance(first, dict) else None


def _payment_types(message: MessageFacts) -> list[Facts]:
    """Payment type information of the group, the first batch, the first transaction and its original."""
    holders: list[Any] = [message.group]
    if message.transactions:
        first = message.transactions[0]
        holders += [first.facts, first.batch, first.facts.get("OrgnlTxRef")]
    return [
        kind
        for holder in holders
        if type(holder) is dict and "PmtTpInf" in holder and type(kind := holder["PmtTpInf"]) is dict
    ]
