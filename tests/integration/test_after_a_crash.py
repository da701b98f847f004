"""What a restart after a crash needs: Postgres comes back at once, and the book finds what its day has used."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import psycopg
import pytest

from engine.stack.local import LocalStack
from engine.store import books
from engine.store.connection import connect
from ledger import migrate

pytestmark = pytest.mark.integration


def test_a_session_that_outlives_its_server_does_not_keep_the_next_one_away(
    services: LocalStack, database: str
) -> None:
    begun = threading.Event()
    ended: list[BaseException] = []

    def work_on() -> None:
        with psycopg.connect(database) as connection:
            begun.set()
            try:
                connection.execute("select count(*) from generate_series(1, 100000000000)")
            except psycopg.Error as problem:
                ended.append(problem)

    session = threading.Thread(target=work_on)
    session.start()
    begun.wait()
    time.sleep(0.5)  # the query has to be under way: a session that waits for its client notices by itself
    services.kill("postgres")
    before = time.monotonic()
    services.start("postgres")
    assert time.monotonic() - before < 30
    session.join(10)
    assert len(ended) == 1
    with psycopg.connect(database) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_use_of_a_day_is_the_sum_of_its_payments(database: str) -> None:
    chance = random.Random(1)
    first, count = books.first_entry(2), 20_000
    used: Counter[tuple[int, int]] = Counter()
    with connect(database, "owner") as owner:
        migrate.apply(owner)
        owner.execute(
            "insert into ledger.accounts select n, 'USD-ACH', 'BANK' || n, 'settlement', 'USD', now()"
            " from generate_series(1, 20) n"
        )
        rows = []
        for number in range(count):
            debit, credit = chance.sample(range(1, 21), 2)
            amount, payment = chance.randrange(1, 1000), number % 10 > 0
            rows.append((first + number, debit, credit, amount, payment))
            if payment and number >= 100:
                used[debit, credit] += amount
        with owner.transaction(), owner.cursor() as cursor:
            cursor.executemany(
                "insert into ledger.entries values (%s, case when %s then gen_random_uuid() end, 'USD-ACH', 'payment',"
                " '2026-11-24', now())",
                [(entry, payment) for entry, _, _, _, payment in rows],
            )
            with cursor.copy("copy ledger.postings from stdin") as copy:
                for entry, debit, credit, amount, _ in rows:
                    copy.write_row((debit, entry, entry, -amount, 0))
                    copy.write_row((credit, entry, entry, amount, 0))
        began = time.monotonic()
        found = books.used_today(owner, 2, first + 100)
        # Nobody has gathered statistics yet, as after a crash: the plan has to be good without them.
        assert time.monotonic() - began < 5
    assert {(debit, credit): amount for debit, credit, amount in found} == used
