"""The checker: looks at every commit and every message that went out, as they happen, and says which invariant broke.

Rule: what is true is what the database committed and the topics hold; what should be true the model of a bank says
(``bank``) from what the senders meant. Each look costs what has changed since the last one. Names and numbers of the
invariants are those of the documentation.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from engine import ids
from engine.bus.record import Place, Record
from engine.simulation.bank import Account, Bank, PaymentKey, Queued
from engine.simulation.workload import RANKS, Sent
from engine.store.memory import Change, Commit, MemoryPostgres

#: Invariant -> what it says, in the order in which the documentation has them.
INVARIANTS: Mapping[str, str] = {
    "I1": "The postings of an entry sum to zero, and so do all balances of a book.",
    "I2": "A balance is the sum of its postings, and what the model of a bank says it is.",
    "I3": "A payment is decided once an attempt and posted once, by the one writer that holds the lease.",
    "I4": "Every accepted message is archived as received, and each of its payments is decided.",
    "I5": "A payment has one terminal outcome, the one that the model says, and history never changes.",
    "I6": "No account is below its credit line after any commit.",
    "I7": "What waits for funds or for its day is what the model says, and goes when it says; a stopped book rests.",
    "I10": "What goes out is what was committed: once, after the commit, after the archive has the message.",
    "defect": "No worker ends by an error that is not an outage.",
}

_HISTORY = frozenset(
    "engine.inbox engine.transitions engine.outcomes engine.claims engine.outbox engine.commands engine.archive"
    " ledger.accounts ledger.entries ledger.postings".split()
)
_DECISIVE = frozenset(
    "engine.inbox engine.transitions engine.outcomes engine.commands engine.outbox engine.waiting"
    " ledger.entries".split()
)
_FINAL = frozenset("SETTLED REJECTED CANCELLED BLOCKED DUPLICATE PARSED".split())


class BrokenError(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant
        self.text = text


@dataclass(slots=True)
class Message:
    """A message as the checker knows it."""

    number: int
    sent: Sent
    digest: bytes
    decided: int = 0


class Checker:
    """Sees commits and outgoing records in order. Raises BrokenError."""

    def __init__(self, server: MemoryPostgres, places: Mapping[Place, int]) -> None:
        self.checked: Counter[str] = Counter()
        self._server = server
        self._sources = places
        self._bank = Bank()
        self._stopped: set[str] = set()
        self._attempts: set[tuple[bytes, int]] = set()
        self._cases: dict[tuple[bytes, int], str] = {}
        #: What happened in the history, of all that may: a check of nothing is none.
        self.seen: Counter[str] = Counter()
        self._messages: dict[tuple[int, int], Message] = {}
        self._owner: dict[str, int] = {}
        self._accounts: dict[int, tuple[str, str, str]] = {}
        self._balance: dict[int, tuple[int, int]] = {}
        self._rows: dict[int, tuple[int, int | None, int]] = {}
        self._waiting: dict[bytes, str] = {}
        self._totals: Counter[str] = Counter()
        self._decisions: Counter[bytes] = Counter()
        self._answers: Counter[tuple[bytes, str, str]] = Counter()
        self._states: dict[bytes, str] = {}
        self._posted: set[bytes] = set()
        self._last_seq: dict[int, int] = {}
        self._published: dict[str, bytes] = {}
        self._said_out: dict[int, int] = {}
        self._known_out: dict[int, int] = {}
        self._last_out: dict[tuple[str, str], int] = {}
        self.unordered = False

    def sent(self, record: Record, sent: Sent) -> None:
        """A message arrived at its place."""
        source = self._sources[record.place]
        digest = hashlib.sha256(sent.value).digest()
        self._messages[source, record.offset] = Message(len(self._messages), sent, digest)

    def case_decided(self, payment: bytes, attempt: int, decision: str) -> None:
        """Two persons have decided what becomes of a held payment: that is its next attempt."""
        self._cases[payment, attempt + 1] = decision
        self.seen[f"case: {decision}"] += 1

    def look(self, published: list[Record]) -> None:
        """Everything since the last look; empties both lists."""
        commits = self._server.commits
        if commits:
            self._server.commits = []
            for commit in commits:
                self._commit(commit)
        if published:
            for record in published:
                self._outgoing(record)
            published.clear()
        if self._said_out:
            self._really_out()

    # -- commits -------------------------------------------------------------------------------------------------------

    def _commit(self, commit: Commit) -> None:
        tables: dict[str, list[Change]] = {}
        for change in commit.changes:
            if change.old is not None and change.table in _HISTORY:
                raise BrokenError("I5", f"history was changed: {change.table} {change.key}")
            tables.setdefault(change.table, []).append(change)
        for change in tables.get("engine.leases", ()):
            if change.new is not None and (change.old is None or change.new[1] != change.old[1]):
                self._owner[change.key] = commit.session
        for change in tables.get("engine.relays", ()):
            assert change.new is not None
            self._said_out[change.key] = change.new[0]
        if "engine.outbox" in tables:
            self._outbox(tables["engine.outbox"])
        if "engine.archive" in tables:
            self._archive(tables["engine.archive"])
        moved = {key[0] for _, key, new, old in tables.get("engine.positions", ()) if old and new and old[0] != new[0]}
        writers = moved | {row[11] for _, _, row, _ in tables.get("engine.inbox", ()) if row is not None}
        for writer in writers:
            self.checked["I3"] += 1
            if self._owner.get(writer) != commit.session:
                raise BrokenError("I3", f"{writer}: a commit by a process that had lost the lease")
        self._accounting(tables)
        if not tables.keys().isdisjoint(_DECISIVE):
            self._decided(tables, writers)

    def _outbox(self, changes: list[Change]) -> None:
        for change in changes:
            assert change.new is not None
            number, seq, payment, _, recipient, kind, _ = change.new
            if seq != self._last_seq.get(number, 0) + 1:
                raise BrokenError("I10", f"answer {number}-{seq} follows {self._last_seq.get(number, 0)}")
            self._last_seq[number] = seq
            self._answers[payment, recipient, kind] += 1

    def _archive(self, changes: list[Change]) -> None:
        for change in changes:
            assert change.new is not None
            source, first = change.key
            _, offsets, _, _, digests, _ = change.new
            for index, offset in enumerate(array("q", bytes(offsets))):
                self.checked["I4"] += 1
                message = self._messages.get((source, offset))
                if message is None or bytes(digests)[index * 32 : index * 32 + 32] != message.digest:
                    raise BrokenError("I4", f"source {source} offset {offset} was archived with other bytes")
            del first

    def _accounting(self, tables: dict[str, list[Change]]) -> None:
        """I1, I2, I6 of one commit."""
        for change in tables.get("ledger.accounts", ()):
            assert change.new is not None
            book, participant, purpose, _ = change.new
            self._accounts[change.key] = (book, participant, purpose)
            self._balance[change.key] = (0, 0)
        sums: Counter[int] = Counter()
        for change in tables.get("ledger.postings", ()):
            assert change.new is not None
            account, seq, entry, amount, after = change.new
            balance, last = self._balance[account]
            if after != balance + amount or seq != last + 1:
                raise BrokenError("I2", f"account {account}: posting {seq} of {amount} on {balance} gives {after}")
            self._balance[account] = (after, seq)
            self._totals[self._accounts[account][0]] += amount
            sums[entry] += amount
        for entry, total in sums.items():
            self.checked["I1"] += 1
            if total:
                raise BrokenError("I1", f"the postings of entry {entry} sum to {total}")
        for book, total in self._totals.items():
            if total:
                raise BrokenError("I1", f"the balances of {book} sum to {total}")
        touched = {change.key[0] for change in tables.get("ledger.postings", ())}
        for change in tables.get("ledger.balances", ()):
            assert change.new is not None
            self._rows[change.key] = (change.new[0], change.new[1], change.new[2])
            touched.add(change.key)
        for account in sorted(touched):
            self._account(account, *self._rows[account])

    def _account(self, account: int, balance: int, line: int | None, seq: int) -> None:
        self.checked["I2"] += 1
        if (balance, seq) != self._balance[account]:
            raise BrokenError("I2", f"account {account} has {balance}, its postings sum to {self._balance[account][0]}")
        self.checked["I6"] += 1
        if line is not None and balance + line < 0:
            raise BrokenError("I6", f"account {account} has {balance}, {-balance - line} below its credit line")

    # -- decisions against the model -----------------------------------------------------------------------------------

    def _decided(self, tables: dict[str, list[Change]], writers: set[str]) -> None:
        bank = self._bank
        bank.moved.clear()
        for change in tables.get("engine.inbox", ()):
            self._first_decision(change)
        for change in tables.get("engine.commands", ()):
            self._command(change)
        books = {self._accounts[change.key[0]][0] for change in tables.get("ledger.postings", ())}
        books |= {change.new[0] for change in tables.get("engine.commands", ()) if change.new is not None}
        books |= {writer for writer in writers if writer != "recorder" and writer != "archiver"}
        for change in tables.get("engine.books", ()):
            self._day(change)
        for book in sorted(books):
            bank.net(book)
        for change in tables.get("engine.waiting", ()):
            if change.new is None:
                self._waiting.pop(change.key, None)
            else:
                self._waiting[change.new[0]] = change.new[4]
        self._later(tables.get("engine.transitions", []))
        self._outcomes(tables)
        for book in sorted(books):
            self._books(book)

    def _first_decision(self, change: Change) -> None:
        row = change.new
        assert row is not None
        payment, attempt = row[0], row[1]
        source, offset, index = ids.coordinates(payment)
        message = self._messages.get((source, offset))
        shown = f"{source}/{offset}/{index}"
        if message is None:
            raise BrokenError("I3", f"{shown} was decided and never sent")
        self.checked["I3"] += 1
        if (payment, attempt) in self._attempts:
            raise BrokenError("I3", f"{shown} was decided again")
        self._attempts.add((payment, attempt))
        self._decisions[payment] += 1
        message.decided += not attempt
        if row[3] != message.digest[:16] or row[2] != message.sent.count:
            raise BrokenError("I4", f"{shown} was decided for other bytes, or its message has other payments")
        if row[11] in self._stopped:
            raise BrokenError("I7", f"{shown} was decided while {row[11]} was stopped")
        key = message.number, index
        if attempt == 0:
            expected = self._bank.decide(key, message.sent, row[7])
        else:
            expected = self._by_case(payment, attempt, message.sent, Queued(key, message.sent.pays[index], row[7]))
        self._bank.states[key] = expected
        self._bank.moved.discard((key, "SETTLED"))  # at once, without waiting
        self._states[payment] = row[10]
        self.seen[f"{'first' if attempt == 0 else 'next'}: {expected}"] += 1
        self.checked["I5"] += 1
        if row[10] != expected:
            what = f"{message.sent.kind} of {message.sent.sender}"
            raise BrokenError("I5", f"{shown} ({what}) is {row[10]} {row[25] or ''}, the model says {expected}")

    def _by_case(self, payment: bytes, attempt: int, sent: Sent, one: Queued) -> str:
        """What a decided case makes of a payment; one that crashes its worker does so again."""
        decision = self._cases.get((payment, attempt))
        if decision is None:
            raise BrokenError("I5", f"{payment.hex()} has attempt {attempt}, which no two persons have decided")
        if decision != "release":
            return f"{decision}ed".upper()
        return "HELD" if sent.kind == "poison" else self._bank.enter(one)

    def _key(self, payment: bytes) -> PaymentKey:
        source, offset, index = ids.coordinates(payment)
        return self._messages[source, offset].number, index

    def _later(self, changes: list[Change]) -> None:
        """What became of what waited: exactly what the model says."""
        went: set[tuple[PaymentKey, str]] = set()
        for change in changes:
            assert change.new is not None
            payment, _, _, state, _, _ = change.new
            self._decisions[payment] += 1
            self._states[payment] = state
            went.add((self._key(payment), state))
            self.seen[f"later: {state}"] += 1
        self.checked["I7"] += 1
        if went != self._bank.moved:
            here, there = sorted(went - self._bank.moved), sorted(self._bank.moved - went)
            raise BrokenError("I7", f"what waited became {here}; the model says {there}")

    def _day(self, change: Change) -> None:
        """A book's row says what the commands that were carried out have made of it."""
        assert change.new is not None
        _, day, phase, stopped, _ = change.new
        bank, book = self._bank, change.key
        self.checked["I7"] += 1
        found, expected = (
            (day.isoformat(), phase, bool(stopped)), (bank.dates[book], bank.phases[book], book in self._stopped),
        )  # fmt: skip
        if found != expected:
            raise BrokenError("I7", f"{book} is at {found}, the model says {expected}")

    def _outcomes(self, tables: dict[str, list[Change]]) -> None:
        for change in tables.get("engine.outcomes", ()):
            assert change.new is not None
            payment, _, first, count, number, state, _ = change.new
            self.checked["I5"] += 1
            if isinstance(change.key, tuple) or state != self._states.get(payment) or state not in _FINAL:
                raise BrokenError("I5", f"{payment.hex()} ends as {state}, decided was {self._states.get(payment)}")
            rows = self._server.table("engine.outbox")
            for seq in range(first, first + count):
                self.checked["I10"] += 1
                if (number, seq) not in rows or rows[number, seq][2] != payment:
                    raise BrokenError("I10", f"the answer {number}-{seq} of {payment.hex()} is not in its outbox")
        for change in tables.get("ledger.entries", ()):
            assert change.new is not None
            payment = change.new[1]
            if payment is not None:
                self._entry(payment, change.new[0], tables["ledger.postings"])
        for payment, recipient, kind in {
            (change.new[2], change.new[4], change.new[5]) for change in tables.get("engine.outbox", ()) if change.new
        }:
            if self._answers[payment, recipient, kind] > self._decisions[payment]:
                raise BrokenError(
                    "I10", f"{recipient} gets {kind} about {payment.hex()} more often than it was decided"
                )

    def _entry(self, payment: bytes, entry: int, postings: list[Change]) -> None:
        """A payment's entry: once, of a payment that settled, between the accounts and of the amount that was meant."""
        if payment in self._posted or self._states.get(payment) != "SETTLED":
            raise BrokenError("I3", f"{payment.hex()} is posted and is {self._states.get(payment)}, or posted twice")
        self._posted.add(payment)
        source, offset, index = ids.coordinates(payment)
        pay = self._messages[source, offset].sent.pays[index]
        found = {
            (*self._accounts[row[0]][:2], row[3]) for _, _, row, _ in postings if row is not None and row[2] == entry
        }
        if found != {(pay.book, pay.debit, -pay.amount), (pay.book, pay.credit, pay.amount)}:
            raise BrokenError("I3", f"{payment.hex()} moved {found}, meant was {pay}")

    def _books(self, book: str) -> None:
        """Balances and queue of a book, as the model has them."""
        for account, (name, participant, purpose) in self._accounts.items():
            if name == book and purpose == "settlement":
                self.checked["I2"] += 1
                expected = self._bank.accounts[book, participant].balance
                if self._balance[account][0] != expected:
                    raise BrokenError(
                        "I2", f"{participant} has {self._balance[account][0]} in {book}, the model says {expected}"
                    )
        waiting = {self._key(payment) for payment, writer in self._waiting.items() if writer == book}
        self.checked["I7"] += 1
        expected_queue = self._bank.queue(book).keys()
        if waiting != expected_queue:
            raise BrokenError("I7", f"{book}: {sorted(waiting ^ expected_queue)} wait here or in the model alone")

    # -- operators -----------------------------------------------------------------------------------------------------

    def _command(self, change: Change) -> None:
        assert change.new is not None
        book, action, arguments, text, ok, _ = change.new
        given = json.loads(arguments)
        expected = self._apply(book, action, given)
        self.seen[action] += bool(ok)
        if bool(ok) != expected:
            raise BrokenError("I7", f"{action} {given} in {book}: {text!r}, the model says {expected}")

    def _apply(self, book: str, action: str, given: dict[str, str | int]) -> bool:
        bank = self._bank
        if action in ("stop", "resume"):
            before = book in self._stopped
            (self._stopped.add if action == "stop" else self._stopped.discard)(book)
            return before != (action == "stop")
        if action in ("cut-off", "close-day", "open-day"):
            return bank.turn(book, action)
        if action == "open-account":
            holder, opening, line = str(given["participant"]), int(given["opening_balance"]), int(given["credit_line"])
            return bank.accounts.setdefault((book, holder), fresh := Account(opening, line)) is fresh
        if action == "set-credit-line":
            account = bank.accounts[book, str(given["participant"])]
            line = int(given["credit_line"])
            if account.balance + line < 0:
                return False
            account.line = line
            return True
        key = self._key(UUID(str(given["payment_id"])).bytes)
        if action == "cancel":
            return bank.withdraw(book, key, "CANCELLED")
        one = bank.queue(book).get(key)
        if one is None or one.until:
            return False
        queue = bank.accounts[book, one.pay.debit].queue
        if action == "priority":
            one.rank = RANKS[str(given["priority"])]
        else:
            one.place = _end(queue, one, str(given["to"]))
        queue.sort(key=lambda queued: (queued.rank, queued.place))
        return True

    @property
    def stopped(self) -> list[str]:
        """Books that an operator has stopped."""
        return sorted(self._stopped)

    def waiting(self, book: str) -> list[bytes]:
        """Ids of payments that wait in a book, for commands to name."""
        return sorted(key for key, row in self._server.table("engine.waiting").items() if row[4] == book)

    # -- what went out -------------------------------------------------------------------------------------------------

    def _outgoing(self, record: Record) -> None:
        identity = record.headers["ce_id"].decode()
        number, _, seq = identity.partition("-")
        row = self._server.table("engine.outbox").get((int(number), int(seq)))
        self.checked["I10"] += 1
        if row is None:
            raise BrokenError("I10", f"{record.topic} got {identity}, which no commit has")
        if row[6] != record.value or record.topic != f"outbound.{row[4]}":
            raise BrokenError("I10", f"{record.topic} got {identity} with other bytes than were committed")
        source, offset, _ = ids.coordinates(row[2])
        covered = self._server.table("engine.archived").get(source, (0,))[0]
        if offset >= covered:
            raise BrokenError("I10", f"{identity} went out before the archive had its message")
        if identity in self._published:
            return  # recipients drop what they have seen: a stale relay cannot be fenced
        self._published[identity] = record.value
        before = self._last_out.get((record.topic, number), 0)
        if int(seq) < before and not self.unordered:
            raise BrokenError("I10", f"{record.topic} got {identity} after {number}-{before}")
        self._last_out[record.topic, number] = max(before, int(seq))

    def _really_out(self) -> None:
        """What a relay says is out is out: its successor does not look for it any more."""
        rows = self._server.table("engine.outbox")
        for number, said in self._said_out.items():
            for seq in range(self._known_out.get(number, 0) + 1, said + 1):
                if (number, seq) in rows and f"{number}-{seq}" not in self._published:
                    raise BrokenError("I10", f"the relay says that {number}-{seq} is out, and it is not")
            self._known_out[number] = said
        self._said_out.clear()

    # -- the end -------------------------------------------------------------------------------------------------------

    def unfinished(self) -> str | None:
        """What is still on its way, in words; None when nothing is."""
        for (source, offset), message in self._messages.items():
            if message.decided < message.sent.count:
                return f"source {source} offset {offset} ({message.sent.kind}) is not decided"
            if offset >= self._server.table("engine.archived").get(source, (0,))[0]:
                return f"source {source} offset {offset} is not archived"
        for payment, attempt in self._cases.keys() - self._attempts:
            return f"the decided case of {payment.hex()} is not carried out in attempt {attempt}"
        if len(self._published) < len(self._server.table("engine.outbox")):
            missing = next(
                f"{n}-{seq}" for n, seq in self._server.table("engine.outbox") if f"{n}-{seq}" not in self._published
            )
            return f"the answer {missing} is not sent"
        return None

    def finish(self) -> None:
        """The end of a history: nothing is left, and the state is the model's."""
        left = self.unfinished()
        if left is not None:
            raise BrokenError("I10" if left.startswith("the answer") else "I4", f"at the end, {left}")
        for (source, offset), message in self._messages.items():
            for index in range(message.sent.count):
                payment = ids.payment_id(source, offset, index)
                self.checked["I5"] += 1
                state, expected = self._states.get(payment), self._bank.states[message.number, index]
                if state != expected:
                    raise BrokenError("I5", f"{source}/{offset}/{index} is {state}, the model says {expected}")
                final = payment in self._server.table("engine.outcomes")
                if final != (expected in _FINAL):
                    raise BrokenError("I5", f"{source}/{offset}/{index} is {state}; a terminal outcome: {final}")
        for book in sorted({book for book, _ in self._bank.accounts}):
            self._books(book)

    @property
    def payments(self) -> int:
        """Payments decided so far."""
        return len(self._states)


def _end(queue: list[Queued], one: Queued, to: str) -> float:
    """A place before or behind all others."""
    places = [other.place for other in queue if other is not one] or [one.place]
    return min(places) - 1 if to == "head" else max(places) + 0.001
