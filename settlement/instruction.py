"""The instruction: what the writer of a book needs to settle one payment.

Rule: two participants of one book, one positive amount in minor units, and when and how it may go; nothing of the
message's format. Times are UTC in one spelling, ``YYYY-MM-DDTHH:MM:SSZ``, so that their order is the order of text.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Priority = Literal["urgent", "high", "normal"]

#: Class of the queue -> its rank: the lower goes first (T2: urgent, high, normal).
RANKS: dict[str, int] = {"urgent": 0, "high": 1, "normal": 2}
NORMAL = RANKS["normal"]


class Instruction(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Pay ``amount_minor`` from participant ``debit`` to participant ``credit`` in ``book``.

    ``debit`` is who pays: for a collection that is the receiver of the message. ``arrival`` is the writer's count and
    the place in the queue; it grows by at least one an instruction. ``no_wait``: settle or refuse at once. ``till``
    only warns, ``reject_time`` refuses what still waits. Payments of one ``group`` settle together or not at all;
    ``group_size`` says how many they are (0: those that are there).
    """

    payment_id: str
    attempt: int
    book: str
    scheme: str
    kind: str
    debit: str
    credit: str
    amount_minor: int
    currency: str
    priority: Priority = "normal"
    value_date: str | None = None
    sender: str | None = None
    reference: str | None = None
    no_wait: bool = False
    not_before: str | None = None
    till: str | None = None
    reject_time: str | None = None
    group: str | None = None
    group_size: int = 0
    arrival: int = 0
