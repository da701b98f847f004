"""One contract, two stores: the twin in memory and the real Postgres do the same, lost connections included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from engine import ids
from engine.bus.record import Record
from engine.bus.topics import RELEASED
from engine.compliance.cases import CaseRuleError, Operator
from engine.processors.batch import Answer, Batch, Place, Waiting
from engine.store import archive, books, cases, commands, commit, crashes, leases, operators, outbox, sources, versions
from engine.store.archive import Range, Received
from engine.store.commit import AlreadyDecidedError, Changes
from engine.store.connection import Connection, connect
from engine.store.leases import Lease, LeaseLostError
from engine.store.memory import MemoryConnection, MemoryPostgres, UnknownStatementError
from engine.wire import Envelope, Route, decode
from ledger import Account, Ledger, migrate, store
from payments import Money, Payment, PaymentKind
from settlement.lifecycle import State

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
ALBA, BORA = "ALBADEFFXXX", "BORAFRPPXXX"


class Memory:
    """The twin; its clock is moved by hand."""

    def __init__(self) -> None:
        self.now = NOW
        self.server = MemoryPostgres(lambda: self.now)
        self.sessions: dict[int, MemoryConnection] = {}

    def connect(self) -> Connection:
        session = self.server.connect()
        self.sessions[id(session)] = session
        return session.port

    def end(self, connection: Connection) -> None:
        self.sessions[id(connection)].lose()

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Real:
    """Postgres; time passes by what leases say of it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.owner = connect(address, "owner")
        migrate.apply(self.owner)
        self.sessions: list[Connection] = []

    def connect(self) -> Connection:
        session = connect(self.address, "qenex_writer")
        self.sessions.append(session)
        return session

    def end(self, connection: Connection) -> None:
        backend = connection.info.backend_pid
        self.owner.execute("select pg_terminate_backend(%s)", (backend,))
        for _ in range(500):
            if self.owner.execute("select 1 from pg_stat_activity where pid = %s", (backend,)).fetchone() is None:
                return
            time.sleep(0.01)

    def wait(self, seconds: float) -> None:
        self.owner.execute("update engine.leases set expires_at = expires_at - make_interval(secs => %s)", (seconds,))


Server = Memory | Real


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.integration)])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "memory":
        yield Memory()
        return
    real = Real(request.getfixturevalue("database"))
    yield real
    for session in (*real.sessions, real.owner):
        session.close()


@pytest.fixture
def db(server: Server) -> Connection:
    return server.connect()


def owned(db: Connection, writer: str = "EUR-RTGS", number: int = 1, offsets: int = 2) -> tuple[Lease, list[int]]:
    """A writer's lease, and the sources of its positions."""
    leases.register(db, writer, number)
    lease = leases.take(db, writer, "here/1")
    assert lease is not None
    found = [sources.source_of(db, "c", "00000000-0000-0000-0000-00000000000a", "t", n) for n in range(offsets)]
    for source in found:
        commit.add_position(db, lease, source)
    return lease, found


def envelope(source: int, offset: int, index: int = 0, **changes: object) -> Envelope:
    payment = Payment(index=index, kind=PaymentKind.CREDIT_TRANSFER, amount=Money(100, "EUR"))
    given = {
        "count": 1, "received_ms": 1_795_510_800_000, "digest": "0f" * 16, "state": "CLEARED", "format": "swift-mt",
        "type": "MT103", "sender": ALBA, "payment": payment, "route": Route("EUR-RTGS", ALBA, BORA, 1), **changes,
    }  # fmt: skip
    return Envelope(source=source, offset=offset, index=index, **given)  # type: ignore[arg-type]


def batch(next_seq: int = 1, now: datetime = NOW) -> Batch:
    return Batch("EUR-RTGS", 1, next_seq, now)


def settled(source: int, offset: int, next_seq: int = 1, move: tuple[int, int, int] | None = None) -> Batch:
    """A batch with one settled payment and an answer."""
    made = batch(next_seq)
    made.decide(
        envelope(source, offset), Place(0, offset), State.SETTLED,
        answers=[Answer(ALBA, "ACK", b"ack"), Answer(BORA, "MT103", b"bytes")],
    )  # fmt: skip
    made.claim(f"claim {offset}", "ab" * 16, ids.payment_id(source, offset, 0))
    made.changes.positions = [move] if move is not None else []
    return made


# -- leases ------------------------------------------------------------------------------------------------------------


def test_one_owner_until_he_gives_up(server: Server, db: Connection) -> None:
    lease, _ = owned(db)
    other = server.connect()
    assert (lease.writer_no, lease.epoch) == (1, 1)
    assert leases.free(other, ["EUR-RTGS"], "there/1") == []
    assert leases.take(other, "EUR-RTGS", "there/1") is None
    assert leases.take(other, "nobody", "there/1") is None
    leases.renew(db, lease)
    leases.give_up(db, lease)
    assert leases.free(other, ["EUR-RTGS"], "there/1") == ["EUR-RTGS"]
    taken = leases.take(other, "EUR-RTGS", "there/1")
    assert taken is not None
    assert taken.epoch == 2
    with pytest.raises(LeaseLostError):
        leases.renew(db, lease)


def test_who_takes_over_is_told_whether_the_owner_had_finished(server: Server, db: Connection) -> None:
    lease, _ = owned(db)
    assert not lease.handed_over
    for owner, finished in (("there/1", True), ("yonder/1", False), ("here/2", True)):
        leases.give_up(db, lease, finished=finished)
        taken = leases.take(db, "EUR-RTGS", owner)
        assert taken is not None
        assert taken.handed_over == finished
        lease = taken
    leases.give_up(db, lease, finished=True)
    there = leases.take(db, "EUR-RTGS", "there/2")
    assert there is not None
    again = leases.take(db, "EUR-RTGS", "there/2")  # it died before it had done anything, and came back
    assert again is not None
    assert not again.handed_over


def test_a_silent_owner_loses_it_when_it_expires_and_a_dead_one_at_once(server: Server, db: Connection) -> None:
    owned(db)
    other, third = server.connect(), server.connect()
    server.wait(leases.LEASE_SECONDS + 1)
    second = leases.take(other, "EUR-RTGS", "there/1")
    assert second is not None
    assert leases.take(third, "EUR-RTGS", "yonder/1") is None
    server.end(other)
    assert leases.free(third, ["EUR-RTGS"], "yonder/1") == ["EUR-RTGS"]
    taken = leases.take(third, "EUR-RTGS", "yonder/1")
    assert taken is not None
    assert taken.epoch == second.epoch + 1


def test_a_stale_owner_cannot_commit(server: Server, db: Connection) -> None:
    lease, (source, _) = owned(db)
    server.wait(leases.LEASE_SECONDS + 1)
    assert leases.take(server.connect(), "EUR-RTGS", "there/1") is not None
    for positions in ([(source, 0, 1)], []):
        changes = Changes(positions=positions)
        with pytest.raises(LeaseLostError):
            commit.commit(db, lease, changes)
    assert commit.positions(db, "EUR-RTGS")[source] == 0


def test_a_stale_owner_that_collides_has_lost_its_lease(server: Server, db: Connection) -> None:
    lease, (source, _) = owned(db)
    server.wait(leases.LEASE_SECONDS + 1)
    other = server.connect()
    newer = leases.take(other, "EUR-RTGS", "there/1")
    assert newer is not None
    commit.commit(other, newer, settled(source, 0, move=(source, 0, 1)).changes)
    with pytest.raises(LeaseLostError):
        commit.commit(db, lease, settled(source, 0, move=(source, 0, 1)).changes)


# -- a commit ----------------------------------------------------------------------------------------------------------


def test_a_position_moves_from_where_it_was_and_nowhere_else(db: Connection) -> None:
    lease, (first, second) = owned(db)
    commit.commit(db, lease, Changes(positions=[(first, 0, 5), (second, 0, 2)]))
    with pytest.raises(LeaseLostError):
        commit.commit(db, lease, Changes(positions=[(first, 0, 6), (second, 2, 3)]))
    assert commit.positions(db, "EUR-RTGS") == {first: 5, second: 2}


def test_a_second_decision_changes_nothing(db: Connection) -> None:
    lease, (source, _) = owned(db)
    payment = ids.payment_id(source, 0, 0)
    commit.commit(db, lease, settled(source, 0, move=(source, 0, 1)).changes)
    again = settled(source, 0, next_seq=3, move=(source, 1, 2))
    with pytest.raises(AlreadyDecidedError):
        commit.commit(db, lease, again.changes)
    assert commit.positions(db, "EUR-RTGS")[source] == 1
    assert outbox.last_seq(db, 1) == 2
    assert commit.decided(db, [(payment, 0), (payment, 1)]) == {(payment, 0): bytes.fromhex("0f" * 16)}
    assert commit.claimed(db, ["claim 0", "claim 1"]) == {"claim 0": (payment, bytes.fromhex("ab" * 16))}


@pytest.mark.parametrize("what", ["outcomes", "claims", "outbox", "transitions"])
def test_each_of_these_is_there_once(db: Connection, what: str) -> None:
    lease, (source, _) = owned(db)
    made = settled(source, 0, move=(source, 0, 1))
    made.move(Waiting(envelope(source, 7), State.QUEUED, 7, 1), State.SETTLED, "released")
    commit.commit(db, lease, made.changes)
    rows = {what: getattr(made.changes, what)[-1:]}
    with pytest.raises(AlreadyDecidedError):
        commit.commit(db, lease, Changes(**rows, positions=[(source, 1, 2)]))
    assert commit.positions(db, "EUR-RTGS")[source] == 1


def test_a_connection_lost_inside_leaves_nothing(server: Server, db: Connection) -> None:
    lease, (source, _) = owned(db)
    with pytest.raises(psycopg.OperationalError):
        commit.commit(db, lease, settled(source, 0, move=(source, 0, 1)).changes, lambda _: server.end(db))
    with pytest.raises(psycopg.OperationalError):
        commit.positions(db, "EUR-RTGS")
    assert db.closed
    other = server.connect()
    assert commit.positions(other, "EUR-RTGS") == {source: 0, source + 1: 0}
    assert commit.decided(other, [(ids.payment_id(source, 0, 0), 0)]) == {}
    assert outbox.last_seq(other, 1) == 0


def test_a_connection_lost_after_the_commit_leaves_everything(server: Server, db: Connection) -> None:
    lease, (source, _) = owned(db)
    commit.commit(db, lease, settled(source, 0, move=(source, 0, 1)).changes)
    server.end(db)
    other = server.connect()
    taken = leases.take(other, "EUR-RTGS", "there/1")
    assert taken is not None
    assert commit.positions(other, "EUR-RTGS")[source] == 1
    with pytest.raises(AlreadyDecidedError):
        commit.commit(other, taken, settled(source, 0, 3, (source, 1, 2)).changes)
    commit.commit(other, taken, settled(source, 1, 3, (source, 1, 2)).changes)
    assert outbox.last_seq(other, 1) == 4


def test_an_error_in_the_work_leaves_nothing(db: Connection) -> None:
    lease, (source, _) = owned(db)

    def fail(_: object) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        commit.commit(db, lease, settled(source, 0, move=(source, 0, 1)).changes, fail)
    assert commit.decided(db, [(ids.payment_id(source, 0, 0), 0)]) == {}
    commit.commit(db, lease, settled(source, 0, move=(source, 0, 1)).changes)


# -- the ledger --------------------------------------------------------------------------------------------------------


def posting(db: Connection, lease: Lease, ledger: Ledger, *moves: tuple[bytes | None, int, int, int]) -> None:
    """Post and commit: (payment, debit, credit, amount)."""
    entries, postings = ledger.post(
        (payment, "payment", debit, credit, amount) for payment, debit, credit, amount in moves
    )
    moved = ledger.changed()

    def write(cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
        store.append(cursor, "EUR-RTGS", date(2026, 11, 24), NOW, entries, postings)
        store.move_balances(cursor, moved)

    commit.commit(db, lease, Changes(), write)
    ledger.committed()


def opened(db: Connection, lease: Lease) -> Ledger:
    """Two accounts: a contra account and one with a credit line of 50."""
    with db.cursor() as cursor:
        first = store.next_account_number(cursor)
    made = [
        Account(first, "LIQUIDITY", "contra", "EUR", 0, None, 0),
        Account(first + 1, ALBA, "settlement", "EUR", 0, 50, 0),
    ]
    changes = Changes()
    for account in made:
        changes.statements.extend(store.opening("EUR-RTGS", account, NOW))
    commit.commit(db, lease, changes)
    with db.cursor() as cursor:
        assert store.load_accounts(cursor, "EUR-RTGS") == made
        assert store.load_accounts(cursor, "USD-ACH") == []
        assert store.next_account_number(cursor) == first + 2
    return Ledger(made, 1)


def test_balances_move_from_where_they_were(db: Connection) -> None:
    lease, (source, _) = owned(db)
    ledger = opened(db, lease)
    contra, alba = sorted(ledger.accounts)
    posting(db, lease, ledger, (None, contra, alba, 70), (ids.payment_id(source, 0, 0), alba, contra, 100))
    with db.cursor() as cursor:
        loaded = store.load_accounts(cursor, "EUR-RTGS")
    assert [(account.balance, account.seq, account.credit_line) for account in loaded] == [(30, 2, None), (-30, 2, 50)]
    assert books.next_entry(db, 0) == 3
    assert books.used_today(db, 0, 1) == [(alba, contra, 100)]
    assert books.used_today(db, 0, 3) == []
    loaded[1].seq = 1  # what another writer believed
    stale = Ledger(loaded, 3)
    with pytest.raises((store.StaleWriterError, AlreadyDecidedError)):
        posting(db, lease, stale, (None, contra, alba, 1))
    with pytest.raises(AlreadyDecidedError):
        posting(db, lease, Ledger(loaded, 9), (ids.payment_id(source, 0, 0), contra, alba, 1))


def test_no_balance_goes_below_its_line(db: Connection) -> None:
    lease, _ = owned(db)
    ledger = opened(db, lease)
    contra, alba = sorted(ledger.accounts)
    for account in ledger.accounts.values():
        account.credit_line = 500  # memory believes what the table does not
    entries, postings = ledger.post([(None, "payment", alba, contra, 51)])
    moved = ledger.changed()
    for account in ledger.accounts.values():
        account.credit_line = 50 if account.number == alba else None

    def write(cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
        store.append(cursor, "EUR-RTGS", date(2026, 11, 24), NOW, entries, postings)
        store.move_balances(cursor, moved)

    with pytest.raises(psycopg.errors.CheckViolation):
        commit.commit(db, lease, Changes(), write)
    with db.cursor() as cursor:
        assert [account.balance for account in store.load_accounts(cursor, "EUR-RTGS")] == [0, 0]


def test_postings_that_do_not_sum_to_zero_are_refused(db: Connection) -> None:
    lease, _ = owned(db)
    ledger = opened(db, lease)
    contra, alba = sorted(ledger.accounts)
    entries, postings = ledger.post([(None, "payment", contra, alba, 10)])
    broken = [postings[0], postings[1]._replace(amount=11, balance_after=11)]
    with pytest.raises(psycopg.errors.CheckViolation):
        commit.commit(
            db, lease, Changes(), lambda cursor: store.append(cursor, "EUR-RTGS", NOW.date(), NOW, entries, broken)
        )


# -- books, commands ---------------------------------------------------------------------------------------------------


def test_a_book_opens_once_and_is_saved(db: Connection) -> None:
    lease, _ = owned(db)
    row = books.load(db, "EUR-RTGS", 0, "EUR", date(2026, 11, 24))
    assert (row.business_date, row.phase, row.stopped, row.day_from) == (date(2026, 11, 24), "open", False, 1)
    row.phase, row.stopped, row.day_from = "closed", True, 17
    commit.commit(db, lease, Changes(statements=[books.save(row)]))
    assert books.load(db, "EUR-RTGS", 0, "EUR", date(2027, 1, 1)) == row
    assert books.next_entry(db, 0) == books.first_entry(0)


def test_what_waits_comes_back_in_order_with_its_next_step(db: Connection) -> None:
    lease, (source, _) = owned(db)
    made = batch()
    late = Waiting(envelope(source, 9), State.WAREHOUSED, 9, 1, until=date(2026, 11, 30))
    early = Waiting(envelope(source, 4), State.QUEUED, 4, 1, position=4 << 20)
    gone = Waiting(envelope(source, 5), State.QUEUED, 5, 1, position=5 << 20)
    for one in (late, early, gone):
        made.wait(one)
    commit.commit(db, lease, made.changes)
    second = batch()
    second.move(late, State.QUEUED, "its value date has come")
    late.position, late.until = -3, None
    for one in (late, gone):
        second.no_longer_waiting(one.envelope.payment_id)
    second.wait(late)
    second.changes.statements.append(books.keep_place(early.envelope, 77))
    commit.commit(db, lease, second.changes)
    found = books.waiting(db, "EUR-RTGS")
    assert [(row.arrival, row.state, row.position, row.until, row.step) for row in found] == [
        (4, "QUEUED", 77, None, 1), (9, "QUEUED", -3, None, 2)
    ]  # fmt: skip
    assert found[0].envelope == early.envelope
    assert books.waiting(db, "USD-ACH") == []


def test_a_command_has_one_result(db: Connection) -> None:
    lease, _ = owned(db)
    identity = "7a562c67-ca16-48ba-b074-65581be6f001"
    kept = commands.keep_result((identity, "EUR-RTGS", "stop", "anna"), {}, "stopped", True, 4, NOW)
    commit.commit(db, lease, Changes(statements=[kept]))
    assert commands.results(db, [identity]) == {identity: (True, "stopped")}
    with pytest.raises(AlreadyDecidedError):
        commit.commit(db, lease, Changes(statements=[kept]))


# -- outbox and relays -------------------------------------------------------------------------------------------------


def test_the_outbox_is_read_from_where_the_relay_is(db: Connection) -> None:
    lease, (source, _) = owned(db)
    commit.commit(db, lease, settled(source, 0, 1, (source, 0, 1)).changes)
    commit.commit(db, lease, settled(source, 1, 3, (source, 1, 2)).changes)
    assert outbox.place(db, 1)[0] == 0
    assert [posted.seq for posted, _ in outbox.unpublished(db, 1, 0)] == [1, 2, 3, 4]
    outbox.checkpoint(db, 1, 3)
    outbox.checkpoint(db, 1, 2)
    assert outbox.place(db, 1)[0] == 3
    ((posted, at),) = outbox.unpublished(db, 1, 3)
    assert (posted.seq, posted.answer, at) == (4, Answer(BORA, "MT103", b"bytes"), NOW)
    payment = ids.payment_id(source, 0, 0)
    assert outbox.first_answers(db, [payment, ids.payment_id(source, 9, 0)]) == {
        payment: [Answer(ALBA, "ACK", b"ack"), Answer(BORA, "MT103", b"bytes")]
    }
    assert outbox.unpublished(db, 2, 0) == []


def test_events_are_those_of_the_writer_since_the_moment(db: Connection) -> None:
    lease, (source, _) = owned(db)
    made = batch()
    waiting = Waiting(envelope(source, 0), State.QUEUED, 0, 1)
    made.decide(waiting.envelope, Place(0, 0), State.QUEUED)
    commit.commit(db, lease, made.changes)
    later = batch(now=NOW + timedelta(seconds=30))
    later.move(waiting, State.SETTLED, "released")
    commit.commit(db, lease, later.changes)
    assert [event.state for event in outbox.events_since(db, 1, NOW)] == ["QUEUED", "SETTLED"]
    (event,) = outbox.events_since(db, 1, NOW + timedelta(seconds=1))
    expected = later.events[0]
    assert (event.id, event.payment_id, event.at, event.sender) == (
        expected.id, expected.payment_id, expected.at, expected.sender
    )  # fmt: skip
    assert outbox.events_since(db, 2, NOW) == []


# -- the archive -------------------------------------------------------------------------------------------------------


def test_ranges_never_overlap_and_come_back_whole(db: Connection) -> None:
    lease, (source, other) = owned(db)

    def keep(first: int, *offsets: int, of: int = source) -> Callable[[], None]:
        messages = tuple(Received(offset, 5, f"message {offset}".encode()) for offset in offsets)
        row = Range(of, first, offsets[-1] + 1, NOW.date(), messages).row()
        statements = [(archive.INSERT, row), (archive.COVER, (of, offsets[-1] + 1))]
        return lambda: commit.commit(db, lease, Changes(statements=statements))

    keep(0, 0, 1, 3)()
    keep(4, 6)()
    keep(0, 0, of=other)()
    assert outbox.archived(db) == {source: 7, other: 1}
    found = archive.read(db, source, 1, 7)
    assert [(message.offset, message.value) for message, _ in found] == [
        (1, b"message 1"), (3, b"message 3"), (6, b"message 6")
    ]  # fmt: skip
    assert list(archive.offsets_between(db, source, 1, 4)) == [1, 3]
    for overlap in (keep(6, 6), keep(3, 5)):
        with pytest.raises(psycopg.errors.ExclusionViolation):
            overlap()
    assert outbox.archived(db) == {source: 7, other: 1}


def test_done_is_what_is_decided_whole(db: Connection) -> None:
    lease, (source, _) = owned(db)
    made = batch()
    for offset, index, count in ((0, 0, 1), (1, 0, 2), (1, 1, 2), (2, 1, 2)):
        made.decide(envelope(source, offset, index, count=count), Place(0, offset), State.QUEUED)
    commit.commit(db, lease, made.changes)
    low, high = (ids.shown(ids.payment_id(source, offset, 0)) for offset in (0, 5))
    assert archive.decided_offsets(db, low, high) == {0, 1}
    archive.set_progress(db, source, 2)
    archive.set_progress(db, source, 1)
    assert archive.progress(db) == {source: 2}


# -- cases -------------------------------------------------------------------------------------------------------------

ANN, OLAF = Operator("ann", "analyst"), Operator("olaf", "officer")


def test_a_case_is_decided_by_two_and_what_they_decided_is_sent_once(server: Server, db: Connection) -> None:
    if isinstance(server, Real):
        for who in (ANN, OLAF):
            operators.add(server.owner, who.name, who.role)
    lease, (source, _) = owned(db)
    held = envelope(source, 1, state="HELD")
    made = batch()
    made.changes.statements.append(cases.opening(held, "screening", NOW, "looks like\x00somebody", ()))
    made.decide(held, Place(0, 1), State.HELD)
    commit.commit(db, lease, made.changes)
    stored = cases.load(db, 1)
    assert (stored.case.status, stored.kind, stored.summary, stored.standing) == (
        "open", "screening", "looks like\ufffdsomebody", None
    )  # fmt: skip
    assert stored.envelope == held
    with pytest.raises(cases.UnknownCaseError):
        cases.load(db, 2)

    refused = cases.propose(db, 1, ANN, "release", "not he")
    for author in (ANN, Operator("ann", "officer")):
        with pytest.raises(CaseRuleError):
            cases.approve(db, 1, author, refused.hash)
    with pytest.raises(CaseRuleError):
        cases.propose(db, 1, OLAF, "reject", "is he")
    assert cases.refuse(db, 1, OLAF, refused.hash).status == "open"
    withdrawn = cases.propose(db, 1, ANN, "reject", "is he")
    cases.withdraw(db, 1, ANN, withdrawn.hash)
    last = cases.propose(db, 1, ANN, "release", "not he after all")
    assert cases.load(db, 1).standing == last
    assert cases.outgoing_after(db, 0) == []
    assert cases.approve(db, 1, OLAF, last.hash).decision == "release"

    ((seq, topic, partition, payload),) = cases.outgoing_after(db, 0)
    assert (seq, topic, partition) == (1, RELEASED, 0)
    assert decode(payload).attempt == 1
    assert cases.outgoing_after(db, 1) == []
    stored = cases.load(db, 1)
    assert (stored.case.status, stored.case.decision) == ("decided", "release")
    assert stored.decided_at is not None
    assert [(each.proposal.decision, each.approved_by, each.dropped_by) for each in stored.proposals] == [
        ("release", None, "olaf"), ("reject", None, "ann"), ("release", "olaf", None),
    ]  # fmt: skip
    with pytest.raises(CaseRuleError):
        cases.approve(db, 1, OLAF, last.hash)


# -- crashes, numbers --------------------------------------------------------------------------------------------------


def test_crashes_are_counted_and_runs_end(server: Server, db: Connection) -> None:
    place, other = ("t", 0), ("t", 1)
    register = crashes.StoredCrashRegister(server.connect, "stages-0", {place: 1, other: 2})
    record = Record("t", 0, 7, 0, None, b"", {})
    assert register.begin_run() is False
    assert [register.record_crash(record, "boom"), register.record_crash(record, "bang")] == [1, 2]
    register.mark(record)
    assert register.begin_run() is True  # the mark is a third
    assert crashes.put_aside(db, [1, 2]) == {(1, 7): crashes.NO_EXCEPTION}
    assert list(register.suspects([place, other])) == [("t", 0, 7)]
    register.clear([("t", 0, 7)])
    assert register.suspects([place]) == {}
    register.unmark()
    register.end_run()
    assert register.begin_run() is False


def test_numbers_are_given_once(db: Connection) -> None:
    topic = "00000000-0000-0000-0000-00000000000b"
    first = sources.source_of(db, "c", topic, "t", 0)
    assert sources.source_of(db, "c", topic, "t", 1) == first + 1
    assert sources.source_of(db, "c", topic, "t", 0) == first
    assert sources.place_of(db, first + 1) == ("t", 1)
    assert sources.place_of(db, 999) is None
    assert versions.number_of(db, "l", "s", 1) == versions.number_of(db, "l", "s", 1)
    assert versions.number_of(db, "l", "s", 1) != versions.number_of(db, "l", "s", 2)


def test_the_twin_does_not_guess() -> None:
    with pytest.raises(UnknownStatementError):
        Memory().connect().execute("select 1 from engine.nothing")
