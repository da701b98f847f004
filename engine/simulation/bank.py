"""A model of a bank that settles gross: what should become of each payment, told in the order of commits.

Rule: it shares no code with the engine and knows nothing of how it works: accounts, queues in order, references that
are taken. Small enough to be read in one go; where it and the engine differ, one of the two is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.simulation.workload import Pay, Sent

RANKS = {"urgent": 0, "high": 1, "normal": 2}
#: A payment: its message's number in the order of sending, and its index in it.
PaymentKey = tuple[int, int]


@dataclass(slots=True)
class Queued:
    """A payment that waits. ``place`` orders it within its rank."""

    key: PaymentKey
    pay: Pay
    place: float
    rank: int = 2


@dataclass(slots=True)
class Account:
    """What a bank has in one book: money, how far it may go below zero, what waits."""

    balance: int
    line: int
    queue: list[Queued] = field(default_factory=list)

    def room(self) -> int:
        """What it may still spend."""
        return self.balance + self.line


class Bank:
    """The model. Every method says what the engine must have done."""

    def __init__(self) -> None:
        self.accounts: dict[tuple[str, str], Account] = {}
        self.taken: dict[str, tuple[int, str]] = {}
        self.states: dict[PaymentKey, str] = {}
        self.released: set[PaymentKey] = set()
        self.cancelled: set[PaymentKey] = set()

    def open(self, book: str, bank: str, opening: int, line: int) -> bool:
        """An account; False when there is one."""
        if (book, bank) in self.accounts:
            return False
        self.accounts[book, bank] = Account(opening, line)
        return True

    def decide(self, number: int, index: int, sent: Sent, place: int) -> str:
        """The state in which a payment (or a message without any) ends its first decision."""
        state = self.states[number, index] = self._decide(number, index, sent, place)
        return state

    def _decide(self, number: int, index: int, sent: Sent, place: int) -> str:
        if sent.kind == "cancel":
            self._cancel_by_request(sent)
            return "PARSED"
        claim, content = sent.claim, sent.content
        if sent.kind in ("broken", "note"):
            claim, content = f"{sent.sender}|bytes|{sent.value!r}", ""
        holder, said = self.taken.setdefault(claim, (number, content))
        if holder != number:
            return "DUPLICATE" if said == content else "REJECTED"
        if sent.kind != "pay":
            return {"broken": "REJECTED", "held": "HELD", "note": "PARSED"}[sent.kind]
        return self._settle_or_queue(Queued((number, index), sent.pays[index], place))

    def _settle_or_queue(self, one: Queued) -> str:
        pay = one.pay
        payer = self.accounts[pay.book, pay.debit]
        first = bool(pay.waits and payer.queue and payer.queue[0].rank <= one.rank)
        if not first and payer.room() >= pay.amount:
            self._move(pay)
            self._cascade(pay.book, pay.credit)
            return "SETTLED"
        if not pay.waits:
            return "REJECTED"
        payer.queue.append(one)
        payer.queue.sort(key=lambda queued: (queued.rank, queued.place))
        return "QUEUED"

    def _move(self, pay: Pay) -> None:
        self.accounts[pay.book, pay.debit].balance -= pay.amount
        self.accounts[pay.book, pay.credit].balance += pay.amount

    def _release(self, account: Account) -> str:
        one = account.queue.pop(0)
        self._move(one.pay)
        self.states[one.key] = "SETTLED"
        self.released.add(one.key)
        return one.pay.credit

    def _cascade(self, book: str, bank: str) -> None:
        """Who was paid tries his queue, and so on."""
        work = [bank]
        while work:
            account = self.accounts[book, work.pop()]
            while account.queue and account.room() >= account.queue[0].pay.amount:
                work.append(self._release(account))

    def net(self, book: str) -> None:
        """The end of a commit: the greatest set of heads of queues that can settle together does."""
        mine = {bank: account for (name, bank), account in self.accounts.items() if name == book}
        keep = {bank: len(account.queue) for bank, account in mine.items()}
        while True:
            after = {bank: account.room() for bank, account in mine.items()}
            for bank, account in mine.items():
                for one in account.queue[: keep[bank]]:
                    after[bank] -= one.pay.amount
                    after[one.pay.credit] += one.pay.amount
            short = [bank for bank in mine if keep[bank] and after[bank] < 0]
            if not short:
                break
            for bank in short:
                keep[bank] -= 1
        for bank, account in mine.items():
            for _ in range(keep[bank]):
                self._release(account)

    def queue(self, book: str) -> dict[PaymentKey, Queued]:
        """Everything that waits in a book."""
        return {one.key: one for (name, _), account in self.accounts.items() if name == book for one in account.queue}

    def withdraw(self, book: str, key: PaymentKey) -> bool:
        """Cancel a payment that waits; False when it does not."""
        for (name, _), account in self.accounts.items():
            left = [one for one in account.queue if one.key != key]
            if name == book and len(left) < len(account.queue):
                account.queue[:] = left
                self.states[key] = "CANCELLED"
                self.cancelled.add(key)
                return True
        return False

    def _cancel_by_request(self, sent: Sent) -> None:
        holder = self.taken.get(sent.cancels)
        if holder is not None:
            self.withdraw(sent.pays[0].book, (holder[0], 0))
