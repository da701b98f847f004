"""Money flows from debtor agent to creditor agent: the table of directions, forward and back, with both customers."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.ach import read
from payments import Payment

VECTORS = Path(__file__).parents[1] / "vectors" / "ach"
HARBOR, BREZZA, SVEA = "061100211", "122000331", "321170444"


def payment(name: str, index: int) -> Payment:
    (message,) = read((VECTORS / name).read_bytes())
    return message.payments[index]


#: file, entry, kind, who pays (bank, customer), who gets (bank, customer)
DIRECTIONS = [
    ("ppd-ccd-credits.ach", 0, "credit-transfer", HARBOR, "LINDEN TOOLS", BREZZA, "ODETTE MARIVAUX"),
    ("ppd-ccd-credits.ach", 2, "prenote", HARBOR, "LINDEN TOOLS", SVEA, "RUTA SALDANA"),
    ("ppd-ccd-credits.ach", 4, "direct-debit", BREZZA, "LARKSPUR OFFICES", HARBOR, "LINDEN TOOLS"),
    ("web-tel-debits.ach", 0, "direct-debit", BREZZA, "ELIAS VANTERPOOL", HARBOR, "LINDEN TOOLS"),
    # Returned credit: the receiving bank, which sends the return, pays back.
    ("returns.ach", 0, "return", BREZZA, "ODETTE MARIVAUX", HARBOR, "LINDEN TOOLS"),
    # Returned debit: the originating bank, which receives the return, pays back.
    ("returns.ach", 1, "return", HARBOR, "LINDEN TOOLS", BREZZA, "LARKSPUR OFFICES"),
    ("iat-credit.ach", 0, "credit-transfer", HARBOR, "LINDEN TOOLS", BREZZA, "NORRSKEN TIMBER AB"),
]


@pytest.mark.parametrize(("name", "index", "kind", "payer_bank", "payer", "payee_bank", "payee"), DIRECTIONS)
def test_who_pays_whom(
    name: str, index: int, kind: str, payer_bank: str, payer: str, payee_bank: str, payee: str
) -> None:
    entry = payment(name, index)
    assert entry.kind == kind
    assert entry.debtor_agent is not None
    assert entry.creditor_agent is not None
    assert entry.debtor is not None
    assert entry.creditor is not None
    assert entry.debtor_agent.clearing_system == "USABA"
    assert (entry.debtor_agent.clearing_id, entry.debtor.name) == (payer_bank, payer)
    assert (entry.creditor_agent.clearing_id, entry.creditor.name) == (payee_bank, payee)


def test_a_dishonored_return_goes_the_way_of_the_original_entry() -> None:
    lines = (VECTORS / "returns.ach").read_text().splitlines()
    # The originating bank sends the dishonored return of the debit (26): it collects again.
    header = lines[5][:79] + "06110021" + lines[5][87:]
    entry = lines[6][:3] + BREZZA + lines[6][12:79] + "06110021" + lines[6][87:]
    addenda = lines[7][:3] + "R68" + lines[7][6:38] + " " * 41 + "06110021" + lines[7][87:]
    control = lines[8][:10] + "0012200033" + lines[8][20:79] + "06110021" + lines[8][87:]
    (message,) = read("\n".join([lines[0], header, entry, addenda, control]).encode())
    dishonored = message.payments[0]
    assert dishonored.kind == "return"
    assert dishonored.creditor_agent is not None
    assert dishonored.creditor is not None
    assert (dishonored.creditor_agent.clearing_id, dishonored.creditor.name) == (HARBOR, "LINDEN TOOLS")
    assert dishonored.original is not None
    assert dishonored.original.reason_code == "R68"


def test_what_a_payment_says_of_its_entry() -> None:
    entry = payment("ppd-ccd-credits.ach", 1)
    assert entry.amount is not None
    assert str(entry.amount) == "USD 930.15"
    assert entry.value_date == "2026-07-14"
    assert entry.transaction_id == "061100210000002"
    assert entry.end_to_end_id == "EMP-0418"
    assert entry.remittance == "BONUS FOR JUNE INCLUDED"
    assert entry.instructing_agent is not None
    assert entry.instructing_agent.clearing_id == HARBOR
    assert entry.instructed_agent is not None
    assert entry.instructed_agent.clearing_id == SVEA
    assert entry.creditor is not None
    assert entry.creditor.account == "880-77-1"
    expected = {
        "sec": "PPD",
        "service_class": "220",
        "transaction_code": "32",
        "account_type": "savings",
        "trace": "061100210000002",
        "company_id": "1840027755",
        "company_name": "LINDEN TOOLS",
        "entry_description": "PAYROLL",
        "batch": "0000001",
        "individual_id": "EMP-0418",
    }
    assert expected.items() <= entry.details.items()


def test_a_return_and_a_notification_name_the_original_entry() -> None:
    returned = payment("returns.ach", 1).original
    assert returned is not None
    assert (returned.transaction_id, returned.reason_code) == ("061100210000005", "R29")
    assert returned.reason_text == "NOT AUTHORISED"
    change = payment("notification-of-change.ach", 0)
    assert change.kind == "notification"
    assert change.original is not None
    assert (change.original.reason_code, change.original.reason_text) == ("C01", "880-77-2")


def test_an_international_entry_has_its_parties_and_addresses() -> None:
    abroad = payment("iat-credit.ach", 0)
    assert abroad.debtor is not None
    assert abroad.creditor is not None
    assert abroad.creditor.account == "SE4550000000058398257466"
    assert abroad.creditor.address is not None
    assert (abroad.creditor.address.town, abroad.creditor.address.country) == ("UMEA", "SE")
    assert abroad.debtor.address is not None
    assert (abroad.debtor.address.street, abroad.debtor.address.postal_code) == ("18 FOUNDRY ROAD", "31201")
