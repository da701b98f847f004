"""Payments from the facts of a valid message, one builder for each message type.

Rule: in a Payment money flows from the debtor's agent to the creditor's agent, so a return and a reversal have the
original's parties changed over. Statements, reports and requests about one's own accounts move no money: no builder.
A status report becomes notifications that carry the original's references and the status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from parsers.iso20022.facts import Facts, listed
from parsers.iso20022.messages import MessageFacts, Transaction
from parsers.iso20022.parties import agent, party
from payments import Agent, Money, Original, Party, Payment, PaymentKind

Builder: TypeAlias = Callable[[MessageFacts, Transaction, int], Payment]
_EMPTY: Facts = {}


def build_payments(message: MessageFacts) -> tuple[Payment, ...]:
    """One payment for each transaction; for a group status or a group cancellation without transactions, one."""
    builder = BUILDERS.get(message.family)
    if builder is None:
        return ()
    built = [builder(message, transaction, index) for index, transaction in enumerate(message.transactions)]
    if not built and message.family in _GROUP_BUILDERS:
        built = _GROUP_BUILDERS[message.family](message)
    return tuple(built)


def code_of(facts: Any) -> str | None:
    """The code of a choice of code and proprietary."""
    if not facts:
        return None
    first = facts[0] if type(facts) is list else facts
    return (first.get("Cd") or first.get("Prtry")) if first else None


def remittance(facts: Facts | None) -> str | None:
    """Free lines joined by line feeds, else the creditor's references of structured remittance."""
    if not facts:
        return None
    lines = listed(facts.get("Ustrd"))
    if len(lines) == 1:
        return lines[0] or None
    if not lines:
        references = ((item.get("CdtrRefInf") or _EMPTY).get("Ref") for item in listed(facts.get("Strd")) if item)
        lines = [reference for reference in references if reference]
    return "\n".join(line or "" for line in lines) or None


_BETWEEN = ("PrvsInstgAgt1", "PrvsInstgAgt2", "PrvsInstgAgt3", "IntrmyAgt1", "IntrmyAgt2", "IntrmyAgt3")


def _intermediaries(facts: Facts) -> tuple[Agent, ...]:
    """Agents between instructing and creditor's agent, in the order in which money passes them."""
    if facts.keys().isdisjoint(_BETWEEN):
        return ()
    found = [agent(facts.get(name), facts.get(f"{name}Acct")) for name in _BETWEEN]
    return tuple([between for between in found if between is not None])


def _details(message: MessageFacts, type_information: Facts) -> dict[str, str]:
    """What only this format has: settlement method, clearing system and channel, category purpose."""
    settlement = message.group.get("SttlmInf") or _EMPTY
    found: dict[str, str] = {}
    if method := settlement.get("SttlmMtd"):
        found["settlement_method"] = method
    if system := code_of(settlement.get("ClrSys")):
        found["clearing_system"] = system
    if channel := type_information.get("ClrChanl"):
        found["clearing_channel"] = channel
    if purpose := code_of(type_information.get("CtgyPurp")):
        found["category_purpose"] = purpose
    return found


def _interbank(message: MessageFacts, transaction: Transaction, index: int) -> Payment:
    """pacs.008 and pacs.009; pacs.003 has the same elements, with the creditor asking."""
    facts, group = transaction.facts, message.group
    identification = facts.get("PmtId") or _EMPTY
    kind = facts.get("PmtTpInf") or group.get("PmtTpInf") or _EMPTY
    debtor, creditor = facts.get("Dbtr"), facts.get("Cdtr")
    instructed = facts.get("InstdAmt")
    debtor_agent, creditor_agent = facts.get("DbtrAgt"), facts.get("CdtrAgt")
    if message.family == "pacs.009":  # institutions pay for themselves where they name no agent
        debtor_agent, creditor_agent = debtor_agent or debtor, creditor_agent or creditor
    return Payment(
        index=index,
        kind=_KINDS[message.family],
        amount=facts.get("IntrBkSttlmAmt"),
        value_date=facts.get("IntrBkSttlmDt") or group.get("IntrBkSttlmDt"),
        instruction_id=identification.get("InstrId"),
        end_to_end_id=identification.get("EndToEndId"),
        transaction_id=identification.get("TxId"),
        uetr=identification.get("UETR"),
        charge_bearer=facts.get("ChrgBr"),
        instructed_amount=instructed,
        debtor=party(debtor, facts.get("DbtrAcct")),
        debtor_agent=agent(debtor_agent, facts.get("DbtrAgtAcct")),
        creditor=party(creditor, facts.get("CdtrAcct")),
        creditor_agent=agent(creditor_agent, facts.get("CdtrAgtAcct")),
        ultimate_debtor=_ultimate(facts, "UltmtDbtr", "Dbtr"),
        ultimate_creditor=_ultimate(facts, "UltmtCdtr", "Cdtr"),
        instructing_agent=agent(facts.get("InstgAgt") or group.get("InstgAgt")),
        instructed_agent=agent(facts.get("InstdAgt") or group.get("InstdAgt")),
        intermediaries=_intermediaries(facts),
        purpose=code_of(facts.get("Purp")),
        remittance=remittance(facts.get("RmtInf")),
        priority=kind.get("InstrPrty") or facts.get("SttlmPrty"),
        service_level=code_of(kind.get("SvcLvl")),
        local_instrument=code_of(kind.get("LclInstrm")),
        acceptance_time=facts.get("AccptncDtTm"),
        details=_variant(message, facts, _details(message, kind)),
    )


def _ultimate(facts: Facts, name: str, side: str) -> Party | None:
    """The ultimate debtor or creditor, else the customer behind a cover payment (pacs.009 COV): screening must see
    the names that the cover is for.
    """
    if name in facts and (found := party(facts[name])) is not None:
        return found
    underlying = facts.get("UndrlygCstmrCdtTrf")
    return party(underlying.get(side), underlying.get(f"{side}Acct")) if underlying else None


def _variant(message: MessageFacts, facts: Facts, details: dict[str, str]) -> dict[str, str]:
    """Whether a pacs.009 is a cover (COV) or an advice (ADV); CORE otherwise."""
    if message.family == "pacs.009":
        service = str((message.header or _EMPTY).get("BizSvc") or "")
        details["variant"] = "COV" if "UndrlygCstmrCdtTrf" in facts else "ADV" if ".adv." in service else "CORE"
    return details


def _initiation(message: MessageFacts, transaction: Transaction, index: int) -> Payment:
    """pain.001 and pain.008: what the transaction does not say, its batch (PmtInf) says."""
    facts, batch = transaction.facts, transaction.batch
    identification = facts.get("PmtId") or _EMPTY
    kind = facts.get("PmtTpInf") or batch.get("PmtTpInf") or _EMPTY
    date = batch.get("ReqdExctnDt") or batch.get("ReqdColltnDt")
    if isinstance(date, dict):  # a choice of date and time since 2017
        date = date.get("Dt") or date.get("DtTm")

    def either(name: str) -> Any:
        return facts.get(name) or batch.get(name)

    amount = (facts.get("Amt") or _EMPTY).get("InstdAmt") if "Amt" in facts else facts.get("InstdAmt")
    return Payment(
        index=index,
        kind=_KINDS[message.family],
        amount=amount,
        value_date=date,
        instruction_id=identification.get("InstrId"),
        end_to_end_id=identification.get("EndToEndId"),
        uetr=identification.get("UETR"),
        charge_bearer=either("ChrgBr"),
        instructed_amount=amount,
        debtor=party(either("Dbtr"), either("DbtrAcct")),
        debtor_agent=agent(either("DbtrAgt"), either("DbtrAgtAcct")),
        creditor=party(either("Cdtr"), either("CdtrAcct")),
        creditor_agent=agent(either("CdtrAgt"), either("CdtrAgtAcct")),
        ultimate_debtor=party(either("UltmtDbtr")),
        ultimate_creditor=party(either("UltmtCdtr")),
        intermediaries=_intermediaries(facts),
        purpose=code_of(facts.get("Purp")),
        remittance=remittance(facts.get("RmtInf")),
        priority=kind.get("InstrPrty"),
        service_level=code_of(kind.get("SvcLvl")),
        local_instrument=code_of(kind.get("LclInstrm")),
        details=_details(message, kind),
    )


def _reason(facts: Any) -> tuple[str | None, str | None]:
    """Code and free text of a reason, the first one where it is repeated."""
    first = next(iter(listed(facts)), None) or _EMPTY
    text = " ".join(line for line in listed(first.get("AddtlInf")) if line)
    return code_of(first.get("Rsn")), text or None


def _original(message: MessageFacts, transaction: Transaction, reasons: Any, status: str | None = None) -> Original:
    """The payment that a transaction of a return, reversal, cancellation or report is about."""
    facts, body = transaction.facts, message.body
    # pacs.028 may name several original messages, without saying which transaction is of which: the first counts.
    stated = listed(facts.get("OrgnlGrpInf") or body.get("OrgnlGrpInf"))
    above = next(iter(stated), None) or _group_of(message, transaction)
    earlier = facts.get("OrgnlTxRef") or _EMPTY
    code, text = _reason(reasons)
    amount = facts.get("OrgnlIntrBkSttlmAmt") or earlier.get("IntrBkSttlmAmt")
    return Original(
        message_type=above.get("OrgnlMsgNmId"),
        message_id=above.get("OrgnlMsgId"),
        instruction_id=facts.get("OrgnlInstrId"),
        end_to_end_id=facts.get("OrgnlEndToEndId"),
        transaction_id=facts.get("OrgnlTxId"),
        uetr=facts.get("OrgnlUETR"),
        amount=amount if isinstance(amount, Money) else None,
        settlement_date=facts.get("OrgnlIntrBkSttlmDt") or earlier.get("IntrBkSttlmDt"),
        reason_code=code,
        reason_text=text,
        status=status,
    )


def _group_of(message: MessageFacts, transaction: Transaction) -> Facts:
    """The original group, where the message or the batch names it with its status or cancellation."""
    for holder in (transaction.batch, message.body):
        for name in ("OrgnlGrpInfAndSts", "OrgnlGrpInfAndCxl"):
            found: Facts | None = next(iter(listed(holder.get(name))), None)
            if found:
                return found
    return _EMPTY


def _return(message: MessageFacts, transaction: Transaction, index: int) -> Payment:
    """pacs.004 and pacs.007: the original's creditor side pays back its debtor side, unless a return chain says who."""
    facts, group = transaction.facts, message.group
    is_return = message.family == "pacs.004"
    chain, earlier = facts.get("RtrChain") or _EMPTY, facts.get("OrgnlTxRef") or _EMPTY
    payer, payee = ("Dbtr", "Cdtr") if chain else ("Cdtr", "Dbtr")
    roles = chain or earlier
    payer_agent = roles.get(f"{payer}Agt") or facts.get("InstgAgt") or group.get("InstgAgt")
    payee_agent = roles.get(f"{payee}Agt") or facts.get("InstdAgt") or group.get("InstdAgt")
    prefix = "Rtrd" if is_return else "Rvsd"
    reasons = facts.get("RtrRsnInf" if is_return else "RvslRsnInf")
    kind = earlier.get("PmtTpInf") or _EMPTY
    return Payment(
        index=index,
        kind=PaymentKind.RETURN if is_return else PaymentKind.REVERSAL,
        amount=facts.get(f"{prefix}IntrBkSttlmAmt"),
        value_date=facts.get("IntrBkSttlmDt") or group.get("IntrBkSttlmDt"),
        instruction_id=facts.get("RtrId" if is_return else "RvslId"),
        end_to_end_id=facts.get("OrgnlEndToEndId"),
        transaction_id=facts.get("OrgnlTxId"),
        uetr=facts.get("OrgnlUETR"),
        charge_bearer=facts.get("ChrgBr"),
        instructed_amount=facts.get(f"{prefix}InstdAmt"),
        debtor=party(roles.get(payer), roles.get(f"{payer}Acct")),
        debtor_agent=agent(payer_agent),
        creditor=party(roles.get(payee), roles.get(f"{payee}Acct")),
        creditor_agent=agent(payee_agent),
        instructing_agent=agent(facts.get("InstgAgt") or group.get("InstgAgt")),
        instructed_agent=agent(facts.get("InstdAgt") or group.get("InstdAgt")),
        remittance=remittance(earlier.get("RmtInf")),
        service_level=code_of(kind.get("SvcLvl")),
        local_instrument=code_of(kind.get("LclInstrm")),
        original=_original(message, transaction, reasons),
        details=_details(message, kind),
    )


def _cancellation(message: MessageFacts, transaction: Transaction, index: int) -> Payment:
    """camt.056: the payment that should be cancelled, with its parties as they were."""
    facts = transaction.facts
    earlier = facts.get("OrgnlTxRef") or _EMPTY
    original = _original(message, transaction, facts.get("CxlRsnInf"))
    return Payment(
        index=index,
        kind=PaymentKind.CANCELLATION_REQUEST,
        amount=original.amount,
        value_date=original.settlement_date,
        instruction_id=facts.get("CxlId"),
        end_to_end_id=original.end_to_end_id,
        transaction_id=original.transaction_id,
        uetr=original.uetr,
        debtor=party(earlier.get("Dbtr"), earlier.get("DbtrAcct")),
        debtor_agent=agent(earlier.get("DbtrAgt")),
        creditor=party(earlier.get("Cdtr"), earlier.get("CdtrAcct")),
        creditor_agent=agent(earlier.get("CdtrAgt")),
        instructing_agent=_assigned(message, "Assgnr"),
        instructed_agent=_assigned(message, "Assgne"),
        original=original,
    )


def _assigned(message: MessageFacts, role: str) -> Agent | None:
    return agent((message.group.get(role) or _EMPTY).get("Agt"))


def _report(message: MessageFacts, transaction: Transaction, index: int) -> Payment:
    """pacs.002, pacs.028 and camt.029: the status of, or a question about, one earlier payment."""
    facts, group = transaction.facts, message.group
    status = facts.get("TxSts") or facts.get("TxCxlSts") or _group_of(message, transaction).get("GrpSts")
    if message.family == "camt.029" and status is None:
        status = (message.body.get("Sts") or _EMPTY).get("Conf")
    reasons = facts.get("StsRsnInf") or facts.get("CxlStsRsnInf") or _group_of(message, transaction).get("StsRsnInf")
    original = _original(message, transaction, reasons, status)
    sender, receiver = facts.get("InstgAgt") or group.get("InstgAgt"), facts.get("InstdAgt") or group.get("InstdAgt")
    return Payment(
        index=index,
        kind=PaymentKind.NOTIFICATION,
        amount=original.amount,
        instruction_id=facts.get("StsId") or facts.get("StsReqId") or facts.get("CxlStsId"),
        end_to_end_id=original.end_to_end_id,
        transaction_id=original.transaction_id,
        uetr=original.uetr,
        instructing_agent=agent(sender) or _assigned(message, "Assgnr"),
        instructed_agent=agent(receiver) or _assigned(message, "Assgne"),
        acceptance_time=facts.get("AccptncDtTm"),
        original=original,
    )


def _whole_group(message: MessageFacts, kind: PaymentKind, names: tuple[str, str, str]) -> list[Payment]:
    """A status or a cancellation of whole messages, without transactions of their own."""
    holder, status, reasons = names
    groups = [group for above in (message.batches or [message.body]) for group in listed(above.get(holder)) if group]
    built = []
    for index, group in enumerate(groups):
        code, text = _reason(group.get(reasons))
        original = Original(
            message_type=group.get("OrgnlMsgNmId"),
            message_id=group.get("OrgnlMsgId"),
            reason_code=code,
            reason_text=text,
            status=group.get(status),
        )
        built.append(
            Payment(
                index=index,
                kind=kind,
                instructing_agent=agent(message.group.get("InstgAgt")) or _assigned(message, "Assgnr"),
                instructed_agent=agent(message.group.get("InstdAgt")) or _assigned(message, "Assgne"),
                original=original,
            )
        )
    return built


_KINDS = {
    "pacs.008": PaymentKind.CREDIT_TRANSFER,
    "pacs.009": PaymentKind.FINANCIAL_INSTITUTION_TRANSFER,
    "pacs.003": PaymentKind.DIRECT_DEBIT,
    "pain.001": PaymentKind.CREDIT_TRANSFER,
    "pain.008": PaymentKind.DIRECT_DEBIT,
}

#: Message type -> builder. Order of the rows is that of a payment's life.
BUILDERS: dict[str, Builder] = {
    "pain.001": _initiation,
    "pain.008": _initiation,
    "pacs.008": _interbank,
    "pacs.009": _interbank,
    "pacs.003": _interbank,
    "pacs.002": _report,
    "pacs.028": _report,
    "camt.056": _cancellation,
    "camt.029": _report,
    "pacs.004": _return,
    "pacs.007": _return,
}

_GROUP_BUILDERS: dict[str, Callable[[MessageFacts], list[Payment]]] = {
    "pacs.002": lambda message: _whole_group(
        message, PaymentKind.NOTIFICATION, ("OrgnlGrpInfAndSts", "GrpSts", "StsRsnInf")
    ),
    "camt.056": lambda message: _whole_group(
        message, PaymentKind.CANCELLATION_REQUEST, ("OrgnlGrpInfAndCxl", "GrpCxl", "CxlRsnInf")
    ),
}
