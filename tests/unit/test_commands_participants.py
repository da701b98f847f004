"""A file of participants is read, checked in sentences, merged, and turned into commands to the books."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import participants
from engine.errors import UsageFault
from engine.routing.directory import Reference
from engine.store.accounts import Terms

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ALPHA: dict[str, Any] = {
    "bic": "ALPHDEFF",
    "name": "Alpha Bank AG",
    "schemes": ["EUR-RTGS", "SCT-INST"],
    "accounts": [{"system": "EUR-RTGS", "currency": "EUR", "opening_balance": "1000.50", "credit_line": "20"}],
}
BETA: dict[str, Any] = {"routing_number": "021000021", "name": "Beta Bank NA", "schemes": ["USD-ACH"]}
TOML = """
[[participants]]
bic = "ALPHDEFF"
name = "Alpha Bank AG"
schemes = ["EUR-RTGS", "SCT-INST"]
[[participants.accounts]]
system = "EUR-RTGS"
currency = "EUR"
opening_balance = "1000.50"
credit_line = "20"
"""


def checked(*raw: object) -> list[Any]:
    return participants.check(list(raw), "banks.json")


def refused(*raw: object) -> str:
    with pytest.raises(UsageFault) as caught:
        checked(*raw)
    return str(caught.value)


def test_json_list_json_object_and_toml_are_the_same() -> None:
    as_list = participants.read(json.dumps([ALPHA]).encode(), "a.json")
    as_object = participants.read(json.dumps({"participants": [ALPHA]}).encode(), "a.json")
    as_toml = participants.read(TOML.encode(), "a.toml")
    assert as_list == as_object == as_toml == [ALPHA]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b'"text"', b"{}x", b'{"banks": []}', b"[" * 100_000])
def test_what_holds_no_list_is_refused_with_the_name_of_the_file(data: bytes) -> None:
    with pytest.raises(UsageFault, match=r"banks\.json"):
        participants.read(data, "banks.json")


def test_an_error_says_place_value_and_rule() -> None:
    said = refused(ALPHA, {**ALPHA, "bic": "ALPH1EFF"})
    assert "participants[1].bic is 'ALPH1EFF'" in said
    assert "not a BIC" in said


def test_a_number_instead_of_a_decimal_string_says_what_is_wanted() -> None:
    account = {"system": "EUR-RTGS", "currency": "EUR", "opening_balance": 1000.5}
    said = refused({**ALPHA, "accounts": [account]})
    assert "participants[0].accounts[0].opening_balance is 1000.5" in said
    assert "decimal string" in said


def test_all_errors_are_said_at_once() -> None:
    said = refused({**ALPHA, "colour": "red"}, {"bic": "ALPHDEFF"}, 7)
    assert "participants[0].colour is 'red': there is no such field." in said
    assert "participants[1].name is missing." in said
    assert "participants[2] is 7" in said


def test_one_bank_twice_in_a_file_is_refused() -> None:
    assert "is claimed by" in refused(ALPHA, {**ALPHA, "name": "Alpha again"})


def test_merging_again_changes_nothing() -> None:
    imported = checked(ALPHA, BETA)
    first = participants.merge(Reference(), imported)
    again = participants.merge(first.reference, imported)
    assert first.effects == {"ALPHDEFFXXX": "added", "021000021": "added"}
    assert first.changed
    assert not again.changed
    assert again.reference == first.reference


def test_who_is_not_in_the_file_stays_and_a_suspension_stays() -> None:
    base = participants.merge(Reference(), checked(ALPHA, BETA)).reference
    suspended = participants.with_status(base, "ALPHDEFFXXX", "suspended")
    merged = participants.merge(suspended.reference, checked({**ALPHA, "name": "Alpha Bank SE"}))
    statuses = {each.id: (each.name, each.status) for each in merged.reference.participants}
    assert suspended.changed
    assert statuses == {"ALPHDEFFXXX": ("Alpha Bank SE", "suspended"), "021000021": ("Beta Bank NA", "active")}


def test_suspending_twice_changes_nothing() -> None:
    base = participants.merge(Reference(), checked(ALPHA)).reference
    once = participants.with_status(base, "ALPHDEFFXXX", "suspended")
    assert not participants.with_status(once.reference, "ALPHDEFFXXX", "suspended").changed


def test_an_account_that_is_not_open_is_opened_under_an_id_of_its_own_for_good() -> None:
    imported = checked(ALPHA)
    first = participants.account_commands(imported, {}, {}, "anna", NOW)
    again = participants.account_commands(imported, {}, {}, "otto", NOW)
    after_refusal = participants.account_commands(imported, {}, {("EUR-RTGS", "ALPHDEFFXXX"): 1}, "anna", NOW)
    assert [(each.action, each.book) for each in first] == [("open-account", "EUR-RTGS")]
    assert first[0].arguments == {"participant": "ALPHDEFFXXX", "opening_balance": 100_050, "credit_line": 2_000}
    assert first[0].id == again[0].id != after_refusal[0].id


def test_an_open_account_gets_a_command_only_for_another_credit_line() -> None:
    imported = checked(ALPHA)
    place = ("EUR-RTGS", "ALPHDEFFXXX")
    assert participants.account_commands(imported, {place: Terms(2, "EUR", 2_000)}, {}, "anna", NOW) == []
    changed = participants.account_commands(imported, {place: Terms(2, "EUR", 0)}, {}, "anna", NOW)
    assert [(each.action, each.arguments["credit_line"]) for each in changed] == [("set-credit-line", 2_000)]
