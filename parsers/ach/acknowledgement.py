"""The answer to the sender of a Nacha file: what was received, and what became of it.

Rule: the document says acceptance, not settlement. It is JSON, because Nacha leaves acknowledgements to the operator
and its participants; amounts in it are decimal strings, counts are integers.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from parsers.ach.file import AchFile
from parsers.message import Message
from payments import Money


def acknowledgement(message: Message, *, reference: str, created: str) -> bytes:
    """The acknowledgement of one Nacha file as a JSON document.

    ``reference`` is the acknowledger's own, ``created`` an ISO 8601 time. ``status`` is ``accepted``, ``rejected``
    (nothing of the file is taken: an error of level file or batch) or ``partially-accepted`` (the entries listed under
    ``returned_entries`` go back, the others are taken).
    """
    document = {
        "type": "ach-file-acknowledgement",
        "reference": reference,
        "created": created,
        "status": status_of(message),
        "file": {
            "reference": message.reference,
            "sender": message.sender,
            "receiver": message.receiver,
            "bytes": len(message.raw),
            "sha256": hashlib.sha256(message.raw).hexdigest(),
        },
        "totals": _totals(message),
        "returned_entries": [
            {
                "trace": payment.transaction_id,
                "code": payment.details["reject"],
                "amount": None if payment.amount is None else payment.amount.decimal,
            }
            for payment in message.payments
            if "reject" in payment.details
        ],
        "findings": message.findings,
    }
    return msgspec.json.encode(document)


def status_of(message: Message) -> Literal["accepted", "rejected", "partially-accepted"]:
    """What the levels of the errors make of the file."""
    levels = {finding.level for finding in message.errors()}
    if not levels:
        return "accepted"
    return "partially-accepted" if levels == {"entry"} else "rejected"


def _totals(message: Message) -> dict[str, object] | None:
    if not isinstance(message.parsed, AchFile):
        return None
    counted = message.parsed.totals.record()
    return {
        "batches": counted["batches"],
        "entries": counted["entries"],
        "addenda": counted["addenda"],
        "debit": Money(counted["debit"], "USD").decimal,
        "credit": Money(counted["credit"], "USD").decimal,
    }
