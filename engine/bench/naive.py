"""The naive form of the same work: one Postgres transaction a payment, on the same server with the same settings.

Rule: equal in spirit: each payment inserts its inbox row and its claim, an entry and two postings with running
balances, and moves two balances under a row lock (taken in the order of account numbers, so that no two deadlock);
commit is durable. Three ways: statements from one connection, from eight, and one PL/pgSQL call a payment from eight.
No Kafka, no parsing, no screening: whatever it reaches is more than the whole would. ``python -m engine.bench.naive``
is one client.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg

from engine.bench.banks import BANKS, Zipf
from engine.bench.figures import Figure, Say
from engine.stack.local import LocalStack

NAIVE: Final = "naive-sustained"
_OPENING = 10**12
CLIENTS: Final = 8

SCHEMA = """
create table inbox (payment_id uuid primary key, digest uuid not null, received_at timestamptz not null,
    state text not null, sender int not null, receiver int not null, amount bigint not null, reference text not null);
create table claims (claim text collate "C" primary key, payment_id uuid not null);
create table balances (account_id int primary key, balance bigint not null check (balance >= 0), seq bigint not null)
    with (fillfactor = 50);
create table entries (entry_id bigint primary key generated always as identity, payment_id uuid not null unique,
    posted_at timestamptz not null);
create table postings (account_id int not null, account_seq bigint not null, entry_id bigint not null,
    amount bigint not null, balance_after bigint not null, primary key (account_id, account_seq));
create function pay(p uuid, d uuid, debit int, credit int, cents bigint, ref text) returns text language plpgsql as $$
declare entry bigint; low record; high record; paid record; got record;
begin
    select * into low from balances where account_id = least(debit, credit) for update;
    select * into high from balances where account_id = greatest(debit, credit) for update;
    if debit < credit then paid := low; got := high; else paid := high; got := low; end if;
    insert into claims values (debit || '|' || ref, p);
    if paid.balance < cents then
        insert into inbox values (p, d, clock_timestamp(), 'REJECTED', debit, credit, cents, ref);
        return 'REJECTED';
    end if;
    insert into inbox values (p, d, clock_timestamp(), 'SETTLED', debit, credit, cents, ref);
    insert into entries (payment_id, posted_at) values (p, clock_timestamp()) returning entry_id into entry;
    insert into postings values (debit, paid.seq + 1, entry, -cents, paid.balance - cents),
                                (credit, got.seq + 1, entry, cents, got.balance + cents);
    update balances set balance = paid.balance - cents, seq = paid.seq + 1 where account_id = debit;
    update balances set balance = got.balance + cents, seq = got.seq + 1 where account_id = credit;
    return 'SETTLED';
end $$;
"""
_CHECK = """
    select (select sum(balance) from balances) = %s
       and (select count(*) from entries) * 2 = (select count(*) from postings)
       and (select count(*) from inbox) = (select count(*) from claims)
       and not exists (select 1 from balances b join (select account_id, sum(amount) as posted, count(*) as times
            from postings group by 1) p using (account_id) where b.balance <> %s + posted or b.seq <> times)
"""


class Job(msgspec.Struct, frozen=True):
    """What one client does."""

    url: str
    way: str
    seconds: float
    seed: int


class Done(msgspec.Struct, frozen=True):
    """What one client did."""

    payments: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Naive:
    """Payments a second by way."""

    ways: dict[str, float]
    seconds: float

    @property
    def best(self) -> float:
        """The best of them."""
        return max(self.ways.values())

    def figure(self, bench: str) -> Figure:
        """The row."""
        each = ", ".join(f"{way} {rate:,.0f}/s" for way, rate in self.ways.items())
        conditions = (
            f"best of: {each}; {self.seconds:g} s each; {BANKS} accounts by Zipf 1.1 on both sides; same Postgres"
            " settings; inbox, claim, entry, two postings, two balances a payment; no Kafka, parsing, screening,"
            " archive or answers; books checked after each"
        )
        case = NAIVE if bench == "pipeline" else "naive"
        return Figure(
            bench=bench, case=case, value=round(self.best), unit="payments/s", better="higher", conditions=conditions
        )


def pay_by_statements(connection: psycopg.Connection[Any], debit: int, credit: int, cents: int, ref: str) -> None:
    """One transaction, statement by statement."""
    payment, digest = uuid.uuid4(), uuid.uuid4()
    with connection.transaction():
        rows = connection.execute(
            "select account_id, balance, seq from balances where account_id in (%s, %s) order by account_id for update",
            (debit, credit),
        ).fetchall()
        found = {row[0]: row for row in rows}
        (_, paid, paid_seq), (_, got, got_seq) = found[debit], found[credit]
        state = "SETTLED" if paid >= cents else "REJECTED"
        connection.execute(
            "insert into inbox values (%s, %s, clock_timestamp(), %s, %s, %s, %s, %s)",
            (payment, digest, state, debit, credit, cents, ref),
        )
        connection.execute("insert into claims values (%s, %s)", (f"{debit}|{ref}", payment))
        if state == "REJECTED":
            return
        row = connection.execute(
            "insert into entries (payment_id, posted_at) values (%s, clock_timestamp()) returning entry_id", (payment,)
        ).fetchone()
        assert row is not None
        connection.execute(
            "insert into postings values (%s, %s, %s, %s, %s), (%s, %s, %s, %s, %s)",
            (debit, paid_seq + 1, row[0], -cents, paid - cents, credit, got_seq + 1, row[0], cents, got + cents),
        )
        move = "update balances set balance = %s, seq = %s where account_id = %s"
        connection.execute(move, (paid - cents, paid_seq + 1, debit))
        connection.execute(move, (got + cents, got_seq + 1, credit))


def pay_by_call(connection: psycopg.Connection[Any], debit: int, credit: int, cents: int, ref: str) -> None:
    """One transaction, one call."""
    connection.execute("select pay(%s, %s, %s, %s, %s, %s)", (uuid.uuid4(), uuid.uuid4(), debit, credit, cents, ref))


_PAY: dict[str, Callable[[psycopg.Connection[Any], int, int, int, str], None]] = {
    "statements": pay_by_statements,
    "call": pay_by_call,
}
#: Name of the way -> (what each client does, how many clients).
WAYS: dict[str, tuple[str, int]] = {
    "one connection": ("statements", 1),
    f"{CLIENTS} connections": ("statements", CLIENTS),
    f"one PL/pgSQL call a payment, {CLIENTS} connections": ("call", CLIENTS),
}


def client(job: Job) -> Done:
    """One client: pays until its time is up."""
    rng = random.Random(job.seed)
    zipf, pay = Zipf(BANKS, rng), _PAY[job.way]
    with psycopg.connect(job.url, autocommit=True, prepare_threshold=1) as connection:
        began = time.perf_counter()
        done = 0
        while (passed := time.perf_counter() - began) < job.seconds:
            debit, credit = zipf.pair()
            cents = 100 + int(rng.lognormvariate(12.2, 1.3))
            pay(connection, debit + 1, credit + 1, cents, f"{job.seed}-{done}")
            done += 1
    return Done(done, passed)


def measure(seconds: float, say: Say) -> Naive:
    """All ways, each on tables of its own; the books are checked after each."""
    rates: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="qenex-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres does not run as root, and passes through here
        with LocalStack(Path(folder) / "data", kafka=False, say=say) as stack:
            for number, (name, (way, clients)) in enumerate(WAYS.items()):
                say(f"naive: {name}, {seconds:g} s")
                rates[name] = _way(stack.new_database(f"naive{number}"), way, clients, seconds)
                say(f"naive: {name}: {rates[name]:,.0f}/s")
    return Naive(rates, seconds)


def _way(url: str, way: str, clients: int, seconds: float) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute("insert into balances select n, %s, 0 from generate_series(1, %s) n", (_OPENING, BANKS))
        found = _clients([Job(url, way, seconds, 1 + number) for number in range(clients)])
        row = connection.execute(_CHECK, (_OPENING * BANKS, _OPENING)).fetchone()
    if row is None or row[0] is not True:
        raise RuntimeError(f"the naive books do not balance ({way}, {clients} clients)")
    return sum(done.payments for done in found) / max(done.seconds for done in found)


def _clients(jobs: list[Job]) -> list[Done]:
    command = [sys.executable, "-P", "-m", "engine.bench.naive"]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for job in jobs:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
            running.append(process)
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(job))
            process.stdin.close()
        found = []
        for process in running:
            assert process.stdout is not None
            found.append(msgspec.json.decode(process.stdout.read(), type=Done))
            process.wait()
        return found
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()


def main() -> None:
    """Serve one job."""
    done = client(msgspec.json.decode(sys.stdin.buffer.read(), type=Job))
    sys.stdout.buffer.write(msgspec.json.encode(done))


if __name__ == "__main__":
    main()
