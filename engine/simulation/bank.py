"""A model of a bank that settles gross: what should become of each payment, told in the order of commits.

Rule: it shares no code with the engine and knows nothing of how it works: accounts, queues in order, references that
are taken, days. Small enough to be read in one go; where it and the engine differ, one of the two is wrong.
"""

from dataclasses import dataclass, field

from engine.simulation.workload import DAYS, Pay, Sent

PaymentKey = tuple[int, int]  #: its message's number in the order of sending, and its index in it
#: Action -> the phases in which it may be asked for, then the phase after it.
_PHASES = {"cut-off": ("open", "cut-off"), "close-day": ("open", "cut-off", "closed"), "open-day": ("closed", "open")}


@dataclass(slots=True)
class Queued:
    """A payment that waits. ``place`` orders it within its rank; ``until``: for that day, not for funds."""

    key: PaymentKey
    pay: Pay
    place: float
    rank: int = 2
    until: str = ""


@dataclass(slots=True)
class Account:
    """What a bank has in one book: money, how far it may go below zero, what waits for funds."""

    balance: int
    line: int
    queue: list[Queued] = field(default_factory=list)


class Bank:
    """The model. Every method says what the engine must have done; ``moved`` is what became of what waited."""

    def __init__(self) -> None:
        self.accounts: dict[tuple[str, str], Account] = {}
        self.taken: dict[str, tuple[int, str]] = {}
        self.states: dict[PaymentKey, str] = {}
        self.moved: set[tuple[PaymentKey, str]] = set()
        self.dates = {book: days[0] for book, days in DAYS.items()}
        self.phases = dict.fromkeys(DAYS, "open")
        self.later: list[Queued] = []

    def decide(self, key: PaymentKey, sent: Sent, place: int) -> str:
        """The state in which a payment (or a message without any) ends its first decision."""
        if sent.kind == "cancel":
            self.withdraw(sent.pays[0].book, (self.taken.get(sent.cancels, (-1, ""))[0], 0), "CANCELLED")
            return "PARSED"
        if sent.kind == "poison" and not sent.claim:
            return "HELD"
        claim, content = sent.claim, sent.content
        if sent.kind in ("broken", "note"):
            claim, content = f"{sent.sender}|bytes|{sent.value!r}", ""
        number, said = self.taken.setdefault(claim, (key[0], content))
        if number != key[0]:
            return "DUPLICATE" if said == content else "REJECTED"
        if sent.kind != "pay":
            return {"broken": "REJECTED", "held": "HELD", "poison": "HELD", "note": "PARSED"}[sent.kind]
        return self.enter(Queued(key, sent.pays[key[1]], place))

    def enter(self, one: Queued) -> str:
        """Today, on a later day, or never; an ACH payment that is late goes with the next day."""
        pay, days, today = one.pay, DAYS[one.pay.book], self.dates[one.pay.book]
        one.until = max(today, asked := next(day for day in days if day >= pay.date))
        over = self.phases[pay.book] == "closed" or (self.phases[pay.book] == "cut-off" and pay.ends_early)
        if over and one.until == today:
            one.until = days[days.index(today) + 1] if pay.book == "USD-ACH" else ""
        if not one.until or days.index(today) - days.index(asked) > pay.past:
            return "REJECTED"
        if one.until == today:
            return self._settle_or_queue(one)
        self.later.append(one)
        return "WAREHOUSED"

    def _settle_or_queue(self, one: Queued) -> str:
        pay, payer, one.until = one.pay, self.accounts[one.pay.book, one.pay.debit], ""
        first = bool(pay.waits and payer.queue and payer.queue[0].rank <= one.rank)
        if not first and payer.balance + payer.line >= pay.amount:
            self._settle(one)
            self._cascade(pay.book, pay.credit)
            return "SETTLED"
        if pay.waits:
            payer.queue.append(one)
            payer.queue.sort(key=lambda queued: (queued.rank, queued.place))
        return "QUEUED" if pay.waits else "REJECTED"

    def _settle(self, one: Queued) -> None:
        self.accounts[one.pay.book, one.pay.debit].balance -= one.pay.amount
        self.accounts[one.pay.book, one.pay.credit].balance += one.pay.amount
        self._end(one, "SETTLED")

    def _end(self, one: Queued, state: str) -> None:
        self.states[one.key] = state
        self.moved.add((one.key, state))

    def _cascade(self, book: str, bank: str) -> None:
        account = self.accounts[book, bank]
        while account.queue and account.balance + account.line >= account.queue[0].pay.amount:
            self._settle(one := account.queue.pop(0))
            self._cascade(book, one.pay.credit)

    def net(self, book: str) -> None:
        """The end of a commit: the greatest set of heads of queues that can settle together does."""
        mine = {bank: account for (name, bank), account in self.accounts.items() if name == book}
        keep = {bank: len(account.queue) for bank, account in mine.items()}
        short = list(mine)
        while short:
            after = {bank: account.balance + account.line for bank, account in mine.items()}
            for bank, account in mine.items():
                for one in account.queue[: keep[bank]]:
                    after[bank] -= one.pay.amount
                    after[one.pay.credit] += one.pay.amount
            short = [bank for bank in mine if keep[bank] and after[bank] < 0]
            for bank in short:
                keep[bank] -= 1
        for one in [one for bank, account in mine.items() for one in account.queue[: keep[bank]]]:
            mine[one.pay.debit].queue.remove(one)
            self._settle(one)

    def queue(self, book: str) -> dict[PaymentKey, Queued]:
        """Everything that waits in a book, for funds or for its day."""
        lists = [account.queue for (name, _), account in self.accounts.items() if name == book]
        return {one.key: one for each in (*lists, self.later) for one in each if one.pay.book == book}

    def withdraw(self, book: str, key: PaymentKey, state: str) -> bool:
        """End the waiting of a payment; False when it does not wait."""
        if one := self.queue(book).get(key):
            (self.later if one.until else self.accounts[book, one.pay.debit].queue).remove(one)
            self._end(one, state)
        return one is not None

    def turn(self, book: str, action: str) -> bool:
        """An operator turns the day of a book; False when that cannot be asked for now."""
        if self.phases[book] not in _PHASES[action][:-1]:
            return False
        self.phases[book] = _PHASES[action][-1]
        if action == "close-day":
            for key in [key for key, one in self.queue(book).items() if not one.until]:
                self.withdraw(book, key, "REJECTED")
        if action == "open-day":
            today = self.dates[book] = DAYS[book][DAYS[book].index(self.dates[book]) + 1]
            due = [one for one in self.queue(book).values() if one.until and one.until <= today]
            for one in sorted(due, key=lambda queued: queued.place):
                self.later.remove(one)
                self._end(one, self._settle_or_queue(one))
        return True
