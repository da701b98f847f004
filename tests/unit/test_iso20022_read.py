"""Messages as they should be: type, scheme, parties, payments, content, and writing back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lxml import etree

from parsers.iso20022 import MAX_BYTES, forwarded, looks_like, read
from parsers.iso20022.parsed import KEPT_FROM, ParsedXml
from parsers.message import Message
from payments import Money, PaymentKind

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "iso20022"


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def canonical(data: bytes) -> bytes:
    return etree.tostring(etree.fromstring(data), method="c14n", with_comments=True)


def only(data: bytes, **options: str) -> Message:
    [message] = read(data, **options)  # type: ignore[arg-type]
    return message


EXPECTED = {
    "sct-inst.pacs.008.xml": ("pacs.008.001.08", "SCT-INST", "LINDDEFFXXX", "LNDRNL2AXXX", "LIND-20261123-000017"),
    "cbpr.pacs.009.cov.xml": ("pacs.009.001.08", "CBPR+", "ALPIATWWXXX", "HARBUS33XXX", "ALPI-COV-0042"),
    "return.pacs.004.xml": ("pacs.004.001.09", "SCT", "LNDRNL2AXXX", "LINDDEFFXXX", "LNDR-RTR-3"),
    "recall.camt.056.xml": ("camt.056.001.08", None, "LINDDEFFXXX", "LNDRNL2AXXX", "LIND-CXL-9"),
    "salaries.pain.001.xml": ("pain.001.001.09", "SCT", None, "LINDDEFFXXX", "OBST-SALA-11"),
    "statement.camt.053.xml": ("camt.053.001.08", None, None, None, "STMT-2026-325"),
    "collection.pacs.003.xml": ("pacs.003.001.08", "SDD", "LNDRNL2AXXX", "LINDDEFFXXX", "LNDR-SDD-5"),
}


def test_every_vector_has_its_expectation() -> None:
    assert {path.name for path in VECTORS.glob("*.xml")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_good_message_is_accepted_and_known(name: str) -> None:
    message = only(vector(name))
    assert message.findings == ()
    found = (message.type, message.scheme, message.sender, message.receiver, message.reference)
    assert found == EXPECTED[name]
    assert message.content()["schema_valid"] is True


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_written_equals_what_was_read(name: str) -> None:
    message = only(vector(name))
    assert canonical(message.write()) == canonical(vector(name))
    assert forwarded(message) == vector(name)


def test_a_credit_transfer_becomes_a_payment() -> None:
    message = only(vector("sct-inst.pacs.008.xml"))
    [payment] = message.payments
    assert message.uetr == payment.uetr == "5c1d9f2e-7a44-4b0e-9a56-2f3f0d6c8b17"
    assert payment.kind is PaymentKind.CREDIT_TRANSFER
    assert (payment.amount, payment.value_date) == (Money(125075, "EUR"), "2026-11-23")
    assert (payment.service_level, payment.local_instrument) == ("SEPA", "INST")
    assert payment.debtor is not None
    assert payment.debtor.address is not None
    assert (payment.debtor.name, payment.debtor.account) == ("Lindauer Obsthof GmbH", "DE09209300000004711815")
    assert (payment.debtor.address.street, payment.debtor.address.country) == ("Uferweg", "DE")
    assert payment.instructing_agent is not None
    assert payment.instructing_agent.bic == "LINDDEFFXXX", "a BIC of eight characters gets its branch"
    assert payment.remittance == "Rechnung 2026-0815, 400 Obstkisten"
    assert payment.acceptance_time == "2026-11-23T10:15:30.12Z"


def test_a_cover_payment_flows_between_banks_and_shows_the_customers_behind_it() -> None:
    message = only(vector("cbpr.pacs.009.cov.xml"))
    [payment] = message.payments
    assert payment.kind is PaymentKind.FINANCIAL_INSTITUTION_TRANSFER
    assert payment.amount == Money(2_500_000, "JPY")
    assert payment.debtor_agent is not None
    assert payment.creditor_agent is not None
    assert (payment.debtor_agent.bic, payment.creditor_agent.bic) == ("ALPIATWWXXX", "KITAJPJTXXX")
    assert payment.ultimate_creditor is not None
    assert (payment.ultimate_creditor.name, payment.ultimate_creditor.account) == ("Kita Ropeworks KK", "7730045")
    [between] = payment.intermediaries
    assert (between.clearing_system, between.clearing_id) == ("USABA", "021000021")
    assert payment.details["variant"] == "COV"
    assert message.possible_duplicate
    assert message.content()["header"] == "head.001.001.02"


def test_a_return_flows_back_and_names_its_original() -> None:
    [payment] = only(vector("return.pacs.004.xml")).payments
    assert payment.kind is PaymentKind.RETURN
    assert payment.debtor_agent is not None
    assert payment.creditor_agent is not None
    assert (payment.debtor_agent.bic, payment.creditor_agent.bic) == ("LNDRNL2AXXX", "LINDDEFFXXX")
    assert payment.debtor is not None
    assert payment.debtor.name == "Kistenmakerij De Boer"
    assert payment.original is not None
    assert (payment.original.reason_code, payment.original.reason_text) == ("AC04", "account closed in October")
    assert payment.original.settlement_date == "2026-11-23"


def test_a_recall_names_the_payment_to_cancel() -> None:
    [payment] = only(vector("recall.camt.056.xml")).payments
    assert payment.kind is PaymentKind.CANCELLATION_REQUEST
    assert payment.original is not None
    assert payment.original.transaction_id == "LINDTX17"
    assert payment.original.amount == payment.amount == Money(125075, "EUR")
    assert payment.instructed_agent is not None
    assert payment.instructed_agent.bic == "LNDRNL2AXXX"


def test_what_a_transaction_does_not_say_its_batch_says() -> None:
    first, second = only(vector("salaries.pain.001.xml")).payments
    assert (first.index, second.index) == (0, 1)
    assert first.value_date == second.value_date == "2026-11-25"
    assert second.debtor is not None
    assert second.debtor.account == "DE09209300000004711815"
    assert second.creditor_agent is None
    assert first.details == {"category_purpose": "SALA"}


def test_a_collection_takes_money_from_the_debtors_bank() -> None:
    [payment] = only(vector("collection.pacs.003.xml")).payments
    assert payment.kind is PaymentKind.DIRECT_DEBIT
    assert payment.debtor_agent is not None
    assert payment.debtor_agent.bic == "LINDDEFFXXX"


def test_a_statement_moves_no_money() -> None:
    assert only(vector("statement.camt.053.xml")).payments == ()


def test_the_content_is_the_tree_of_the_document() -> None:
    content = only(vector("salaries.pain.001.xml")).content()
    json.dumps(content)
    document = content["document"]
    assert isinstance(document, dict)
    batch = document["CstmrCdtTrfInitn"]["PmtInf"]
    assert [item["PmtId"]["EndToEndId"] for item in batch["CdtTrfTxInf"]] == ["SALA-11-A", "SALA-11-B"]
    assert batch["CdtTrfTxInf"][0]["Amt"]["InstdAmt"] == {"#text": "1600.25", "@Ccy": "EUR"}
    assert (content["header"], content["schema_findings"]) == (None, [])


@pytest.mark.parametrize("name", EXPECTED)
def test_the_content_is_the_same_whether_elements_were_kept_or_made_again(name: str) -> None:
    short, long = only(vector(name)), only(vector(name) + b"<!--" + b"." * KEPT_FROM + b"-->")
    assert isinstance(short.parsed, ParsedXml)
    assert isinstance(long.parsed, ParsedXml)
    assert short.parsed.kept is None
    assert long.parsed.kept is not None
    assert short.content() == long.content() != {}
    assert short.content() == short.content()


def test_a_date_is_shown_as_it_was_judged_when_elements_are_made_again() -> None:
    data = vector("sct-inst.pacs.008.xml").replace(b"<IntrBkSttlmDt>", b"<IntrBkSttlmDt>\n ")
    message = only(data)
    assert message.verdict == "accepted"
    content = json.dumps(message.content())
    assert message.payments[0].value_date in re.findall(r'"IntrBkSttlmDt": "([^"]*)"', content)


def test_supplementary_data_and_comments_are_written_back() -> None:
    extra = b'<SplmtryData><Envlp><x:Own xmlns:x="urn:own"><x:IBAN>no account</x:IBAN></x:Own></Envlp></SplmtryData>'
    data = vector("sct-inst.pacs.008.xml").replace(b"</CdtTrfTxInf>", b"<!-- kept -->" + extra + b"</CdtTrfTxInf>")
    message = only(data)
    assert message.verdict == "accepted", "what is in a supplement is not ours to judge"
    assert canonical(message.write()) == canonical(data)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_other_encodings_are_read(encoding: str) -> None:
    text = vector("sct-inst.pacs.008.xml").decode().replace('"UTF-8"', f'"{encoding.removesuffix("-sig")}"')
    data = text.encode(encoding)
    assert looks_like(data)
    assert only(data).verdict == "accepted"


def test_a_comment_does_not_cut_a_value() -> None:
    data = vector("sct-inst.pacs.008.xml").replace(b">LINDTX17<", b">LIND<!-- x -->TX<![CDATA[1]]>7<")
    assert only(data).payments[0].transaction_id == "LINDTX17"


def test_several_documents_of_one_file_are_several_messages() -> None:
    document = vector("sct-inst.pacs.008.xml").partition(b"?>\n")[2]
    other = vector("recall.camt.056.xml").partition(b"?>\n")[2]
    messages = read(b"<Batch>" + document + b"<Group>" + other + b"</Group></Batch>")
    assert [message.type for message in messages] == ["pacs.008.001.08", "camt.056.001.08"]
    assert [message.index for message in messages] == [0, 1]
    assert all(len(message.payments) == 1 for message in messages)
    assert only(forwarded(messages[1])).reference == "LIND-CXL-9"
    assert canonical(messages[1].write()) == canonical(other.rstrip())


def test_files_laid_end_to_end_are_several_messages() -> None:
    messages = read(vector("sct-inst.pacs.008.xml") + vector("recall.camt.056.xml"))
    assert [message.type for message in messages] == ["pacs.008.001.08", "camt.056.001.08"]
    assert messages[1].raw == vector("recall.camt.056.xml").rstrip()


def test_header_and_document_of_each_pair_stay_together() -> None:
    pair = vector("cbpr.pacs.009.cov.xml").partition(b"?>\n")[2]
    messages = read(b"<All>" + pair + pair.replace(b"ALPI-COV-0042", b"ALPI-COV-0043") + b"</All>")
    assert [message.reference for message in messages] == ["ALPI-COV-0042", "ALPI-COV-0043"]
    assert [only(message.raw).content()["header"] for message in messages] == ["head.001.001.02"] * 2


def test_a_scheme_that_keeps_the_message_in_its_own_elements_is_read() -> None:
    body = vector("recall.camt.056.xml").partition(b'camt.056.001.08">')[2].rpartition(b"</Document>")[0]
    inner = etree.fromstring(b'<x xmlns="urn:iso:std:iso:20022:tech:xsd:camt.056.001.08">' + body + b"</x>")[0]
    data = b'<r:Message xmlns:r="urn:rail"><r:Recall>' + etree.tostring(inner) + b"</r:Recall></r:Message>"
    message = only(data)
    assert (message.type, message.verdict, message.reference) == ("camt.056.001.08", "accepted", "LIND-CXL-9")


def test_a_header_alone_is_a_message() -> None:
    header = etree.fromstring(vector("cbpr.pacs.009.cov.xml"))[0]
    message = only(etree.tostring(header))
    assert (message.type, message.verdict, message.payments) == ("head.001.001.02", "accepted", ())


def test_the_caller_may_say_the_scheme() -> None:
    assert only(vector("recall.camt.056.xml"), scheme="SCT-INST").scheme == "SCT-INST"


def test_fedwire_is_known_by_its_clearing_system() -> None:
    data = vector("sct-inst.pacs.008.xml").replace(
        b"<SttlmMtd>CLRG</SttlmMtd>", b"<SttlmMtd>CLRG</SttlmMtd><ClrSys><Cd>FDW</Cd></ClrSys>"
    )
    assert only(data).scheme == "FEDWIRE"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"<?xml version='1.0'?>", True),
        (b"\xef\xbb\xbf  \r\n<Document", True),
        ("<Document".encode("utf-16"), True),
        ("<Document".encode("utf-16-be"), True),
        (b"<x:Doc", True),
        (b"{1:F01", False),
        (b"101 021000021", False),
        (b"< 5", False),
        (b"", False),
        (b"\xff\xfe", False),
    ],
)
def test_xml_is_told_by_its_first_bytes(head: bytes, expected: bool) -> None:
    assert looks_like(head) is expected


def test_the_default_size_is_that_of_a_large_file() -> None:
    assert MAX_BYTES == 100 * 1024 * 1024


def test_a_status_request_about_several_messages_is_read() -> None:
    original = "<OrgnlGrpInf><OrgnlMsgId>{}</OrgnlMsgId><OrgnlMsgNmId>pacs.008</OrgnlMsgNmId></OrgnlGrpInf>"
    message = only(
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.028.001.03"><FIToFIPmtStsReq>'
        "<GrpHdr><MsgId>ASK-1</MsgId><CreDtTm>2026-11-23T10:16:00Z</CreDtTm></GrpHdr>"
        f"{original.format('LIND-1')}{original.format('LIND-2')}"
        "<TxInf><StsReqId>ASK-1-1</StsReqId><OrgnlTxId>LINDTX17</OrgnlTxId></TxInf>"
        "</FIToFIPmtStsReq></Document>".encode()
    )
    assert message.findings == ()
    [payment] = message.payments
    assert payment.kind is PaymentKind.NOTIFICATION
    assert payment.original is not None
    assert (payment.original.message_id, payment.original.transaction_id) == ("LIND-1", "LINDTX17")
