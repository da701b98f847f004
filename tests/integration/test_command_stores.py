"""On a real Postgres: reference versions, keys, operators, results of commands, outcomes and traces of payments."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine import commanding, ids
from engine.bus.memory import MemoryBus
from engine.bus.topics import COMMANDS
from engine.errors import ServiceUnavailable
from engine.roles import ROLES
from engine.routing.directory import Participant, Reference
from engine.store import accounts, keys, operators, outcomes, reference, traces
from engine.store import commands as results
from engine.store.connection import Connection, connect
from ledger import migrate
from settlement.schemes import BOOKS

pytestmark = pytest.mark.integration
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ROLE = next(iter(ROLES))


@pytest.fixture
def writer(database: str) -> Iterator[Connection]:
    """An empty schema, in the role of the commands that write."""
    with connect(database, "owner") as owner:
        migrate.apply(owner)
    with connect(database, "qenex_writer") as connection:
        yield connection


def document(*names: str) -> Reference:
    return Reference(participants=tuple(Participant(bic=name, name=name) for name in names))


def test_the_newest_reference_is_in_force_and_an_old_view_cannot_be_saved(writer: Connection) -> None:
    assert reference.newest(writer) == (0, Reference())
    assert reference.save(writer, 0, document("ALPHDEFF"), "anna") == 1
    assert reference.save(writer, 1, document("ALPHDEFF", "BETAFRPP"), "otto") == 2
    with pytest.raises(reference.ReferenceMovedError):
        reference.save(writer, 1, document(), "anna")
    assert reference.newest(writer) == (2, document("ALPHDEFF", "BETAFRPP"))
    assert reference.newest_version(writer) == 2
    assert reference.at_version(writer, 1) == document("ALPHDEFF")
    assert reference.at_version(writer, 9) is None


def test_two_keys_are_valid_while_rotating_and_one_before_and_after(writer: Connection) -> None:
    first = keys.ensure(writer, "ALPHDEFFXXX")
    assert keys.ensure(writer, "ALPHDEFFXXX") == first
    assert len(first) == keys.KEY_BYTES
    second = keys.rotate(writer, "ALPHDEFFXXX")
    assert keys.keys_of(writer, "ALPHDEFFXXX") == (second, first)
    third = keys.rotate(writer, "ALPHDEFFXXX")
    other = keys.ensure(writer, "BETAFRPPXXX")
    assert keys.active_keys(writer) == {"ALPHDEFFXXX": (third, second), "BETAFRPPXXX": (other,)}
    assert keys.finish_rotation(writer, "ALPHDEFFXXX") == 1
    assert keys.keys_of(writer, "ALPHDEFFXXX") == (third,)
    assert keys.finish_rotation(writer, "ALPHDEFFXXX") == 0


def test_an_operator_is_who_holds_the_token_until_he_is_retired(writer: Connection) -> None:
    token = operators.add(writer, "anna", ROLE)
    assert operators.authenticate(writer, token) == operators.Operator("anna", ROLE)
    assert operators.authenticate(writer, token + "x") is None
    with pytest.raises(operators.OperatorExistsError):
        operators.add(writer, "anna", ROLE)
    assert operators.retire(writer, "anna")
    assert not operators.retire(writer, "anna")
    assert operators.authenticate(writer, token) is None
    assert [(each.name, each.retired_at is None) for each in operators.everybody(writer)] == [("anna", False)]


def test_no_token_is_stored(writer: Connection) -> None:
    token = operators.add(writer, "anna", ROLE)
    stored = writer.execute("select o::text from engine.operators o").fetchall()
    assert token not in stored[0][0]


def test_a_result_that_is_there_is_returned_without_sending_again(writer: Connection) -> None:
    bus = bus_with_commands()
    command = commanding.command("EUR-RTGS", "stop", "anna", NOW)
    apply(writer, command, ok=False, text="it is stopped already")
    found = commanding.issue(bus.producer(), writer, command, timeout=1.0)
    assert found == commanding.Result(command.id, False, "it is stopped already")
    assert bus.records(COMMANDS) == []


def test_a_command_that_nobody_applies_says_so_in_time_and_stays_queued(writer: Connection) -> None:
    bus = bus_with_commands()
    command = commanding.command("USD-ACH", "stop", "anna", NOW)
    with pytest.raises(ServiceUnavailable, match=r"USD-ACH.*stay queued"):
        commanding.issue(bus.producer(), writer, command, timeout=0.1)
    assert [commanding.decode(each.value) for each in bus.records(COMMANDS, BOOKS.index("USD-ACH"))] == [command]


def test_refused_openings_are_counted(writer: Connection) -> None:
    arguments = {"participant": "ALPHDEFFXXX", "opening_balance": 1, "credit_line": 0}
    for _ in range(2):
        apply(writer, commanding.command("EUR-RTGS", "open-account", "anna", NOW, **arguments), ok=False, text="no")
    assert results.refused_openings(writer) == {("EUR-RTGS", "ALPHDEFFXXX"): 2}


def bus_with_commands() -> MemoryBus:
    bus = MemoryBus()
    bus.create_topic(COMMANDS, len(BOOKS))
    return bus


def apply(connection: Connection, command: commanding.Command, *, ok: bool, text: str) -> None:
    connection.execute(
        "insert into engine.commands values (%s, %s, %s, %s, %s, %s, %s, 0, %s)",
        (command.id, command.book, command.action, json.dumps(command.arguments), command.operator, text, ok, NOW),
    )


def decided(
    connection: Connection, offset: int, index: int, state: str, *, attempt: int = 0, payments: int = 1
) -> bytes:
    """A decision about a payment of the first source, with references made of its place."""
    key = ids.payment_id(1, offset, index)
    name = f"{offset}-{index}"
    connection.execute(
        "insert into engine.inbox (payment_id, attempt, payments, digest, received_at, decided_at, routed_partition,"
        " routed_offset, versions, amount, state, writer, currency, reference, end_to_end_id, uetr, message_type)"
        " values (%s, %s, %s, %s, %s, %s, 0, 0, 1, 1050, %s, 'EUR-RTGS', 'EUR', %s, %s, %s, 'MT103')",
        (ids.shown(key), attempt, payments, uuid.UUID(int=0), NOW, NOW, state, f"REF{offset}", f"E2E{name}",
         str(uuid.UUID(int=offset * 10 + index, version=4))),
    )  # fmt: skip
    return key


@pytest.fixture
def payments(writer: Connection) -> Connection:
    """Message 0 waited and settled, half of 1 is decided, 2 was released from HELD and queues, 3 repeats 0."""
    run = writer.execute
    run("insert into engine.sources (cluster_id, topic_id, topic, partition) values ('c', 'aa-bb', 'ingest.ach', 0)")
    run("insert into engine.archived values (1, 4)")
    first = decided(writer, 0, 0, "QUEUED")
    run("insert into engine.transitions values (%s, 1, 'SETTLED', null, 'released', %s)", (ids.shown(first), NOW))
    decided(writer, 1, 1, "SETTLED", payments=2)
    decided(writer, 2, 0, "HELD")
    decided(writer, 2, 0, "QUEUED", attempt=1)
    again = decided(writer, 3, 0, "DUPLICATE")
    run("insert into engine.outcomes values (%s, %s, 1, 1, 1, 'DUPLICATE', %s)",
        (ids.shown(again), NOW, ids.shown(first)))  # fmt: skip
    run("insert into engine.outbox values (1, 1, %s, %s, 'ALPHDEFFXXX', 'MT900', 'x')", (ids.shown(again), NOW))
    return writer


def test_the_outcome_is_that_of_the_newest_states(payments: Connection) -> None:
    found = outcomes.messages(payments, [ids.payment_id(1, offset, 0) for offset in range(5)])
    known = outcomes.places(payments)
    shown = {ids.coordinates(key)[1]: outcomes.record(view, known) for key, view in found.items()}
    assert {offset: each["outcome"] for offset, each in shown.items()} == {
        0: "SETTLED", 1: None, 2: "QUEUED", 3: "DUPLICATE",
    }  # fmt: skip
    assert shown[3]["duplicate_of"] == "ingest.ach/0/0"
    assert (shown[0]["topic"], shown[0]["partition"], shown[0]["offset"]) == ("ingest.ach", 0, 0)
    assert outcomes.sources(payments, "c", ["aabb"]) == {("ingest.ach", 0): 1}


@pytest.mark.parametrize(
    ("text", "offsets"),
    [
        ("ingest.ach/0/3", [3]),
        ("00000001-0000-0000-0000-000100000001", [1]),
        ("REF2", [2]),
        ("E2E1-1", [1]),
        (str(uuid.UUID(int=30, version=4)).upper(), [3]),
        ("ingest.ach/0/99", []),
        ("ingest.ach/7/0", []),
        ("00000001-0000-0000-0000-000900000000", []),
        ("E2E9-9", []),
    ],
)
def test_a_message_is_found_by_any_of_its_references(payments: Connection, text: str, offsets: list[int]) -> None:
    found = traces.find(payments, [text, "nothing"])
    assert [ids.coordinates(message)[1] for message in found.get(text, [])] == offsets
    assert "nothing" not in found


def test_history_has_every_step_in_order_and_what_went_out(payments: Connection) -> None:
    keys_ = [ids.payment_id(1, offset, 0) for offset in range(4)]
    history = traces.history(payments, keys_)
    assert [(step.step, step.state) for step in history.steps[keys_[0]]] == [
        ("decided", "QUEUED"), ("moved", "SETTLED"),
    ]  # fmt: skip
    assert [(step.attempt, step.state) for step in history.steps[keys_[2]]] == [(0, "HELD"), (1, "QUEUED")]
    assert [(each.seq, each.recipient) for each in history.answers[keys_[3]]] == [(1, "ALPHDEFFXXX")]
    assert history.postings == {}


def test_balances_add_up_what_waits(writer: Connection) -> None:
    for number, name in ((1, "ALPHDEFFXXX"), (2, "BETAFRPPXXX")):
        writer.execute(
            "insert into ledger.accounts values (%s, 'EUR-RTGS', %s, 'settlement', 'EUR', %s)", (number, name, NOW)
        )
        writer.execute("insert into ledger.balances values (%s, %s, 500, 0)", (number, 1_000 * number))
    for offset, (state, amount) in enumerate((("QUEUED", 30), ("QUEUED", 4), ("RESERVED", 200), ("WAREHOUSED", 7))):
        envelope = {
            "payment": {"amount": {"minor": amount, "currency": "EUR"}},
            "route": {"book": "EUR-RTGS", "debit": "ALPHDEFFXXX", "credit": "BETAFRPPXXX"},
        }
        writer.execute(
            "insert into engine.waiting (payment_id, writer, state, arrival, envelope)"
            " values (%s, 'EUR-RTGS', %s, 1, %s)",
            (ids.shown(ids.payment_id(1, offset, 0)), state, json.dumps(envelope).encode()),
        )
    alpha, beta = accounts.balances(writer)
    assert (alpha.balance, alpha.available, alpha.reserved, alpha.queued_out, alpha.queued_in) == (
        1000,
        1300,
        200,
        34,
        0,
    )
    assert (beta.balance, beta.available, beta.reserved, beta.queued_out, beta.queued_in) == (2000, 2500, 0, 0, 34)
    assert accounts.open_accounts(writer)["EUR-RTGS", "BETAFRPPXXX"] == accounts.Terms(2, "EUR", 500)
