"""The whole queue at once: the greatest set of waiting payments that can settle together.

Rule: each sender's settled payments are a prefix of its queue, and every sender ends within funds, reservations and
limits. Such sets are closed under union (more money coming in hurts nobody), so a greatest one exists, it has the most
payments and the most value at once, and dropping the last payment of whoever is short, in any order, ends there:
every payment is dropped at most once, O(payments + accounts). Bech and Soramäki, "Gridlock resolution in interbank
payment systems" (2001). Groups (all or nothing) keep the theorem: a dropped member drops the others and all behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from settlement.account import Account, Bounds
from settlement.instruction import NORMAL
from settlement.queue import Waiting

Groups = Mapping[str, Sequence[Waiting]]
Resolver = Callable[[Iterable[Account], Groups], list[Waiting]]
#: The groups of which no member was dropped yet in this run.
_Whole = dict[str, Sequence[Waiting]]


def greatest_set(accounts: Iterable[Account], groups: Groups) -> list[Waiting]:
    """The greatest set in strict order, sender by sender; empty when nothing can go (a deadlock, or nothing waits)."""
    active = [account for account in accounts if account.queued_out]
    for account in active:
        account.keep = len(account.queue)
        account.end = account.balance + account.credit_line - account.pending + account.queued_in - account.queued_out
        account.bounds = Bounds(account) if account.bound else None
    if any(account.bound for account in active):
        _sum_up(active)
    try:
        cuts: list[Waiting] = []
        whole: _Whole = {}
        for group, members in groups.items():
            if all(one.stage == "queued" and len(members) >= one.instruction.group_size for one in members):
                whole[group] = members
            else:
                cuts += members
        work = [account for account in active if account.end < 0 or account.bounds is not None]
        while work or cuts:
            if cuts:
                _cut(cuts.pop(), work, cuts, whole)
            else:
                _shrink(work.pop(), work, cuts, whole)
        return _collect(active)
    finally:
        for account in active:
            account.keep = 0
            account.bounds = None


def _sum_up(active: list[Account]) -> None:
    for account in active:
        own = account.bounds
        for waiting in account.queue.waiting():
            if own is not None:
                own.pay(waiting.rank, waiting.creditor.number, waiting.amount)
            if waiting.creditor.bounds is not None:
                waiting.creditor.bounds.get(account.number, waiting.amount)


def _shrink(account: Account, work: list[Account], cuts: list[Waiting], whole: _Whole) -> None:
    """Drop an account's last payments until it is no longer short."""
    if account.bounds is not None:
        while account.keep and _is_short(account, account.bounds):
            _drop(account, work, cuts, whole)
        return
    if whole:
        while account.keep and account.end < 0:
            _drop(account, work, cuts, whole)
        return
    # The usual case, written out: half a microsecond a payment.
    end, keep, items = account.end, account.keep, account.queue.items
    last = account.queue.head + keep - 1
    while end < 0 and keep:
        waiting = items[last]
        last -= 1
        keep -= 1
        amount = waiting.amount
        end += amount
        creditor = waiting.creditor
        if creditor.keep:
            left = creditor.end - amount
            creditor.end = left
            if creditor.bounds is not None:
                creditor.bounds.get(account.number, -amount)
                work.append(creditor)
            elif left < 0 <= left + amount:
                work.append(creditor)
    account.end, account.keep = end, keep


def _drop(account: Account, work: list[Account], cuts: list[Waiting], whole: _Whole) -> None:
    account.keep -= 1
    waiting = account.queue.items[account.queue.head + account.keep]
    amount = waiting.amount
    account.end += amount
    if account.bounds is not None:
        account.bounds.pay(waiting.rank, waiting.creditor.number, -amount)
    creditor = waiting.creditor
    if creditor.keep:
        creditor.end -= amount
        if creditor.bounds is not None:
            creditor.bounds.get(account.number, -amount)
        if creditor.end < 0 or creditor.bounds is not None:
            work.append(creditor)
    if waiting.group is not None:
        cuts += whole.pop(waiting.group, ())


def _cut(member: Waiting, work: list[Account], cuts: list[Waiting], whole: _Whole) -> None:
    """Drop a group's member, and with it everything behind it in its queue."""
    if member.stage != "queued":
        return
    account = member.debtor
    place = account.queue.index(member)
    if account.keep > place:
        while account.keep > place:
            _drop(account, work, cuts, whole)
        # Its last payment is another now: what it must leave untouched may have changed as well.
        work.append(account)


def _is_short(account: Account, bounds: Bounds) -> bool:
    rank = account.queue.items[account.queue.head + account.keep - 1].rank
    need = 0
    if rank > 0:
        need = max(0, account.urgent_left - bounds.urgent)
    if rank == NORMAL:
        need += max(0, account.high_left - bounds.high)
    if account.end < need:
        return True
    return rank == NORMAL and account.limited() and _breaks_limit(account, bounds)


def _breaks_limit(account: Account, bounds: Bounds) -> bool:
    net = account.net
    for other, limit in account.bilateral.items():
        out = bounds.out[other]
        if out and net.get(other, 0) + out - bounds.back[other] > limit:
            return True
    if account.multilateral is None or not bounds.other_out:
        return False
    return bounds.used + bounds.other_out - bounds.other_back > account.multilateral


def _collect(active: list[Account]) -> list[Waiting]:
    chosen: list[Waiting] = []
    for account in active:
        if account.keep:
            head = account.queue.head
            chosen += account.queue.items[head : head + account.keep]
    return chosen


#: The orders a system may run in: strict first in, first out. An order that lets payments overtake is one more row.
ORDERS: Mapping[str, Resolver] = {"fifo": greatest_set}
