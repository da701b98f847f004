"""Messages as they should not be: each fault has its code, its place and its verdict."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from parsers.iso20022 import read
from parsers.message import Message
from payments import Finding

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "iso20022"
INSTANT = (VECTORS / "sct-inst.pacs.008.xml").read_bytes()
SALARIES = (VECTORS / "salaries.pain.001.xml").read_bytes()
STATEMENT = (VECTORS / "statement.camt.053.xml").read_bytes()
COVER = (VECTORS / "cbpr.pacs.009.cov.xml").read_bytes()
RETURN = (VECTORS / "return.pacs.004.xml").read_bytes()


def changed(data: bytes, old: str, new: str) -> bytes:
    assert old.encode() in data, "the vector has changed"
    return data.replace(old.encode(), new.encode(), 1)


def only(data: bytes, **options: object) -> Message:
    [message] = read(data, **options)  # type: ignore[arg-type]
    return message


def fault(data: bytes, code: str) -> Finding:
    """The one finding of a code."""
    message = only(data)
    assert [finding.code for finding in message.findings] == [code], message.findings
    return message.findings[0]


# What is no message at all.


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "XML-SYNTAX"),
        (b"no xml", "XML-SYNTAX"),
        (b"\x00\x01\x02", "XML-SYNTAX"),
        (INSTANT[:700], "XML-SYNTAX"),
        (b"<?xml version='1.0' encoding='no-such'?><Document/>", "XML-SYNTAX"),
        (b"<!DOCTYPE Document><Document/>", "XML-DOCTYPE"),
        (b'<!DOCTYPE d [<!ENTITY x "y">]><d>&x;</d>', "XML-DOCTYPE"),
        (b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d>&x;</d>', "XML-DOCTYPE"),
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE d><d/>'.encode("utf-16"), "XML-DOCTYPE"),
        (b"<a>" * 300 + b"</a>" * 300, "XML-DEPTH"),
        (b"<html><body/></html>", "XML-NAMESPACE"),
        (b"<Document/>", "XML-NAMESPACE"),
        (b'<Document xmlns="urn:other"><X/></Document>', "XML-NAMESPACE"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.99"><X/></Document>', "NO-SCHEMA"),
        (b"<d " + b" ".join(b'a%d="1"' % number for number in range(1200)) + b"/>", "XML-ATTRIBUTES"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_code(data: bytes, code: str) -> None:
    message = only(data)
    assert [finding.code for finding in message.errors()] == [code]
    assert (message.verdict, message.payments, message.raw) == ("rejected", (), data)


def test_entities_that_expand_without_bound_are_refused_at_once() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    started = time.perf_counter()
    message = only(f"<!DOCTYPE d [{levels}]><d>&l11;</d>".encode())
    assert message.verdict == "rejected"
    assert time.perf_counter() - started < 2


def test_bytes_are_counted_before_anything_is_parsed() -> None:
    message = only(INSTANT, max_bytes=100)
    assert [finding.code for finding in message.findings] == ["XML-SIZE"]


def test_elements_are_counted_before_anything_is_parsed() -> None:
    started = time.perf_counter()
    message = only(b"<d>" + b"<a/>" * 5_100_000 + b"</d>")
    assert [finding.code for finding in message.findings] == ["XML-ELEMENTS"]
    assert time.perf_counter() - started < 2


def test_an_unknown_type_that_moves_no_money_is_only_noted() -> None:
    message = only(b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:acmt.007.001.03"><X/></Document>')
    assert [(finding.code, finding.severity) for finding in message.findings] == [("NO-SCHEMA", "warning")]
    assert (message.type, message.payments) == ("acmt.007.001.03", ())
    assert message.content()["schema_valid"] is None


def test_a_schema_location_is_not_followed() -> None:
    where = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x file:///nowhere.xsd">'
    assert only(changed(INSTANT, 'pacs.008.001.08">', 'pacs.008.001.08"' + where)).verdict == "accepted"


# The schema.


def test_a_schema_error_says_where_what_and_how_to_mend_it() -> None:
    finding = fault(changed(INSTANT, "<ChrgBr>SLEV", "<ChrgBr>FREE"), "FF01")
    line = 1 + INSTANT[: INSTANT.index(b"<ChrgBr>")].count(b"\n")
    assert finding.place == f"line {line}, /Document/FIToFICstmrCdtTrf/CdtTrfTxInf/ChrgBr"
    assert (finding.value, finding.level) == ("FREE", "message")
    assert "pacs.008.001.08 schema" in finding.rule
    assert "urn:iso" not in finding.rule


def test_a_schema_invalid_message_has_no_payments_but_its_reference() -> None:
    message = only(changed(INSTANT, "<ChrgBr>SLEV</ChrgBr>", ""))
    assert (message.payments, message.reference, message.sender) == ((), "LIND-20261123-000017", "LINDDEFFXXX")
    content = message.content()
    assert content["schema_valid"] is False
    assert len(list(message.errors())) == len(content["schema_findings"])  # type: ignore[arg-type]


def test_the_place_is_right_in_a_document_with_prefixes() -> None:
    data = changed(COVER, "<p:Nm>Kita Ropeworks KK</p:Nm>", "<p:Nm>Kita</p:Nm><p:Nm>Ropeworks</p:Nm>")
    finding = fault(data, "FF01")
    assert finding.place.endswith("/CdtTrfTxInf/UndrlygCstmrCdtTrf/Cdtr/Nm[2]")


def test_a_bad_header_rejects() -> None:
    finding = fault(changed(COVER, "<h:CpyDplct>DUPL", "<h:CpyDplct>MAYBE"), "FF01")
    assert "/AppHdr/CpyDplct" in finding.place


@pytest.mark.parametrize("blank", [" ", "\n      ", "\t"])
def test_blanks_round_a_time_are_collapsed_as_xml_schema_says(blank: str) -> None:
    data = changed(INSTANT, "<CreDtTm>2026-11-23T10:15:30.12Z", f"<CreDtTm>{blank}2026-11-23T10:15:30.12Z{blank}")
    assert only(data).verdict == "accepted"
    assert only(changed(INSTANT, "<CreDtTm>2026-11-23T", f"<CreDtTm>{blank}2026-11-33T")).verdict == "rejected"


def test_statements_are_read_leniently_unless_told_otherwise() -> None:
    data = changed(STATEMENT, "<CdtDbtInd>CRDT", "<CdtDbtInd>PLUS")
    message = only(data)
    assert {finding.severity for finding in message.findings} == {"warning"}
    assert (message.verdict, message.content()["schema_valid"]) == ("accepted", False)
    assert only(data, mode="strict").verdict == "rejected"
    assert only(changed(INSTANT, "<ChrgBr>SLEV", "<ChrgBr>FREE"), mode="lenient").verdict == "accepted"


# Values.


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('<IntrBkSttlmAmt Ccy="EUR">1250.75', '<IntrBkSttlmAmt Ccy="EUR">1250.755', "AM12"),
        ('<IntrBkSttlmAmt Ccy="EUR">1250.75', '<IntrBkSttlmAmt Ccy="EUQ">1250.75', "AM11"),
        ("NL37LNDR0417164300", "NL38LNDR0417164300", "AC01"),
        ("NL37LNDR0417164300", "NL37lndr0417164300", "AC01"),
        ("<BICFI>LINDDEFFXXX", "<BICFI>LINDQQFFXXX", "RC01"),
        ("<Ctry>NL", "<Ctry>QQ", "BE09"),
        ("<NbOfTxs>1<", "<NbOfTxs>2<", "AM18"),
        ('<TtlIntrBkSttlmAmt Ccy="EUR">1250.75', '<TtlIntrBkSttlmAmt Ccy="EUR">1250.74', "AM10"),
        ("<IntrBkSttlmDt>2026-11-23</IntrBkSttlmDt>", "", "DT01"),
    ],
)
def test_each_fault_of_a_transfer_has_its_code(old: str, new: str, code: str) -> None:
    finding = fault(changed(INSTANT, old, new), code)
    assert finding.severity == "error"
    assert finding.place.startswith("line ")
    assert finding.remedy


def test_an_amount_in_a_currency_without_decimals_has_none() -> None:
    finding = fault(changed(COVER, ">2500000<", ">2500000.5<"), "AM12")
    assert (finding.value, finding.level) == ("2500000.5", "field")
    assert only(changed(COVER, ">2500000<", ">2500000.00<")).verdict == "accepted"


@pytest.mark.parametrize("text", ["1 250.75", "1_250.75", "١250.75", "1,250.75", "-1250.75", "1e3", "0x10", "NaN"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    data = INSTANT.replace(b">1250.75<", f">{text}<".encode())
    assert only(data).verdict == "rejected"


@pytest.mark.parametrize("text", ["+1250.75", "01250.750", " 1250.75 "])
def test_what_xml_schema_takes_for_the_same_number_is_the_same_amount(text: str) -> None:
    message = only(INSTANT.replace(b">1250.75<", f">{text}<".encode()))
    assert message.findings == ()
    assert str(message.payments[0].amount) == "EUR 1250.75"


@pytest.mark.parametrize("text", ["0", "-0", "0.00"])
def test_nothing_is_no_amount_to_pay(text: str) -> None:
    fault(INSTANT.replace(b">1250.75<", f">{text}<".encode()), "AM01")


# Sums, counts and identifications.


@pytest.mark.parametrize(
    ("old", "new", "code", "level"),
    [
        ("<CtrlSum>3100.50", "<CtrlSum>3100.51", "AM10", "message"),
        ("<CtrlSum>3100.5<", "<CtrlSum>3100<", "AM10", "batch"),
        (
            "<NbOfTxs>2</NbOfTxs>\n      <CtrlSum>3100.50",
            "<NbOfTxs>3</NbOfTxs>\n      <CtrlSum>3100.50",
            "AM18",
            "message",
        ),
        (
            "<NbOfTxs>2</NbOfTxs>\n      <CtrlSum>3100.5<",
            "<NbOfTxs>1</NbOfTxs>\n      <CtrlSum>3100.5<",
            "AM18",
            "batch",
        ),
        ("SALA-11-B", "SALA-11-A", "AM05", "entry"),
    ],
)
def test_the_arithmetic_of_a_batch_is_checked(old: str, new: str, code: str, level: str) -> None:
    assert fault(changed(SALARIES, old, new), code).level == level


def two_transfers(**second: str) -> bytes:
    """The instant transfer twice in one plain SEPA message, the second with other references."""
    data = INSTANT.replace(b"<LclInstrm><Cd>INST</Cd></LclInstrm>", b"").decode()
    start, end = data.index("    <CdtTrfTxInf>"), data.index("  </FIToFICstmrCdtTrf>")
    other = data[start:end]
    fresh = {"LIND-INSTR-17": "LIND-INSTR-18", "RE-2026-0815": "RE-2026-0816", "LINDTX17": "LINDTX18", "8b17": "8b18"}
    for old, new in {**fresh, **second}.items():
        other = other.replace(old, new)
    data = data[:end] + other + data[end:]
    data = data.replace("<NbOfTxs>1<", "<NbOfTxs>2<")
    return data.replace('<TtlIntrBkSttlmAmt Ccy="EUR">1250.75', '<TtlIntrBkSttlmAmt Ccy="EUR">2501.50').encode()


def test_a_bulk_of_two_is_accepted() -> None:
    message = only(two_transfers())
    assert (message.findings, len(message.payments), message.uetr) == ((), 2, None)


@pytest.mark.parametrize("name", ["LIND-INSTR-17", "LINDTX17", "8b17", "RE-2026-0815"])
def test_no_identification_is_used_twice(name: str) -> None:
    finding = fault(two_transfers(**{name: name}), "AM05")
    assert "CdtTrfTxInf[2]" in finding.place
    assert "CdtTrfTxInf[1]" in finding.rule


def test_amounts_of_another_currency_do_not_add_up() -> None:
    data = two_transfers(**{'IntrBkSttlmAmt Ccy="EUR"': 'IntrBkSttlmAmt Ccy="USD"'})
    assert {finding.code for finding in only(data).findings} == {"AM03"}


def test_a_reason_belongs_to_its_own_set() -> None:
    finding = fault(changed(RETURN, "<Cd>AC04", "<Cd>AB06"), "CH16")
    assert (finding.severity, finding.value) == ("warning", "AB06")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<h:BizMsgIdr>ALPI-COV-0042", "<h:BizMsgIdr>ALPI-COV-0041", "HEADER-REFERENCE"),
        ("<h:MsgDefIdr>pacs.009.001.08", "<h:MsgDefIdr>pacs.008.001.08", "HEADER-TYPE"),
    ],
)
def test_a_header_that_says_otherwise_is_reported(old: str, new: str, code: str) -> None:
    assert fault(changed(COVER, old, new), code).severity == "warning"


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    data = INSTANT.decode()
    start, end = data.index("    <CdtTrfTxInf>"), data.index("  </FIToFICstmrCdtTrf>")
    many = data[:start] + data[start:end].replace("SLEV", "FREE") * 1500 + data[end:]
    message = only(many.encode())
    assert len(message.findings) == 1001
    assert message.findings[-1].code == "MORE"
    assert "500" in message.findings[-1].rule


# Addresses.


@pytest.mark.parametrize(
    ("date", "verdict"), [("2026-11-13", "accepted"), ("2026-11-14", "rejected"), ("2027-01-04", "rejected")]
)
def test_an_unstructured_address_is_refused_from_the_date_of_its_scheme(date: str, verdict: str) -> None:
    message = only(changed(COVER, "<p:IntrBkSttlmDt>2026-11-13", f"<p:IntrBkSttlmDt>{date}"))
    assert message.verdict == verdict
    for finding in message.errors():
        assert (finding.code, finding.value) == ("BE07", "Talstation 1, Innsbruck")
        assert finding.place.endswith("CdtTrfTxInf[1]/UndrlygCstmrCdtTrf/Dbtr/PstlAdr")


def test_the_date_is_a_setting() -> None:
    late = changed(COVER, "<p:IntrBkSttlmDt>2026-11-13", "<p:IntrBkSttlmDt>2026-12-01")
    assert only(late, address_dates={"CBPR+": "2027-11-20"}).verdict == "accepted"


@pytest.mark.parametrize(
    ("address", "verdict"),
    [
        ("<TwnNm>Tiel</TwnNm><Ctry>NL</Ctry><AdrLine>Kade 1</AdrLine><AdrLine>Haven</AdrLine>", "accepted"),
        ("<TwnNm>Tiel</TwnNm><Ctry>NL</Ctry><AdrLine>1</AdrLine><AdrLine>2</AdrLine><AdrLine>3</AdrLine>", "rejected"),
        ("<Ctry>NL</Ctry><AdrLine>Tiel</AdrLine>", "rejected"),
    ],
)
def test_a_hybrid_address_has_town_and_country_and_two_lines(address: str, verdict: str) -> None:
    data = changed(INSTANT, "<TwnNm>Tiel</TwnNm><Ctry>NL</Ctry>", address)
    message = only(data)
    assert message.verdict == verdict
    assert {finding.code for finding in message.findings} <= {"BE04"}


def test_findings_stand_in_the_order_of_the_document_however_deep_their_elements_are() -> None:
    data = changed(INSTANT, "<BICFI>LINDDEFF<", "<BICFI>LINDXXFF<")
    data = changed(data, "NL37LNDR0417164300", "NL38LNDR0417164300")
    data = changed(data, ">1250.75</IntrBkSttlmAmt>", ">1250.755</IntrBkSttlmAmt>")
    data = changed(data, "<Ctry>DE<", "<Ctry>XX<")
    found = only(data).findings
    assert [finding.code for finding in found] == ["RC01", "AM12", "BE09", "AC01"]
    lines = [int(finding.place.split()[1].rstrip(",")) for finding in found]
    assert lines == sorted(lines)


def test_what_is_nested_as_deep_as_may_be_is_read() -> None:
    namespace = b"urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"
    data = b'<Document xmlns="%s">' % namespace + b"<a>" * 255 + b"</a>" * 255 + b"</Document>"
    assert fault(data, "FF01").level == "message"
