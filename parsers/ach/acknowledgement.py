"""The answer to the sender of a Nacha file: what was received, and what became of it.

Rule: the document says acceptance, not settlement. It is JSON, because Nacha leaves acknowledgements to the operator
and its participants; amounts in it are decimal strings, counts are integers. ``status`` is ``accepted``, ``rejected``
(nothing of the file is taken) or ``partially-accepted`` (the entries that ``returned_entries`` names go back).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from parsers.ach.file import AchFile
from parsers.message import Message
from payments import Finding, Money

_PLACE = re.compile(r"line (\d+)(?:, trace (\S+))?")


def acknowledgement(
    *,
    reference: str,
    accepted: bool,
    entries: int,
    findings: Sequence[Finding],
    at: str,
    reason: str | None = None,
    sender: str | None = None,
    receiver: str | None = None,
    totals: Mapping[str, int] | None = None,
) -> bytes:
    """The acknowledgement of one file as a JSON document.

    ``reference`` is the file's own (``Message.reference``: origin, date, time, modifier), ``entries`` how many were
    read, ``findings`` all of its findings, ``at`` an ISO 8601 time, ``reason`` why a whole file is refused for
    something that is no finding; ``totals`` are cents and counts as ``content()["totals"]`` has them.
    """
    returned = _returned(findings) if accepted else []
    document = {
        "type": "ach-file-acknowledgement",
        "status": ("partially-accepted" if returned else "accepted") if accepted else "rejected",
        "at": at,
        "file": {"reference": reference, "sender": sender, "receiver": receiver},
        "reason": reason,
        "entries": entries,
        "totals": None if totals is None else _totals(totals),
        "returned_entries": returned,
        "findings": findings,
    }
    return msgspec.json.encode(document)


def acknowledgement_of(message: Message, *, at: str) -> bytes:
    """The acknowledgement that follows from a file's own findings: errors of level entry leave the file accepted."""
    return acknowledgement(
        reference=message.reference or "",
        accepted=all(finding.level == "entry" for finding in message.errors()),
        entries=len(message.payments),
        findings=message.findings,
        at=at,
        sender=message.sender,
        receiver=message.receiver,
        totals=message.parsed.totals.record() if isinstance(message.parsed, AchFile) else None,
    )


def _returned(findings: Sequence[Finding]) -> list[dict[str, object]]:
    """Each refused entry once, with the return code of the first rule that it breaks."""
    returned: dict[str, dict[str, object]] = {}
    for finding in findings:
        found = _PLACE.match(finding.place)
        if finding.severity == "error" and finding.level == "entry" and found is not None:
            row = {"line": int(found[1]), "trace": found[2], "code": finding.code}
            returned.setdefault(finding.place, row)
    return list(returned.values())


def _totals(counted: Mapping[str, int]) -> dict[str, object]:
    return {
        "batches": counted["batches"],
        "entries": counted["entries"],
        "addenda": counted["addenda"],
        "debit": Money(counted["debit"], "USD").decimal,
        "credit": Money(counted["credit"], "USD").decimal,
    }
