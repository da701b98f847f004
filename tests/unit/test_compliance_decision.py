"""Clearances: the order of the rules, instant payments, limits, data quality, releases."""

from __future__ import annotations

import msgspec
import pytest

from engine.compliance.decision import RULES, Clearance, ComplianceFacts, comply, hit_key
from engine.compliance.limits import Limit, Limits, data_quality, meaningless
from engine.compliance.screening import Screener
from engine.compliance.watchlist import Entry, ListedName, build
from payments import Agent, Money, Party, Payment, PaymentKind

LISTED = Entry(id="T:1", list="HOME", names=(ListedName("Orlan Teszkovary"),), bics=("GELIAQ2A",))
LIMITS = Limits(
    (
        Limit(currency="EUR", maximum=100_00),
        Limit(currency="EUR", maximum=200_00, scheme="EUR-INST"),
        Limit(currency="EUR", maximum=300_00, participant="ALBADEFF"),
        Limit(currency="EUR", maximum=400_00, scheme="EUR-INST", participant="ALBADEFF077", code="AM14"),
    )
)


def facts(**changes: object) -> ComplianceFacts:
    values = {"screener": Screener(build("test", "2026-01-01", [LISTED])), "limits": LIMITS} | changes
    return ComplianceFacts(**values)


def payment(name: str = "Anna Blum", minor: int = 100_00, **fields: object) -> Payment:
    values = {"kind": PaymentKind.CREDIT_TRANSFER, "creditor": Party(name=name)} | fields
    return Payment(index=0, amount=Money(minor, "EUR"), debtor=Party(name="Jon Reed"), **values)


def test_a_clean_payment_is_cleared_with_all_versions():
    clearance = comply(payment(), facts())
    assert clearance.decision == "CLEARED"
    assert clearance.rule == "nothing_found"
    assert clearance.limits_version == LIMITS.version
    assert clearance.list_version
    assert clearance.settings_version
    assert clearance.rules_version


def test_a_hit_holds_and_the_counterparty_is_not_told_why():
    clearance = comply(payment("TESZKOVARY ORLAN"), facts())
    assert (clearance.decision, clearance.reason, clearance.rule) == ("HELD", "RR04", "listed_party")
    assert clearance.hits[0].entry_id == "T:1"
    assert "Teszkovary" not in clearance.text


def test_an_instant_payment_is_rejected_where_another_is_held():
    clearance = comply(payment("Orlan Teszkovary"), facts(), instant=True)
    assert (clearance.decision, clearance.reason) == ("REJECTED", "RR04")


@pytest.mark.parametrize(
    ("screening", "own_lists", "decision"),
    [
        ("on", frozenset(), "REJECTED"),
        ("off", frozenset(), "CLEARED"),
        ("own-lists", frozenset(), "CLEARED"),
        ("own-lists", frozenset({"HOME"}), "REJECTED"),
    ],
)
def test_the_scheme_says_whether_parties_are_screened(screening, own_lists, decision):
    given = facts(own_lists=own_lists)
    clearance = comply(payment("Orlan Teszkovary"), given, instant=True, party_screening=screening)
    assert clearance.decision == decision


def test_agents_are_screened_even_where_parties_are_not():
    listed = payment(creditor_agent=Agent("GELIAQ2AXXX"))
    assert comply(listed, facts(), instant=True, party_screening="off").decision == "REJECTED"


def test_no_instant_payment_is_ever_held():
    for name in ("Orlan Teszkovary", "XXX", "Anna Blum"):
        for minor in (1, 10**9):
            clearance = comply(payment(name, minor), facts(refuse_meaningless=True), instant=True)
            assert clearance.decision != "HELD"


@pytest.mark.parametrize(
    ("minor", "scheme", "participant", "code"),
    [
        (100_00, None, None, None),
        (100_01, None, None, "AM02"),
        (200_00, "EUR-INST", "GELIAQ2AXXX", None),
        (300_00, "EUR-RTGS", "ALBADEFFXXX", None),
        (300_00, "EUR-INST", "ALBADEFF001", None),
        (400_01, "EUR-INST", "ALBADEFF077", "AM14"),
    ],
)
def test_the_most_specific_limit_applies(minor, scheme, participant, code):
    clearance = comply(payment(minor=minor), facts(), scheme=scheme, participant=participant)
    assert clearance.reason == code
    assert clearance.decision == ("CLEARED" if code is None else "REJECTED")


def test_a_limit_says_amount_limit_and_remedy():
    text = comply(payment(minor=100_01), facts()).text
    assert "EUR 100.01" in text
    assert "EUR 100.00" in text


def test_other_currencies_and_payments_without_amount_have_no_limit():
    assert LIMITS.check(Payment(index=0, kind=PaymentKind.PRENOTE), None, None) is None
    assert LIMITS.find("USD", "EUR-INST", "ALBADEFF077") is None


def test_two_limits_for_one_thing_are_refused():
    with pytest.raises(ValueError, match="keep one"):
        Limits((Limit(currency="EUR", maximum=1), Limit(currency="EUR", maximum=2)))


def test_a_hit_comes_before_a_limit():
    assert comply(payment("Orlan Teszkovary", 10**9), facts()).rule == "listed_party"
    assert [rule.__name__ for rule in RULES].index("listed_party") < [rule.__name__ for rule in RULES].index(
        "amount_over_limit"
    )


@pytest.mark.parametrize(
    "name", ["XXX", "xxxxxx", "X", "12345", "NOT PROVIDED", "Notprovided", "n/a", "A CUSTOMER", "---", "Unknown"]
)
def test_names_that_say_nothing_are_a_warning_or_a_rejection(name):
    assert meaningless(name) is not None
    warned = comply(payment(name), facts())
    assert (warned.decision, [finding.code for finding in warned.findings]) == ("CLEARED", ["RR03"])
    refused = comply(payment(name), facts(refuse_meaningless=True))
    assert (refused.decision, refused.reason) == ("REJECTED", "RR03")


@pytest.mark.parametrize("name", ["Li", "O. Xx", "3M", "Anna Customer", "李", "Test Valley Farm"])
def test_short_and_odd_names_say_something(name):
    assert meaningless(name) is None


def test_missing_names_are_found_unless_the_party_is_an_institution():
    def place(party):
        return [finding.place for finding in data_quality(payment(debtor=None, creditor=party))]

    def payment(**fields):
        return Payment(index=0, kind=PaymentKind.CREDIT_TRANSFER, **fields)

    assert place(Party(account="1")) == ["creditor.name"]
    assert place(Party(bic="ALBADEFFXXX")) == []
    assert place(None) == []


def test_a_release_stands_until_the_list_has_something_new():
    held = comply(payment("Orlan Teszkovary"), facts())
    released = frozenset(map(hit_key, held.hits))
    again = comply(payment("Orlan Teszkovary"), facts(), released=released)
    assert (again.decision, again.hits, again.released) == ("CLEARED", (), held.hits)
    changed = msgspec.structs.replace(LISTED, countries=("HU",))
    newer = facts(screener=Screener(build("test", "2026-01-02", [changed])))
    assert comply(payment("Orlan Teszkovary"), newer, released=released).decision == "HELD"


def test_requests_are_not_screened():
    assert comply(payment("Orlan Teszkovary", kind=PaymentKind.CANCELLATION_REQUEST), facts()).decision == "CLEARED"


def test_a_clearance_crosses_the_bus():
    clearance = comply(payment("Orlan Teszkovary"), facts())
    written = msgspec.json.encode(clearance)
    assert msgspec.json.decode(written, type=Clearance) == clearance
    assert b'"rules_version"' in written
