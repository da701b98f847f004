"""What a book's writer keeps in memory, and how it is rebuilt from Postgres.

Rule: nothing here is truth: accounts, balances, the queue, the warehouse and the day's use are read back after any
failure, in the order in which they came about, so that the same next batch gives the same decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.processors.batch import Waiting
from engine.routing.directory import Directory
from engine.store import books
from engine.store.connection import Connection
from engine.wire import Envelope
from ledger import Account as LedgerAccount
from ledger import Ledger, store
from payments import Money, Original
from settlement.account import Account
from settlement.admission import Facts, facts
from settlement.admission import Participant as Member
from settlement.book import Book
from settlement.calendar import Calendar
from settlement.day import BusinessDay, Phase
from settlement.instruction import Instruction, Priority
from settlement.lifecycle import State
from settlement.schemes import BOOK_CURRENCY, BOOKS, SCHEMES

#: The operator's own account in each book, against which opening balances and liquidity are posted.
LIQUIDITY = "LIQUIDITY"


@dataclass(slots=True)
class BookState:
    """One book: its row, its accounts twice (decisions and double entry), what waits, the kinds of pending entries."""

    row: books.BookRow
    book_no: int
    book: Book
    ledger: Ledger
    waiting: dict[str, Waiting]
    directory: Callable[[], Directory]
    calendars: Mapping[str, Calendar]
    kinds: dict[str, str] = field(default_factory=dict)
    _members: tuple[Directory, dict[str, Member]] | None = None

    def facts(self) -> Facts:
        """What admission looks at in this batch: the day by command alone, never by the clock."""
        day = BusinessDay(self.row.business_date, Phase(self.row.phase))
        return facts(day, self.members(), self.book.used_today, self.calendars)

    def members(self) -> dict[str, Member]:
        """The participants of this book, from the newest reference data; made anew when its version changes."""
        directory = self.directory()
        if self._members is None or self._members[0] is not directory:
            self._members = (directory, {name: self._member(directory, name) for name in self.book.participants()})
        return self._members[1]

    def forget_members(self) -> None:
        """An account was opened: the next batch looks again."""
        self._members = None

    def _member(self, directory: Directory, name: str) -> Member:
        known = directory.participants.get(name)
        if known is None:
            return Member(status="suspended")
        limits = known.limits.get(self.row.book)
        daily = None if limits is None or limits.daily is None else Money.parse(limits.daily, self.row.currency).minor
        return Member(status=known.status, daily_limit=daily)

    @property
    def calendar(self) -> Calendar:
        """The book's own calendar."""
        return book_calendar(self.row.book, self.calendars)

    def find_waiting(self, request: Envelope, fresh: Mapping[str, Waiting]) -> Waiting | None:
        """The waiting payment that a cancellation request names: of the same sender, by UETR or reference."""
        original = None if request.payment is None else request.payment.original
        if original is None:
            return None
        for waiting in (*fresh.values(), *self.waiting.values()):
            if waiting.envelope.sender == request.sender and _names(original, waiting.envelope):
                return waiting if self._still_waits(waiting) else None
        return None

    def _still_waits(self, waiting: Waiting) -> bool:
        """False when a credit of this very batch has let it go: its movement is made, its state follows."""
        return waiting.state is not State.QUEUED or self.book.position(waiting.envelope.payment_id.hex()) is not None


def _names(original: Original, envelope: Envelope) -> bool:
    payment = envelope.payment
    if payment is None:
        return False
    if original.uetr is not None and payment.uetr is not None:
        return original.uetr == payment.uetr
    for named, had in (
        (original.transaction_id, payment.transaction_id),
        (original.instruction_id, payment.instruction_id),
        (original.message_id, envelope.reference),
    ):
        if named is not None and had is not None:
            return named == had
    return False


def instruction_of(envelope: Envelope, arrival: int, key: str | None = None) -> Instruction:
    """The instruction of a routed envelope. ``arrival``: its offset in the book's partition, which is its order.

    ``key``: the payment's id in hex, where the caller has it.
    """
    payment, route = envelope.payment, envelope.route
    assert payment is not None
    assert payment.amount is not None
    assert route is not None
    # By place, in the order of the fields: this is done for every payment, and names take many times as long.
    return Instruction(
        key or envelope.payment_id.hex(),
        envelope.attempt,
        route.book,
        envelope.scheme or route.book,
        payment.kind,
        route.debit,
        route.credit,
        payment.amount.minor,
        payment.amount.currency,
        _priority(route.priority),
        payment.value_date,
        envelope.sender,
        envelope.reference,
        route.no_wait,
        arrival=arrival,
    )


def _priority(name: str) -> Priority:
    return "urgent" if name == "urgent" else "high" if name == "high" else "normal"


def book_calendar(book: str, calendars: Mapping[str, Calendar]) -> Calendar:
    """The calendar of the first scheme that settles in a book."""
    return calendars[next(scheme for scheme in SCHEMES.values() if scheme.books[0] == book).calendar]


def load(
    connection: Connection,
    writer: str,
    book: str,
    directory: Callable[[], Directory],
    calendars: Mapping[str, Calendar],
    now: datetime,
) -> BookState:
    """Rebuild a book: accounts, then the day's use, then what waits."""
    book_no = BOOKS.index(book)
    currency = BOOK_CURRENCY[book]
    today = book_calendar(book, calendars).following(now.date())
    row = books.load(connection, book, book_no, currency, today)
    with connection.cursor() as cursor:
        accounts = store.load_accounts(cursor, book)
    memory = Book(book, currency)
    for account in accounts:
        memory.open(settlement_account(account))
    numbers = {account.number: account.participant for account in accounts}
    for debit, credit, amount in books.used_today(connection, book_no, row.day_from):
        memory.restore_usage(numbers[debit], numbers[credit], "normal", amount)
    waiting: dict[str, Waiting] = {}
    for stored in books.waiting(connection, writer):
        envelope = stored.envelope
        key = envelope.payment_id.hex()
        waiting[key] = Waiting(
            envelope, State(stored.state), stored.arrival, stored.step, stored.until, stored.position
        )
        if stored.state == State.QUEUED:
            memory.restore(instruction_of(envelope, stored.arrival), stored.position)
    return BookState(
        row=row,
        book_no=book_no,
        book=memory,
        ledger=Ledger(accounts, books.next_entry(connection, book_no)),
        waiting=waiting,
        directory=directory,
        calendars=calendars,
    )


def settlement_account(account: LedgerAccount) -> Account:
    """The account as decisions see it."""
    return Account(
        account.number,
        account.participant,
        account.currency,
        account.balance,
        account.credit_line or 0,
        account.seq,
        contra=account.purpose == "contra",
    )
