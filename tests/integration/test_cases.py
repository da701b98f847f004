"""Cases on a real Postgres: two operators, one transaction, what it sends on; and the commands that people type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import msgspec
import psycopg
import pytest

from engine import cli
from engine.bus.topics import REJECTED, RELEASED
from engine.compliance.cases import CaseRuleError, CaseStatus, Operator
from engine.compliance.decision import Clearance, hit_key
from engine.compliance.screening import Hit
from engine.processors.batch import Batch, Place
from engine.processors.outbound import Correspondence
from engine.processors.recording import hold
from engine.store import books, cases, good_guys, operators, sources
from engine.store.connection import Connection, connect
from engine.wire import Envelope, Rejection, Route, decode, encode
from ledger import Account, store
from ledger.migrate import apply
from payments import Money, Party, Payment, PaymentKind

pytestmark = pytest.mark.integration

NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
PARTITION = 2
HIT = Hit(
    field="creditor.name",
    value="Mirela Ostrand",
    entry_id="L:5",
    entry_version="0a" * 8,
    list="L",
    matched_name="Mirela OSTRAND",
    score=0.9125,
    reason="both words are equal; birth date not given",
    measure="block",
    party="0b" * 16,
)
CLEARANCE = Clearance(
    decision="HELD", reason="RR04", rule="listed_party", hits=(HIT,), list_version="list-1", settings_version="set-1"
)
KIM, LOU = Operator("kim", "officer"), Operator("lou", "officer")


@pytest.fixture
def writer(database: str) -> Iterator[Connection]:
    """A connection as the engine has it, of a fresh schema with three operators."""
    with connect(database, "owner") as owner:
        apply(owner)
    with connect(database, "qenex_writer") as connection:
        for name, role in (("kim", "officer"), ("lou", "officer"), ("ann", "analyst")):
            operators.add(connection, name, role)
        yield connection


def envelope_of(connection: Connection, offset: int, **changes: object) -> Envelope:
    source = sources.source_of(connection, "cluster", "0f" * 16, "ingest.swift-mt", PARTITION)
    plain = Envelope(
        source=source,
        offset=offset,
        received_ms=1_803_000_000_000,
        digest="0c" * 16,
        state="HELD",
        format="swift-mt",
        type="MT103",
        sender="NORDFIHHXXX",
        reference=f"REF-{offset}",
        payment=Payment(
            index=0,
            kind=PaymentKind.CREDIT_TRANSFER,
            amount=Money(1_234_500, "EUR"),
            creditor=Party(name="Mirela Ostrand"),
        ),
        clearance=CLEARANCE,
        route=Route("EUR-RTGS", "NORDFIHHXXX", "SUDBITMMXXX", 4),
    )
    return msgspec.structs.replace(plain, **changes)


def opened(connection: Connection, offset: int = 41, **changes: object) -> tuple[int, Envelope]:
    """A case as the recorder opens it."""
    envelope = envelope_of(connection, offset, **changes)
    batch = Batch("recorder", 1000, 1, NOW)
    hold(envelope, Place(PARTITION, 0), batch, Correspondence("QENXDEFFXXX", batch.shown_at))
    for statement, arguments in batch.changes.statements:
        connection.execute(statement, arguments)
    row = connection.execute("select max(case_id) from engine.cases").fetchone()
    assert row is not None
    return row[0], envelope


def rule_of(call, *arguments) -> str:
    with pytest.raises(CaseRuleError) as caught:
        call(*arguments)
    return caught.value.rule


def test_a_release_takes_two_persons_and_sends_the_payment_on_once(writer):
    case_id, held = opened(writer)
    stored = cases.load(writer, case_id)
    assert (stored.case.hits, stored.envelope, stored.case.status) == ((HIT,), held, CaseStatus.OPEN)
    proposal = cases.propose(writer, case_id, KIM, "release", " born 1995 ", ("L:5",), "2027-12-31")
    assert cases.load(writer, case_id).standing == proposal
    assert rule_of(cases.propose, writer, case_id, LOU, "reject", "listed") == "status"
    assert rule_of(cases.approve, writer, case_id, KIM, proposal.hash) == "four eyes"
    assert rule_of(cases.approve, writer, case_id, Operator("ann", "analyst"), proposal.hash) == "role"
    assert rule_of(cases.approve, writer, case_id, LOU, "0" * 64) == "hash"
    assert cases.outgoing_after(writer, 0) == []

    assert cases.approve(writer, case_id, LOU, proposal.hash).decision == "release"
    ((seq, topic, partition, payload),) = cases.outgoing_after(writer, 0)
    assert (topic, partition) == (RELEASED, PARTITION)
    sent = decode(payload)
    assert (sent.payment_id, sent.attempt, sent.state) == (held.payment_id, 1, "RECEIVED")
    assert (sent.clearance, sent.route, sent.rejection, sent.payment) == (None, None, None, held.payment)
    assert sent.release is not None
    assert (sent.release.case_id, sent.release.reason) == (case_id, "born 1995")
    assert (sent.release.proposed_by, sent.release.approved_by) == ("kim", "lou")
    assert sent.release.hits == (hit_key(HIT),)
    (good,) = good_guys.in_force(writer)
    assert (good.party, good.entry_id, good.expires) == (HIT.party, "L:5", "2027-12-31")

    after = cases.load(writer, case_id)
    assert (after.case.status, after.case.decision) == (CaseStatus.DECIDED, "release")
    assert after.decided_at is not None
    assert rule_of(cases.approve, writer, case_id, LOU, proposal.hash) == "status"
    assert rule_of(cases.propose, writer, case_id, LOU, "reject", "listed") == "status"
    assert rule_of(cases.refuse, writer, case_id, LOU, proposal.hash) == "status"
    assert cases.outgoing_after(writer, seq) == []


@pytest.mark.parametrize(("decision", "state"), [("reject", "REJECTED"), ("block", "BLOCKED")])
def test_a_refusal_goes_to_the_recorder(writer, decision, state):
    case_id, held = opened(writer)
    proposal = cases.propose(writer, case_id, Operator("ann", "analyst"), decision, "it is the listed person")
    cases.approve(writer, case_id, KIM, proposal.hash)
    ((_, topic, partition, payload),) = cases.outgoing_after(writer, 0)
    sent = decode(payload)
    assert (topic, partition, sent.state, sent.attempt) == (REJECTED, PARTITION, state, held.attempt + 1)
    assert sent.rejection == Rejection("RR04", "regulatory reason", "compliance")
    assert good_guys.in_force(writer) == ()


def test_an_unread_message_can_only_be_rejected(writer):
    case_id, _ = opened(writer, payment=None, clearance=None, route=None, crash="ValueError: 7\nat line 1")
    assert cases.load(writer, case_id).kind == "crash"
    assert rule_of(cases.propose, writer, case_id, KIM, "release", "mended") == "no payment"
    proposal = cases.propose(writer, case_id, KIM, "reject", "the sender was told to send it again")
    cases.approve(writer, case_id, LOU, proposal.hash)
    ((_, topic, _, payload),) = cases.outgoing_after(writer, 0)
    rejection = decode(payload).rejection
    assert topic == REJECTED
    assert rejection is not None
    assert rejection.code == "MS03"


def test_a_dropped_proposal_is_kept_and_the_same_can_be_proposed_again(writer):
    case_id, _ = opened(writer)
    first = cases.propose(writer, case_id, KIM, "release", "born 1995")
    assert rule_of(cases.withdraw, writer, case_id, LOU, first.hash) == "author"
    assert cases.withdraw(writer, case_id, KIM, first.hash).status is CaseStatus.OPEN
    again = cases.propose(writer, case_id, KIM, "release", "born 1995")
    assert again.hash == first.hash
    assert cases.refuse(writer, case_id, LOU, again.hash).status is CaseStatus.OPEN
    third = cases.propose(writer, case_id, LOU, "reject", "born 1951 after all")
    assert rule_of(cases.approve, writer, case_id, KIM, first.hash) == "hash"
    cases.approve(writer, case_id, KIM, third.hash)
    fates = [(each.dropped_by, each.approved_by) for each in cases.load(writer, case_id).proposals]
    assert fates == [("kim", None), ("lou", None), (None, "kim")]


def test_two_approvals_at_once_decide_once(writer, database):
    case_id, _ = opened(writer)
    proposal = cases.propose(writer, case_id, Operator("ann", "analyst"), "release", "born 1995")

    def attempt(operator: Operator) -> str:
        with connect(database, "qenex_writer") as connection:
            try:
                cases.approve(connection, case_id, operator, proposal.hash)
            except CaseRuleError as refused:
                return refused.rule
        return "approved"

    with ThreadPoolExecutor() as pool:
        assert sorted(pool.map(attempt, (KIM, LOU))) == ["approved", "status"]
    assert len(cases.outgoing_after(writer, 0)) == 1


def test_the_outbox_numbers_are_committed_in_order(writer, database):
    numbers = [opened(writer, offset)[0] for offset in (1, 2)]
    hashes = [cases.propose(writer, each, KIM, "release", "born 1995").hash for each in numbers]
    with connect(database, "qenex_writer") as slow, ThreadPoolExecutor() as pool:
        with slow.transaction():
            cases.approve(slow, numbers[0], LOU, hashes[0])
            quick = pool.submit(cases.approve, writer, numbers[1], LOU, hashes[1])
            with pytest.raises(TimeoutError):
                quick.result(0.5)
            with connect(database, "qenex_reader") as reader:
                assert cases.outgoing_after(reader, 0) == []  # the second does not overtake the first
        quick.result(30)
    assert [decode(row[3]).offset for row in cases.outgoing_after(writer, 0)] == [1, 2]


def test_the_database_refuses_one_person_and_two_standing_proposals(writer):
    case_id, _ = opened(writer)
    cases.propose(writer, case_id, KIM, "release", "born 1995")
    with pytest.raises(psycopg.errors.CheckViolation):
        writer.execute("update engine.proposals set approved_by = 'kim' where case_id = %s", (case_id,))
    with pytest.raises(psycopg.errors.UniqueViolation):
        writer.execute(
            "insert into engine.proposals (case_id, proposal, decision, reason, proposed_by)"
            " select case_id, proposal, decision, reason, 'lou' from engine.proposals"
        )


# -- the commands ------------------------------------------------------------------------------------------------------


class Desk:
    """The command line of somebody who holds a token."""

    def __init__(self, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("QENEX_POSTGRES", database)
        self._environment, self._capsys = monkeypatch, capsys

    def __call__(self, token: str | None, *arguments: str) -> tuple[int, str, str]:
        if token is None:
            self._environment.delenv("QENEX_OPERATOR_TOKEN", raising=False)
        else:
            self._environment.setenv("QENEX_OPERATOR_TOKEN", token)
        status = cli.run(list(arguments))
        said = self._capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def desk(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(database, monkeypatch, capsys)


def test_the_commands_of_cases_from_the_list_to_the_decision(writer, desk):
    eva, max_, tim = (
        operators.add(writer, name, role)
        for name, role in (("eva", "officer"), ("max", "officer"), ("tim", "operator"))
    )
    number = str(opened(writer)[0])
    status, out, _ = desk(None, "cases", "list", "--json")
    (listed,) = map(json.loads, out.splitlines())
    assert (status, listed["status"], listed["summary"]) == (0, "open", HIT.reason)
    status, out, _ = desk(None, "cases", "show", number)
    assert status == 0
    for words in ("EUR", "12345.00", HIT.reason, "list-1", f"qenex cases decide {number} --decision release|reject"):
        assert words in out
    propose = ("cases", "decide", number, "--decision", "release", "--reason", "born 1995", "--json")
    assert desk(None, *propose)[0] == 2
    status, out, _ = desk(tim, *propose)
    assert (status, json.loads(out)["rule"]) == (1, "role")
    assert desk("nobody's", *propose)[0] == 2
    status, out, _ = desk(eva, *propose)
    proposed = json.loads(out)
    assert (status, proposed["status"], proposed["proposals"][0]["proposed_by"]) == (0, "proposed", "eva")
    seen = proposed["hash"]
    status, out, err = desk(eva, "cases", "decide", number, "--approve", seen, "--json")
    assert (status, json.loads(out)["rule"]) == (1, "four eyes")
    assert "another operator has to approve" in err
    assert desk(max_, "cases", "decide", number, "--approve", "0" * 64)[0] == 1
    status, out, _ = desk(max_, "cases", "decide", number, "--approve", seen)
    assert status == 0
    assert "qenex trace" in out
    assert desk(max_, "cases", "decide", number, "--approve", seen)[0] == 1
    assert desk(None, "cases", "list", "--status", "open", "--json")[1] == ""
    assert desk(None, "cases", "show", "999")[0] == 2


def waits(connection: Connection, envelope: Envelope, state: str, arrival: int, until: date | None) -> None:
    connection.execute(
        "insert into engine.waiting values (%s, 'EUR-RTGS', %s, %s, null, %s, %s)",
        (envelope.payment_id.hex(), state, arrival, until, encode(envelope)),
    )


def test_the_queue_and_the_day_are_shown(writer, desk):
    accounts = (Account(1, "NORDFIHHXXX", "settlement", "EUR", 0, 500_000, 0),)
    accounts += (Account(2, "SUDBITMMXXX", "settlement", "EUR", 0, 0, 0),)
    for account in accounts:
        for statement, arguments in store.opening("EUR-RTGS", account, NOW):
            writer.execute(statement, arguments)
    books.load(writer, "EUR-RTGS", 0, "EUR", NOW.date())
    urgent = Route("EUR-RTGS", "NORDFIHHXXX", "SUDBITMMXXX", 4, priority="urgent")
    waits(writer, envelope_of(writer, 7), "QUEUED", 1, None)
    waits(writer, envelope_of(writer, 8, route=urgent), "QUEUED", 2, None)
    waits(writer, envelope_of(writer, 9), "WAREHOUSED", 3, date(2027, 3, 4))
    status, out, _ = desk(None, "queue", "list", "--json")
    records = [json.loads(text) for text in out.splitlines()]
    assert status == 0
    assert [(each["reference"], each["place"], each["short_by"]) for each in records] == [
        ("REF-8", 1, "7345.00"),
        ("REF-7", 2, "19690.00"),
        ("REF-9", None, None),
    ]
    assert "7345.00 short" in records[0]["why"]
    assert records[2]["why"] == "warehoused until 2027-03-04"
    assert desk(None, "queue", "list", "--participant", "NOBODEFFXXX")[0] == 2
    status, out, _ = desk(None, "day", "status", "--system", "EUR-RTGS", "--json")
    assert json.loads(out) == {
        "system": "EUR-RTGS",
        "business_date": "2027-03-01",
        "phase": "open",
        "stopped": False,
        "queued": 2,
        "warehoused": 1,
        "reserved": 0,
    }


def test_migrate_brings_an_empty_database_up_and_then_has_nothing_to_do(database, desk):
    assert desk(None, "day", "status")[0] == 2  # the schema is not there, and the sentence says how to get it
    first, second = (json.loads(desk(None, "migrate", "--json")[1]) for _ in range(2))
    assert first["version"] == len(first["applied"]) == second["version"]
    assert second["applied"] == []
    assert desk(None, "day", "status")[0] == 0
