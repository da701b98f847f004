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


def scheme_of(message: MessageFacts) -> str | None:
    """The scheme that the content names; None when it names none that we know."""
    if message.header is not None:
        service = message.header.get("BizSvc")
        if isinstance(service, str) and service.startswith("swift.cbprplus"):
            return "CBPR+"
    settlement = message.group.get("SttlmInf")
    if type(settlement) is dict and "ClrSys" in settlement and code_of(_choice(settlement["ClrSys"])) == "FDW":
        return "FEDWIRE"
    for holder in _typed(message):
        kind = holder.get("PmtTpInf") if type(holder) is dict else None
        if type(kind) is dict and "SvcLvl" in kind and code_of(_choice(kind["SvcLvl"])) == "SEPA":
            if message.family in _DIRECT_DEBITS:
                return "SDD"
            return "SCT-INST" if code_of(_choice(kind.get("LclInstrm"))) == "INST" else "SCT"
    return None


def _choice(value: Any) -> Facts | None:
    first = value[0] if type(value) is list else value
    return first if isinstance(first, dict) else None


def _typed(message: MessageFacts) -> tuple[Any, ...]:
    """What may hold payment type information: the group, the first batch, the first transaction and its original."""
    if not message.transactions:
        return (message.group,)
    first = message.transactions[0]
    return message.group, first.facts, first.batch, first.facts.get("OrgnlTxRef")
