"""Answers: valid under our own schemas in every version, escaped, and read back as what they say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from parsers.iso20022 import (
    RESOLUTION_VERSIONS,
    STATUS_REPORT_VERSIONS,
    Header,
    References,
    read,
    resolution,
    singles,
    status_report,
)
from parsers.message import Message
from payments import Agent, Payment, PaymentKind

BANK = Agent(bic="LINDDEFFXXX")
MEMBER = Agent(clearing_system="USABA", clearing_id="021000021")
REFERENCES = References("INSTR-1", "E2E-1", "TX-1", "5c1d9f2e-7a44-4b0e-9a56-2f3f0d6c8b17")


def report(**values: object) -> Message:
    given: dict[str, object] = {
        "message_id": "QX-1",
        "created": "2026-11-23T10:15:31Z",
        "original_message_id": "LIND-1",
        "original_message_name": "pacs.008.001.08",
        "instructing_agent": MEMBER,
        "instructed_agent": BANK,
    }
    [message] = read(status_report(**{**given, **values}))  # type: ignore[arg-type]
    assert message.findings == ()
    return message


def only_payment(message: Message) -> Payment:
    [payment] = message.payments
    assert payment.kind is PaymentKind.NOTIFICATION
    return payment


@pytest.mark.parametrize("version", STATUS_REPORT_VERSIONS)
def test_a_status_report_is_valid_in_every_version_and_reads_back(version: str) -> None:
    message = report(
        version=version,
        references=REFERENCES,
        status="RJCT",
        group_status="RJCT",
        reason_code="AM04",
        reason_text="short of funds",
        acceptance_time="2026-11-23T10:15:30.12Z",
    )
    assert (message.type, message.reference) == (version, "QX-1")
    assert (message.sender, message.receiver) == ("021000021", "LINDDEFFXXX")
    original = only_payment(message).original
    assert original is not None
    assert (original.status, original.reason_code, original.reason_text) == ("RJCT", "AM04", "short of funds")
    assert (original.message_id, original.message_type) == ("LIND-1", "pacs.008.001.08")
    assert (original.instruction_id, original.end_to_end_id) == ("INSTR-1", "E2E-1")
    assert (original.transaction_id, original.uetr) == ("TX-1", REFERENCES.uetr)


def test_an_instant_payment_is_confirmed_by_its_group_status() -> None:
    message = report(
        references=References(transaction_id="TX-1"), group_status="ACCP", original_message_name="pacs.008"
    )
    original = only_payment(message).original
    assert original is not None
    assert (original.status, original.message_type) == ("ACCP", "pacs.008")


def test_a_whole_message_is_refused_without_references() -> None:
    original = only_payment(report(group_status="RJCT", reason_code="FF01")).original
    assert original is not None
    assert (original.status, original.reason_code, original.transaction_id) == ("RJCT", "FF01", None)


def test_a_reason_of_the_schemes_own_is_proprietary() -> None:
    message = report(group_status="RJCT", reason_code="QUEUE-CLOSED")
    document = message.content()["document"]
    reason = document["FIToFIPmtStsRpt"]["OrgnlGrpInfAndSts"]["StsRsnInf"]["Rsn"]  # type: ignore[index]
    assert reason == {"Prtry": "QUEUE-CLOSED"}


def test_a_header_comes_in_one_envelope_with_its_message() -> None:
    message = report(references=REFERENCES, status="ACSC", header=Header(MEMBER, BANK, "swift.cbprplus.03"))
    assert message.content()["header"] == "head.001.001.02"
    assert message.scheme == "CBPR+"


@pytest.mark.parametrize("text", ["a & b < c > d \"e\" 'f'", "x\x00\x0by\uffff", "ü" * 300, "]]>"])
def test_no_text_breaks_the_message(text: str) -> None:
    original = only_payment(report(references=REFERENCES, status="RJCT", reason_code="NARR", reason_text=text)).original
    assert original is not None
    assert original.reason_text is not None
    kept = "".join(char for char in text if char not in "\x00\x0b\uffff")
    assert original.reason_text.replace(" ", "") == kept.replace(" ", "")


@pytest.mark.parametrize("version", RESOLUTION_VERSIONS)
@pytest.mark.parametrize(("confirmation", "status", "code"), [("CNCL", "ACCR", None), ("RJCR", "RJCR", "CUST")])
def test_a_resolution_is_valid_in_every_version_and_reads_back(
    version: str, confirmation: str, status: str, code: str | None
) -> None:
    data = resolution(
        message_id="QX-2",
        created="2026-11-23T12:00:00Z",
        assigner=BANK,
        assignee=Agent(bic="LNDRNL2AXXX"),
        confirmation=confirmation,
        status=status,
        original_message_id="LIND-1",
        original_message_name="pacs.008",
        references=REFERENCES,
        reason_code=code,
        version=version,
    )
    [message] = read(data)
    assert message.findings == ()
    assert (message.type, message.sender, message.receiver) == (version, "LINDDEFFXXX", "LNDRNL2AXXX")
    original = only_payment(message).original
    assert original is not None
    assert (original.status, original.reason_code, original.message_id) == (status, code, "LIND-1")


def test_a_version_that_the_template_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pacs\.002\.001\.03 is not among"):
        report(version="pacs.002.001.03", group_status="RJCT")
    with pytest.raises(ValueError, match=r"camt\.029\.001\.03"):
        resolution(
            message_id="M",
            created="2026-11-23T12:00:00Z",
            assigner=BANK,
            assignee=BANK,
            confirmation="CNCL",
            original_message_id="O",
            original_message_name="pacs.008",
            references=REFERENCES,
            version="camt.029.001.03",
        )


VECTORS = Path(__file__).parents[1] / "vectors" / "iso20022"


def of_batches(name: str, times: int) -> bytes:
    """A message of batches with its first batch several times."""
    whole = (VECTORS / name).read_text()
    batch = whole[whole.index("<PmtInf>") : whole.index("</PmtInf>") + len("</PmtInf>")]
    header, rest = whole.split("</GrpHdr>", 1)
    header = header.replace("<NbOfTxs>2", f"<NbOfTxs>{2 * times}").replace("3100.50", str(3100.5 * times))
    copies = [batch.replace("SALA-11-", f"SALA-{number}-") for number in range(12, 11 + times)]
    return (header + "</GrpHdr>" + "".join(copies) + rest).encode()


@pytest.mark.parametrize(
    "data",
    [
        (VECTORS / "salaries.pain.001.xml").read_bytes(),
        of_batches("salaries.pain.001.xml", 3),
        (VECTORS / "collection.pacs.003.xml").read_bytes(),
        (VECTORS / "return.pacs.004.xml").read_bytes(),
    ],
    ids=["one batch", "three batches", "no batch", "one transaction"],
)
def test_each_transaction_is_a_valid_message_alone(data: bytes) -> None:
    [whole] = read(data)
    assert list(whole.errors()) == []
    copies = [read(single)[0] for single in singles(data)]
    assert [list(copy.errors()) for copy in copies] == [[]] * len(whole.payments)
    alone = [msgspec.structs.replace(copy.payments[0], index=number) for number, copy in enumerate(copies)]
    assert alone == list(whole.payments)
    assert [len(copy.payments) for copy in copies] == [1] * len(whole.payments)
