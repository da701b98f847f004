"""Good guys: pairs of a party and a listed entry that two persons found to be different.

Rule: a row comes into force with the approval of its case and ends with its expiry; nothing is changed afterwards.
"""

from __future__ import annotations

import msgspec

from engine.compliance.screening import GoodGuy
from engine.store.connection import Connection

_decoder = msgspec.json.Decoder(GoodGuy)


def in_force(connection: Connection) -> tuple[GoodGuy, ...]:
    """All that were approved; whether one has expired is for the screening to say, by the business date."""
    found = connection.execute("select document::text from engine.good_guys order by good_guy_id").fetchall()
    return tuple(_decoder.decode(row[0]) for row in found)


def add(connection: Connection, case_id: int, good: GoodGuy) -> None:
    """Bring one into force, in the transaction of its case's approval."""
    connection.execute(
        "insert into engine.good_guys (case_id, document) values (%s, %s::jsonb)",
        (case_id, msgspec.json.encode(good).decode()),
    )
