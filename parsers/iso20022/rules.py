"""Rules over the schema: sums, counts, uniqueness, dates, external codes, header, addresses.

Rule: ``RULES`` is an ordered tuple of small functions of the message's facts, each with the messages that it is asked
of; a function reports what it finds and decides nothing else. Codes are those of ExternalStatusReason1Code that the
sender will receive. The clauses are the rules that the ISO 20022 message definitions state in words, and EPC153-22,
CBPR+ and Fedwire for addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from parsers.iso20022.addresses import addresses_are_structured
from parsers.iso20022.codes import (
    CANCELLATION_REASONS,
    CATEGORY_PURPOSE,
    GROUP_STATUS,
    RETURN_REASONS,
    STATUS_REASONS,
    TRANSACTION_STATUS,
)
from parsers.iso20022.facts import Facts, listed, normalised_decimal
from parsers.iso20022.messages import MESSAGE_TYPES, MessageFacts, Transaction
from parsers.iso20022.parties import identity_in
from parsers.iso20022.report import Report
from payments import Level, Money

Rule: TypeAlias = Callable[[MessageFacts, Report], None]

#: Types whose transactions move money between banks: they need a settlement date and an amount above zero.
_SETTLING = frozenset({"pacs.003", "pacs.004", "pacs.007", "pacs.008", "pacs.009"})
_EMPTY: Facts = {}


def number_of_transactions(message: MessageFacts, report: Report) -> None:
    """NbOfTxs of the group, and of each batch, counts the transactions."""
    assert message.type is not None
    stated = message.group.get("NbOfTxs")
    # A cancellation or status of whole messages counts the original's transactions and has none itself.
    counts = bool(message.transactions) or message.family in ("pacs.008", "pacs.009", "pacs.003")
    if stated is not None and counts and _differs(stated, len(message.transactions)):
        path = f"{message.root}/{message.type.group}/NbOfTxs"
        rule = f"NbOfTxs counts the transactions of the message: there are {len(message.transactions)}"
        report.error("AM18", "message", path, stated, rule, "correct the number, or add what is missing")
    if message.type.batch is None:
        return
    for index, batch in enumerate(message.batches):
        stated = batch.get("NbOfTxs")
        count = len(listed(batch.get(message.type.transactions)))
        if stated is not None and _differs(stated, count):
            path = f"{message.root}/{message.type.batch}[{index + 1}]/NbOfTxs"
            rule = f"NbOfTxs counts the transactions of the batch: there are {count}"
            report.error("AM18", "batch", path, stated, rule, "correct the number, or add what is missing")


def _differs(stated: str, count: int) -> bool:
    return stated != str(count) and (not stated.isdecimal() or int(stated) != count)


def control_sum(message: MessageFacts, report: Report) -> None:
    """CtrlSum of the group, and of each batch, adds up the amounts whatever their currencies."""
    kind = message.type
    assert kind is not None
    stated = message.group.get("CtrlSum")
    if stated is not None and message.transactions:
        path = f"{message.root}/{kind.group}/CtrlSum"
        _compare_sum(stated, (item.facts for item in message.transactions), message, path, report)
    if kind.batch is None:
        return
    for index, batch in enumerate(message.batches):
        stated = batch.get("CtrlSum")
        if stated is not None:
            path = f"{message.root}/{kind.batch}[{index + 1}]/CtrlSum"
            _compare_sum(stated, listed(batch.get(kind.transactions)), message, path, report)


def _compare_sum(stated: str, transactions: Iterable[Facts], message: MessageFacts, path: str, report: Report) -> None:
    amounts = [_amount(facts, message) for facts in transactions]
    if any(amount is None for amount in amounts):
        return  # an amount that is no amount has its own finding, and an equivalent amount is in no sum
    total = sum((Decimal(amount.decimal) for amount in amounts if amount is not None), Decimal(0))
    plain = normalised_decimal(stated)
    if plain is None or Decimal(plain) != total:
        rule = f"CtrlSum is the sum of all amounts: they add up to {total}"
        level: Level = "batch" if "[" in path else "message"
        report.error("AM10", level, path, stated, rule, "correct the sum, or the amounts")


def _amount(facts: Facts, message: MessageFacts) -> Money | None:
    assert message.type is not None
    found: Any = facts
    for name in message.type.amount:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, Money) else None


_TOTALS = ("TtlIntrBkSttlmAmt", "TtlRtrdIntrBkSttlmAmt", "TtlRvsdIntrBkSttlmAmt")


def total_settlement_amount(message: MessageFacts, report: Report) -> None:
    """TtlIntrBkSttlmAmt adds up the settlement amounts, all in its currency."""
    if message.group.keys().isdisjoint(_TOTALS):
        return
    for name in _TOTALS:
        stated = message.group.get(name)
        if not isinstance(stated, Money) or not message.transactions:
            continue
        amounts = [_amount(item.facts, message) for item in message.transactions]
        if any(amount is None for amount in amounts):
            return
        path = f"{message.root}/GrpHdr/{name}"
        if any(amount.currency != stated.currency for amount in amounts if amount is not None):
            rule = f"all amounts of the message are in the currency of {name}: {stated.currency}"
            report.error("AM03", "message", path, stated, rule, "send each currency in a message of its own")
            continue
        total = Money(sum(amount.minor for amount in amounts if amount is not None), stated.currency)
        if total != stated:
            rule = f"{name} is the sum of the settlement amounts: {total}"
            report.error("AM10", "message", path, stated, rule, "correct the total, or the amounts")


def amount_above_zero(message: MessageFacts, report: Report) -> None:
    """A payment moves more than nothing."""
    assert message.type is not None
    for item in message.transactions:
        amount = _amount(item.facts, message)
        if amount is not None and amount.minor <= 0:
            path = message.path(item, *message.type.amount)
            report.error("AM01", "entry", path, amount, "an amount to pay is above zero", "leave the payment out")


def settlement_date_is_given(message: MessageFacts, report: Report) -> None:
    """IntrBkSttlmDt stands in the group or in every transaction."""
    if "IntrBkSttlmDt" in message.group:
        return
    for item in message.transactions:
        if "IntrBkSttlmDt" not in item.facts:
            rule = "the interbank settlement date stands in the group header or in each transaction"
            path = message.path(item, "IntrBkSttlmDt")
            report.error("DT01", "entry", path, None, rule, "give IntrBkSttlmDt")


#: Name of the identification -> where it stands in a transaction, and where a repetition is refused.
_IDENTIFICATIONS: tuple[tuple[tuple[str, ...], frozenset[str]], ...] = (
    (("PmtId", "UETR"), frozenset({"pacs.008", "pacs.009", "pacs.003", "pain.001", "pain.008"})),
    (("PmtId", "TxId"), frozenset({"pacs.008", "pacs.009", "pacs.003"})),
    (("PmtId", "InstrId"), frozenset({"pacs.008", "pacs.009", "pacs.003", "pain.001", "pain.008"})),
    (("RtrId",), frozenset({"pacs.004"})),
    (("RvslId",), frozenset({"pacs.007"})),
    (("OrgnlUETR",), frozenset({"pacs.004", "pacs.007", "camt.056"})),
    (("CxlId",), frozenset({"camt.056"})),
)


def identifications_are_unique(message: MessageFacts, report: Report) -> None:
    """No two transactions of a message share an identification."""
    for steps, families in _IDENTIFICATIONS:
        if message.family in families:
            _unique(message, steps, report)


def _unique(message: MessageFacts, steps: tuple[str, ...], report: Report) -> None:
    first: dict[str, Transaction] = {}
    for item in message.transactions:
        value: Any = item.facts
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        if not isinstance(value, str):
            continue
        earlier = first.setdefault(value, item)
        if earlier is not item:
            rule = f"{steps[-1]} is unique in the message: {message.path(earlier)} has it too"
            path = message.path(item, *steps)
            report.error("AM05", "entry", path, value, rule, "give each transaction an identification of its own")


def end_to_end_ids_are_unique(message: MessageFacts, report: Report) -> None:
    """One EndToEndId twice with the same amount and creditor is a payment sent twice; else only worth a word."""
    first: dict[str, Transaction] = {}
    for item in message.transactions:
        value = (item.facts.get("PmtId") or _EMPTY).get("EndToEndId")
        if not isinstance(value, str) or value == "NOTPROVIDED":
            continue
        earlier = first.setdefault(value, item)
        if earlier is not item:
            rule = f"EndToEndId is unique in the message: {message.path(earlier)} has it too"
            path = message.path(item, "PmtId", "EndToEndId")
            same = all(
                item.facts.get(name) == earlier.facts.get(name) for name in ("IntrBkSttlmAmt", "Amt", "CdtrAcct")
            )
            tell = report.error if same or message.family == "pain.001" else report.warning
            tell("AM05", "entry", path, value, rule, "give each payment a reference of its own, or NOTPROVIDED")


#: Element of a transaction -> element below it, the set it is checked against, what the set is called.
_REASONS: dict[str, tuple[tuple[str, frozenset[str], str], ...]] = {
    "pacs.002": (("StsRsnInf", STATUS_REASONS, "ExternalStatusReason1Code"),),
    "pacs.004": (("RtrRsnInf", RETURN_REASONS, "ExternalReturnReason1Code"),),
    "camt.056": (("CxlRsnInf", CANCELLATION_REASONS, "ExternalCancellationReason1Code"),),
}


def reasons_are_of_their_set(message: MessageFacts, report: Report) -> None:
    """A reason code comes from the code set of its own message: a status reason is no return reason."""
    for name, known, code_set in _REASONS.get(message.family, ()):
        for item in message.transactions:
            for reason in listed(item.facts.get(name)):
                code = ((reason or _EMPTY).get("Rsn") or _EMPTY).get("Cd")
                if code is not None and code not in known:
                    path = message.path(item, name, "Rsn", "Cd")
                    rule = f"{code} is not among the known codes of {code_set}"
                    report.warning("CH16", "field", path, code, rule, "use a code of that set, or NARR with a text")


def statuses_are_known(message: MessageFacts, report: Report) -> None:
    """Transaction and group status come from their code sets; PART is a group's only."""
    for item in message.transactions:
        status = item.facts.get("TxSts")
        if status is not None and status not in TRANSACTION_STATUS:
            rule = f"{status} is not a status of a transaction (ExternalPaymentTransactionStatus1Code)"
            report.warning("CH16", "field", message.path(item, "TxSts"), status, rule, "use a code of that set")
    for group in listed(message.body.get("OrgnlGrpInfAndSts")):
        status = (group or _EMPTY).get("GrpSts")
        if status is not None and status not in GROUP_STATUS:
            rule = f"{status} is not a status of a group (ExternalPaymentGroupStatus1Code)"
            path = f"{message.root}/OrgnlGrpInfAndSts/GrpSts"
            report.warning("CH16", "field", path, status, rule, "use a code of that set")


def category_purpose_is_known(message: MessageFacts, report: Report) -> None:
    """CtgyPurp/Cd comes from its code set."""
    for item in message.transactions:
        purpose = (item.facts.get("PmtTpInf") or _EMPTY).get("CtgyPurp")
        code = (purpose or _EMPTY).get("Cd")
        if code is not None and code not in CATEGORY_PURPOSE:
            path = message.path(item, "PmtTpInf", "CtgyPurp", "Cd")
            rule = f"{code} is not among the known codes of ExternalCategoryPurpose1Code"
            report.warning("CH16", "field", path, code, rule, "use a code of that set, or Prtry")


def header_agrees(message: MessageFacts, report: Report) -> None:
    """The application header says of the document what the document says of itself."""
    header = message.header
    assert header is not None
    defined = header.get("MsgDefIdr")
    if defined is not None and defined != message.identifier:
        rule = f"MsgDefIdr is the message definition of the document: {message.identifier}"
        report.warning("HEADER-TYPE", "message", "../AppHdr/MsgDefIdr", defined, rule, "correct the header")
    reference, stated = message.group.get("MsgId"), header.get("BizMsgIdr")
    if isinstance(reference, str) and stated is not None and stated != reference:
        rule = f"BizMsgIdr repeats GrpHdr/MsgId: {reference}"
        report.warning("HEADER-REFERENCE", "message", "../AppHdr/BizMsgIdr", stated, rule, "use one reference")
    for end, name in (("Fr", "InstgAgt"), ("To", "InstdAgt")):
        said = identity_in(header, end, "FIId")
        first = message.transactions[0].facts if message.transactions else _EMPTY
        meant = identity_in(message.group, name) or identity_in(first, name)
        if said and meant and said != meant and not header.get("CpyDplct"):
            rule = f"{end} of the header is {name} of the document: {meant}"
            report.warning("HEADER-PARTY", "message", f"../AppHdr/{end}", said, rule, "correct the header")


def exchange_rate_is_needed(message: MessageFacts, report: Report) -> None:
    """An exchange rate stands only where instructed and settlement currency differ."""
    for item in message.transactions:
        if "XchgRate" in item.facts:
            instructed, settled = item.facts.get("InstdAmt"), item.facts.get("IntrBkSttlmAmt")
            if not isinstance(instructed, Money) or not isinstance(settled, Money):
                continue
            if instructed.currency == settled.currency:
                path = message.path(item, "XchgRate")
                rule = "an exchange rate is given only where instructed and settlement currency differ"
                report.warning("CH17", "field", path, item.facts["XchgRate"], rule, "leave the rate out")


class Asked(NamedTuple):
    """A rule and the messages that it is asked of: of these families, of those with several transactions, of those
    with a header.
    """

    rule: Rule
    families: frozenset[str] = frozenset(MESSAGE_TYPES)
    several: bool = False
    header: bool = False


_SUMMED = frozenset(family for family, kind in MESSAGE_TYPES.items() if kind.amount)

#: Every rule, in the order in which findings are told.
RULES: tuple[Asked, ...] = (
    Asked(number_of_transactions),
    Asked(control_sum, _SUMMED),
    Asked(total_settlement_amount, _SETTLING),
    Asked(amount_above_zero, _SUMMED),
    Asked(settlement_date_is_given, _SETTLING),
    Asked(identifications_are_unique, several=True),
    Asked(end_to_end_ids_are_unique, frozenset({"pain.001", "pacs.008"}), several=True),
    Asked(statuses_are_known, frozenset({"pacs.002"})),
    Asked(reasons_are_of_their_set, frozenset(_REASONS)),
    Asked(category_purpose_is_known),
    Asked(header_agrees, header=True),
    Asked(addresses_are_structured),
    Asked(exchange_rate_is_needed, _SETTLING),
)


@lru_cache(maxsize=4 * len(MESSAGE_TYPES))
def _asked(family: str, several: bool, header: bool) -> tuple[Rule, ...]:
    return tuple(
        asked.rule
        for asked in RULES
        if family in asked.families and several >= asked.several and header >= asked.header
    )


def check(message: MessageFacts, report: Report) -> None:
    """Ask every rule that the message is subject to."""
    for rule in _asked(message.family, len(message.transactions) > 1, message.header is not None):
        rule(message, report)
