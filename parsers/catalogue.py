"""What can be read: every format, message type, version and scheme profile, with what is checked.

Rule: the rows are made from the tables that the parsers work with; nothing is listed that is not read, and nothing is
promised here that a table does not hold.
"""

from __future__ import annotations

_MT_CHECKED = "blocks, headers, fields, order, formats, network rules"
_ISO_SCHEMA = "schema"
_ISO_RULES = "schema, sums and counts, code sets, payments"


def formats() -> list[dict[str, str | None]]:
    """Rows ``format, type, version, scheme, checked``: ``version`` is that of an ISO message or a Nacha entry class;
    ``scheme`` is None but in the rows that say what a scheme's profile adds.
    """
    return [*_swift_mt(), *_iso20022(), *_schemes(), *_ach()]


def _row(kind: str, message: str, version: str | None, scheme: str | None, checked: str) -> dict[str, str | None]:
    return {"format": kind, "type": message, "version": version, "scheme": scheme, "checked": checked}


def _swift_mt() -> list[dict[str, str | None]]:
    from parsers.swift_mt.layouts import LAYOUTS

    rows = [_row("swift-mt", f"MT{name}", None, None, _MT_CHECKED) for name in LAYOUTS]
    return [*rows, *(_row("swift-mt", name, None, None, "block 4 of the acknowledgement") for name in ("ACK", "NAK"))]


def _iso20022() -> list[dict[str, str | None]]:
    from parsers.iso20022.messages import MESSAGE_TYPES
    from schemas import iso20022

    rows = []
    for identifier in iso20022.identifiers():
        family, version = identifier[:8], identifier[9:]
        checked = _ISO_RULES if family in MESSAGE_TYPES else _ISO_SCHEMA
        rows.append(_row("iso20022", family, version, None, checked))
    return rows


def _schemes() -> list[dict[str, str | None]]:
    from parsers.iso20022 import ADDRESS_DATES
    from parsers.sepa.rules import RULES

    rows: list[dict[str, str | None]] = []
    for scheme, date in ADDRESS_DATES.items():
        addresses = f"structured addresses from {date}"
        ruled = sorted({family for name, family in RULES if name == scheme})
        rows.extend(_row("iso20022", family, None, scheme, f"usage rules, {addresses}") for family in ruled)
        if not ruled:
            rows.append(_row("iso20022", "all", None, scheme, addresses))
    return rows


def _ach() -> list[dict[str, str | None]]:
    from parsers.ach.codes import SEC_CODES

    checked = "records, structure, totals, hash, direction, traces, addenda"
    return [_row("ach", "NACHA", row.code, None, f"{row.title}: {checked}") for row in SEC_CODES.values()]
