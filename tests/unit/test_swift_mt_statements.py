"""A statement of account becomes balances, entries and what is said of them, however its bank writes it."""

import json

import pytest

from parsers.swift_mt import read
from parsers.swift_mt.narratives import details_of
from parsers.swift_mt.statements import entry_of
from payments import Money
from payments.statement import Statement

HEAD = ":20:STMT1\n:25:12345678/1020304050\n:28C:12/2\n:60F:C261123EUR1000,00\n"
STATEMENT = HEAD + (
    ":61:2611241124D12,50NTRFINV 7//B123\nBOOK STORE\n:86:/EREF/E2E-7/REMI/BOOKS/NAME/OAK BOOKS\n"
    ":61:2611241124CR100,NMSCNONREF\n:61:2611241124RC5,NCHG2\n:61:2611241124RD7,50NCHG3\n"
    ":62F:C261124EUR1090,00\n:64:C261124EUR1000,00\n:65:C261125EUR1090,00\n:86:THANK YOU\nAND GOOD BYE\n-\n"
)
REPORT = (
    ":20:REP1\n:25P:4711\nLINDSESS\n:28C:1\n:34F:EURD50,\n:34F:EURC10,\n:13D:2611241530+0100\n"
    ":61:261124ED12,50NTRFX\n:90D:1EUR12,50\n:90C:0EUR0,\n-\n"
)


def only(text: str) -> Statement:
    (message,) = read(text.encode())
    (statement,) = message.statements()
    return statement


def test_balances_and_entries():
    statement = only(STATEMENT)
    assert (statement.kind, statement.message_id, statement.account) == ("statement", "STMT1", "12345678/1020304050")
    assert (statement.number, statement.page, statement.last_page, statement.currency) == (12, 2, True, "EUR")
    assert [(each.type, each.date, each.amount.minor) for each in statement.balances] == [
        ("OPBD", "2026-11-23", 100_000),
        ("CLBD", "2026-11-24", 109_000),
        ("CLAV", "2026-11-24", 100_000),
        ("FWAV", "2026-11-25", 109_000),
    ]
    assert [(each.amount.minor, each.reversal) for each in statement.entries] == [
        (-1_250, False),
        (10_000, False),
        (-500, True),
        (750, True),
    ]
    assert sum(each.amount.minor for each in statement.entries) == 109_000 - 100_000
    first = statement.entries[0]
    assert (first.reference, first.servicer_reference, first.supplement) == ("INV 7", "B123", "BOOK STORE")
    assert (first.transaction_code, first.details["end_to_end_id"]) == ("NTRF", "E2E-7")
    assert statement.entries[1].funds_code == "R"
    assert statement.information == "THANK YOU\nAND GOOD BYE"


def test_a_report_in_the_course_of_the_day():
    report = only(REPORT)
    assert (report.kind, report.created, report.account_owner) == (
        "interim-report",
        "2026-11-24T15:30:00+01:00",
        "LINDSESSXXX",
    )
    assert [limit.minor for limit in report.floor_limits] == [-5_000, 1_000]
    assert report.entries[0].status == "PDNG"
    assert (report.debits.number, report.debits.amount, report.credits.number) == (1, Money(-1_250, "EUR"), 0)


def test_the_record_is_json_with_unsigned_amounts():
    (entry, *_) = json.loads(json.dumps(only(STATEMENT).record()))["entries"]
    assert (entry["amount"], entry["currency"], entry["credit_debit"]) == ("12.50", "EUR", "DBIT")
    assert json.loads(json.dumps(only(REPORT).record()))["floor_limits"][0]["credit_debit"] == "DBIT"


@pytest.mark.parametrize(
    ("value", "minor", "rest"),
    [
        ("2611241124C1000,NTRFX", 100_000, ("NTRF", "X", None)),
        ("2611241124C,32NTRFX", 32, ("NTRF", "X", None)),
        ("2611241124CR1000.5NTRFX", 100_050, ("NTRF", "X", None)),
        ("261124    C 7,NTRFX", 700, ("NTRF", "X", None)),
        ("2611241124C\n7,NTRFX", 700, ("NTRF", "X", None)),
        ("2611241124C50,00 NTRFNONREF//2109", 5_000, ("NTRF", "NONREF", "2109")),
        ("2611241124C1,NTRFDE02120300000000202051ANDMORE", 100, ("NTRF", "DE02120300000000202051ANDMORE", None)),
        ("2611241124C1,S103REF//A//B", 100, ("S103", "REF", "A//B")),
        ("2611241124C1,", 100, (None, None, None)),
    ],
)
def test_entries_as_banks_write_them(value, minor, rest):
    entry = entry_of(value, "EUR")
    assert entry.amount == Money(minor, "EUR")
    assert (entry.transaction_code, entry.reference, entry.servicer_reference) == rest


def test_an_entry_that_cannot_be_read_is_kept():
    entry = entry_of("GARBAGE", "EUR", "SAID")
    assert (entry.amount, entry.supplement, entry.information) == (None, "GARBAGE", "SAID")
    assert entry_of("2611241124C1,NTRFX", None).amount is None


@pytest.mark.parametrize(
    ("value", "entered", "day"),
    [
        ("261231", "0102", "2027-01-02"),
        ("270101", "1231", "2026-12-31"),
        ("261124", "1124", "2026-11-24"),
        ("270228", "0230", "2027-02-28"),
    ],
)
def test_the_year_of_an_entry_is_the_nearest(value, entered, day):
    assert entry_of(f"{value}{entered}C1,NTRFX", "EUR").booking_date == day


def test_a_day_that_its_month_does_not_have_is_the_last():
    assert entry_of("270230C1,NTRFX", "EUR").value_date == "2027-02-28"
    assert entry_of("271340C1,NTRFX", "EUR").value_date is None


@pytest.mark.parametrize(
    ("text", "details"),
    [
        ("PLAIN WORDS", {}),
        ("/A/B", {}),
        (
            "166?00TRANSFER?100931?20EREF+E2E-7?21KREF+K1?22SVWZ+INVOICE 7 AND?23 8?30LINDDEFF?31DE0212?32OAK B\n"
            "OOKS?33 LTD?34997",
            {
                "transaction_code": "166",
                "booking_text": "TRANSFER",
                "journal_number": "0931",
                "end_to_end_id": "E2E-7",
                "customer_reference": "K1",
                "remittance": "INVOICE 7 AND 8",
                "bank": "LINDDEFF",
                "account": "DE0212",
                "name": "OAK BOOKS LTD",
                "text_key_extension": "997",
            },
        ),
        ("005?20NO WORDS?21 HERE", {"transaction_code": "005", "remittance": "NO WORDS HERE"}),
        (
            "/TRTP/SEPA/IBAN/NL02ABNA0123456789/BIC/ABNANL2A/NAME/ELM/REMI/A/B TEST/EREF/E1",
            {
                "booking_text": "SEPA",
                "account": "NL02ABNA0123456789",
                "bank": "ABNANL2A",
                "name": "ELM",
                "remittance": "A/B TEST",
                "end_to_end_id": "E1",
            },
        ),
        ("/ORDP//NAME/ELM/REMI/X", {"name": "ELM", "remittance": "X"}),
    ],
)
def test_what_is_said_of_an_entry_by_name(text, details):
    assert details_of(text) == details


def test_a_transfer_has_no_statement():
    (message,) = read(b"{1:F01LINDSESSAXXX0001000007}{2:I199OAKBGB2LXXXXN}{4:\r\n:20:A\r\n:79:B\r\n-}")
    assert message.statements() == ()
