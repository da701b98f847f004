"""The book: accounts, queues and funds of one settlement system, in memory, decided by one writer.

Rule: ``submit`` settles at once when nothing of the sender's in the same or a higher class waits and what is available
allows it; else the payment queues, or is refused when it may not wait. A credit tries the receiver's queue. Requests
(lines, limits, order, cancellations) change the book and mark who may go now; ``release_heads`` or ``release``, called
once after a batch, lets them go: so a request never meets a half-done run. Every movement is appended to ``movements``
with the tag of the set it settled in, and ``drain`` hands them over. After a failed commit the book is thrown away and
rebuilt with ``open``, ``restore`` and ``restore_usage``. Same calls, same movements: no clock, no randomness.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from payments import Money
from settlement.account import Account
from settlement.explanation import Explanation, explain, why
from settlement.instruction import NORMAL, RANKS, Instruction, Priority
from settlement.lifecycle import State
from settlement.queue import Stage, Waiting, position_of
from settlement.reason import Reason
from settlement.resolver import ORDERS
from settlement.schemes import SCHEMES

#: (payment id or reference, debit account, credit account, minor units, tag). Tag 0: settled alone; above 0: with the
#: set of that run; POSTED: an entry that is no payment.
Movement = tuple[str, int, int, int, int]
ALONE = 0
POSTED = -1


@dataclass(frozen=True, slots=True)
class Disposition:
    """What became of a submitted instruction; ``reason`` only when it was refused."""

    state: State
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """One run of the resolver: what settled together (in the order of the movements), its value, its tag."""

    settled: tuple[str, ...] = ()
    value: int = 0
    tag: int = ALONE


@dataclass(frozen=True, slots=True)
class Figures:
    """An account's numbers, in minor units. ``available`` is for a normal payment; ``reserved`` is what instant
    payments hold plus what is left of the urgent and high reservations.
    """

    participant: str
    account: int
    currency: str
    balance: int
    available: int
    reserved: int
    credit_line: int
    queued_out: int
    queued_in: int
    queued_count: int
    sent_today: int


_SETTLED = Disposition(State.SETTLED)
_QUEUED = Disposition(State.QUEUED)
_RESERVED = Disposition(State.RESERVED)
_NOTHING = Release()


class Book:
    """State of one settlement system. ``order``: a row of ``resolver.ORDERS``; ``now``: the last time passed in."""

    def __init__(self, name: str, currency: str, order: str = "fifo") -> None:
        self.name = name
        self.currency = currency
        self.order = order
        self.now = ""
        self.accounts: dict[int, Account] = {}
        self.movements: list[Movement] = []
        self.tag = 0
        self._resolve = ORDERS[order]
        self._participants: dict[str, Account] = {}
        self._waiting: dict[str, Waiting] = {}
        self._groups: dict[str, list[Waiting]] = {}
        self._parked: list[tuple[str, int, str]] = []
        self._deadlines: list[tuple[str, int, str]] = []
        self._warnings: list[tuple[str, int, str]] = []
        self._marked: dict[int, Account] = {}
        self._stale = False
        self._first = 0
        self._last = 0

    # Accounts

    def open(self, account: Account) -> Account:
        """Know an account. A participant has one in a book; contra accounts are found by number only."""
        if account.number in self.accounts:
            raise ValueError(f"account {account.number} is open already")
        if account.currency != self.currency:
            raise ValueError(f"account {account.number} is in {account.currency}, {self.name} in {self.currency}")
        if not account.contra:
            if account.participant in self._participants:
                raise ValueError(f"{account.participant} has an account in {self.name} already")
            self._participants[account.participant] = account
        self.accounts[account.number] = account
        return account

    def account(self, participant: str) -> Account:
        """A participant's account; KeyError when it has none here."""
        return self._participants[participant]

    def used_today(self, participant: str) -> int:
        """What counts towards the daily limit: settled, queued and reserved outgoing payments of this business day."""
        account = self._participants[participant]
        return account.sent + account.queued_out + account.pending

    # Payments

    def submit(self, instruction: Instruction) -> Disposition:
        """Settle, queue or refuse. Both participants have an account here: admission has seen to that."""
        if instruction.not_before is not None or instruction.reject_time is not None:
            timed = self._timed(instruction)
            if timed is not None:
                return timed
        debtor = self._participants[instruction.debit]
        creditor = self._participants[instruction.credit]
        amount = instruction.amount_minor
        rank = RANKS[instruction.priority]
        waits = not instruction.no_wait
        if instruction.group is not None or (waits and debtor.queued_out and debtor.queue.first().rank <= rank):
            return self._enqueue(instruction, debtor, creditor)
        if debtor.bound:
            fits = debtor.allows(creditor.number, amount, rank)
        else:
            fits = debtor.balance + debtor.credit_line - debtor.pending >= amount
        if not fits:
            return self._enqueue(instruction, debtor, creditor) if waits else self._refuse(instruction, debtor)
        debtor.balance -= amount
        debtor.seq += 1
        debtor.sent += amount
        creditor.balance += amount
        creditor.seq += 1
        if rank == NORMAL:
            number = creditor.number
            debtor.net[number] = debtor.net.get(number, 0) + amount
        elif debtor.bound:
            debtor.draw(rank, amount)
        number = debtor.number
        creditor.net[number] = creditor.net.get(number, 0) - amount
        self.movements.append((instruction.payment_id, number, creditor.number, amount, ALONE))
        if creditor.queued_out:
            self._cascade([creditor])
        return _SETTLED

    def _timed(self, instruction: Instruction) -> Disposition | None:
        """What the times of an instruction decide; None: it may go now."""
        if instruction.reject_time is not None and instruction.reject_time <= self.now:
            return Disposition(State.REJECTED, _late(instruction))
        if instruction.not_before is None or instruction.not_before <= self.now:
            return None
        self.restore(instruction, stage="parked")
        return _QUEUED

    def _enqueue(self, instruction: Instruction, debtor: Account, creditor: Account) -> Disposition:
        self._admit_to_queue(Waiting(instruction, debtor, creditor, position_of(instruction.arrival)))
        return _QUEUED

    def _admit_to_queue(self, waiting: Waiting) -> None:
        self._know(waiting)
        waiting.debtor.queue.add(waiting)
        waiting.debtor.queued_out += waiting.amount
        waiting.creditor.queued_in += waiting.amount
        self._first = min(self._first, waiting.position)
        self._last = max(self._last, waiting.position)
        self._stale = True
        if waiting.instruction.till is not None:
            heapq.heappush(self._warnings, (waiting.instruction.till, waiting.position, waiting.payment_id))

    def _know(self, waiting: Waiting) -> None:
        if waiting.payment_id in self._waiting:
            raise ValueError(f"payment {waiting.payment_id} waits already")
        self._waiting[waiting.payment_id] = waiting
        if waiting.group is not None:
            self._groups.setdefault(waiting.group, []).append(waiting)
        reject_time = waiting.instruction.reject_time
        if reject_time is not None:
            heapq.heappush(self._deadlines, (reject_time, waiting.position, waiting.payment_id))

    def _refuse(self, instruction: Instruction, debtor: Account) -> Disposition:
        codes = SCHEMES[instruction.scheme].codes
        needed = Money(instruction.amount_minor, instruction.currency)
        available = debtor.available(RANKS[instruction.priority])
        if available >= instruction.amount_minor:
            text = f"{needed} is more than the sender's limit towards the receiver leaves; the scheme may not wait"
            return Disposition(State.REJECTED, Reason(codes.limit, text))
        text = f"{needed} is more than the {Money(available, instruction.currency)} available; the scheme may not wait"
        return Disposition(State.REJECTED, Reason(codes.insufficient_funds, text))

    def _settle(self, waiting: Waiting, tag: int) -> None:
        """Move the money of one that waited; its queue is the caller's to cut."""
        debtor, creditor, amount = waiting.debtor, waiting.creditor, waiting.amount
        debtor.balance -= amount
        debtor.seq += 1
        debtor.sent += amount
        creditor.balance += amount
        creditor.seq += 1
        if waiting.rank == NORMAL:
            debtor.net[creditor.number] = debtor.net.get(creditor.number, 0) + amount
        elif debtor.bound:
            debtor.draw(waiting.rank, amount)
        creditor.net[debtor.number] = creditor.net.get(debtor.number, 0) - amount
        self.movements.append((waiting.payment_id, debtor.number, creditor.number, amount, tag))
        del self._waiting[waiting.payment_id]

    # Letting go what waits

    def _cascade(self, work: list[Account]) -> None:
        """Settle heads that can go alone, account by account; every credit puts its receiver on the list."""
        self._stale = self._stale or bool(work)
        while work:
            account = work.pop()
            queue = account.queue
            items, at = queue.items, queue.head
            while at < len(items):
                head = items[at]
                if head.group is not None or not account.allows(head.creditor.number, head.amount, head.rank):
                    break
                at += 1
                account.queued_out -= head.amount
                head.creditor.queued_in -= head.amount
                self._settle(head, ALONE)
                if head.creditor.queued_out:
                    work.append(head.creditor)
            queue.leave(at - queue.head)

    def release_heads(self) -> None:
        """Let go what a request or an entry has freed, one by one (cheap: marked accounts only)."""
        marked = [account for account in self._marked.values() if account.queued_out]
        self._marked.clear()
        self._cascade(marked[::-1])

    def release(self) -> Release:
        """Settle the greatest set of all that waits, together; nothing when nothing changed since the last run."""
        if not self._stale and not self._marked:
            return _NOTHING
        chosen = self._resolve(self.accounts.values(), self._groups)
        self._stale = False
        self._marked.clear()
        if not chosen:
            return _NOTHING
        self.tag += 1
        left: dict[int, int] = {}
        for waiting in chosen:
            waiting.debtor.queued_out -= waiting.amount
            waiting.creditor.queued_in -= waiting.amount
            number = waiting.debtor.number
            left[number] = left.get(number, 0) + 1
            if waiting.group is not None:
                self._groups.pop(waiting.group, None)
            self._settle(waiting, self.tag)
        for number, count in left.items():
            self.accounts[number].queue.leave(count)
        return Release(tuple(waiting.payment_id for waiting in chosen), sum(w.amount for w in chosen), self.tag)

    def _mark(self, account: Account) -> None:
        self._marked[account.number] = account

    def drain(self) -> list[Movement]:
        """The movements since the last call, in order."""
        movements = self.movements
        self.movements = []
        return movements

    # Instant payments: reserve, then settle or let go at the receiver's answer

    def reserve(self, instruction: Instruction) -> Disposition:
        """Set the amount aside until the receiver answers; refused when it is not there. It never queues."""
        debtor = self._participants[instruction.debit]
        creditor = self._participants[instruction.credit]
        if not debtor.allows(creditor.number, instruction.amount_minor, RANKS[instruction.priority]):
            return self._refuse(instruction, debtor)
        self.restore(instruction, stage="reserved")
        return _RESERVED

    def settle_reserved(self, payment_id: str) -> bool:
        """The receiver accepted. False when nothing is reserved for it: a late answer must not settle."""
        waiting = self._unreserve(payment_id)
        if waiting is None:
            return False
        self._waiting[payment_id] = waiting
        self._settle(waiting, ALONE)
        if waiting.creditor.queued_out:
            self._cascade([waiting.creditor])
        return True

    def release_reserved(self, payment_id: str) -> bool:
        """The receiver refused or did not answer in time. False when nothing is reserved for it."""
        waiting = self._unreserve(payment_id)
        if waiting is None:
            return False
        self._mark(waiting.debtor)
        return True

    def _unreserve(self, payment_id: str) -> Waiting | None:
        waiting = self._waiting.get(payment_id)
        if waiting is None or waiting.stage != "reserved":
            return None
        del self._waiting[payment_id]
        waiting.debtor.pending -= waiting.amount
        if waiting.rank == NORMAL:
            waiting.debtor.net[waiting.creditor.number] -= waiting.amount
        return waiting

    # Entries that are no payments

    def post(self, debit: int, credit: int, amount: int, reference: str) -> bool:
        """Move money between two accounts by number; False when the debit account would fall below its credit line.

        Reservations, limits and queues do not stand in its way (T2: liquidity transfers settle at once or not at all).
        """
        if amount <= 0 or debit == credit:
            raise ValueError(f"{reference}: {amount} from account {debit} to {credit} is no entry")
        source, target = self.accounts[debit], self.accounts[credit]
        if not source.contra and source.available(0) < amount:
            return False
        source.balance -= amount
        source.seq += 1
        target.balance += amount
        target.seq += 1
        self.movements.append((reference, debit, credit, amount, POSTED))
        if target.queued_out:
            self._mark(target)
        return True

    # Requests

    def set_credit_line(self, participant: str, value: int) -> None:
        """A line below what is drawn is allowed: the account then receives and does not pay."""
        account = self._participants[participant]
        account.credit_line = value
        self._mark(account)

    def set_reservation(self, participant: str, priority: Literal["urgent", "high"], value: int, used: int = 0) -> None:
        """Keep funds for a class; what is not there yet fills up from what comes in.

        ``used``, when rebuilding: what settled in that class since the reservation was set.
        """
        account = self._participants[participant]
        left = max(0, value - used)
        if priority == "urgent":
            account.urgent_reservation, account.urgent_left = value, left
        else:
            account.high_reservation, account.high_left = value, left
        account.rebind()
        self._mark(account)

    def set_limit(self, participant: str, counterparty: str | None, value: int | None) -> None:
        """Bilateral limit to a counterparty, or multilateral (None); ``value`` None removes it."""
        account = self._participants[participant]
        if counterparty is None:
            account.multilateral = value
        elif value is None:
            account.bilateral.pop(self._participants[counterparty].number, None)
        else:
            account.bilateral[self._participants[counterparty].number] = value
        account.rebind()
        self._mark(account)

    def cancel(self, payment_id: str) -> tuple[str, ...]:
        """Take a queued or parked payment out, with its whole group; empty: it does not wait (any more)."""
        waiting = self._waiting.get(payment_id)
        if waiting is None or waiting.stage == "reserved":
            return ()
        return tuple(member.payment_id for member in self._take_out(waiting))

    def _take_out(self, waiting: Waiting) -> list[Waiting]:
        members = [waiting]
        if waiting.group is not None:
            members = self._groups.pop(waiting.group)
        for member in members:
            del self._waiting[member.payment_id]
            if member.stage == "queued":
                member.debtor.queue.remove(member)
                member.debtor.queued_out -= member.amount
                member.creditor.queued_in -= member.amount
                self._mark(member.debtor)
        return members

    def reprioritise(self, payment_id: str, priority: Priority) -> bool:
        """Another class, the same time of arrival; False: it does not queue."""
        waiting = self._waiting.get(payment_id)
        if waiting is None or waiting.stage != "queued":
            return False
        self._replace(waiting, RANKS[priority], waiting.position)
        return True

    def move(self, payment_id: str, to: Literal["head", "tail"]) -> bool:
        """To the head or the tail of its class; False: it does not queue."""
        waiting = self._waiting.get(payment_id)
        if waiting is None or waiting.stage != "queued":
            return False
        if to == "head":
            self._first -= 1
            self._replace(waiting, waiting.rank, self._first)
        else:
            self._last += 1
            self._replace(waiting, waiting.rank, self._last)
        return True

    def _replace(self, waiting: Waiting, rank: int, position: int) -> None:
        queue = waiting.debtor.queue
        queue.remove(waiting)
        waiting.place(rank, position)
        queue.add(waiting)
        self._mark(waiting.debtor)

    # Time and day

    def expire(self, now: str) -> list[tuple[str, Reason]]:
        """Refuse what waits past its reject time (and the rest of its group); ``now`` is UTC, ``...T..:..:..Z``."""
        self.now = max(self.now, now)
        refused: list[tuple[str, Reason]] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            at, _, payment_id = heapq.heappop(self._deadlines)
            waiting = self._waiting.get(payment_id)
            if waiting is not None and waiting.stage != "reserved" and waiting.instruction.reject_time == at:
                reason = _late(waiting.instruction)
                refused += [(member.payment_id, reason) for member in self._take_out(waiting)]
        return refused

    def wake(self, now: str) -> list[tuple[str, Disposition]]:
        """Submit what was parked until now, in order of arrival, and say what became of each."""
        self.now = max(self.now, now)
        due: list[Waiting] = []
        while self._parked and self._parked[0][0] <= now:
            at, _, payment_id = heapq.heappop(self._parked)
            waiting = self._waiting.get(payment_id)
            if waiting is not None and waiting.stage == "parked" and waiting.instruction.not_before == at:
                due.append(waiting)
        due.sort(key=lambda waiting: waiting.position)
        woken = []
        for waiting in due:
            del self._waiting[waiting.payment_id]
            if waiting.group is not None:
                self._groups[waiting.group].remove(waiting)
            woken.append((waiting.payment_id, self.submit(waiting.instruction)))
        return woken

    def overdue(self, now: str) -> list[str]:
        """Payments that queue past their ``till``: each is said once."""
        late = []
        while self._warnings and self._warnings[0][0] <= now:
            payment_id = heapq.heappop(self._warnings)[2]
            if payment_id in self._waiting:
                late.append(payment_id)
        return late

    def close_queue(self) -> list[tuple[str, Reason]]:
        """Empty the queue at the close of the day: every payment refused, in order of arrival, with why it waited.

        Reservations of instant payments stay: their answer or their time-out ends them.
        """
        waiting = [w for w in self._waiting.values() if w.stage != "reserved"]
        waiting.sort(key=lambda w: w.position)
        refused = []
        for one in waiting:
            text = f"not settled by the close of the business day: {why(one, self._groups)[2]}"
            refused.append((one.payment_id, Reason(SCHEMES[one.instruction.scheme].codes.not_settled, text)))
        for one in waiting:
            del self._waiting[one.payment_id]
            if one.stage == "queued":
                one.debtor.queue.leave(len(one.debtor.queue))
                one.debtor.queued_out = 0
                one.creditor.queued_in = 0
        self._groups.clear()
        self._parked.clear()
        self._deadlines.clear()
        self._warnings.clear()
        return refused

    def open_day(self) -> None:
        """A new business day: use of limits and the day's sums begin at nothing, reservations are whole again."""
        for account in self.accounts.values():
            account.net.clear()
            account.sent = 0
            account.urgent_left = account.urgent_reservation
            account.high_left = account.high_reservation
            account.rebind()
            self._mark(account)
        for waiting in self._waiting.values():
            if waiting.stage == "reserved" and waiting.rank == NORMAL:
                _add_use(waiting.debtor, waiting.creditor, waiting.amount)

    # Rebuilding

    def restore(self, instruction: Instruction, position: int | None = None, stage: Stage = "queued") -> None:
        """Put a payment where it was, settling nothing. ``position``: as ``position_of`` gave it, None: by arrival."""
        debtor = self._participants[instruction.debit]
        creditor = self._participants[instruction.credit]
        place = position_of(instruction.arrival) if position is None else position
        waiting = Waiting(instruction, debtor, creditor, place)
        waiting.stage = stage
        if stage == "queued":
            self._admit_to_queue(waiting)
            self._mark(debtor)
            return
        self._know(waiting)
        if stage == "parked":
            heapq.heappush(self._parked, (instruction.not_before or "", place, instruction.payment_id))
        else:
            debtor.pending += waiting.amount
            if waiting.rank == NORMAL:
                _add_use(debtor, creditor, waiting.amount)

    def restore_usage(self, debit: str, credit: str, priority: Priority, amount: int) -> None:
        """Count what settled today between two participants (a sum by class), moving nothing."""
        debtor, creditor = self._participants[debit], self._participants[credit]
        debtor.sent += amount
        if priority == "normal":
            _add_use(debtor, creditor, amount)
        _add_use(creditor, debtor, -amount)

    # Questions

    def position(self, payment_id: str) -> int | None:
        """Where it stands (a BIGINT, to be stored with it); None: it does not wait."""
        waiting = self._waiting.get(payment_id)
        return waiting.position if waiting is not None else None

    def queue(self, participant: str) -> list[Instruction]:
        """A participant's outgoing queue, first to last."""
        return [waiting.instruction for waiting in self._participants[participant].queue.waiting()]

    def explain(self, payment_id: str) -> Explanation | None:
        """Why a payment waits and what would release it; None: it does not wait."""
        waiting = self._waiting.get(payment_id)
        if waiting is None:
            return None
        return explain(waiting, self._groups)

    def shortfalls(self) -> dict[str, int]:
        """Participant -> what its first waiting payment lacks in funds; after ``release`` this names the deadlock."""
        return {
            account.participant: max(0, head.amount - account.available(head.rank))
            for account in self._participants.values()
            if account.queued_out
            for head in (account.queue.first(),)
        }

    def figures(self, participant: str) -> Figures:
        """An account's numbers now."""
        account = self._participants[participant]
        return Figures(
            participant=participant,
            account=account.number,
            currency=account.currency,
            balance=account.balance,
            available=account.available(),
            reserved=account.pending + account.urgent_left + account.high_left,
            credit_line=account.credit_line,
            queued_out=account.queued_out,
            queued_in=account.queued_in,
            queued_count=len(account.queue),
            sent_today=account.sent,
        )

    def participants(self) -> Iterable[str]:
        """Participants with an account here, in the order they were opened."""
        return self._participants.keys()


def _add_use(account: Account, other: Account, amount: int) -> None:
    account.net[other.number] = account.net.get(other.number, 0) + amount


def _late(instruction: Instruction) -> Reason:
    codes = SCHEMES[instruction.scheme].codes
    return Reason(codes.not_settled, f"not settled by its reject time {instruction.reject_time}")
