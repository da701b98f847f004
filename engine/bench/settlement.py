"""``qenex bench settlement``: how long the resolver takes over a whole queue in gridlock.

Rule: 200 accounts without credit, 10,000 payments between them by Zipf's law, all waiting. Nineteen in twenty belong to
rings of 2 to 12 accounts that pay each other the same amount, so that together they need no money at all; one in twenty
belongs to none, and the resolver has to find it and leave it out. One call finds the greatest set that settles together
(fifo order) and settles it. Every round has a book of its own.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Iterator
from typing import Final

from engine.bench.banks import Zipf, banks
from engine.bench.figures import Figure, Say, Terms, calibration, median, rounded
from engine.errors import UsageFault
from settlement.account import Account
from settlement.book import Book
from settlement.instruction import Instruction

BENCH: Final = "settlement"
CASE: Final = "gridlock-10000"
_COUNT: Final = 10_000
_ROUNDS: Final = 7
_STRAYS: Final = 20
_OPENING: Final = 20_000_00
_BOOK, _CURRENCY = "EUR-RTGS", "EUR"


def run(terms: Terms, say: Say) -> Iterator[Figure]:
    """One case."""
    if not terms.wants(CASE):
        raise UsageFault(f"--case {terms.case}: the settlement's case is {CASE}")
    yield calibration(BENCH)
    count = terms.count or _COUNT
    times: list[float] = []
    settled = 0
    for number in range(_ROUNDS):
        say(f"{CASE}: round {number + 1} of {_ROUNDS}")
        spent, settled = _round(count, seed=1)
        times.append(spent * 1000)
    yield Figure(
        bench=BENCH,
        case=CASE,
        value=rounded(median(times)),
        unit="ms",
        better="lower",
        conditions=f"one core; {count:,} payments wait between 200 accounts with 20,000.00 each, Zipf 1.1; one call"
        f" settles {settled:,} of them together; median of {_ROUNDS} (from {min(times):.1f} to {max(times):.1f} ms);"
        " no peer: no packaged resolver is known",
    )


def _round(count: int, seed: int) -> tuple[float, int]:
    """Seconds of one release, and how many payments it settled; money is conserved and nobody is overdrawn."""
    book = Book(_BOOK, _CURRENCY)
    members = banks()
    accounts = [
        book.open(Account(number, bank.bic, _CURRENCY, _OPENING)) for number, bank in enumerate(members, start=1)
    ]
    for number, (debit, credit, amount) in enumerate(_waiting(count, seed)):
        book.restore(
            Instruction(
                payment_id=f"{number:032x}",
                attempt=0,
                book=_BOOK,
                scheme=_BOOK,
                kind="credit-transfer",
                debit=members[debit].bic,
                credit=members[credit].bic,
                amount_minor=amount,
                currency=_CURRENCY,
                arrival=number,
            )
        )
    gc.collect()
    began = time.perf_counter()
    book.release()
    spent = time.perf_counter() - began
    total = sum(account.balance for account in accounts)
    if total != _OPENING * len(accounts) or any(account.balance < 0 for account in accounts):
        raise RuntimeError("the resolver made or lost money, or overdrew an account")
    return spent, len(book.drain())


def _waiting(count: int, seed: int) -> list[tuple[int, int, int]]:
    """Payments (from, to, cents) in order of arrival: rings, shuffled, and strays among the later half."""
    rng = random.Random(seed)
    zipf = Zipf(len(banks()), rng)
    ringed: list[tuple[int, int, int]] = []
    while len(ringed) < count - count // _STRAYS:
        ring = list(dict.fromkeys(zipf.draw() for _ in range(rng.randint(2, 12))))
        if len(ring) > 1:
            cents = 100 + int(rng.lognormvariate(12.2, 1.3))
            ringed += [(ring[at - 1], ring[at], cents) for at in range(len(ring))]
    del ringed[count:]
    rng.shuffle(ringed)
    for _ in range(count - len(ringed)):
        debit, credit = zipf.pair()
        cents = 100 + int(rng.lognormvariate(12.2, 1.3))
        ringed.insert(rng.randint(len(ringed) // 2, len(ringed)), (debit, credit, cents))
    return ringed
