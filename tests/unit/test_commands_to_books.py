"""Commands to a book: only what a book knows can be made, sent and read; the partition is the book's."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import commanding
from engine.bus.topics import COMMANDS
from engine.commanding import CommandError
from settlement.schemes import BOOKS

NOW = datetime(2026, 11, 23, 9, 0, 1, 500_000, tzinfo=UTC)
EXAMPLES: dict[str, dict[str, Any]] = {
    "open-account": {"participant": "ALPHDEFFXXX", "opening_balance": 5, "credit_line": 0},
    "set-credit-line": {"participant": "ALPHDEFFXXX", "credit_line": 7},
    "cancel": {"payment_id": "00000001-0000-0000-0000-000100000000", "reason": "asked by its sender"},
    "move": {"payment_id": "00000001-0000-0000-0000-000100000000", "to": "head"},
    "priority": {"payment_id": "00000001-0000-0000-0000-000100000000", "priority": "urgent"},
    "open-day": {"date": "2026-11-24"},
    "cut-off": {},
    "close-day": {},
    "stop": {},
    "resume": {},
}


def test_every_action_has_an_example() -> None:
    assert set(EXAMPLES) == set(commanding.ACTIONS)


@pytest.mark.parametrize("action", EXAMPLES)
def test_a_command_survives_the_topic_on_its_books_partition(action: str) -> None:
    for book in BOOKS:
        made = commanding.command(book, action, "anna", NOW, **EXAMPLES[action])
        outgoing = commanding.outgoing(made)
        assert (outgoing.topic, outgoing.partition) == (COMMANDS, BOOKS.index(book))
        assert outgoing.headers["ce_id"].decode() == made.id
        assert commanding.decode(outgoing.value) == made
        assert made.at == "2026-11-23T09:00:01.500Z"


@pytest.mark.parametrize(
    ("book", "action", "arguments", "said"),
    [
        ("GBP-RTGS", "stop", {}, "not a settlement system"),
        ("EUR-RTGS", "pause", {}, "not an action"),
        ("EUR-RTGS", "stop", {"why": "x"}, "has no argument 'why'"),
        ("EUR-RTGS", "cancel", {"payment_id": "x"}, "lacks reason"),
        ("EUR-RTGS", "set-credit-line", {"participant": "A", "credit_line": "5"}, "not a whole number"),
        ("EUR-RTGS", "set-credit-line", {"participant": "A", "credit_line": -5}, "from 0"),
        ("EUR-RTGS", "set-credit-line", {"participant": "A", "credit_line": 2**63}, "from 0"),
        ("EUR-RTGS", "set-credit-line", {"participant": "A", "credit_line": True}, "not a whole number"),
        ("EUR-RTGS", "move", {"payment_id": "x", "to": "middle"}, "head, tail"),
        ("EUR-RTGS", "priority", {"payment_id": "x", "priority": "low"}, "urgent, high, normal"),
        ("EUR-RTGS", "open-day", {"date": "24.11.2026"}, "YYYY-MM-DD"),
    ],
)
def test_what_no_book_knows_cannot_be_made(book: str, action: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        commanding.command(book, action, "anna", NOW, **arguments)


@pytest.mark.parametrize("value", [b"", b"{}", b"[]", b"\xff", b'{"id": 1}'])
def test_bytes_that_are_no_command_are_refused(value: bytes) -> None:
    with pytest.raises(CommandError):
        commanding.decode(value)


def test_an_id_that_is_no_uuid_is_refused() -> None:
    made = commanding.Command("17", "EUR-RTGS", "stop", {}, "anna", "2026-11-23T09:00:00Z")
    with pytest.raises(CommandError, match="UUID"):
        commanding.decode(commanding.encode(made))


def test_the_id_of_an_opening_depends_on_book_participant_and_refusals_alone() -> None:
    keys = [("EUR-RTGS", "A", 0), ("EUR-INST", "A", 0), ("EUR-RTGS", "B", 0), ("EUR-RTGS", "A", 1)]
    made = [commanding.account_command_id(*key) for key in keys]
    assert made == [commanding.account_command_id(*key) for key in keys]
    assert len(set(made)) == len(keys)
    assert all(isinstance(each, uuid.UUID) for each in made)
