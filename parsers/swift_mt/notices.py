"""Requests and notices: MT n92 (a request to cancel), n96 (its answer), n99 (a rejection), 900 and 910.

Rule: a request names the message it is about by what the sender wrote (11S, 21, a UETR in 79, copied fields); an
answer carries the status of that message (CNCL, RJCR, PDCR; RJCT for a rejection), a confirmation is news of money
that has moved. Source: SWIFT User Handbook, Standards MT, categories 9 and n.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from parsers.swift_mt.headers import Headers
from parsers.swift_mt.parties import party_of
from parsers.swift_mt.pieces import PRIORITIES, agent_of, bank_of, customer_of, details_of, settled, sketch_of
from parsers.swift_mt.text import Text
from parsers.swift_mt.values import iso_date
from payments import Original, Party, Payment, PaymentKind

_CANCELLATION_REASON = re.compile(r"/([A-Z]{4})/?([^\n]*)")
_UETR_IN_TEXT = re.compile(r"/UETR/([0-9a-f-]{36})")


def _unfolded(*texts: str | None) -> str:
    """Texts in which a code word went on in the next line, after two slashes."""
    return "\n".join(text.replace("\n//", "") for text in texts if text is not None)


def _named(text: Text, user: dict[str, str], said: str) -> Original:
    """The message that 11 and 21 name, with the UETR that the narrative or the header gives."""
    kind = (text.get("11") or "").split("\n")[0]
    uetr = _UETR_IN_TEXT.search(said)
    return Original(
        message_type=f"MT{kind}" if kind else None,
        message_id=text.get("21"),
        instruction_id=text.get("21"),
        uetr=uetr[1] if uetr else user.get("121"),
    )


def cancellation(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT n92: a request to cancel the message named in 21 and 11S."""
    sender, receiver = bank_of(text.sender), bank_of(text.receiver)
    header, narrative = (text.get("11") or "").split("\n"), text.get("79")
    copied = text.all("32A")
    day, amount = settled(text, copied[0][0]) if copied else (None, None)
    reason = _CANCELLATION_REASON.match(narrative) if narrative is not None else None
    details = details_of(text, headers, user, sketch_of(text.plan))
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
        priority=PRIORITIES.get(headers.priority),
        original=replace(
            _named(text, user, _unfolded(narrative)),
            amount=amount,
            settlement_date=day,
            reason_code=reason[1] if reason else None,
            reason_text=narrative,
        ),
        details=details,
    )


def confirmation(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT 900 (the receiver's account was debited) and 910 (it was credited)."""
    places = text.plan.places
    sender, receiver = bank_of(text.sender), bank_of(text.receiver)
    day, amount = settled(text, places.get("32"))
    credited = text.message_type == "910"
    ordering = agent_of(text, "52", places)
    debtor = customer_of(text, "50", places) if credited else None
    if debtor is None and ordering is not None:
        debtor = party_of(ordering)
    between = agent_of(text, "56", places)
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
        details=details_of(text, headers, user, sketch_of(text.plan)),
    )


def resolution(text: Text, headers: Headers, user: dict[str, str]) -> Payment:
    """MT n96: what became of a request; ``original.status`` is CNCL, RJCR or PDCR where field 76 says so."""
    said = text.get("76") or ""
    code = _ANSWER.match(said)
    return _status(text, headers, user, code[1] if code else None, code[2] if code else None, said)


def rejection(text: Text, headers: Headers, user: dict[str, str]) -> Payment | None:
    """MT n99 whose field 79 begins with /REJT/ or /RETN/: the payment in 21 was not carried out; else nothing."""
    said = text.get("79") or ""
    if said[:6] not in {"/REJT/", "/RETN/"}:
        return None
    code = _REJECTION.search(said)
    return _status(text, headers, user, "RJCT", code[1] if code else None, said)


_ANSWER = re.compile(r"/([A-Z]{4})/(?:([A-Z0-9]{4})(?=/|\n|\Z))?")
_REJECTION = re.compile(r"/([A-Z]{2}[0-9]{2})/")


def _status(
    text: Text, headers: Headers, user: dict[str, str], status: str | None, reason: str | None, said: str
) -> Payment:
    """News of an earlier message."""
    sender, receiver = bank_of(text.sender), bank_of(text.receiver)
    return Payment(
        index=0,
        kind=PaymentKind.NOTIFICATION,
        instruction_id=text.get("20"),
        uetr=user.get("121"),
        instructing_agent=sender,
        instructed_agent=receiver,
        priority=PRIORITIES.get(headers.priority),
        original=replace(
            _named(text, user, _unfolded(said, text.get("77"))),
            reason_code=reason,
            reason_text=said or None,
            status=status,
        ),
        details=details_of(text, headers, user, sketch_of(text.plan)),
    )
