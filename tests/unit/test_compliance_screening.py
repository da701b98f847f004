"""Parties and agents of a payment are screened, good guys suppress one pair, and every outcome names its versions."""

from __future__ import annotations

import msgspec
import pytest

from engine.compliance.screening import GoodGuy, Screener, ScreeningSettings, fingerprint
from engine.compliance.watchlist import Entry, Identifier, ListedName, build, synthetic_list
from payments import Address, Agent, Money, Party, Payment, PaymentKind

LISTED = Entry(
    id="T:1",
    list="T",
    type="person",
    names=(ListedName("Orlan Teszkovary"), ListedName("Big Orlan", "weak")),
    birth_dates=("1970-05-04",),
    countries=("HU",),
    identifiers=(Identifier("passport", "HX 123 456"),),
)
BANK = Entry(id="T:2", list="T2", type="organisation", names=(ListedName("Gelida Bank"),), bics=("GELIAQ2A",))
BRANCH = Entry(id="T:3", list="T2", type="organisation", names=(ListedName("Rimeford Bank"),), bics=("RIMEAQ2A123",))


def screener(*entries: Entry, good_guys: tuple[GoodGuy, ...] = (), **settings: object) -> Screener:
    made = build("test", "2026-01-01", entries or (LISTED, BANK, BRANCH))
    return Screener(made, ScreeningSettings(**settings), good_guys)


def payment(**fields: object) -> Payment:
    values = {"debtor": Party(name="Anna Blum"), "creditor": Party(name="Jon Reed")} | fields
    return Payment(index=0, kind=PaymentKind.CREDIT_TRANSFER, amount=Money(100, "EUR"), **values)


def good_guy(**changes: str) -> GoodGuy:
    values = {
        "party": fingerprint("Orlan Teszkovary"),
        "entry_id": "T:1",
        "entry_version": LISTED.version,
        "expires": "2026-12-31",
        "reason": "born 1995",
        "proposed_by": "kim",
        "approved_by": "lou",
    }
    return GoodGuy(**(values | changes))


def test_a_clean_payment_has_no_hits_and_names_the_versions():
    tool = screener()
    screening = tool.screen(payment())
    assert (screening.hits, screening.suppressed) == ((), ())
    assert screening.list_version == tool.watchlist.version
    assert screening.settings_version == tool.settings.version


@pytest.mark.parametrize("place", ["debtor", "creditor", "ultimate_debtor", "ultimate_creditor"])
def test_every_party_is_screened(place):
    hits = screener().screen(payment(**{place: Party(name="TESZKOVARY, Orlan")})).hits
    assert [(hit.field, hit.entry_id) for hit in hits] == [(f"{place}.name", "T:1")]
    assert "“orlan” = “orlan”" in hits[0].reason


@pytest.mark.parametrize("place", ["debtor_agent", "creditor_agent", "instructing_agent", "instructed_agent"])
def test_every_agent_is_screened_by_bic_and_name(place):
    fields = {hit.field for hit in screener().screen(payment(**{place: Agent("GELIAQ2AXXX", name="Gelida Bank")})).hits}
    assert fields == {f"{place}.bic", f"{place}.name"}


def test_intermediaries_are_screened_with_their_number():
    hits = screener().screen(payment(intermediaries=(Agent("ALBADEFFXXX"), Agent("GELIAQ2A007")))).hits
    assert [hit.field for hit in hits] == ["intermediaries[1].bic"]


@pytest.mark.parametrize(("bic", "hit"), [("RIMEAQ2A123", True), ("RIMEAQ2AXXX", False), ("RIMEAQ2A124", False)])
def test_a_listed_branch_is_that_branch_only(bic, hit):
    assert bool(screener().screen(payment(debtor_agent=Agent(bic))).hits) is hit


@pytest.mark.parametrize("field", ["identification", "account", "lei"])
def test_identifiers_match_without_regard_to_blanks(field):
    hits = screener().screen(payment(creditor=Party(name="Jon Reed", **{field: "hx123456"}))).hits
    assert [(hit.field, hit.score) for hit in hits] == [(f"creditor.{field}", 1.0)]


def test_corroboration_orders_the_queue():
    tool = screener()
    alone = tool.screen_name("Orlan Teszkovary")[0].score
    country = tool.screen_name("Orlan Teszkovary", None, "HU")[0].score
    both = tool.screen_name("Orlan Teszkovary", "1970-05-04", "HU")[0].score
    assert alone < country < both == 1.0


@pytest.mark.parametrize(
    ("birth_date", "hit"),
    [("1970-05-04", True), ("1971", True), ("1970-04-05", True), ("1995-01-01", False), ("????", True), ("", True)],
)
def test_a_birth_year_far_off_speaks_against_a_match(birth_date, hit):
    assert bool(screener().screen_name("Orlan Teszkovary", birth_date)) is hit


def test_a_vessel_is_not_a_person():
    assert not screener().screen_name("Orlan Teszkovary", kind="vessel")


def test_weak_aliases_score_less_and_can_be_switched_off():
    assert screener().screen_name("Big Orlan")[0].score == pytest.approx(0.85)
    assert not screener(weak_aliases=False).screen_name("Big Orlan")


def test_without_names_only_agents_are_screened():
    listed = payment(debtor=Party(name="Orlan Teszkovary"), debtor_agent=Agent("GELIAQ2AXXX"))
    assert [hit.field for hit in screener().screen(listed, names=False).hits] == ["debtor_agent.bic"]


def test_hits_can_be_limited_to_some_lists():
    listed = payment(debtor=Party(name="Orlan Teszkovary"), debtor_agent=Agent("GELIAQ2AXXX"))
    assert [hit.list for hit in screener().screen(listed, lists=frozenset({"T"})).hits] == ["T"]


def test_a_good_guy_suppresses_its_pair_and_is_shown():
    screening = screener(good_guys=(good_guy(),)).screen(
        payment(debtor=Party(name="Orlan Teszkovary")), today="2026-12-31"
    )
    assert screening.hits == ()
    assert [(one.hit.entry_id, one.good_guy.approved_by) for one in screening.suppressed] == [("T:1", "lou")]


@pytest.mark.parametrize(
    ("changes", "today", "party"),
    [
        ({}, "2027-01-01", Party(name="Orlan Teszkovary")),
        ({}, None, Party(name="Orlan Teszkovary")),
        ({"entry_version": "0" * 16}, "2026-06-01", Party(name="Orlan Teszkovary")),
        ({"entry_id": "T:2"}, "2026-06-01", Party(name="Orlan Teszkovary")),
        ({}, "2026-06-01", Party(name="Orlan Teszkovary", address=Address(country="HU"))),
        ({}, "2026-06-01", Party(name="Orlan Teszkovari")),
    ],
    ids=["expired", "no date known", "entry changed", "another entry", "another country", "another name"],
)
def test_a_good_guy_is_void_when_anything_differs(changes, today, party):
    screening = screener(good_guys=(good_guy(**changes),)).screen(payment(debtor=party), today=today)
    assert len(screening.hits) == 1
    assert screening.suppressed == ()


def test_a_good_guy_needs_two_operators_and_a_reason():
    with pytest.raises(ValueError, match="two operators"):
        good_guy(approved_by="kim")
    with pytest.raises(ValueError, match="reason"):
        good_guy(reason=" ")


def test_a_screening_crosses_the_bus():
    screening = screener().screen(payment(debtor=Party(name="Orlan Teszkovary")))
    assert msgspec.json.decode(msgspec.json.encode(screening), type=type(screening)) == screening


def test_the_cached_verdict_is_the_verdict():
    tool, one = screener(), payment(debtor=Party(name="Orlan Teszkovary"))
    assert tool.screen(one) == tool.screen(one) == screener().screen(one)


def test_settings_have_versions():
    assert ScreeningSettings().version == ScreeningSettings().version != ScreeningSettings(threshold=0.9).version


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("Victor Drakunov", "SYN:0001"),
        ("إبراهيم خليل الزفيراني", "SYN:0004"),
        ("深圳华通鑫光电有限公司", "SYN:0030"),
        ("Drevogradbank", "SYN:0022"),
        ("Phantom Sturgeon", "SYN:0035"),
    ],
)
def test_the_list_that_ships_is_found_across_scripts(name, entry):
    assert Screener(synthetic_list()).screen_name(name)[0].entry_id == entry
