"""The audit finds each kind of violation that it claims to find, and nothing in a history without any."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from engine import audit, ids
from engine.stack.local import LocalStack
from engine.store import archive
from engine.store.audits import SQL_FOLDER
from engine.store.connection import Connection, connect
from ledger import migrate

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BOOK = "EUR-RTGS"
PAYER, PAYEE = "ALPHDEFFXXX", "BETAFRPPXXX"
MESSAGES = 11
INGEST, ROUTED, REJECTED = 1, 2, 3


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def body(offset: int) -> bytes:
    return f"message {offset} of the day".encode()


def digest(offset: int) -> str:
    return hashlib.sha256(body(offset)).digest()[:16].hex()


def payment(offset: int, index: int = 0) -> str:
    return ids.shown(ids.payment_id(INGEST, offset, index))


@dataclass(frozen=True)
class Decision:
    """A first decision: where it arrived, its state, and when."""

    offset: int
    state: str
    minute: int
    debit: str | None = None
    credit: str | None = None
    amount: int | None = None
    writer: str = BOOK
    index: int = 0
    payments: int = 1
    reason: str | None = None


DECISIONS = (
    Decision(0, "SETTLED", 2, PAYER, PAYEE, 30_000),
    Decision(1, "QUEUED", 3, PAYER, PAYEE, 90_000),  # settles in minute 5 with what arrived then
    Decision(2, "SETTLED", 5, PAYEE, PAYER, 60_000),
    Decision(3, "SETTLED", 5, PAYER, PAYEE, 1_000),
    Decision(4, "REJECTED", 6, writer="recorder", reason="T26"),
    Decision(5, "HELD", 6, writer="recorder"),
    Decision(6, "DUPLICATE", 7, PAYER, PAYEE, 30_000),
    Decision(7, "PARSED", 7, writer="recorder"),
    Decision(8, "REJECTED", 8, PAYEE, PAYER, 5, index=0, payments=2, reason="AM02"),
    Decision(8, "REJECTED", 8, PAYEE, PAYER, 6, index=1, payments=2, reason="AM02"),
    Decision(10, "QUEUED", 9, PAYER, PAYEE, 500_000),
)
#: (entry, payment's offset, minute, debit account, credit account, amount); 2 is the payer's account, 3 the payee's.
#: Entry 4 takes the payer below zero; entry 5 of the same commit brings him back: they settle together.
ENTRIES = (
    (1, None, 0, 1, 2, 100_000),
    (2, None, 1, 1, 3, 50_000),
    (3, 0, 2, 2, 3, 30_000),
    (4, 1, 5, 2, 3, 90_000),
    (5, 2, 5, 3, 2, 60_000),
    (6, 3, 5, 2, 3, 1_000),
)


@pytest.fixture(scope="module")
def history(services: LocalStack) -> Iterator[Connection]:
    """A database with a morning's history; tests change it in transactions that are rolled back."""
    with connect(services.new_database("audit"), "owner") as connection:
        migrate.apply(connection)
        fill(connection)
        yield connection


def fill(connection: Connection) -> None:
    """Every kind of record that the audit looks at."""
    run = connection.execute
    for number, topic in ((INGEST, "ingest.swift-mt"), (ROUTED, "payments.routed"), (REJECTED, "payments.rejected")):
        run("insert into engine.sources (cluster_id, topic_id, topic, partition) values ('c', %s, %s, 0)",
            (str(number), topic))  # fmt: skip
    for writer, number, source, position in ((BOOK, 1, ROUTED, 11), ("recorder", 1001, REJECTED, 11),
                                             ("archiver", 1002, INGEST, MESSAGES)):  # fmt: skip
        run("insert into engine.leases (writer, writer_no, epoch) values (%s, %s, 3)", (writer, number))
        run("insert into engine.positions values (%s, %s, %s, 3)", (writer, source, position))
    fill_ledger(connection)
    for decision in DECISIONS:
        fill_decision(connection, decision)
    run("insert into engine.transitions values (%s, 1, 'SETTLED', null, 'settled together with others', %s)",
        (payment(1), at(5)))  # fmt: skip
    fill_outcomes(connection)
    run("insert into engine.waiting (payment_id, writer, state, arrival, envelope)"
        " values (%s, %s, 'QUEUED', 10, '{}')", (payment(10), BOOK))  # fmt: skip
    run("insert into engine.cases (payment_id, attempt, kind, opened_at, summary, hits, envelope)"
        " values (%s, 0, 'screening', %s, 'a name', '[]', '{}')", (payment(5), at(6)))  # fmt: skip
    run("insert into engine.claims values ('ALPHDEFFXXX|20|2026|A', %s, %s, %s)", (payment(0), digest(0), at(2)))
    fill_archive(connection)


def fill_ledger(connection: Connection) -> None:
    run = connection.execute
    balances = {1: 0, 2: 0, 3: 0}
    seqs = dict.fromkeys(balances, 0)
    for number, participant, purpose in (
        (1, "LIQUIDITY", "contra"),
        (2, PAYER, "settlement"),
        (3, PAYEE, "settlement"),
    ):
        run(
            "insert into ledger.accounts values (%s, %s, %s, %s, 'EUR', %s)",
            (number, BOOK, participant, purpose, at(0)),
        )
    for minute, participant, amount in ((0, PAYER, 100_000), (1, PAYEE, 50_000)):
        run(
            "insert into engine.commands values (gen_random_uuid(), %s, 'open-account', jsonb_build_object("
            "'participant', %s::text, 'opening_balance', %s::int, 'credit_line', 0), 'anna', 'opened', true, 0, %s)",
            (BOOK, participant, amount, at(minute)),
        )
    for entry, offset, minute, debit, credit, amount in ENTRIES:
        of, kind = (None, "opening") if offset is None else (payment(offset), "credit-transfer")
        run(
            "insert into ledger.entries values (%s, %s, %s, %s, %s, %s)",
            (entry, of, BOOK, kind, date(2026, 11, 23), at(minute)),
        )
        rows = []
        for account, moved in ((debit, -amount), (credit, amount)):
            balances[account] += moved
            seqs[account] += 1
            rows += [account, seqs[account], entry, moved, balances[account]]
        run("insert into ledger.postings values (%s, %s, %s, %s, %s), (%s, %s, %s, %s, %s)", rows)
    for account, balance in balances.items():
        run("insert into ledger.balances values (%s, %s, %s, %s)",
            (account, balance, None if account == 1 else 0, seqs[account]))  # fmt: skip


def fill_decision(connection: Connection, decision: Decision) -> None:
    connection.execute(
        "insert into engine.inbox (payment_id, attempt, payments, digest, received_at, decided_at, routed_partition,"
        " routed_offset, versions, amount, state, writer, debit, credit, currency, sender, scheme, reason)"
        " values (%s, 0, %s, %s, %s, %s, 0, %s, 1, %s, %s, %s, %s, %s, 'EUR', %s, 'EUR-RTGS', %s)",
        (
            payment(decision.offset, decision.index), decision.payments, digest(decision.offset), at(decision.minute),
            at(decision.minute), decision.offset, decision.amount, decision.state, decision.writer, decision.debit,
            decision.credit, decision.debit, decision.reason,
        ),
    )  # fmt: skip


def fill_outcomes(connection: Connection) -> None:
    """Each final payment's outcome, with two answers for what settled and one for the rest."""
    seqs = {1: 1, 1001: 1}
    for decision in DECISIONS:
        final = "SETTLED" if decision.offset == 1 else decision.state
        writer = 1001 if decision.writer == "recorder" else 1
        recipients = [PAYER, PAYEE] if final == "SETTLED" else [PAYER]
        if final in ("QUEUED", "HELD"):
            continue
        key, first = payment(decision.offset, decision.index), seqs[writer]
        connection.execute(
            "insert into engine.outcomes values (%s, %s, %s, %s, %s, %s, %s)",
            (key, at(decision.minute), first, len(recipients), writer, final,
             payment(0) if final == "DUPLICATE" else None),
        )  # fmt: skip
        for recipient in recipients:
            connection.execute(
                "insert into engine.outbox values (%s, %s, %s, %s, %s, 'MT900', 'x')",
                (writer, seqs[writer], key, at(decision.minute), recipient),
            )
            seqs[writer] += 1
    for writer, seq in seqs.items():
        connection.execute("insert into engine.relays values (%s, %s)", (writer, seq - 1))


def fill_archive(connection: Connection) -> None:
    """Two ranges; offset 9 is a gap that the topic itself has."""
    for first, after in ((0, 6), (6, MESSAGES)):
        messages = tuple(
            archive.Received(offset, int(at(1).timestamp() * 1000), body(offset))
            for offset in range(first, after)
            if offset != 9
        )
        connection.execute(archive.INSERT, archive.Range(INGEST, first, after, date(2026, 11, 23), messages).row())
    connection.execute("insert into engine.archived values (%s, %s)", (INGEST, MESSAGES))
    connection.execute("insert into engine.progress values (%s, %s)", (INGEST, MESSAGES))


def audited(connection: Connection, settled_before: datetime | None = None) -> dict[str, audit.Verdict]:
    found = audit.checks(connection, settled_before or at(60))
    return {verdict.check: verdict for verdict in found}


def without_guards(connection: Connection) -> None:
    """What an insider with the owner's password would do first."""
    tables = connection.execute("select schemaname, tablename from pg_tables where schemaname in ('ledger', 'engine')")
    for schema, table in tables.fetchall():
        connection.execute(psycopg.sql.SQL("alter table {}.{} disable trigger user").format(
            psycopg.sql.Identifier(schema), psycopg.sql.Identifier(table)))  # fmt: skip


#: Check -> what is done to history that it has to find. ``{n}`` is the id of payment n.
PLANTED: dict[str, tuple[str, ...]] = {
    "I1-entries-sum-to-zero": (
        "update ledger.postings set amount = amount + 1 where account_id = 3 and account_seq = 2",
        "delete from ledger.postings where entry_id = 6",
        "delete from ledger.entries where entry_id = 6",
        "update ledger.accounts set book = 'EUR-INST' where account_id = 3",
    ),
    "I1-totals": (
        "update ledger.balances set balance = balance + 1 where account_id = 3",
        "update ledger.postings set amount = amount + 1 where account_id = 3 and account_seq = 2",
    ),
    "I2-running-balances": (
        "update ledger.postings set balance_after = balance_after + 1 where account_id = 2 and account_seq = 2",
        "update ledger.postings set account_seq = 99 where account_id = 2 and account_seq = 4",
    ),
    "I2-balances": (
        "update ledger.balances set balance = balance + 1 where account_id = 2",
        "update ledger.balances set seq = seq + 1 where account_id = 2",
        "delete from ledger.balances where account_id = 2",
    ),
    "I3-one-entry-a-payment": (
        "drop index ledger.one_entry_a_payment; update ledger.entries set payment_id = '{0}' where entry_id = 4",
        "delete from ledger.entries where entry_id = 3",
        "delete from engine.outcomes where payment_id = '{0}'",
        "delete from engine.commands where arguments ->> 'participant' = 'ALPHDEFFXXX'",
    ),
    "I3-entries-match-payments": (
        "update engine.inbox set amount = 29999 where payment_id = '{0}'",
        "update engine.inbox set credit = 'GAMMITMMXXX' where payment_id = '{0}'",
        "update ledger.entries set payment_id = gen_random_uuid() where entry_id = 3",
    ),
    "I4-archived-and-decided": (
        "delete from engine.inbox where payment_id = '{4}'",
        "delete from engine.archive where first_offset = 6",
        "update engine.inbox set digest = gen_random_uuid() where payment_id = '{4}'",
        "update engine.inbox set payments = 2 where payment_id = '{4}'",
        "update engine.archive set first_offset = 7 where first_offset = 6",
        "update engine.archived set next_offset = 12",
        "update engine.progress set done_through = 12",
    ),
    "I4-archived-bytes": (
        "update engine.archive set body = overlay(body placing '\\xff'::bytea from 12)",
        "update engine.archive set digests = overlay(digests placing '\\x00000000'::bytea from 1)",
        "update engine.archive set sizes = overlay(sizes placing '\\x05'::bytea from 1)",
        "update engine.archive set offsets = substr(offsets, 9)",
    ),
    "I5-one-outcome": (
        "delete from engine.outcomes where payment_id = '{0}'",
        "update engine.outcomes set state = 'REJECTED' where payment_id = '{0}'",
        "alter table engine.outcomes drop constraint outcomes_pkey; "
        "insert into engine.outcomes select * from engine.outcomes",
        "insert into engine.outcomes values (gen_random_uuid(), now(), 1, 0, 1, 'SETTLED', null)",
        "update engine.outcomes set duplicate_of = gen_random_uuid() where state = 'DUPLICATE'",
    ),
    "I5-waiting": (
        "delete from engine.waiting",
        "delete from engine.cases",
        "update engine.waiting set state = 'WAREHOUSED'",
        "update engine.waiting set payment_id = '{0}'",
        "update engine.waiting set payment_id = gen_random_uuid()",
    ),
    "I5-lawful-transitions": (
        "insert into engine.transitions values ('{0}', 1, 'CANCELLED', null, 'x', now())",
        "update engine.transitions set step = 2",
        "update engine.inbox set attempt = 1 where payment_id = '{4}'",
        "update engine.inbox set state = 'CANCELLED' where payment_id = '{4}'",
    ),
    "I6-credit-lines": (
        "alter table ledger.balances drop constraint within_credit_line; "
        "update ledger.balances set balance = -1 where account_id = 2",
        "update ledger.postings set balance_after = -1 where account_id = 2 and account_seq = 2",
        "update ledger.entries set posted_at = posted_at - interval '1 second' where entry_id = 4",
    ),
    "I7-queue-order": (
        "update engine.inbox set decided_at = decided_at - interval '1 minute' where payment_id = '{3}'",
    ),
    "I10-answers": (
        "delete from engine.outbox where payment_id = '{0}' and recipient = 'BETAFRPPXXX'",
        "update engine.outbox set recipient = 'ALPHDEFFXXX' where payment_id = '{0}'",
        "update engine.outbox set payment_id = gen_random_uuid() where writer_no = 1001 and seq = 1",
        "insert into engine.outbox values (1, 500, '{0}', now(), 'ALPHDEFFXXX', 'MT900', 'x')",
    ),
    "I10-relays": ("update engine.relays set published_seq = published_seq + 1",),
    "claims": ("insert into engine.claims values ('x', gen_random_uuid(), gen_random_uuid(), '2026-11-23 09:00+00')",),
    "positions": (
        "update engine.positions set next_offset = 5 where writer = 'EUR-RTGS'",
        "update engine.positions set epoch = 4",
    ),
    "guards": (
        "alter table engine.outcomes disable trigger append_only",
        "drop index ledger.one_entry_a_payment",
        "alter table ledger.balances drop constraint within_credit_line",
    ),
}
_DEEDS = [(check, deed) for check, deeds in PLANTED.items() for deed in deeds]


def test_a_sound_history_passes_every_check_and_each_has_looked_at_something(history: Connection) -> None:
    with history.transaction(force_rollback=True):
        verdicts = audited(history)
    assert {name: verdict.detail for name, verdict in verdicts.items() if not verdict.ok} == {}
    assert [name for name, verdict in verdicts.items() if verdict.examined == 0] == []
    assert tuple(verdicts) == audit.names()


@pytest.mark.parametrize(("check", "deed"), _DEEDS, ids=[f"{check}-{n}" for n, (check, _) in enumerate(_DEEDS)])
def test_a_planted_violation_is_found(history: Connection, check: str, deed: str) -> None:
    with history.transaction(force_rollback=True):
        if check != "guards":
            without_guards(history)
        history.execute(deed.format(*(payment(offset) for offset in range(MESSAGES))))
        verdict = audited(history)[check]
    assert not verdict.ok
    assert verdict.violations > 0


def test_every_check_has_a_planted_violation() -> None:
    assert set(PLANTED) == set(audit.names())


def test_every_file_of_the_audit_is_run() -> None:
    there = {item.name.removesuffix(".sql") for item in SQL_FOLDER.iterdir() if item.name.endswith(".sql")}
    assert there == {name for _, name in audit.SQL_CHECKS}


def test_what_arrived_a_moment_ago_is_in_flight_and_no_violation(history: Connection) -> None:
    with history.transaction(force_rollback=True):
        without_guards(history)
        history.execute("delete from engine.inbox where payment_id = %s", (payment(4),))
        history.execute("update engine.progress set done_through = 4")
        verdict = audited(history, settled_before=at(0))[audit.ARCHIVED_AND_DECIDED]
    assert verdict.ok
    assert "1 messages are in flight" in verdict.detail


def test_an_operators_command_explains_a_changed_order(history: Connection) -> None:
    with history.transaction(force_rollback=True):
        without_guards(history)
        history.execute("update engine.inbox set decided_at = %s where payment_id = %s", (at(4), payment(3)))
        assert not audited(history)["I7-queue-order"].ok
        history.execute(
            "insert into engine.commands values (gen_random_uuid(), %s, 'move', jsonb_build_object('payment_id',"
            " %s::text, 'to', 'head'), 'anna', 'moved', true, 0, %s)",
            (BOOK, payment(3), at(4)),
        )
        assert audited(history)["I7-queue-order"].ok


def test_a_credit_line_counts_as_it_was_at_the_time(history: Connection) -> None:
    with history.transaction(force_rollback=True):
        without_guards(history)
        history.execute("update ledger.entries set posted_at = %s where entry_id = 4", (at(4),))
        assert not audited(history)["I6-credit-lines"].ok
        for minute, line in ((3, 20_000), (6, 0)):
            history.execute(
                "insert into engine.commands values (gen_random_uuid(), %s, 'set-credit-line', jsonb_build_object("
                "'participant', %s::text, 'credit_line', %s::int), 'anna', 'set', true, 0, %s)",
                (BOOK, PAYER, line, at(minute)),
            )
        assert audited(history)["I6-credit-lines"].ok


def test_the_audit_runs_as_a_reader_and_sees_one_moment(history: Connection, services: LocalStack) -> None:
    with connect(_url(history, services), "qenex_reader") as reader:
        assert [verdict.check for verdict in audit.run(reader)] == list(audit.names())


def _url(history: Connection, services: LocalStack) -> str:
    assert services.postgres is not None
    return services.postgres.rsplit("/", 1)[0] + "/" + history.info.dbname
