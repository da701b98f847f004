"""The conformance tool sets what a manifest says of statements against the statements that are read."""

from parsers.swift_mt import read
from tools.conformance.statement_values import compared

STATEMENTS = [
    statement
    for message in read(
        b":20:A\n:25:1\n:28C:1\n:60F:C261123EUR10,\n:61:2611241124D2,50NTRFX//Y\n:62F:C261124EUR7,50\n-\n"
        b":20:B\n:25:2\n:28C:1\n:60F:C261123EUR1,\n:61:261124C1,NTRFZ\n:62F:C261124EUR2,\n-\n"
    )
    for statement in message.statements()
]


def test_names_of_a_manifest_are_found_in_the_statements():
    stated, found = compared(
        {
            "statements[0].account": "1",
            "statements[1].closing_balance.amount": 2,
            "statements[0].transactions[0].amount_signed": "-2.50",
            "statements[0].transactions[0].entry_date{d-m-Y}": "24-11-2026",
            "statement.transactions[1].bank_reference": None,
            "statement.transactions[-1].value_date{Y-m-d H:i:s}": "2026-11-24 00:00:00",
            "statement.account": "of a merged file: not compared",
            "something else": 1,
        },
        STATEMENTS,
    )
    assert stated == found
    assert len(stated) == 6


def test_what_is_missing_or_other_is_seen():
    values = {"statements[0].transactions[3].currency": "EUR", "statements[1].transactions[0].amount_signed": "1.01"}
    stated, found = compared(values, STATEMENTS)
    assert stated == {
        "statements[0].transactions[3].currency": "EUR",
        "statements[1].transactions[0].amount_signed": "1.01",
    }
    assert found == {"statements[0].transactions[3].currency": None, "statements[1].transactions[0].amount_signed": "1"}
