"""Accounts of a book: balance, what reserves it, what limits it, and what waits on it.

Rule: one place says what is available. Available = balance + credit line - amounts reserved for instant payments;
normal payments leave the urgent and the high reservation untouched, high ones the urgent reservation (T2). Limits are
net: own normal payments to the other, less everything received from it today. Amounts are minor units.
"""

from __future__ import annotations

from settlement.instruction import NORMAL
from settlement.queue import Queue


class Account:
    """One account. A *contra* account is the operator's own (opening balances, fees, blocked funds): it has no floor.

    ``urgent_left`` and ``high_left`` are what is left of the reservations; ``net`` is by the other's account number:
    normal payments made to it today less everything received from it; ``pending`` waits for a receiver's answer;
    ``sent`` is what settled today. ``seq`` counts the movements. ``end``, ``keep`` and ``bounds`` belong to the
    resolver and mean nothing outside a run.
    """

    __slots__ = (
        "balance",
        "bilateral",
        "bound",
        "bounds",
        "contra",
        "credit_line",
        "currency",
        "end",
        "high_left",
        "high_reservation",
        "keep",
        "multilateral",
        "net",
        "number",
        "participant",
        "pending",
        "queue",
        "queued_in",
        "queued_out",
        "sent",
        "seq",
        "urgent_left",
        "urgent_reservation",
    )

    def __init__(
        self,
        number: int,
        participant: str,
        currency: str,
        balance: int = 0,
        credit_line: int = 0,
        seq: int = 0,
        contra: bool = False,
    ) -> None:
        self.number = number
        self.participant = participant
        self.currency = currency
        self.balance = balance
        self.credit_line = credit_line
        self.seq = seq
        self.contra = contra
        self.pending = 0
        self.sent = 0
        self.urgent_reservation = self.urgent_left = 0
        self.high_reservation = self.high_left = 0
        self.bilateral: dict[int, int] = {}
        self.multilateral: int | None = None
        self.bound = False
        self.net: dict[int, int] = {}
        self.queue = Queue()
        self.queued_out = 0
        self.queued_in = 0
        self.end = 0
        self.keep = 0
        self.bounds: Bounds | None = None

    def available(self, rank: int = NORMAL) -> int:
        """What a payment of that class may use: below zero when a line was cut under what is drawn."""
        funds = self.balance + self.credit_line - self.pending
        if rank == 0:
            return funds
        return funds - self.urgent_left - (self.high_left if rank == NORMAL else 0)

    def limited(self) -> bool:
        """Whether a bilateral or multilateral limit is set."""
        return bool(self.bilateral) or self.multilateral is not None

    def rebind(self) -> None:
        """Note whether more than plain funds has to be looked at."""
        self.bound = bool(self.urgent_left or self.high_left) or self.limited()

    def used_multilateral(self) -> int:
        """Net normal payments of today to everyone without a bilateral limit."""
        return sum(self.net.values()) - sum(self.net.get(other, 0) for other in self.bilateral)

    def limit_room(self, other: int) -> int | None:
        """How much more a normal payment to account ``other`` may be; None: no limit applies."""
        limit = self.bilateral.get(other)
        if limit is not None:
            return limit - self.net.get(other, 0)
        if self.multilateral is not None:
            return self.multilateral - self.used_multilateral()
        return None

    def allows(self, other: int, amount: int, rank: int) -> bool:
        """Whether one payment could settle alone, by funds, reservations and limits."""
        if self.available(rank) < amount:
            return False
        if rank != NORMAL:
            return True
        room = self.limit_room(other)
        return room is None or amount <= room

    def draw(self, rank: int, amount: int) -> None:
        """A settled payment uses up its own class's reservation first."""
        if rank == 0:
            self.urgent_left = max(0, self.urgent_left - amount)
        elif rank == 1:
            self.high_left = max(0, self.high_left - amount)
        self.rebind()


class Bounds:
    """What the resolver keeps for an account with reservations or limits: sums over the payments still kept.

    ``urgent``, ``high``: its own by class. Of its normal ones: ``out`` by receiver and ``back``, what it gets, by
    sender, for those with a bilateral limit; ``other_out`` and ``other_back`` for all the rest together. ``used`` is
    the multilateral limit's use before.
    """

    __slots__ = ("back", "bilateral", "high", "other_back", "other_out", "out", "urgent", "used")

    def __init__(self, account: Account) -> None:
        self.urgent = 0
        self.high = 0
        self.bilateral = account.bilateral
        self.out: dict[int, int] = dict.fromkeys(account.bilateral, 0)
        self.back: dict[int, int] = dict.fromkeys(account.bilateral, 0)
        self.other_out = 0
        self.other_back = 0
        self.used = account.used_multilateral() if account.multilateral is not None else 0

    def pay(self, rank: int, other: int, amount: int) -> None:
        """One of its own is kept (``amount``) or dropped (less ``amount``)."""
        if rank == 0:
            self.urgent += amount
        elif rank != NORMAL:
            self.high += amount
        elif other in self.bilateral:
            self.out[other] += amount
        else:
            self.other_out += amount

    def get(self, other: int, amount: int) -> None:
        """One that it receives is kept or dropped."""
        if other in self.bilateral:
            self.back[other] += amount
        else:
            self.other_back += amount
