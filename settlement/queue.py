"""A participant's queue: what waits, by class (urgent, high, normal), then by position.

Rule: the order is one integer per payment, so that append, head, middle and tail are cheap and the same after a
rebuild. The position of an arrival is its count shifted left: there is room to move a payment behind it.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from settlement.instruction import RANKS, Instruction

if TYPE_CHECKING:
    from settlement.account import Account

#: Positions lie within plus or minus 2**62 (a BIGINT); the class stands above them.
_CLASS = 1 << 63
_SHIFT = 20
_key = attrgetter("key")

Stage = Literal["queued", "parked", "reserved"]


def position_of(arrival: int) -> int:
    """The position of the payment that arrived as number ``arrival``."""
    return arrival << _SHIFT


class Waiting:
    """A payment that has not settled: in its sender's queue, parked until its time, or reserved (instant)."""

    __slots__ = (
        "amount",
        "creditor",
        "debtor",
        "group",
        "instruction",
        "key",
        "payment_id",
        "position",
        "rank",
        "stage",
    )

    def __init__(self, instruction: Instruction, debtor: Account, creditor: Account, position: int) -> None:
        self.instruction = instruction
        self.payment_id = instruction.payment_id
        self.amount = instruction.amount_minor
        self.group = instruction.group
        self.debtor = debtor
        self.creditor = creditor
        self.stage: Stage = "queued"
        self.place(RANKS[instruction.priority], position)

    def place(self, rank: int, position: int) -> None:
        """Set class and position; never while it stands in a queue."""
        self.rank = rank
        self.position = position
        self.key = rank * _CLASS + position


class Queue:
    """Waiting payments in order; ``items[head:]`` are there, what lies before ``head`` has left."""

    __slots__ = ("head", "items")

    def __init__(self) -> None:
        self.items: list[Waiting] = []
        self.head = 0

    def __len__(self) -> int:
        return len(self.items) - self.head

    def first(self) -> Waiting:
        """The payment that goes next; IndexError when none waits."""
        return self.items[self.head]

    def waiting(self) -> list[Waiting]:
        """All of them, first to last."""
        return self.items[self.head :]

    def add(self, waiting: Waiting) -> None:
        """Put a payment in its place; an arrival's is mostly the last."""
        items = self.items
        if not items or items[-1].key < waiting.key:
            items.append(waiting)
        else:
            items.insert(bisect_left(items, waiting.key, self.head, key=_key), waiting)

    def index(self, waiting: Waiting) -> int:
        """Its place from the head, which is 0; IndexError when it does not stand here."""
        at = bisect_left(self.items, waiting.key, self.head, key=_key)
        while self.items[at] is not waiting:  # two of one position: a rebuild from damaged rows must not take another
            at += 1
        return at - self.head

    def remove(self, waiting: Waiting) -> None:
        """Take one out of the middle."""
        del self.items[self.head + self.index(waiting)]

    def leave(self, count: int) -> None:
        """The first ``count`` have left. The list is cut now and then, so that leaving costs the same however long."""
        self.head += count
        if self.head > 64 and self.head * 2 > len(self.items):
            del self.items[: self.head]
            self.head = 0
        elif self.head == len(self.items):
            self.items.clear()
            self.head = 0
