"""Transfers: MT 103 in its three forms, MT 200, 202, 205 and the cover forms, each one payment.

Rule: in a Payment money flows from the debtor's agent to the creditor's agent; instructing and instructed agent are
sender and receiver of the message. A transfer whose field 72 begins with /RETN/ or /REJT/ is a return: it flows back
from sender to receiver, the customers change places. What the message does not say is not made up.
Sources: SWIFT User Handbook; SWIFT's Payments Reject/Return Guidelines; the translation tables for MT 103 and 202.
"""

from __future__ import annotations

import re

from parsers.swift_mt.headers import Headers
from parsers.swift_mt.parties import party_of
from parsers.swift_mt.pieces import (
    BEARERS,
    PRIORITIES,
    agent_at,
    agent_of,
    bank_of,
    customer_at,
    customer_of,
    details_of,
    settled,
    sketch_of,
    stated,
)
from parsers.swift_mt.text import Text
from payments import Original, Payment, PaymentKind

#: The originator's own reference among the remittance information, up to the next reference or the end of its line.
ROC = re.compile(r"/ROC/([^\n]{1,35}?)(?://|\n|\Z)")
_REASON = re.compile(r"\n/([A-Z]{2}[0-9]{2})/([^\n]*)")
_CODED = re.compile(r"\n/(MREF|TREF|TEXT)/([^\n]*)")
_BACK = frozenset({"/RETN/", "/REJT/"})
_TRANSFER, _RETURN = PaymentKind.CREDIT_TRANSFER, PaymentKind.RETURN
_BANKS = PaymentKind.FINANCIAL_INSTITUTION_TRANSFER


def returned(text: Text, note: str | None, user: dict[str, str]) -> Original | None:
    """The transfer that a field 72 with /RETN/ or /REJT/ gives back; its UETR is carried by what returns it."""
    if note is None or note[:6] not in _BACK:
        return None
    reason = _REASON.search(note)
    coded = dict(_CODED.findall(note))
    return Original(
        message_type=f"MT{text.message_type}",
        message_id=coded.get("MREF"),
        instruction_id=coded.get("MREF"),
        transaction_id=coded.get("TREF"),
        uetr=user.get("121"),
        reason_code=reason[1] if reason else None,
        reason_text=coded.get("TEXT") or (reason[2] or None if reason else None),
        status="RJCT" if note.startswith("/REJT/") else None,
    )


def service_level(user: dict[str, str]) -> str | None:
    """ISO 20022's code of the service type in block 3: ``001`` is G001 (translation rule TR006)."""
    given = user.get("111")
    return "G" + given if given else None


def customer_transfer(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT 103, 103 STP and 103 REMIT. The hottest function of the engine: places are looked up per row of tags."""
    sketch, values = sketch_of(text.plan), text.values
    sender, receiver = bank_of(text.sender), bank_of(text.receiver)
    day, amount = settled(text, place := sketch.settled)
    instructed = None
    if sketch.instructed is not None:
        same = place is not None and values[sketch.instructed] == values[place][6:]
        instructed = amount if same else stated(text, sketch.instructed)
    debtor = None if sketch.debtor is None else customer_at(text, sketch.debtor)
    creditor = None if sketch.creditor is None else customer_at(text, sketch.creditor)
    ordering = None if sketch.ordering is None else agent_at(text, sketch.ordering)
    between = None if sketch.between is None else agent_at(text, sketch.between)
    receiving = None if sketch.receiving is None else agent_at(text, sketch.receiving)
    remittance = roc = None
    if sketch.remittance is not None:
        remittance = values[sketch.remittance]
        roc = ROC.match(remittance) if remittance[:1] == "/" else None
    original = None if sketch.note is None else returned(text, values[sketch.note], user)
    payer, payee = ordering or sender, receiving or receiver
    if original is not None:
        debtor, creditor, payer, payee = creditor, debtor, sender, receiver
    return Payment(
        index=0,
        kind=_TRANSFER if original is None else _RETURN,
        amount=amount,
        value_date=day,
        instruction_id=None if sketch.reference is None else values[sketch.reference],
        end_to_end_id=None if roc is None else roc[1],
        uetr=user.get("121"),
        charge_bearer=None if sketch.bearer is None else BEARERS.get(values[sketch.bearer]),
        instructed_amount=instructed,
        debtor=debtor,
        debtor_agent=payer,
        creditor=creditor,
        creditor_agent=payee,
        instructing_agent=sender,
        instructed_agent=receiver,
        intermediaries=() if between is None else (between,),
        purpose=None if sketch.purpose is None else values[sketch.purpose],
        remittance=remittance,
        priority=PRIORITIES.get(headers.priority),
        service_level=service_level(user),
        original=original,
        details=details_of(text, headers, user, sketch),
    )


def bank_transfer(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT 200, 202, 205 and the cover forms, in which debtor and creditor are those of the customer transfer."""
    places, cover, sketch = text.plan.places, text.plan.cover, sketch_of(text.plan)
    sender, receiver = bank_of(text.sender), bank_of(text.receiver)
    day, amount = settled(text, sketch.settled)
    between = agent_of(text, "56", places)
    ordering, with_ = agent_of(text, "52", places), agent_of(text, "57", places)
    beneficiary = agent_of(text, "58", places) or sender
    orderer = ordering or sender
    debtor = party_of(orderer) if orderer is not None else None
    creditor = party_of(beneficiary) if beneficiary is not None else None
    debtor_agent, creditor_agent = sender, with_ or receiver
    details = details_of(text, headers, user, sketch)
    if cover:
        debtor, creditor = customer_of(text, "50", cover), customer_of(text, "59", cover)
        debtor_agent = agent_of(text, "52", cover) or ordering or sender
        creditor_agent = agent_of(text, "57", cover) or beneficiary
        for number in ("52", "57", "58"):
            if (place := places.get(number)) is not None:
                details[text.plan.tags[place]] = text.values[place]
    original = None if sketch.note is None else returned(text, text.values[sketch.note], user)
    if original is not None:
        debtor_agent, creditor_agent = sender, receiver
    remittance = cover.get("70")
    return Payment(
        index=0,
        kind=_BANKS if original is None else _RETURN,
        amount=amount,
        value_date=day,
        instruction_id=text.get("20"),
        end_to_end_id=text.get("21"),
        uetr=user.get("121"),
        instructed_amount=stated(text, cover.get("33")),
        debtor=debtor,
        debtor_agent=debtor_agent,
        creditor=creditor,
        creditor_agent=creditor_agent,
        instructing_agent=sender,
        instructed_agent=receiver,
        intermediaries=() if between is None else (between,),
        remittance=None if remittance is None else text.values[remittance],
        priority=PRIORITIES.get(headers.priority),
        service_level=service_level(user),
        original=original,
        details=details,
    )
