"""From a message to payments: MT 103, 200, 202, 202 COV, 205 (transfers, returns), n92 (cancellations), 900, 910.

Rule: in a Payment money flows from the debtor's agent to the creditor's agent; instructing and instructed agent are
sender and receiver of the message. A transfer whose field 72 begins with /RETN/ or /REJT/ is a return: it flows back
from sender to receiver, the customers change places. What a Payment has no place for is in ``details`` under its tag
(``53B``, ``72``), header values under ``block3.108``, ``session``, ``sequence``, ``input_reference``, ``terminal``.
Sources: SWIFT User Handbook; SWIFT's translation tables for MT 103 and 202 to pacs.008 and pacs.009.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from parsers.swift_mt.headers import Headers
from parsers.swift_mt.parties import bank, customer, institution, party_of
from parsers.swift_mt.text import Text
from parsers.swift_mt.values import iso_date, money_of
from payments import Agent, Money, Original, Party, Payment, PaymentKind

_BEARERS = {"OUR": "DEBT", "SHA": "SHAR", "BEN": "CRED"}
_PRIORITIES = {"U": "urgent", "N": "normal"}
_ROC = re.compile(r"/ROC/([^\n]{1,35}?)(?://|\n|\Z)")
_REASON = re.compile(r"\n/([A-Z]{2}[0-9]{2})/([^\n]*)")
_CODED = re.compile(r"\n/(MREF|TREF|TEXT)/([^\n]*)")
_CANCELLATION_REASON = re.compile(r"/([A-Z]{4})/?([^\n]*)")
_UETR_IN_TEXT = re.compile(r"/UETR/([0-9a-f-]{36})")


def payments_of(text: Text, headers: Headers, user: dict[str, str]) -> tuple[Payment, ...]:
    """The payments of a message whose fields have the right form; none for a type that moves no money."""
    make = _MAKERS.get(text.plan.key or "")
    return () if make is None else (make(text, headers, user),)


def _agent(text: Text, number: str, places: dict[str, int]) -> Agent | None:
    place = places.get(number)
    if place is None:
        return None
    matched = text.matches[place]
    return None if matched is None else institution(text.plan.tags[place][2:], matched.groups())


def _customer(text: Text, number: str, places: dict[str, int]) -> Party | None:
    place = places.get(number)
    if place is None:
        return None
    matched = text.matches[place]
    return None if matched is None else customer(text.plan.tags[place], matched)


def _bank(bic: str | None) -> Agent | None:
    return None if bic is None else bank(bic)


def _settled(text: Text, place: int | None) -> tuple[str | None, Money | None]:
    """Value date and amount of a 32A."""
    value = "" if place is None else text.values[place]
    return iso_date(value[:6]), money_of(value[9:], value[6:9])


def _instructed(text: Text, place: int | None) -> Money | None:
    return None if place is None else money_of(text.values[place][3:], text.values[place][:3])


def _details(text: Text, headers: Headers, user: dict[str, str]) -> dict[str, str]:
    details = {
        "direction": headers.direction,
        "terminal": headers.terminal,
        "session": headers.session,
        "sequence": headers.sequence,
    }
    if headers.reference:
        details["input_reference"] = headers.reference
    for tag, value in user.items():
        if tag != "121":
            details["block3." + tag] = value
    values = text.values
    for place, tag in text.plan.details:
        details[tag] = details[tag] + "\n" + values[place] if tag in details else values[place]
    return details


def _returned(text: Text) -> Original | None:
    """The transfer that a field 72 with /RETN/ or /REJT/ gives back (SWIFT's Payments Reject/Return Guidelines)."""
    note = text.get("72")
    if note is None or note[:6] not in {"/RETN/", "/REJT/"}:
        return None
    reason = _REASON.search(note)
    coded = dict(_CODED.findall(note))
    return Original(
        message_type=f"MT{text.message_type}",
        message_id=coded.get("MREF"),
        instruction_id=coded.get("MREF"),
        transaction_id=coded.get("TREF"),
        reason_code=reason[1] if reason else None,
        reason_text=coded.get("TEXT") or (reason[2] or None if reason else None),
        status="RJCT" if note.startswith("/REJT/") else None,
    )


def _customer_transfer(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT 103 in its three forms."""
    places, values = text.plan.places, text.values
    sender, receiver = _bank(text.sender), _bank(text.receiver)
    day, amount = _settled(text, places.get("32"))
    between = _agent(text, "56", places)
    remittance = text.get("70")
    roc = _ROC.match(remittance) if remittance is not None else None
    bearer = places.get("71")
    debtor, creditor = _customer(text, "50", places), _customer(text, "59", places)
    original = _returned(text)
    returned = original is not None
    return Payment(
        index=0,
        kind=PaymentKind.RETURN if returned else PaymentKind.CREDIT_TRANSFER,
        amount=amount,
        value_date=day,
        instruction_id=text.get("20"),
        end_to_end_id=roc[1] if roc is not None else None,
        uetr=user.get("121"),
        charge_bearer=None if bearer is None else _BEARERS.get(values[bearer]),
        instructed_amount=_instructed(text, places.get("33")),
        debtor=creditor if returned else debtor,
        debtor_agent=sender if returned else _agent(text, "52", places) or sender,
        creditor=debtor if returned else creditor,
        creditor_agent=receiver if returned else _agent(text, "57", places) or receiver,
        instructing_agent=sender,
        instructed_agent=receiver,
        intermediaries=() if between is None else (between,),
        purpose=text.get("26"),
        remittance=remittance,
        priority=_PRIORITIES.get(headers.priority),
        original=original,
        details=_details(text, headers, user),
    )


def _bank_transfer(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT 200, 202, 205 and the cover forms, in which debtor and creditor are those of the customer transfer."""
    places, cover = text.plan.places, text.plan.cover
    sender, receiver = _bank(text.sender), _bank(text.receiver)
    day, amount = _settled(text, places.get("32"))
    between = _agent(text, "56", places)
    ordering, with_ = _agent(text, "52", places), _agent(text, "57", places)
    beneficiary = _agent(text, "58", places) or sender
    orderer = ordering or sender
    debtor = party_of(orderer) if orderer is not None else None
    creditor = party_of(beneficiary) if beneficiary is not None else None
    debtor_agent, creditor_agent = sender, with_ or receiver
    details = _details(text, headers, user)
    if cover:
        debtor, creditor = _customer(text, "50", cover), _customer(text, "59", cover)
        debtor_agent = _agent(text, "52", cover) or ordering or sender
        creditor_agent = _agent(text, "57", cover) or beneficiary
        for number in ("52", "57", "58"):
            if (place := places.get(number)) is not None:
                details[text.plan.tags[place]] = text.values[place]
    original = _returned(text)
    if original is not None:
        debtor_agent, creditor_agent = sender, receiver
    remittance = cover.get("70")
    return Payment(
        index=0,
        kind=PaymentKind.FINANCIAL_INSTITUTION_TRANSFER if original is None else PaymentKind.RETURN,
        amount=amount,
        value_date=day,
        instruction_id=text.get("20"),
        end_to_end_id=text.get("21"),
        uetr=user.get("121"),
        instructed_amount=_instructed(text, cover.get("33")),
        debtor=debtor,
        debtor_agent=debtor_agent,
        creditor=creditor,
        creditor_agent=creditor_agent,
        instructing_agent=sender,
        instructed_agent=receiver,
        intermediaries=() if between is None else (between,),
        remittance=None if remittance is None else text.values[remittance],
        priority=_PRIORITIES.get(headers.priority),
        original=original,
        details=details,
    )


def _cancellation(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT n92: a request to cancel the message named in 21 and 11S."""
    sender, receiver = _bank(text.sender), _bank(text.receiver)
    header, narrative = (text.get("11") or "").split("\n"), text.get("79")
    copied = text.all("32A")
    day, amount = _settled(text, copied[0][0]) if copied else (None, None)
    reason = _CANCELLATION_REASON.match(narrative) if narrative is not None else None
    named = _UETR_IN_TEXT.search(narrative) if narrative is not None else None
    details = _details(text, headers, user)
    if len(header) > 1:
        details["original.date"] = iso_date(header[1]) or header[1]
    return Payment(
        index=0,
        kind=PaymentKind.CANCELLATION_REQUEST,
        amount=amount,
        instruction_id=text.get("20"),
        uetr=user.get("121"),
        debtor_agent=sender,
        creditor_agent=receiver,
        instructing_agent=sender,
        instructed_agent=receiver,
        priority=_PRIORITIES.get(headers.priority),
        original=Original(
            message_type=f"MT{header[0]}" if header[0] else None,
            message_id=text.get("21"),
            instruction_id=text.get("21"),
            uetr=named[1] if named else user.get("121"),
            amount=amount,
            settlement_date=day,
            reason_code=reason[1] if reason else None,
            reason_text=narrative,
        ),
        details=details,
    )


def _confirmation(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT 900 (the receiver's account was debited) and 910 (it was credited)."""
    places = text.plan.places
    sender, receiver = _bank(text.sender), _bank(text.receiver)
    day, amount = _settled(text, places.get("32"))
    credited = text.message_type == "910"
    ordering = _agent(text, "52", places)
    debtor = _customer(text, "50", places) if credited else None
    if debtor is None and ordering is not None:
        debtor = party_of(ordering)
    between = _agent(text, "56", places)
    account = Party(account=(text.get("25") or "").split("\n")[0])
    return Payment(
        index=0,
        kind=PaymentKind.NOTIFICATION,
        amount=amount,
        value_date=day,
        instruction_id=text.get("20"),
        uetr=user.get("121"),
        debtor=debtor if credited else account,
        debtor_agent=(ordering or sender) if credited else receiver,
        creditor=account if credited else None,
        creditor_agent=receiver if credited else None,
        instructing_agent=sender,
        instructed_agent=receiver,
        intermediaries=() if between is None else (between,),
        original=Original(message_id=text.get("21"), instruction_id=text.get("21"), uetr=user.get("121")),
        details=_details(text, headers, user),
    )


#: Key of the message table -> what makes its payment; a type that is not here moves no money.
_MAKERS: dict[str, Callable[[Text, Headers, dict[str, str]], Payment]] = {
    "103": _customer_transfer,
    "103STP": _customer_transfer,
    "103REMIT": _customer_transfer,
    "200": _bank_transfer,
    "202": _bank_transfer,
    "202COV": _bank_transfer,
    "205": _bank_transfer,
    "205COV": _bank_transfer,
    "n92": _cancellation,
    "900": _confirmation,
    "910": _confirmation,
}
