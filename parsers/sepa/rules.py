"""SCT Inst and SCT usage rules over pacs.008.

Rule: each function looks at one transaction (or the message) and reports; order is the order of the findings. Codes
are those of ExternalStatusReason1Code: FF01 for form, AM.. for amounts. SCT (not Inst) allows bulks and has no
acceptance time. Sources: EPC122-16 (SCT Inst), EPC115-06 (SCT), EPC217-08 (characters and references).
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from payments import Money

if TYPE_CHECKING:  # the ISO 20022 reader calls this package, so that it cannot be imported while that one loads
    from parsers.iso20022.messages import MessageFacts, Transaction
    from parsers.iso20022.report import Report

MessageRule: TypeAlias = "Callable[[MessageFacts, Report], None]"
TransactionRule: TypeAlias = "Callable[[MessageFacts, Transaction, Report], None]"

#: EPC217-08 chapter 6: the basic Latin set.
_CHARACTER_SET = string.ascii_letters + string.digits + "/-?:().,'+ \r\n\t"
_OUTSIDE_CHARACTER_SET = re.compile(f"[^{re.escape(_CHARACTER_SET)}]")
_BASIC = _CHARACTER_SET.encode("ascii")
#: Settlement amounts run from one cent to this (EPC122-16, amount).
AMOUNT_MAX = Money(99_999_999_999, "EUR")
NAME_MAX = 70
REMITTANCE_MAX = 140
#: Canonical form of xs:dateTime: up to milliseconds, and no trailing zero in the fraction.
_ACCEPTANCE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,2}[1-9])?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_FORM = "FF01"


def only_one_transaction(message: MessageFacts, report: Report) -> None:
    """An instant payment travels alone."""
    count = len(message.transactions)
    if count > 1:
        path = f"{message.root}/CdtTrfTxInf[2]"
        report.error(_FORM, "message", path, count, "SCT Inst has one transaction per message", "send each by itself")


def settled_by_clearing(message: MessageFacts, report: Report) -> None:
    """SttlmMtd is CLRG."""
    method = (message.group.get("SttlmInf") or {}).get("SttlmMtd")
    if method != "CLRG":
        path = f"{message.root}/GrpHdr/SttlmInf/SttlmMtd"
        report.error(_FORM, "message", path, method, "the settlement method is CLRG (EPC)", "write CLRG")


def characters_are_basic(message: MessageFacts, report: Report) -> None:
    """Texts use EPC217-08's characters only."""
    # All characters are dropped that may be there: four times as quick as looking for one that may not.
    if message.text.isascii() and not message.text.encode("ascii").translate(None, _BASIC):
        return
    for item in message.transactions:
        _characters(item.facts, message.path(item), report)
    _characters(message.group.get("MsgId"), f"{message.root}/GrpHdr/MsgId", report)


def _characters(value: Any, path: str, report: Report) -> None:
    if isinstance(value, dict):
        for name, inside in value.items():
            if name not in ("RmtId", "URLAdr"):
                _characters(inside, f"{path}/{name}", report)
    elif isinstance(value, list):
        for index, inside in enumerate(value):
            _characters(inside, f"{path}[{index + 1}]", report)
    elif isinstance(value, str):
        found = _OUTSIDE_CHARACTER_SET.search(value)
        if found:
            rule = f"{found[0]!r} is outside the characters a-z A-Z 0-9 / - ? : ( ) . , ' + and blank (EPC217-08)"
            report.error(_FORM, "field", path, value, rule, "write it with those characters (ue for ü, + or and for &)")


def amount_is_euro_in_range(message: MessageFacts, item: Transaction, report: Report) -> None:
    """EUR, 0.01 to 999,999,999.99."""
    amount = item.facts.get("IntrBkSttlmAmt")
    if not isinstance(amount, Money):
        return
    if amount.currency != "EUR":
        path = message.path(item, "IntrBkSttlmAmt")
        report.error("AM03", "entry", path, amount, "SEPA payments are in EUR", "send it through another scheme")
    elif amount > AMOUNT_MAX:
        path = message.path(item, "IntrBkSttlmAmt")
        rule = f"the amount is at most {AMOUNT_MAX}"
        report.error("AM02", "entry", path, amount, rule, "split the payment, or use another scheme")


def charges_are_shared(message: MessageFacts, item: Transaction, report: Report) -> None:
    """ChrgBr is SLEV: each side pays its own."""
    bearer = item.facts.get("ChrgBr")
    if bearer != "SLEV":
        report.error(_FORM, "entry", message.path(item, "ChrgBr"), bearer, "ChrgBr is SLEV (EPC)", "write SLEV")


def both_sides_have_ibans(message: MessageFacts, item: Transaction, report: Report) -> None:
    """Debtor's and creditor's accounts are IBANs."""
    for name in ("DbtrAcct", "CdtrAcct"):
        account = (item.facts.get(name) or {}).get("Id") or {}
        if "IBAN" not in account:
            path = message.path(item, name, "Id", "IBAN")
            report.error("AC01", "entry", path, None, "SEPA accounts are identified by IBAN", "give the IBAN")


def agents_have_bics(message: MessageFacts, item: Transaction, report: Report) -> None:
    """Debtor's and creditor's agents are identified by BIC."""
    for name in ("DbtrAgt", "CdtrAgt"):
        institution = (item.facts.get(name) or {}).get("FinInstnId") or {}
        if "BICFI" not in institution and "BIC" not in institution:
            path = message.path(item, name, "FinInstnId", "BICFI")
            report.error("RC01", "entry", path, None, "SEPA agents are identified by BIC between banks", "give the BIC")


def names_are_short(message: MessageFacts, item: Transaction, report: Report) -> None:
    """Debtor's and creditor's names are there and have at most 70 characters."""
    for name in ("Dbtr", "Cdtr"):
        value = (item.facts.get(name) or {}).get("Nm")
        if value is None or not value.strip():
            path = message.path(item, name, "Nm")
            report.error(_FORM, "entry", path, value, f"the name of the {_SIDES[name]} is mandatory", "give the name")
        elif len(value) > NAME_MAX:
            path = message.path(item, name, "Nm")
            rule = f"the name of the {_SIDES[name]} has at most {NAME_MAX} characters"
            report.error(_FORM, "entry", path, value, rule, "shorten the name")


_SIDES = {"Dbtr": "debtor", "Cdtr": "creditor"}


def remittance_is_one_kind(message: MessageFacts, item: Transaction, report: Report) -> None:
    """One unstructured line of at most 140 characters, or one structured occurrence."""
    remittance = item.facts.get("RmtInf")
    if not remittance:
        return
    free, structured = remittance.get("Ustrd"), remittance.get("Strd")
    if (free is not None and structured is not None) or isinstance(free, list) or isinstance(structured, list):
        rule = "remittance information is one Ustrd or one Strd"
        report.error(_FORM, "entry", message.path(item, "RmtInf"), None, rule, "keep one of them")
    elif isinstance(free, str) and len(free) > REMITTANCE_MAX:
        rule = f"unstructured remittance information has at most {REMITTANCE_MAX} characters"
        report.error(_FORM, "entry", message.path(item, "RmtInf", "Ustrd"), free, rule, "shorten the text")


def references_are_clean(message: MessageFacts, item: Transaction, report: Report) -> None:
    """References neither start nor end with a slash nor have two in a row; EndToEndId and TxId are mandatory."""
    identification = item.facts.get("PmtId") or {}
    for name in ("EndToEndId", "TxId"):
        if not identification.get(name):
            path = message.path(item, "PmtId", name)
            remedy = "give it" if name == "TxId" else "give it, or NOTPROVIDED"
            report.error(_FORM, "entry", path, None, f"{name} is mandatory", remedy)
    for name in ("InstrId", "EndToEndId", "TxId"):
        value = identification.get(name)
        if isinstance(value, str) and "/" in value and (value[0] == "/" or value[-1] == "/" or "//" in value):
            path = message.path(item, "PmtId", name)
            rule = "a reference neither starts nor ends with '/' nor contains '//' (EPC217-08)"
            report.error(_FORM, "field", path, value, rule, "take the slashes out")


def acceptance_time_is_canonical(message: MessageFacts, item: Transaction, report: Report) -> None:
    """AccptncDtTm is there, to the millisecond, its fraction without trailing zero."""
    value = item.facts.get("AccptncDtTm")
    if value is None:
        path = message.path(item, "AccptncDtTm")
        rule = "AccptncDtTm is mandatory: the ten seconds count from it"
        report.error(_FORM, "entry", path, None, rule, "give the time at which the order was accepted")
    elif isinstance(value, str) and _ACCEPTANCE_TIME.fullmatch(value) is None:
        path = message.path(item, "AccptncDtTm")
        rule = "AccptncDtTm has at most milliseconds and no trailing zero in the fraction (W3C canonical form)"
        report.error(_FORM, "field", path, value, rule, "write .12 for .120, and no fraction for .000")


_TRANSFER: tuple[TransactionRule, ...] = (
    amount_is_euro_in_range,
    charges_are_shared,
    both_sides_have_ibans,
    agents_have_bics,
    names_are_short,
    remittance_is_one_kind,
    references_are_clean,
)

#: Scheme and message type -> rules over the message, rules over each transaction.
RULES: dict[tuple[str, str], tuple[tuple[MessageRule, ...], tuple[TransactionRule, ...]]] = {
    ("SCT-INST", "pacs.008"): (
        (only_one_transaction, settled_by_clearing, characters_are_basic),
        (*_TRANSFER, acceptance_time_is_canonical),
    ),
    ("SCT", "pacs.008"): ((settled_by_clearing, characters_are_basic), _TRANSFER),
}


def check(message: MessageFacts, report: Report) -> None:
    """Apply the rules of the message's scheme; a scheme or type without rules has nothing to say."""
    over_message, over_transaction = RULES.get((message.scheme or "", message.family), ((), ()))
    for rule in over_message:
        rule(message, report)
    for item in message.transactions:
        for transaction_rule in over_transaction:
            transaction_rule(message, item, report)
