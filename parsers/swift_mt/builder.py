"""Messages from values: MT 103, 202, 202 COV and 205 from a payment, 940, 942 and 950 from a statement.

Rule: what is built is judged by the reader in strict mode before it is handed out, so a message that leaves here is
valid; what cannot be said in the message is a ValueError that names the rule. Confirmations (900, 910), answers (n92,
n95, n96, n99), ACK and NAK are in ``writer``. Source: SWIFT User Handbook, Standards MT categories 1, 2 and 9.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from parsers.swift_mt.composing import (
    Row,
    agent_row,
    amount_row,
    customer_row,
    dated_row,
    kept_rows,
    rate_text,
)
from parsers.swift_mt.pieces import BEARERS
from parsers.swift_mt.reader import read
from parsers.swift_mt.writer import folded, output, reference_text
from payments import Agent, Original, Party, Payment, PaymentKind

_MARKS = {bearer: mark for mark, bearer in BEARERS.items()}


class Letterhead(NamedTuple):
    """Who writes to whom and when: BICs of 8 or 11, ISO 8601, the output sequence number, the UETR."""

    sender: str
    receiver: str
    at: str
    sequence: int
    uetr: str | None = None


def compose(message_type: str, rows: Sequence[Row], head: Letterhead, *, flag: str = "") -> bytes:
    """A message of any type of the tables from its fields in their order; ``flag`` is the 119 of block 3.

    ValueError when the message would be refused: what is returned passes the reader in strict mode.
    """
    user = (f"{{119:{flag}}}" if flag else "") + (f"{{121:{head.uetr}}}" if head.uetr else "")
    lines = [f":{tag}:{value}" for tag, value in rows]
    data = output(
        message_type, head.sender, head.receiver, lines, head.at, head.sequence, f"{{3:{user}}}" if user else ""
    )
    (message,) = read(data, mode="strict")
    fault = next(iter(message.errors()), None)
    if fault is not None:
        raise ValueError(f"MT{message_type}: {fault.code} {fault.place} {fault.value or ''}: {fault.rule}")
    return data


def customer_transfer(payment: Payment, head: Letterhead) -> bytes:
    """An MT 103 of a credit transfer, or of a return (field 72 says of what)."""
    back = payment.kind is PaymentKind.RETURN
    debtor, creditor = (payment.creditor, payment.debtor) if back else (payment.debtor, payment.creditor)
    if payment.amount is None or payment.value_date is None or debtor is None or creditor is None:
        raise ValueError("an MT 103 needs amount, value date, debtor and creditor")
    details, instructed = payment.details, payment.instructed_amount or payment.amount
    rows = [("20", reference_text(payment.instruction_id or "")), *kept_rows(details, "13C")]
    rows += kept_rows(details, "23B") or [("23B", "CRED")]
    rows += [*kept_rows(details, "23E"), *kept_rows({"26T": payment.purpose or ""}, "26T")]
    rows += [dated_row("32A", payment.value_date, payment.amount), amount_row("33B", instructed)]
    if instructed.currency != payment.amount.currency:
        rows += kept_rows(details, "36") or [("36", rate_text(instructed, payment.amount))]
    rows.append(customer_row("50", debtor))
    if not back:
        rows += _agents(payment, head, "AD", kept_rows(details, *_CORRESPONDENTS))
    rows.append(customer_row("59", creditor))
    if (remittance := _remittance(payment)) is not None:
        rows.append(("70", remittance))
    rows += _charges(payment)
    note = _return_note(payment)
    rows += [("72", note)] if note is not None else [row for row in kept_rows(details, "72") if not _gives_back(row)]
    return compose("103", [*rows, *kept_rows(details, "77B")], head)


_CORRESPONDENTS = ("53A", "53B", "53D", "54A", "54B", "54D", "55A", "55B", "55D")


def _gives_back(row: Row) -> bool:
    return row[1].startswith(("/RETN/", "/REJT/"))


def _agents(payment: Payment, head: Letterhead, ordering: str, between: list[Row]) -> list[Row]:
    """52a where the sender is not the debtor's agent, 56a, and 57a where the receiver is not the creditor's."""
    rows: list[Row] = []
    if payment.debtor_agent is not None and not _is(payment.debtor_agent, head.sender):
        rows.append(agent_row("52", payment.debtor_agent, ordering))
    rows += between
    if payment.intermediaries:
        rows.append(agent_row("56", payment.intermediaries[0], "ACD"))
    last = payment.creditor_agent
    if last is not None and (payment.intermediaries or not _is(last, head.receiver)):
        rows.append(agent_row("57", last, "ABCD"))
    return rows


def _is(agent: Agent, bic: str) -> bool:
    """Whether an agent is said by its BIC alone and is that bank."""
    return agent.bic is not None and agent.bic == bic.ljust(11, "X") and agent.account is None


def _remittance(payment: Payment) -> str | None:
    """Field 70; the end-to-end reference goes first as /ROC/ where it has room there."""
    text, reference = payment.remittance or "", payment.end_to_end_id
    if reference and len(reference) <= _ROC_MOST and "/ROC/" not in text and "//" not in reference:
        text = f"/ROC/{reference}" + (f"//{text}" if text else "")
    return folded(text, 35, 4) if text.strip() else None


#: What stays of a line of 35 behind ``/ROC/``.
_ROC_MOST = 30


def _charges(payment: Payment) -> list[Row]:
    """71A with the charges that go with it: who bears them all himself says how much was taken (71F)."""
    assert payment.amount is not None
    mark = _MARKS.get(payment.charge_bearer or "SHAR", "SHA")
    if mark == "OUR":
        return [("71A", mark), *kept_rows(payment.details, "71G")]
    taken = kept_rows(payment.details, "71F")
    if mark == "BEN" and not taken:
        taken = [("71F", f"{payment.amount.currency}0,")]
    return [("71A", mark), *taken]


def _return_note(payment: Payment) -> str | None:
    """Field 72 of a return in the words of SWIFT's guidelines."""
    if payment.kind is not PaymentKind.RETURN:
        return None
    kept = next(
        (value for _, value in kept_rows(payment.details, "72") if value.startswith(("/RETN/", "/REJT/"))), None
    )
    if kept is not None:
        return kept
    original = payment.original or Original()
    code = original.reason_code or ""
    said = " ".join((original.reason_text or "").split())
    lines = [
        f"/{'REJT' if original.status == 'RJCT' else 'RETN'}/99",
        f"/{code if _REASON.fullmatch(code) else _NO_REASON}/{said}"[:35],
        f"/MREF/{reference_text(original.instruction_id or '')}",
    ]
    return folded("\n".join(lines), 35, 6)


_REASON = re.compile("[A-Z]{2}[0-9]{2}")
#: ISO 20022's code for a reason that is not told.
_NO_REASON = "MS03"


def bank_transfer(payment: Payment, head: Letterhead, *, message_type: str = "202", cover: bool = False) -> bytes:
    """An MT 202 or 205; with ``cover`` its COV form, whose debtor and creditor are those of the customer transfer."""
    if payment.amount is None or payment.value_date is None or payment.debtor is None or payment.creditor is None:
        raise ValueError(f"an MT {message_type} needs amount, value date, debtor and creditor")
    details = payment.details
    rows = [("20", reference_text(payment.instruction_id or "")), ("21", reference_text(payment.end_to_end_id or ""))]
    rows += [*kept_rows(details, "13C"), dated_row("32A", payment.value_date, payment.amount)]
    between = kept_rows(details, *(_CORRESPONDENTS[:6] if message_type == "202" else _CORRESPONDENTS[:3]))
    if cover:
        rows += kept_rows(details, "52A", "52D") or ([_sender_row(head)] if message_type == "205" else [])
        rows += between
        rows += kept_rows(details, "57A", "57B", "57D")
        rows += kept_rows(details, "58A", "58D") or [_beneficiary_row(payment, head)]
    else:
        orderer = _as_agent(payment.debtor)
        if message_type == "205" or not _is(orderer, head.sender):
            rows.append(agent_row("52", orderer, "AD"))
        rows += between
        if payment.intermediaries:
            rows.append(agent_row("56", payment.intermediaries[0], "AD"))
        last = payment.creditor_agent
        if last is not None and (payment.intermediaries or not _is(last, head.receiver)):
            rows.append(agent_row("57", last, "ABD"))
        rows.append(agent_row("58", _as_agent(payment.creditor), "AD"))
    note = _return_note(payment)
    rows += [("72", note)] if note is not None else kept_rows(details, "72")
    if cover:
        rows += _underlying(payment)
    return compose(message_type, rows, head, flag="COV" if cover else "")


def _sender_row(head: Letterhead) -> Row:
    return agent_row("52", Agent(bic=head.sender), "AD")


def _beneficiary_row(payment: Payment, head: Letterhead) -> Row:
    """58a of a cover payment: the bank that the customer transfer went to."""
    return agent_row("58", payment.creditor_agent or Agent(bic=head.receiver), "AD")


def _underlying(payment: Payment) -> list[Row]:
    """Sequence B of a cover message: the customer transfer."""
    assert payment.debtor is not None
    assert payment.creditor is not None
    rows = [customer_row("50", payment.debtor)]
    if payment.debtor_agent is not None:
        rows.append(agent_row("52", payment.debtor_agent, "AD"))
    if payment.creditor_agent is not None:
        rows.append(agent_row("57", payment.creditor_agent, "ABCD"))
    rows.append(customer_row("59", payment.creditor))
    if payment.remittance is not None and payment.remittance.strip():
        rows.append(("70", folded(payment.remittance, 35, 4)))
    if payment.instructed_amount is not None:
        rows.append(amount_row("33B", payment.instructed_amount))
    return rows


def _as_agent(party: Party) -> Agent:
    return Agent(bic=party.bic, name=party.name, account=party.account, address=party.address)
