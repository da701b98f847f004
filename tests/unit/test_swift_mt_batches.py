"""Messages of several transactions give a payment for each, and each leaves alone as a message of its own."""

import pytest

from parsers.swift_mt import read, singles
from payments import Money

HEAD = "{{1:F01LINDSESSAXXX0001000007}}{{2:I{}OAKBGB2LXXXXN}}{{3:{{108:MUR7}}}}{{4:"
AT = "2026-11-24T08:00:00Z"


def message(kind: str, *fields: str) -> bytes:
    body = "".join(f"\r\n:{field}".replace("\n", "\r\n").replace("\r\r", "\r") for field in fields)
    return f"{HEAD.format(kind)}{body}\r\n-}}".encode()


CREDITS = message(
    "102", "20:BATCH1", "23:CREDIT", "50K:/111\nANNA LIND\nSTORGATAN 1", "52A:NORDSESS", "71A:OUR",
    "21:TX1", "32B:EUR100,", "59:/222\nOAK TRADING\nLONDON", "70:/ROC/E2E-1//INV 7", "33B:EUR100,", "71G:EUR5,",
    "21:TX2", "32B:EUR50,5", "57A:BARCGB22", "59:/333\nELM LTD\nLONDON", "33B:EUR50,5", "71G:EUR2,",
    "32A:261124EUR157,5", "19:150,5", "71G:EUR7,",
)  # fmt: skip
ORDERS = message(
    "101", "20:ORDER1", "28D:1/1", "50H:/111\nANNA LIND\nSTORGATAN 1", "30:261124",
    "21:TX1", "32B:EUR10,", "57A:BARCGB22", "59:/222\nOAK TRADING\nLONDON", "71A:SHA",
    "21:TX2", "32B:EUR20,", "59:/333\nELM LTD\nLONDON", "71A:OUR",
)  # fmt: skip
DEBITS = message(
    "104", "20:DDB", "23E:AUTH", "30:261124", "50K:/111\nPOWER CO\nSTOCKHOLM", "71A:SHA",
    "21:TX1", "21C:MND1", "32B:EUR10,", "59:/222\nBOB ELM\nLONDON",
    "21:TX2", "21C:MND2", "32B:EUR20,", "59:/333\nEVE OAK\nLONDON",
    "32B:EUR30,",
)  # fmt: skip
BANKS = message(
    "203", "19:300,", "30:261124", "52A:NORDSESS",
    "20:REFA", "21:RELA", "32B:USD100,", "58A:OAKBGB2L",
    "20:REFB", "21:RELB", "32B:USD200,", "57A:BARCGB22", "58A:ELMBGB2L",
)  # fmt: skip
OWN = message(
    "201", "19:300,", "30:261124", "53B:/123",
    "20:REFA", "32B:USD100,", "57A:BARCGB22", "20:REFB", "32B:USD200,", "57A:OAKBGB2L",
)  # fmt: skip
COLLECTED = message(
    "204", "20:DD1", "19:300,", "30:261124", "58A:LINDSESS",
    "20:REFA", "32B:USD100,", "53A:BARCGB22", "20:REFB", "21:RR", "32B:USD200,", "53A:OAKBGB2L",
)  # fmt: skip
AWAITED = message("210", "20:NOTE1", "25:4711", "30:261124", "21:RELA", "32B:USD100,", "50:BOB ELM\nLONDON")


def shown(agent) -> str:
    return "-" if agent is None else agent.bic[:8]


def only(data: bytes):
    (found,) = read(data)
    assert [finding for finding in found.findings if finding.severity == "error"] == []
    return found


@pytest.mark.parametrize(
    ("data", "kind", "rows"),
    [
        (CREDITS, "credit-transfer", ["TX1 10500 NORDSESS OAKBGB2L", "TX2 5250 NORDSESS BARCGB22"]),
        (ORDERS, "credit-transfer", ["TX1 1000 OAKBGB2L BARCGB22", "TX2 2000 OAKBGB2L OAKBGB2L"]),
        (DEBITS, "direct-debit", ["TX1 1000 OAKBGB2L LINDSESS", "TX2 2000 OAKBGB2L LINDSESS"]),
        (BANKS, "financial-institution-transfer", ["REFA 10000 LINDSESS OAKBGB2L", "REFB 20000 LINDSESS BARCGB22"]),
        (OWN, "financial-institution-transfer", ["REFA 10000 LINDSESS BARCGB22", "REFB 20000 LINDSESS OAKBGB2L"]),
        (COLLECTED, "direct-debit", ["REFA 10000 BARCGB22 LINDSESS", "REFB 20000 OAKBGB2L LINDSESS"]),
        (AWAITED, "notification", ["RELA 10000 - OAKBGB2L"]),
    ],
    ids=["102", "101", "104", "203", "201", "204", "210"],
)  # fmt: skip
def test_each_transaction_is_a_payment(data, kind, rows):
    payments = only(data).payments
    assert [payment.index for payment in payments] == list(range(len(rows)))
    assert {(payment.kind.value, payment.value_date) for payment in payments} == {(kind, "2026-11-24")}
    assert rows == [
        f"{each.instruction_id} {each.amount.minor} {shown(each.debtor_agent)} {shown(each.creditor_agent)}"
        for each in payments
    ]


def test_the_head_speaks_for_every_transaction():
    first, second = only(CREDITS).payments
    assert first.debtor == second.debtor
    assert first.debtor.name == "ANNA LIND"
    assert (first.charge_bearer, second.charge_bearer) == ("DEBT", "DEBT")
    assert (first.end_to_end_id, second.end_to_end_id) == ("E2E-1", None)
    assert first.details["message_id"] == "BATCH1"
    payer = only(DEBITS).payments[1]
    assert payer.debtor.name == "EVE OAK"
    assert payer.creditor.name == "POWER CO"
    assert payer.details["21C"] == "MND2"
    awaited = only(AWAITED).payments[0]
    assert awaited.debtor.name == "BOB ELM"


@pytest.mark.parametrize(
    ("data", "kind", "amounts"),
    [
        (CREDITS, "MT102", [10500, 5250]),
        (BANKS, "MT202", [10000, 20000]),
        (OWN, "MT200", [10000, 20000]),
        (COLLECTED, "MT204", [10000, 20000]),
        (DEBITS, "MT104", [1000, 2000]),
    ],
    ids=["102", "203", "201", "204", "104"],
)
def test_each_transaction_leaves_alone(data, kind, amounts):
    whole = only(data)
    for copy, amount, payment in zip(singles(whole, at=AT, sequence=9), amounts, whole.payments, strict=True):
        (alone,) = read(copy, mode="strict")
        assert [finding.code for finding in alone.errors()] == []
        assert (alone.type, alone.sender, alone.receiver) == (kind, "LINDSESSXXX", "OAKBGB2LXXX")
        (single,) = alone.payments
        assert single.amount == Money(amount, single.amount.currency)
        assert (single.instruction_id, single.debtor, single.creditor) == (
            payment.instruction_id,
            payment.debtor,
            payment.creditor,
        )


def test_what_is_out_of_order_leaves_whole():
    (whole,) = read(BANKS.replace(b":30:261124\r\n", b""), mode="lenient")
    copies = singles(whole, at=AT, sequence=9)
    assert [b":20:REFA" in copy and b":20:REFB" in copy for copy in copies] == [True, True]


def test_a_statement_has_no_transactions_to_leave_alone():
    (stray,) = read(b"nothing")
    with pytest.raises(ValueError, match="text"):
        singles(stray, at=AT, sequence=1)
