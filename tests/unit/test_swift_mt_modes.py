"""SWIFT MT beside its rules: modes, rules set aside, statements that do not add up, copies, answers, unknown types."""

import pytest

from parsers import detect
from parsers.swift_mt import checked, read
from parsers.swift_mt.demotion import KEPT
from parsers.swift_mt.field_table import CODE_WORDS, REFERENCES
from parsers.swift_mt.fields import FIELDS
from parsers.swift_mt.layouts import LAYOUTS, NAMES
from parsers.swift_mt.rule_tables import RULES, SOURCES

UETR = "3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94"
PAYMENT = ":20:PAY-17\n:23B:CRED\n:32A:261123EUR250,\n:50K:/77\nDELTA LTD\n:59:/88\nGAMMA KG\n:71A:SHA"
BALANCES = ":20:ST-1\n:25:0034211\n:28C:7/1\n:60F:C261122EUR10,5\n%s\n:62F:%s"


def fin(kind: str, text: str, block3: str = "", receiver: str = "OSTAJPJTXXXX") -> bytes:
    block3 = block3 or f"{{121:{UETR}}}"
    return f"{{1:F01NORDDEHHAXXX0042000017}}{{2:I{kind}{receiver}N}}{{3:{block3}}}{{4:\n{text}\n-}}".encode()


def findings(data: bytes, **options) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in read(data, **options)[0].findings]


def test_a_rule_set_aside_for_a_sender_is_a_warning_and_its_use_is_recorded():
    data = fin("103", PAYMENT.replace("PAY-17", "PAY//17"))
    setting = checked({"NORDDEHH": ["T26"]})
    assert findings(data) == [("T26", "error")]
    assert findings(data, demotions=setting) == [("T26", "warning"), ("N09", "warning")]
    assert read(data)[0].payments == ()
    message = read(data, demotions=setting)[0]
    assert [payment.instruction_id for payment in message.payments] == ["PAY//17"]
    assert message.findings[1].value == "T26"
    assert "NORDDEHHXXX" in message.findings[1].rule


def test_a_rule_set_aside_for_one_sender_holds_for_the_others():
    data = fin("103", PAYMENT.replace("PAY-17", "PAY//17"))
    assert findings(data, demotions=checked({"SUEDFRPPXXX": ["T26"]})) == [("T26", "error")]


@pytest.mark.parametrize("code", ["C03", "T40", "T43", "T52", "C02", "D75", "T27", "H50", "N06", "T50", "C01", "T33"])
def test_what_protects_amounts_direction_and_duplicates_is_never_set_aside(code):
    assert code in KEPT
    with pytest.raises(ValueError, match=f"{code} for NORDDEHH cannot be set aside"):
        checked({"NORDDEHH": [code]})
    if code == "C03":  # nor by a setting that nobody checked
        data = fin("103", PAYMENT.replace("EUR250,", "EUR250,001"))
        assert findings(data, demotions={"NORDDEHH": {"C03"}}) == [("C03", "error")]


def test_a_setting_names_what_exists():
    with pytest.raises(ValueError, match="not the code of a rule"):
        checked({"NORDDEHH": ["X99"]})
    with pytest.raises(ValueError, match="not a BIC"):
        checked({"NORD": ["T26"]})


@pytest.mark.parametrize(
    ("entries", "closing", "expected"),
    [
        (":61:2611231123C5,25NTRFREF", "C261123EUR15,75", []),
        (":61:2611231123RC5,25NTRFREF", "C261123EUR5,25", []),
        (":61:2611231123RD5,25NTRFREF\n:61:261123D20,NTRFREF", "D261123EUR4,25", []),
        (":61:2611231123C5,25NTRFREF", "C261123EUR15,74", ["N10"]),
        (":61:2611231123RC5,25NTRFREF", "C261123EUR15,75", ["N10"]),
    ],
)
def test_balances_and_entries_add_up_or_it_is_said(entries, closing, expected):
    for kind, between in (("940", f"{entries}\n:86:MORE"), ("950", entries)):
        message = read(fin(kind, BALANCES % (between, closing)), mode="strict")[0]
        assert [(finding.code, finding.severity) for finding in message.findings] == [
            (code, "warning") for code in expected
        ]


def test_counts_and_sums_of_an_interim_report_are_compared():
    text = ":20:S-1\n:25:1\n:28C:1\n:34F:EUR0,\n:13D:2611231200+0100\n:61:2611231123D5,NTRFA\n:61:261123RC2,50NTRFB\n"
    assert findings(fin("942", text + ":90D:2EUR7,5\n:90C:0EUR0,"), mode="strict") == []
    assert findings(fin("942", text + ":90D:1EUR7,5\n:90C:0EUR0,")) == [("N11", "warning")]
    assert findings(fin("942", text + ":90D:2EUR7,4\n:90C:0EUR0,")) == [("N11", "warning")]


@pytest.mark.parametrize(
    "text",
    [
        BALANCES.replace("C261122EUR10,5", "JUNK") % (":61:261123C5,NTRFA", "C261123EUR15,5"),
        BALANCES % (":61:GARBAGE", "C261123EUR10,5"),
        BALANCES.replace("ST-1", "") % (":61:261123C5,NTRFA", "C261123EUR15,5"),
        ":20:ST-1\n:25:0034211\n:28C:7/1",
    ],
)
def test_a_statement_whose_money_cannot_be_read_is_refused_in_every_mode(text):
    assert read(fin("940", text), mode="lenient")[0].verdict == "rejected"


def test_a_lenient_reader_keeps_an_entry_that_is_wrong_but_readable():
    text = BALANCES % (":61:2611231123C ,50NTRFA REFERENCE THAT IS TOO LONG", "C261123EUR11,")
    message = read(fin("940", text))[0]
    assert message.verdict == "accepted"
    assert [finding.severity for finding in message.findings] == ["warning"] * len(message.findings)
    assert message.findings[0].code in {"T43", "T33"}


def test_a_day_of_entry_is_a_day():
    assert findings(fin("950", BALANCES % (":61:2611231131C5,NTRFA", "C261123EUR15,5")), mode="strict") == [
        ("T50", "error")
    ]


CANCELLATION = ":20:CAN-1\n:21:PAY-17\n:11S:103\n261123\n"


def test_a_copy_has_the_mandatory_fields_of_the_type_that_it_copies():
    assert findings(fin("192", CANCELLATION + PAYMENT)) == []
    assert findings(fin("192", CANCELLATION + PAYMENT.replace(":59:/88\nGAMMA KG\n", ""))) == [("C25", "error")]
    assert findings(fin("192", CANCELLATION + ":79:/DUPL/\n:32A:261123EUR250,")) == []


def test_a_copied_field_is_judged_by_its_own_format_and_only_reported():
    data = fin("192", CANCELLATION + PAYMENT.replace("EUR250,", "EUR250"))
    message = read(data)[0]
    assert [(finding.code, finding.severity) for finding in message.findings] == [("N12", "warning")]
    assert "MT103" in message.findings[0].rule
    assert len(message.payments) == 1


def test_copied_fields_have_their_components():
    fields = read(fin("192", CANCELLATION + PAYMENT))[0].content()["fields"]
    assert [field["components"] for field in fields if field["tag"] == "32A"] == [
        {"Date": "261123", "Currency": "EUR", "Amount": "250,"}
    ]


@pytest.mark.parametrize("kind", ["100", "177", "305", "540", "798"])
def test_an_unknown_type_is_read_reported_and_moves_no_money(kind):
    message = read(fin(kind, PAYMENT))[0]
    assert [(finding.code, finding.severity) for finding in message.findings] == [("N05", "warning")]
    assert message.payments == ()
    assert len(message.content()["fields"]) == 6


ACK = b"{1:F21NORDDEHHAXXX0042000017}{4:{177:2611231020}{451:%s}%s}"


def test_a_refusal_before_or_behind_its_message_keeps_it_from_being_executed():
    refused = ACK % (b"1", b"{405:T33002}")
    taken = ACK % (b"0", b"")
    payment = fin("103", PAYMENT)
    for data, kinds in ((refused + payment, ["NAK", "MT103"]), (payment + refused, ["MT103", "NAK"])):
        messages = read(data)
        assert [message.type for message in messages] == kinds
        assert [message.payments for message in messages] == [(), ()]
    for data in (taken + payment, payment + taken):
        assert sum(len(message.payments) for message in read(data)) == 1
    both = read(payment + refused + payment + taken)
    assert [len(message.payments) for message in both] == [0, 0, 1, 0]


def test_a_refusal_says_its_code_and_line():
    message = read(ACK % (b"1", b"{405:T33002}{108:MUR-1}"))[0]
    assert message.reference == "MUR-1"
    assert {field["tag"]: field["value"] for field in message.content()["fields"]}["405"] == "T33002"


def test_a_tag_that_is_not_closed_does_not_hide_the_next():
    message = read(b"{1:F21NORDDEHHAXXX0042000017}{4:{177:2611231020}{451:1}{405:T28008{108:MUR-1}}")[0]
    assert message.type == "NAK"
    assert message.reference == "MUR-1"


def test_a_tag_without_a_value_differs_from_an_absent_one():
    data = fin("103", PAYMENT) + b"{5:{MAC:00000000}{TNG:}{PDE}}"
    assert read(data)[0].content()["blocks"]["5"] == {"MAC": "00000000", "TNG": "", "PDE": ""}


def test_a_login_request_has_no_session_and_no_second_block():
    message = read(b"{1:L02NORDDEHHAXXX}{4:{501:05134}{110:001}}")[0]
    assert message.verdict == "accepted"
    assert [field["tag"] for field in message.content()["fields"]] == ["501", "110"]


def test_repeated_and_nested_tags_of_system_messages_are_all_there():
    data = b"{1:F01NORDDEHHAXXX0042000017}{2:I096XXXXXXXXXXXXS}{4:{103:A}{103:B}{1:F01X}{4:\n:20:R\n-}}"
    message = read(data)[0]
    assert [field["tag"] for field in message.content()["fields"]] == ["103", "103", "1", "4"]
    assert message.write().replace(b"\r", b"") == data


def test_stray_text_is_reported_and_kept():
    data = fin("103", PAYMENT) + b"}} and more"
    message = read(data)[0]
    assert ("N04", "warning") in [(finding.code, finding.severity) for finding in message.findings]
    assert message.raw == data


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_is_read(end):
    data = fin("103", PAYMENT).replace(b"\n", end.encode())
    message = read(data)[0]
    assert message.findings == ()
    assert message.write() == fin("103", PAYMENT).replace(b"\n", b"\r\n")


def test_the_decision_for_a_format_looks_at_4_kib():
    head = b" " * 4000
    assert detect(head + fin("103", PAYMENT)) == "swift-mt"
    assert detect(b" " * 4096 + fin("103", PAYMENT)) is None


def test_tables_know_each_other():
    assert NAMES.keys() == LAYOUTS.keys()
    assert RULES.keys() <= LAYOUTS.keys()
    assert SOURCES.keys() == RULES.keys()
    assert CODE_WORDS.keys() | REFERENCES <= FIELDS.keys()
