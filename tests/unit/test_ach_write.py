"""Files and acknowledgements that are written: valid, complete, and with the entries' own trace numbers."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from parsers.ach import acknowledgement, acknowledgement_of, read, write_file
from payments import Agent, Money, Party, Payment, PaymentKind

VECTORS = Path(__file__).parents[1] / "vectors" / "ach"
ENVELOPE = {
    "origin": "122000331",
    "destination": "061100211",
    "origin_name": "BREZZA BANK",
    "destination_name": "HARBOR FIRST BANK",
    "created": "2607131000",
    "modifier": "B",
}


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.ach")), ids=lambda path: path.stem)
def test_what_was_read_can_be_written_from_its_payments(path: Path) -> None:
    (message,) = read(path.read_bytes())
    written = write_file(payments=message.payments, **ENVELOPE)
    (again,) = read(written)
    assert again.findings == ()
    assert [payment.details for payment in again.payments] == [payment.details for payment in message.payments]
    assert again.payments == message.payments
    # Everything between the file header and the file control is the same to the byte.
    body = [line for line in written.splitlines()[1:] if line[:1] in b"5678"]
    assert body == [line for line in path.read_bytes().splitlines()[1:] if line[:1] in b"5678"]


def test_the_header_says_who_sends_when() -> None:
    (message,) = read((VECTORS / "ppd-ccd-credits.ach").read_bytes())
    header = write_file(payments=message.payments, **ENVELOPE).splitlines()[0].decode()
    assert header == f"101 061100211 1220003312607131000B094101{'HARBOR FIRST BANK':23}{'BREZZA BANK':23}{'':8}"


def test_a_payment_that_never_was_an_entry_can_be_written() -> None:
    sender, receiver = (Agent(clearing_system="USABA", clearing_id=number) for number in ("061100211", "122000331"))
    payment = Payment(
        index=0,
        kind=PaymentKind.CREDIT_TRANSFER,
        amount=Money(12345, "USD"),
        value_date="2026-07-14",
        transaction_id="061100210000077",
        end_to_end_id="E2E-77",
        debtor=Party(name="LINDEN TOOLS"),
        creditor=Party(name="ODETTE MARIVAUX", account="5500120034"),
        instructing_agent=sender,
        instructed_agent=receiver,
        remittance="INVOICE 12",
        details={
            "sec": "CCD",
            "transaction_code": "22",
            "company_name": "LINDEN TOOLS",
            "company_id": "1840027755",
            "entry_description": "SUPPLIERS",
        },
    )
    (message,) = read(write_file(payments=[payment], **ENVELOPE))
    assert message.findings == ()
    (entry,) = message.payments
    assert entry.amount == payment.amount
    assert (entry.transaction_id, entry.end_to_end_id, entry.remittance) == ("061100210000077", "E2E-77", "INVOICE 12")
    assert entry.details["service_class"] == "220"


def test_a_payment_that_cannot_be_written_is_named() -> None:
    (message,) = read((VECTORS / "ppd-ccd-credits.ach").read_bytes())
    nowhere = msgspec.structs.replace(message.payments[0], transaction_id="17", index=4)
    with pytest.raises(ValueError, match="payment 4: '17' is not a trace number"):
        write_file(payments=[nowhere], **ENVELOPE)
    too_much = msgspec.structs.replace(message.payments[0], amount=Money(10**10, "USD"))
    with pytest.raises(ValueError, match="does not fit"):
        write_file(payments=[too_much], **ENVELOPE)


def test_an_acknowledgement_lists_totals_and_refused_entries() -> None:
    data = (VECTORS / "ppd-ccd-credits.ach").read_bytes()
    (good,) = read(data)
    answer = json.loads(acknowledgement_of(good, at="2026-07-12T16:00:00Z"))
    assert (answer["status"], answer["at"], answer["findings"]) == ("accepted", "2026-07-12T16:00:00Z", [])
    assert (answer["totals"]["credit"], answer["entries"]) == ("15280.57", 5)
    assert answer["file"] == {"reference": "0611002112607121530A", "sender": "061100211", "receiver": "122000331"}

    lines = data.splitlines()
    lines[3] = lines[3][:11] + b"5" + lines[3][12:]
    (partly,) = read(b"\n".join(lines))
    answer = json.loads(acknowledgement_of(partly, at="2026-07-12T16:00:00Z"))
    assert answer["status"] == "partially-accepted"
    assert answer["returned_entries"] == [{"line": 4, "trace": "061100210000002", "code": "R28"}]
    assert answer["findings"][0]["value"] == "321170445"

    (bad,) = read(data[:-2000])
    answer = json.loads(acknowledgement_of(bad, at="2026-07-12T16:00:00Z"))
    assert (answer["status"], answer["returned_entries"]) == ("rejected", [])


def test_an_acknowledgement_may_refuse_a_file_for_a_reason_outside_it() -> None:
    payload = acknowledgement(
        reference="F1", accepted=False, entries=0, findings=(), reason="DUPL repeated", at="2026-07-12T16:00:00Z"
    )
    answer = json.loads(payload)
    assert (answer["status"], answer["reason"], answer["totals"]) == ("rejected", "DUPL repeated", None)
