"""The ledger alone, driven at random: it says what a table of balances says, through failed commits and restarts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.store.memory import MemoryPostgres
from ledger import Account, InvariantBrokenError, Ledger, store

NOW, DAY = datetime(2026, 11, 24, 9, tzinfo=UTC), date(2026, 11, 24)
CONTRA, BANKS = 1, (2, 3, 4)
amounts = st.integers(1, 400)
moves = st.tuples(st.sampled_from((CONTRA, *BANKS)), st.sampled_from((CONTRA, *BANKS)), amounts)


class LedgerMachine(RuleBasedStateMachine):
    """``balances`` and ``lines`` are the model; what is committed is read back through the store's own functions."""

    @initialize()
    def open(self) -> None:
        self.server = MemoryPostgres(lambda: NOW)
        self.db = self.server.connect()
        self.balances = dict.fromkeys((CONTRA, *BANKS), 0)
        self.lines: dict[int, int | None] = {CONTRA: None, **dict.fromkeys(BANKS, 100)}
        self.entries = 0
        with self.db.transaction():
            for number, line in self.lines.items():
                purpose = "contra" if number == CONTRA else "settlement"
                account = Account(number, f"BANK{number}", purpose, "EUR", 0, line, 0)
                for statement, arguments in store.opening("EUR-RTGS", account, NOW):
                    self.db.execute(statement, arguments)
        self.load()

    @rule()
    def load(self) -> None:
        """A restart: memory is what the store has."""
        with self.db.port.cursor() as cursor:
            self.ledger = Ledger(store.load_accounts(cursor, "EUR-RTGS"), self.entries + 1)

    @rule(batch=st.lists(moves.filter(lambda move: move[0] != move[1]), min_size=1, max_size=6), fails=st.booleans())
    def post(self, batch: list[tuple[int, int, int]], fails: bool) -> None:
        """A batch, which is committed, or fails at its COMMIT, or would break a line and is refused."""
        after = dict(self.balances)
        for debit, credit, amount in batch:
            after[debit] -= amount
            after[credit] += amount
        allowed = all(
            line is None or after[number] + line >= 0 or after[number] >= 0 for number, line in self.lines.items()
        )
        numbered = [(None, "payment", debit, credit, amount) for debit, credit, amount in batch]
        entries, postings = self.ledger.post(numbered)
        if not allowed:
            with pytest.raises(InvariantBrokenError):
                self.ledger.changed()
            self.load()
            return
        moved = self.ledger.changed()
        if self.commit(entries, postings, moved, fails=fails):
            self.balances, self.entries = after, self.entries + len(entries)

    def commit(self, entries: list, postings: list, moved: list, *, fails: bool) -> bool:  # type: ignore[type-arg]
        def reach(connection: object, point: str) -> None:
            if point == "before-commit" and fails:
                raise psycopg.OperationalError("lost")

        self.server.reach = reach
        try:
            with self.db.transaction():
                cursor = self.db.port.cursor()
                store.append(cursor, "EUR-RTGS", DAY, NOW, entries, postings)
                store.move_balances(cursor, moved)
        except psycopg.OperationalError:
            self.server.reach = lambda *_: None
            self.load()
            return False
        self.server.reach = lambda *_: None
        self.ledger.committed()
        return True

    @rule(number=st.sampled_from(BANKS), line=st.integers(0, 300))
    def set_line(self, number: int, line: int) -> None:
        """A new credit line, where what is drawn allows it."""
        if self.balances[number] + line < 0:
            return
        self.ledger.set_credit_line(number, line)
        if self.commit([], [], self.ledger.changed(), fails=False):
            self.lines[number] = line

    @precondition(lambda self: self.entries > 0)
    @rule(number=st.sampled_from(BANKS))
    def slip_in(self, number: int) -> None:
        """Another writer moved a balance: who did not see it cannot commit."""
        account = self.ledger.accounts[number]
        if account.seq == 0:
            return
        account.seq -= 1
        entries, postings = self.ledger.post([(None, "payment", CONTRA, number, 1)])
        with pytest.raises((store.StaleWriterError, psycopg.errors.UniqueViolation)):
            self.commit(entries, postings, self.ledger.changed(), fails=False)
        self.load()

    @invariant()
    def memory_and_store_say_what_the_model_says(self) -> None:
        if not hasattr(self, "ledger"):
            return
        stored = {number: row[:2] for number, row in self.server.table("ledger.balances").items()}
        assert stored == {number: (self.balances[number], self.lines[number]) for number in self.balances}
        held = {number: (one.balance, one.credit_line) for number, one in self.ledger.accounts.items()}
        assert held == stored
        assert sum(self.balances.values()) == 0

    @invariant()
    def every_account_is_an_unbroken_row_of_postings(self) -> None:
        if not hasattr(self, "ledger"):
            return
        last = dict.fromkeys(self.balances, (0, 0))
        for (number, seq), row in sorted(self.server.table("ledger.postings").items()):
            before, at = last[number]
            assert (seq, row[4]) == (at + 1, before + row[3])
            last[number] = (row[4], seq)
        assert {number: balance for number, (balance, _) in last.items()} == self.balances


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase
