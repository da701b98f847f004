"""Admission: each rule objects with its scheme's code, and dates lead to today, the warehouse or a refusal."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from settlement.admission import Admission, Participant, admit, facts
from settlement.calendar import CALENDARS, Calendar
from settlement.day import BusinessDay, Phase
from settlement.instruction import Instruction

THURSDAY = date(2027, 3, 25)  # before Easter: TARGET opens again on Tuesday 30
DAYS = {name: Calendar(name) for name in CALENDARS}
PEOPLE = {
    "NORD": Participant(),
    "SUED": Participant(),
    "SUSP": Participant(status="suspended"),
    "SHUT": Participant(account="closed"),
    "ELSE": Participant(account="none"),
    "TINY": Participant(daily_limit=100_00),
}


def known(phase=Phase.OPEN, now=None, used=0, day=THURSDAY):
    return facts(BusinessDay(day, phase), PEOPLE, lambda _: used, DAYS, now)


def payment(**changes) -> Instruction:
    plain = Instruction(
        payment_id="0" * 32,
        attempt=1,
        book="EUR-RTGS",
        scheme="EUR-RTGS",
        kind="credit-transfer",
        debit="NORD",
        credit="SUED",
        amount_minor=12_50,
        currency="EUR",
        value_date="2027-03-25",
    )
    return msgspec.structs.replace(plain, **changes)


ACH = {"book": "USD-ACH", "scheme": "USD-ACH", "currency": "USD"}
INSTANT = {"book": "EUR-INST", "scheme": "SCT-INST", "no_wait": True}


def test_a_plain_payment_is_admitted():
    assert admit(payment(), known()) == Admission("ADMIT")
    assert admit(payment(value_date=None), known()) == Admission("ADMIT")


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"debit": "NOBODY"}, "DNOR", "NOBODY"),
        ({"credit": "NOBODY"}, "CNOR", "NOBODY"),
        ({"debit": "ELSE"}, "DNOR", "no account"),
        ({"credit": "ELSE"}, "CNOR", "no account"),
        ({"debit": "SUSP"}, "AG10", "suspended"),
        ({"credit": "SUSP"}, "AG11", "suspended"),
        ({"debit": "SHUT"}, "AC05", "closed"),
        ({"credit": "SHUT"}, "AC07", "closed"),
        ({"credit": "NORD"}, "AG01", "both NORD"),
        ({"currency": "USD"}, "AM03", "USD"),
        ({"amount_minor": 0}, "AM01", "EUR 0.00"),
        ({"amount_minor": -5}, "AM01", "-0.05"),
        ({"amount_minor": 10**15}, "AM02", "EUR 10000000000000.00"),
        ({"amount_minor": 10**11, **INSTANT}, "AM02", "EUR-INST"),
        ({"debit": "TINY", "amount_minor": 100_01}, "AM14", "EUR 100.00"),
        ({"credit": "NOBODY", **ACH}, "R13", "NOBODY"),
        ({"amount_minor": 10**10, **ACH}, "R19", "USD"),
        ({"value_date": "2027-03-24"}, "DT01", "past"),
        ({"value_date": "2027-04-05"}, "DT01", "10 days"),
        ({"value_date": "2027-03-26", **INSTANT}, "DT01", "0 days"),
        ({"value_date": "2027-02-30"}, "DT01", "2027-02-30"),
        ({"value_date": "25.03.2027"}, "DT01", "25.03.2027"),
        ({"value_date": "9999-12-31"}, "DT01", "9999-12-31"),
    ],
)
def test_refusals(changes, code, said):
    decided = admit(payment(**changes), known())
    assert decided.verdict == "REJECT"
    assert decided.reason is not None
    assert decided.reason.code == code
    assert said in decided.reason.text


def test_the_daily_limit_counts_what_was_used():
    assert admit(payment(debit="TINY", amount_minor=40_00), known(used=60_00)).verdict == "ADMIT"
    assert admit(payment(debit="TINY", amount_minor=40_01), known(used=60_00)).reason.code == "AM14"


@pytest.mark.parametrize(
    ("value_date", "until"),
    [
        ("2027-03-26", "2027-03-30"),  # Good Friday: the next business day
        ("2027-03-30", "2027-03-30"),
        ("2027-04-03", None),  # a Saturday: settles on Monday 5 April, more than ten days off
        ("2027-04-02", "2027-04-02"),
    ],
)
def test_a_later_value_date_goes_to_the_warehouse(value_date, until):
    decided = admit(payment(value_date=value_date), known())
    if until is None:
        assert decided.reason.code == "DT01"
    else:
        assert decided == Admission("WAREHOUSE", until=until)


def test_a_value_date_on_a_closed_day_settles_on_the_next_business_day():
    tuesday = known(day=date(2027, 3, 30))
    assert admit(payment(value_date="2027-03-28"), tuesday).verdict == "ADMIT"
    assert admit(payment(value_date="2027-03-25"), tuesday).reason.code == "DT01"


def test_what_was_warehoused_is_due_whatever_its_value_date():
    tuesday = known(day=date(2027, 3, 30))
    assert admit(payment(value_date="2027-03-25"), tuesday, due="2027-03-29").verdict == "ADMIT"
    assert admit(payment(), tuesday, due="2027-03-31") == Admission("WAREHOUSE", until="2027-03-31")


def test_tolerance_for_past_dates_is_the_schemes():
    assert admit(payment(value_date="2027-03-24", **INSTANT), known()).verdict == "ADMIT"
    assert admit(payment(value_date="2027-03-23", **INSTANT), known()).reason.code == "DT01"
    assert admit(payment(value_date="2026-01-05", **ACH), known()).verdict == "ADMIT"


BANK = {"kind": "financial-institution-transfer"}


@pytest.mark.parametrize(
    ("phase", "changes", "expected"),
    [
        (Phase.CUT_OFF, {}, "TM01"),
        (Phase.CUT_OFF, BANK, "ADMIT"),
        (Phase.CUT_OFF, INSTANT, "ADMIT"),
        (Phase.CUT_OFF, ACH, "2027-03-26"),
        (Phase.CLOSING, BANK, "TM01"),
        (Phase.CLOSED, {}, "TM01"),
        (Phase.CLOSED, {"value_date": "2027-03-30"}, "2027-03-30"),
        (Phase.CLOSED, INSTANT, "ED06"),
        (Phase.CLOSED, ACH, "2027-03-26"),
    ],
)
def test_after_the_cut_off(phase, changes, expected):
    decided = admit(payment(**changes), known(phase))
    assert (decided.reason.code if decided.reason else decided.until or decided.verdict) == expected


def test_the_clock_counts_only_when_it_is_given():
    evening = datetime(2027, 3, 25, 16, 30, tzinfo=UTC)  # 17:30 in Berlin, 12:30 in New York
    assert admit(payment(), known(now=evening)).reason.code == "TM01"
    assert admit(payment(**BANK), known(now=evening)).verdict == "ADMIT"
    assert admit(payment(**ACH), known(now=evening)).verdict == "ADMIT"
    night = datetime(2027, 3, 25, 20, 50, tzinfo=UTC)
    assert admit(payment(**BANK), known(now=night)).reason.code == "TM01"
    assert admit(payment(**ACH), known(now=night)).until == "2027-03-26"
    assert admit(payment(), known()).verdict == "ADMIT"


def test_the_first_rule_that_objects_decides():
    assert admit(payment(debit="NOBODY", currency="USD", amount_minor=0), known()).reason.code == "DNOR"
