"""``qenex bench ledger``: decisions in memory, one durable transaction a batch; no Kafka, parsing or screening.

Rule: the engine's own path: `settlement.book` decides, `ledger` does the double entry, `engine.processors.batch` packs
the rows, `engine.store.commit` writes inbox, outcomes, claims, outbox, entries, postings, balances and the position in
one commit with its fence. Payments are decoded beforehand; 200 accounts by Zipf 1.1 on both sides. The books are
checked after each case. The naive form, one transaction a payment, is the peer.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from engine.bench import naive
from engine.bench.banks import BANKS, banks
from engine.bench.figures import Figure, Say, Terms, against, calibration, median
from engine.bench.messages import Maker
from engine.bench.processes import spent
from engine.errors import UsageFault
from engine.processors.batch import Answer, Batch, Place
from engine.stack.local import LocalStack
from engine.store import commit as commits
from engine.store import leases
from engine.store.connection import Connection, connect
from engine.store.leases import Lease
from engine.wire import Envelope, Route
from ledger import Account as LedgerAccount
from ledger import Ledger, migrate, store
from payments import Agent, Money, Party, Payment, PaymentKind
from settlement.account import Account
from settlement.book import Book
from settlement.instruction import Instruction
from settlement.lifecycle import State

BENCH: Final = "ledger"
#: Case -> payments a commit.
SIZES: Final = {"zipf-1000": 1_000, "zipf-10000": 10_000}
#: The same, rows of the ledger alone.
BARE: Final = "-entries-only"
TWO_IN_FLIGHT: Final = "zipf-1000-two-in-flight"
NAIVE: Final = "naive"
_BOOK, _CURRENCY = "EUR-RTGS", "EUR"
_WRITER_NO = 1
_OPENING = 10**13
_COUNT: Final = 100_000
#: Bytes of the three answers that an MT103 causes: ACK, MT900, the MT103 delivered.
_ANSWERS: Final = (("ACK", 180), ("900", 260), ("103", 540))


@dataclass(slots=True)
class Books:
    """The book twice, as the writer has it, and its connection."""

    connection: Connection
    lease: Lease
    book: Book
    ledger: Ledger
    seq: int = 1
    position: int = 0


def run(terms: Terms, say: Say) -> Iterator[Figure]:
    """The cases in turn, the naive form first."""
    cases = (*SIZES, *(f"{name}{BARE}" for name in SIZES), NAIVE)
    if terms.case == TWO_IN_FLIGHT:
        raise UsageFault(f"{TWO_IN_FLIGHT}: not there yet, the engine has one transaction a book in flight")
    if terms.case is not None and terms.case not in cases:
        raise UsageFault(f"--case {terms.case}: the ledger's cases are {', '.join(cases)}")
    yield calibration(BENCH)
    found: naive.Naive | None = None
    if terms.wants(NAIVE):
        found = naive.measure(terms.seconds or 10.0, say)
        yield found.figure(BENCH)
    wanted = [name for name in cases if name != NAIVE and terms.wants(name)]
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="qenex-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres does not run as root, and passes through here
        with LocalStack(Path(folder) / "data", kafka=False, say=say) as stack:
            for number, name in enumerate(wanted):
                size, bare = SIZES[name.removesuffix(BARE)], name.endswith(BARE)
                say(f"{name}: making payments")
                url = stack.new_database(f"ledger{number}")
                figure = _case(name, url, size, bare, stack.pid("postgres"), terms, say)
                yield against(figure, "one Postgres transaction a payment", found.best) if found else figure
    if terms.case is None:
        say(f"{TWO_IN_FLIGHT}: not there yet, the engine has one transaction a book in flight")


def _case(name: str, url: str, size: int, bare: bool, postgres: int, terms: Terms, say: Say) -> Figure:
    count = max(2, (terms.count or _COUNT) // size) * size
    made = _payments(count)
    with connect(url, "owner", name="qenex bench") as connection:
        migrate.apply(connection)
        books = _opened(connection)
        say(f"{name}: {count:,} payments, {size:,} a commit")
        waits: list[float] = []
        began, own, server = time.perf_counter(), time.process_time(), spent(postgres)
        for at in range(0, count, size):
            start = time.perf_counter()
            _commit(books, made[at : at + size], bare)
            waits.append((time.perf_counter() - start) * 1000)
        passed = time.perf_counter() - began
        own, server = time.process_time() - own, spent(postgres) - server
        _check(connection, count, bare)
    what = "entries, postings and balances alone" if bare else "inbox, outcomes, claims, outbox and ledger rows"
    return Figure(
        bench=BENCH,
        case=name,
        value=round(count / passed),
        unit="payments/s",
        better="higher",
        conditions=f"{count:,} payments, {size:,} a durable commit, one in flight; {what}; {BANKS} accounts by Zipf 1.1"
        f" on both sides; a batch p50 {median(waits):.0f} ms, longest {max(waits):.0f} ms; CPU us a payment: Python"
        f" {own / count * 1e6:.1f}, Postgres {server / count * 1e6:.1f}; fsync, synchronous_commit,"
        " full_page_writes on; books checked",
    )


def _payments(count: int) -> list[tuple[Envelope, Instruction, list[Answer]]]:
    """Decoded payments with their instructions and answers, as the writer meets them after decoding."""
    now = datetime.now(UTC)
    maker = Maker(1, now.date())
    found = []
    for number in range(count):
        debit, credit = maker.sides()
        cents, reference = maker.amount(), f"L{number:012d}"
        payment = Payment(
            index=0,
            kind=PaymentKind.CREDIT_TRANSFER,
            amount=Money(cents, _CURRENCY),
            value_date=now.date().isoformat(),
            instruction_id=reference,
            end_to_end_id=f"E2E{reference}",
            uetr=maker.uetr(),
            debtor=Party(name="Debtor"),
            creditor=Party(name="Creditor"),
            debtor_agent=Agent(bic=debit.bic),
            creditor_agent=Agent(bic=credit.bic),
        )
        envelope = Envelope(
            source=1,
            offset=number,
            received_ms=int(now.timestamp() * 1000),
            digest=f"{number:032x}",
            state="CLEARED",
            format="swift-mt",
            type="MT103",
            sender=debit.bic,
            receiver=credit.bic,
            reference=reference,
            scheme=_BOOK,
            payment=payment,
            route=Route(_BOOK, debit.bic, credit.bic, 1),
        )
        instruction = Instruction(
            payment_id=envelope.payment_id.hex(),
            attempt=0,
            book=_BOOK,
            scheme=_BOOK,
            kind=payment.kind.value,
            debit=debit.bic,
            credit=credit.bic,
            amount_minor=cents,
            currency=_CURRENCY,
            arrival=number,
        )
        text = (f"{number:032x}" * 17).encode()
        answers = [Answer(credit.bic if kind == "103" else debit.bic, kind, text[:size]) for kind, size in _ANSWERS]
        found.append((envelope, instruction, answers))
    return found


def _opened(connection: Connection) -> Books:
    """The book with its accounts, a lease and a position."""
    now = datetime.now(UTC)
    leases.register(connection, _BOOK, _WRITER_NO)
    lease = leases.take(connection, _BOOK, "bench")
    assert lease is not None
    connection.execute(
        "insert into engine.sources (cluster_id, topic_id, topic, partition) values ('bench', 'bench', 'bench', 0)"
    )
    commits.add_position(connection, lease, 1)
    book, accounts = Book(_BOOK, _CURRENCY), []
    for number, bank in enumerate(banks(), start=1):
        account = LedgerAccount(number, bank.bic, "settlement", _CURRENCY, 0, 0, 0)
        for statement, arguments in store.opening(_BOOK, account, now):
            connection.execute(statement, arguments)
        account.balance = _OPENING
        connection.execute("update ledger.balances set balance = %s where account_id = %s", (_OPENING, number))
        accounts.append(account)
        book.open(Account(number, bank.bic, _CURRENCY, _OPENING))
    return Books(connection, lease, book, Ledger(accounts, 1))


def _commit(books: Books, payments: list[tuple[Envelope, Instruction, list[Answer]]], bare: bool) -> None:
    """Decide a batch and commit it, as the book's writer does."""
    now = datetime.now(UTC)
    batch = Batch(_BOOK, _WRITER_NO, books.seq, now)
    book = books.book
    for number, (envelope, instruction, answers) in enumerate(payments):
        if book.submit(instruction).state is not State.SETTLED:
            raise RuntimeError("a payment of the bench was not settled: the accounts open with too little")
        if not bare:
            batch.claim(f"{envelope.sender}|swift-mt|20|{envelope.reference}", envelope.digest, envelope.payment_id)
            batch.decide(envelope, Place(0, number), State.SETTLED, answers=answers)
    movements = book.drain()
    entries, postings = books.ledger.post(
        (bytes.fromhex(reference), "credit-transfer", debit, credit, amount)
        for reference, debit, credit, amount, _ in movements
    )
    moved = books.ledger.changed()
    batch.changes.positions = [(1, books.position, books.position + len(payments))]

    def write(cursor: psycopg.Cursor[Any]) -> None:
        store.append(cursor, _BOOK, now.date(), now, entries, postings)
        store.move_balances(cursor, moved)

    commits.commit(books.connection, books.lease, batch.changes, write)
    books.ledger.committed()
    books.seq = batch.next_seq
    books.position += len(payments)


def _check(connection: Connection, count: int, bare: bool) -> None:
    """Each payment once, money conserved, balances what postings say."""
    row = connection.execute(
        "select (select count(*) from ledger.entries), (select count(distinct payment_id) from ledger.entries),"
        " (select count(*) from engine.inbox), (select sum(balance) from ledger.balances),"
        " (select count(*) from ledger.balances b left join (select account_id, sum(amount) as posted,"
        " count(*) as times from ledger.postings group by 1) p using (account_id)"
        " where b.balance <> %s + coalesce(posted, 0) or b.seq <> coalesce(times, 0))",
        (_OPENING,),
    ).fetchone()
    if row != (count, count, 0 if bare else count, _OPENING * BANKS, 0):
        raise RuntimeError(f"the books are wrong after {count} payments: {row}")
