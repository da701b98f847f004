"""The timetable: who turns a book's day when no operator does.

Rule: the business date moves by command only. With the schedule ``auto`` the writer itself sends the commands close-day
and open-day, through the same topic as operators, when the calendar date (UTC) has passed the business date; with
``manual`` it sends nothing. The commands' ids follow from book and date, so two processes cannot turn a day twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from engine import commanding
from engine.bus.port import Producer
from engine.processors.settlement import BookWriter

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
OPERATOR = "timetable"


def of(
    schedule: Literal["auto", "manual"], producer: Producer, clock: Callable[[], datetime]
) -> Callable[[BookWriter], None]:
    """What a writer calls between batches."""
    sent: set[tuple[str, str, str]] = set()

    def nothing(writer: BookWriter) -> None:
        del writer

    def turn(writer: BookWriter) -> None:
        state = writer.state
        now = clock()
        if state.row.business_date >= now.date() or state.row.stopped:
            return
        due = state.calendar.following(now.date())
        if due <= state.row.business_date:
            return
        for action, arguments in (("close-day", {}), ("open-day", {"date": due.isoformat()})):
            key = (state.row.book, state.row.business_date.isoformat(), action)
            if key in sent or (action == "close-day" and state.row.phase == "closed"):
                continue
            sent.add(key)
            identity = uuid.uuid5(_NAMESPACE, "/".join(("timetable", *key)))
            command = commanding.command(state.row.book, action, OPERATOR, now, identity=identity, **arguments)
            producer.send(commanding.outgoing(command))

    return turn if schedule == "auto" else nothing
