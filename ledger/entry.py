"""Entries and postings: the arithmetic of double entry over running balances.

Rule: an entry moves one amount between two accounts of one book, so its postings sum to zero; every posting carries
its account's gapless sequence and the balance after it. Money invariants raise; they do not depend on ``assert``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple


class InvariantBrokenError(RuntimeError):
    """The books would no longer balance: a defect, never an input error. The writer stops."""


@dataclass(slots=True)
class Account:
    """An account's committed state. ``credit_line`` None: a contra account of the operator, without a floor."""

    number: int
    participant: str
    purpose: str
    currency: str
    balance: int
    credit_line: int | None
    seq: int


class Entry(NamedTuple):
    """One movement: ``payment_id`` (16 bytes, or None for an operator's entry), its kind, from and to, minor units."""

    entry_id: int
    payment_id: bytes | None
    kind: str
    debit: int
    credit: int
    amount: int


class Posting(NamedTuple):
    """One side of an entry: positive credits the account."""

    account_id: int
    account_seq: int
    entry_id: int
    amount: int
    balance_after: int


#: Made three times a payment: a named tuple's own constructor takes many times as long.
_entry: Callable[[tuple[int, bytes | None, str, int, int, int]], Entry] = partial(tuple.__new__, Entry)
_posting: Callable[[tuple[int, int, int, int, int]], Posting] = partial(tuple.__new__, Posting)


class Ledger:
    """The committed balances of one book, and what a batch adds to them.

    ``post`` turns movements into entries and postings on top of the committed state; ``changed`` says which balances
    the transaction has to move from which sequence. After a failed commit the ledger is loaded anew.
    """

    def __init__(self, accounts: Iterable[Account], next_entry: int) -> None:
        self.accounts = {account.number: account for account in accounts}
        self.next_entry = next_entry
        self._before: dict[int, tuple[int, int]] = {}

    def add(self, account: Account) -> None:
        """Know a newly opened account."""
        self.accounts[account.number] = account

    def post(self, movements: Iterable[tuple[bytes | None, str, int, int, int]]) -> tuple[list[Entry], list[Posting]]:
        """Entries and postings of movements (payment id, kind, debit account, credit account, amount), in order."""
        entries: list[Entry] = []
        postings: list[Posting] = []
        accounts, before, entry_id = self.accounts, self._before, self.next_entry
        for payment_id, kind, debit_number, credit_number, amount in movements:
            if amount <= 0:
                raise InvariantBrokenError(f"entry {entry_id}: amount {amount} is not positive")
            debit, credit = accounts[debit_number], accounts[credit_number]
            if debit is credit or debit.currency != credit.currency:
                raise InvariantBrokenError(f"entry {entry_id}: {debit} and {credit} cannot face each other")
            if debit_number not in before:
                before[debit_number] = (debit.seq, debit.balance)
            if credit_number not in before:
                before[credit_number] = (credit.seq, credit.balance)
            debit.balance -= amount
            debit.seq += 1
            credit.balance += amount
            credit.seq += 1
            entries.append(_entry((entry_id, payment_id, kind, debit_number, credit_number, amount)))
            postings.append(_posting((debit_number, debit.seq, entry_id, -amount, debit.balance)))
            postings.append(_posting((credit_number, credit.seq, entry_id, amount, credit.balance)))
            entry_id += 1
        self.next_entry = entry_id
        return entries, postings

    def set_credit_line(self, number: int, credit_line: int) -> None:
        """Change a settlement account's credit line with the next commit."""
        account = self.accounts[number]
        self._before.setdefault(number, (account.seq, account.balance))
        account.credit_line = credit_line

    def changed(self) -> list[tuple[Account, int]]:
        """Accounts that this batch moved, each with its sequence before; the end position of each must hold."""
        moved = [(self.accounts[number], seq) for number, (seq, _) in sorted(self._before.items())]
        total = sum(account.balance - self._before[account.number][1] for account, _ in moved)
        if total != 0:
            raise InvariantBrokenError(f"a batch changes the sum of balances by {total}")
        for account, _ in moved:
            line = account.credit_line
            if line is not None and account.balance < 0 and account.balance + line < 0:
                raise InvariantBrokenError(f"account {account.number} would end below its credit line")
        return moved

    def committed(self) -> None:
        """Forget what the last batch changed: it is history now."""
        self._before.clear()
