"""What the SWIFT MT writers build is accepted by the reader in strict mode and says what was asked for."""

import pytest

from parsers.swift_mt import acknowledgement, answer, confirmation, forwarded, read
from parsers.swift_mt.writer import folded, reference_text
from payments import Money

AT = "2026-11-23T10:44:00+00:00"
ACK = {"terminal": "NORDDEHHAXXX", "session": "0042", "sequence": "000017", "at": "2611231044"}

CONFIRMED = {
    "kind": "900", "operator": "OPERDEFF", "recipient": "NORDDEHHXXX", "reference": "S17", "related": "PAY17",
    "account": "NORDDEHHXXX", "value_date": "2026-11-23", "ordering_institution": None, "at": AT, "sequence": 17,
}  # fmt: skip


def strict(data: bytes):
    messages = read(data, mode="strict")
    assert len(messages) == 1
    assert messages[0].findings == ()
    assert messages[0].write() == data
    return messages[0]


def fields(message) -> dict[str, str]:
    return {field["tag"]: field["value"] for field in message.content()["fields"]}


def test_acknowledgement():
    data = acknowledgement(**ACK, mur="MUR-17")
    assert data == b"{1:F21NORDDEHHAXXX0042000017}{4:{177:2611231044}{451:0}{108:MUR-17}}"
    message = strict(data)
    assert (message.type, message.receiver, message.reference) == ("ACK", "NORDDEHHXXX", "MUR-17")


def test_negative_acknowledgement_carries_code_and_line():
    message = strict(acknowledgement(**ACK, mur=None, error="T26002"))
    assert message.type == "NAK"
    assert fields(message) == {"177": "2611231044", "451": "1", "405": "T26002"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"terminal": "NORD"}, {"session": "1"}, {"sequence": "x"}, {"at": "now"},
        {"session": "00421", "sequence": "00017"}, {"terminal": "NORDDEHHAXXX0", "session": "042"},
        {"sequence": "0000172", "at": "611231044"},
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="not a"):
        acknowledgement(**(ACK | wrong), mur=None)


def test_an_error_that_is_no_code_is_refused():
    with pytest.raises(ValueError, match="error code"):
        acknowledgement(**ACK, mur=None, error="bad}")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(1, "EUR"), "EUR0,01"), (Money(100, "EUR"), "EUR1,00"), (Money(5, "JPY"), "JPY5,"),
        (Money(10**14 - 1, "EUR"), "EUR999999999999,99"), (Money(1_234_567, "KWD"), "KWD1234,567"),
    ],
)  # fmt: skip
def test_a_confirmation_says_the_amount_in_the_currencys_decimals(amount, text):
    message = strict(confirmation(**CONFIRMED | {"amount": amount}))
    assert fields(message)["32A"] == f"261123{text}"


def test_an_amount_that_does_not_fit_its_field_is_refused():
    with pytest.raises(ValueError, match="15 characters"):
        confirmation(**CONFIRMED | {"amount": Money(10**14, "EUR")})


@pytest.mark.parametrize(
    ("kind", "institution"), [("900", "SUEDFRPP"), ("900", None), ("910", "SUEDFRPP"), ("910", None)]
)
def test_confirmation(kind, institution):
    data = confirmation(
        kind=kind,
        operator="OPERDEFF",
        recipient="NORDDEHHXXX",
        reference="SETTLEMENT-00000000017",
        related="PAY//17",
        account="DE02120300000000202051",
        value_date="2026-11-23",
        amount=Money(25_000, "EUR"),
        ordering_institution=institution,
        at=AT,
        sequence=17,
        uetr="3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94",
    )
    message = strict(data)
    assert (message.type, message.sender, message.receiver) == (f"MT{kind}", "OPERDEFFXXX", "NORDDEHHXXX")
    written = fields(message)
    assert (written["20"], written["21"]) == ("SETTLEMENT-0000+", "NONREF")
    assert written["32A"] == "261123EUR250,00"
    assert message.payments[0].kind == "notification"
    assert message.payments[0].amount == Money(25_000, "EUR")


@pytest.mark.parametrize(
    ("message_type", "extra", "tag"),
    [
        ("196", {"original_type": "192", "original_date": "2026-11-22"}, "76"),
        ("296", {}, "76"),
        ("195", {}, "75"),
        ("199", {}, "79"),
        ("299", {}, "79"),
        ("292", {"original_type": "202", "original_date": "2026-11-22"}, "79"),
    ],
)
def test_answer_with_a_reason(message_type, extra, tag):
    text = "Zahlung abgelehnt: Guthaben reicht nicht {aus} – " + "Wort " * 100 + "\n-Ende\n:20:X"
    data = answer(
        message_type=message_type,
        operator="OPERDEFF",
        recipient="NORDDEHH",
        reference="ANS-1",
        related="PAY-000017",
        text=text,
        code="RJCT",
        at=AT,
        sequence=2_000_017,
        **extra,
    )
    message = strict(data)
    assert message.type == f"MT{message_type}"
    assert fields(message)[tag].startswith("/RJCT/Zahlung abgelehnt: Guthaben")
    assert fields(message)["21"] == "PAY-000017"
    assert b"F01NORDDEHHAXXX0002000017" in data


def test_a_request_to_cancel_names_its_original():
    with pytest.raises(ValueError, match="original"):
        answer(
            message_type="192",
            operator="OPERDEFF",
            recipient="NORDDEHH",
            reference="A",
            related="B",
            text="C",
            at=AT,
            sequence=1,
        )


INPUT = (
    b"{1:F01NORDDEHHAXXX0042000017}{2:I103SUEDFRPPXXXXU}{3:{108:MUR-17}{121:3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94}}{4:\r\n"
    b":20:PAY-000017\r\n:23B:CRED\r\n:32A:261123EUR250,00\r\n:33B:EUR250,00\r\n:50K:DELTA GMBH  \r\n:59:GAMMA SARL\r\n"
    b":71A:SHA\r\n-}{5:{CHK:0123456789AB}}"
)


def test_the_receivers_copy_has_the_output_form_and_the_same_text():
    data = forwarded(read(INPUT)[0], at=AT, sequence=321)
    head = b"{1:F01SUEDFRPPAXXX0000000321}{2:O1031044261123NORDDEHHAXXX00420000172611231044U}"
    assert data == head + INPUT[INPUT.index(b"{3:") :]
    copy = strict(data)
    assert (copy.sender, copy.receiver) == ("NORDDEHHXXX", "SUEDFRPPXXX")
    assert copy.payments[0].amount == Money(25_000, "EUR")
    again = strict(forwarded(copy, at="2026-11-24T08:00:00+00:00", sequence=322))
    assert again.content()["blocks"]["2"] == "O1031044261123NORDDEHHAXXX00420000172611240800U"


def test_a_refused_message_is_not_forwarded():
    with pytest.raises(ValueError, match="accepted"):
        forwarded(read(INPUT.replace(b":71A:SHA", b":71A:ALL"))[0], at=AT, sequence=1)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("A/B", "A/B"),
        ("/A", "NONREF"),
        ("A/", "NONREF"),
        ("A//B", "NONREF"),
        ("", "NONREF"),
        (":A", "NONREF"),
        ("A" * 17, "A" * 15 + "+"),
        ("É-1", ".-1"),
    ],
)
def test_references_fit_field_20(text, reference):
    assert reference_text(text) == reference


def test_folding_keeps_words_and_marks_what_was_cut():
    assert folded("one two three", 7, 3) == "one two\nthree"
    assert folded("one two three four", 7, 2) == "one two\nthree+"
    assert folded("abcdefghij", 4, 3) == "abcd\nefgh\nij"
    assert folded("-a\n:b", 10, 5) == ".a\n.b"
    assert folded("", 10, 5) == "."
