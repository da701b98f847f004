"""Why a payment waits, said to the person who asks.

Rule: the first thing that stands in its way, and what it lacks; the same sums that decide (``Account.available`` and
``Account.limit_room``), never others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from payments import Money
from settlement.instruction import NORMAL
from settlement.queue import Waiting

Groups = Mapping[str, Sequence[Waiting]]
Cause = Literal["time", "receiver", "order", "group", "limit", "reservation", "funds", "run"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """``place``: payments of its sender before it. ``behind``: the first of them. ``shortfall``: what it alone lacks
    in funds or limit, ``shortfall_with_queue``: funds lacking for it and all before it, without what is to come in.
    """

    payment_id: str
    cause: Cause
    place: int
    behind: str | None
    shortfall: int
    shortfall_with_queue: int
    text: str


def explain(waiting: Waiting, groups: Groups) -> Explanation:
    """Why this one waits; linear in what waits before it."""
    cause, missing, text = why(waiting, groups)
    if waiting.stage != "queued":
        return Explanation(waiting.payment_id, cause, 0, None, 0, 0, text)
    account = waiting.debtor
    place = account.queue.index(waiting)
    before = account.queue.waiting()[:place]
    lacking = sum(one.amount for one in before) + waiting.amount - account.available(waiting.rank)
    return Explanation(
        payment_id=waiting.payment_id,
        cause=cause,
        place=place,
        behind=before[0].payment_id if before else None,
        shortfall=missing,
        shortfall_with_queue=max(0, lacking),
        text=text,
    )


def why(waiting: Waiting, groups: Groups) -> tuple[Cause, int, str]:
    """What stands in its way, what it alone lacks, and the sentence."""
    if waiting.stage == "parked":
        return "time", 0, f"it may not settle before {waiting.instruction.not_before}"
    if waiting.stage == "reserved":
        return "receiver", 0, "its amount is reserved; the receiver has not answered yet"
    account, currency = waiting.debtor, waiting.instruction.currency
    short = max(0, waiting.amount - account.available(waiting.rank))
    place = account.queue.index(waiting)
    if place:
        first = account.queue.first()
        text = f"{place} payment{'s' if place > 1 else ''} of its sender before it, first {first.payment_id}"
        return "order", short, text
    if waiting.group is not None and short == 0:
        size = waiting.instruction.group_size
        present = sum(member.stage == "queued" for member in groups.get(waiting.group, ()))
        there = f"{present} of {size} are there" if size else f"{present} are there"
        return "group", 0, f"its group {waiting.group} settles whole or not at all; {there}"
    if short:
        if account.available(0) >= waiting.amount:
            text = f"{Money(short, currency)} short: the rest is reserved for a higher class"
            return "reservation", short, text
        text = f"{Money(short, currency)} short: {Money(account.available(waiting.rank), currency)} available"
        return "funds", short, text
    room = account.limit_room(waiting.creditor.number) if waiting.rank == NORMAL else None
    if room is not None and room < waiting.amount:
        over = Money(waiting.amount - room, currency)
        return "limit", over.minor, f"{over} over the sender's limit towards {waiting.creditor.participant}"
    return "run", 0, "it can settle: it goes with the next release"
