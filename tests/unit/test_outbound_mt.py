"""An MT sender is answered in MT, and no answer lets a message that was not executed look executed."""

from collections import defaultdict

import msgspec
import pytest

from engine.bus.record import Record
from engine.processors import outbound
from engine.processors.outbound import Correspondence
from engine.processors.parsing import ParsingFacts, parse_record
from engine.processors.recording import _noted_answers
from engine.routing.directory import Directory, Reference
from engine.wire import Envelope, Rejection, Route
from parsers.swift_mt import read
from settlement.lifecycle import State

FACTS = ParsingFacts(Directory(1, Reference()), {}, False, defaultdict(int))
LETTER = Correspondence("OPERDEFFXXX", "2026-11-24T08:00:00Z")
HEAD = (
    "{{1:F01LINDSESSAXXX0001000007}}{{2:I{}OAKBGB2LXXXXN}}"
    "{{3:{{108:MUR7}}{{121:3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94}}}}{{4:"
)
TRANSFER = (
    "20:REF1", "23B:CRED", "32A:261124EUR100,", "33B:EUR100,", "50K:ANNA LIND", "59:/222\r\nOAK TRADING", "71A:SHA",
)  # fmt: skip
TWO = (
    "20:BATCH1", "23:CREDIT", "50K:/111\r\nANNA LIND", "71A:SHA",
    "21:TX1", "32B:EUR10,", "59:/222\r\nOAK", "33B:EUR10,", "21:TX2", "32B:EUR20,", "59:/333\r\nELM", "33B:EUR20,",
    "32A:261124EUR30,", "19:30,",
)  # fmt: skip


def arrived(kind: str, *fields: str, before: str = "") -> list[Envelope]:
    text = before + HEAD.format(kind) + "".join(f"\r\n:{field}" for field in fields) + "\r\n-}"
    record = Record("ingest.swift-mt", 0, 7, 1_795_000_000_000, b"LINDSESSXXX", text.encode(), {})
    return parse_record(record, FACTS)


def said(payload: bytes) -> dict[str, str]:
    (message,) = read(payload, mode="strict")
    assert [finding for finding in message.findings if finding.severity == "error"] == []
    return {field["tag"]: field["value"] for field in message.content()["fields"]}  # type: ignore[attr-defined]


def routed(envelope: Envelope) -> Envelope:
    return msgspec.structs.replace(envelope, route=Route("EUR-RTGS", "LINDSESSXXX", "OAKBGB2LXXX", 1))


def test_a_settled_transfer_is_acknowledged_confirmed_and_delivered():
    (envelope,) = arrived("103", *TRANSFER)
    ack, confirmation, delivery = outbound.answers(routed(envelope), State.SETTLED, LETTER)
    assert [each.type for each in (ack, confirmation, delivery)] == ["ACK", "MT900", "MT103"]
    assert said(ack.payload)["451"] == "0"
    assert (said(confirmation.payload)["21"], said(confirmation.payload)["32A"]) == ("REF1", "261124EUR100,00")
    assert read(confirmation.payload)[0].uetr == "3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94"
    assert delivery.recipient == "OAKBGB2LXXX"


def test_a_refused_format_gets_a_nak_with_the_code_and_the_line():
    (envelope,) = arrived("103", *TRANSFER[:6], "71A:ALL")
    assert (envelope.state, envelope.rejection and envelope.rejection.code) == ("REJECTED", "T08")
    (nak,) = outbound.answers(envelope, State.REJECTED, LETTER, reason=envelope.rejection)
    assert said(nak.payload) == {"177": "2611240800", "451": "1", "405": "T08009", "108": "MUR7"}


@pytest.mark.parametrize(
    ("sent", "quoted"),
    [
        ({"terminal": "LINDSESSBXXX", "session": "0001", "sequence": "000007"}, b"LINDSESSBXXX0001000007"),
        ({"terminal": "LINDSESSBXXX", "session": "00010", "sequence": "00007"}, b"LINDSESSBXXX0000000000"),
        ({"terminal": "LINDSESSBXXX0", "session": "001", "sequence": "000007"}, b"LINDSESSAXXX0000000007"),
        ({"session": "0001"}, b"LINDSESSAXXX0001000000"),
    ],
)
def test_an_acknowledgement_quotes_of_block_1_what_can_stand_there(sent, quoted):
    (envelope,) = arrived("103", *TRANSFER)
    payment = msgspec.structs.replace(envelope.payment, details={})
    envelope = msgspec.structs.replace(envelope, payment=payment, reply=sent)
    (ack, *_) = outbound.answers(routed(envelope), State.SETTLED, LETTER)
    assert ack.payload.startswith(b"{1:F21" + quoted + b"}")


def test_a_rejection_after_acceptance_is_an_n99_in_the_words_of_the_guidelines():
    (envelope,) = arrived("103", *TRANSFER)
    found = outbound.answers(envelope, State.REJECTED, LETTER, reason=Rejection("AM04", "no funds", "book"))
    assert [each.type for each in found] == ["ACK", "MT199"]
    assert said(found[1].payload)["79"] == "/REJT/99\r\n/AM04/no funds\r\n/MREF/REF1"
    (news,) = read(found[1].payload)[0].payments
    assert (news.original.status, news.original.reason_code, news.original.instruction_id) == ("RJCT", "AM04", "REF1")


@pytest.mark.parametrize(("accepted", "text"), [(True, "/CNCL/"), (False, "/RJCR/ARDT")])
def test_a_request_to_cancel_is_answered_by_an_n96(accepted, text):
    (request,) = arrived("192", "20:CXL1", "21:REF1", "11S:103\r\n261123", "79:/DUPL/sent twice")
    (answer,) = outbound.cancellation_answer(request, accepted, LETTER, "ARDT", "settled before")
    fields = said(answer.payload)
    assert answer.type == "MT196"
    assert fields["76"] == f"{text}\r\n//settled before"
    assert (fields["21"], fields["11R"]) == ("CXL1", "103\r\n261123")
    (news,) = read(answer.payload)[0].payments
    assert news.original.status == text[1:5]


def test_a_message_of_two_transactions_is_acknowledged_once():
    envelopes = arrived("102", *TWO)
    assert [envelope.state for envelope in envelopes] == ["RECEIVED", "RECEIVED"]
    found = [outbound.answers(routed(each), State.SETTLED, LETTER) for each in envelopes]
    assert [[answer.type for answer in each] for each in found] == [["ACK", "MT900", "MT102"], ["MT900", "MT102"]]
    assert [said(each[-2].payload)["21"] for each in found] == ["TX1", "TX2"]
    assert [read(each[-1].payload)[0].payments[0].instruction_id for each in found] == ["TX1", "TX2"]
    names = [name for envelope in envelopes for name, _ in envelope.claims]
    assert [name.split("|", 4)[-1] for name in names] == ["BATCH1/TX1", "BATCH1/TX2"]


def test_a_delivery_is_called_what_it_is():
    fields = ("19:3,", "30:261124", "20:A", "21:X", "32B:EUR1,", "58A:BARCGB22", "20:B", "21:Y", "32B:EUR2,")
    envelopes = arrived("203", *fields, "58A:BARCGB22")
    assert [outbound.delivery(routed(envelope))[0].type for envelope in envelopes] == ["MT202", "MT202"]


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("177", ("20:REF1", "32A:261124EUR100,", "59:/222\r\nOAK"), "H30"),
        ("547", ("20C::SEME//REF1",), "H30"),
    ],
)
def test_what_is_unknown_here_is_refused_not_acknowledged(kind, fields, code):
    (envelope,) = arrived(kind, *fields)
    assert (envelope.state, envelope.rejection and envelope.rejection.code) == ("REJECTED", code)
    (answer,) = outbound.answers(envelope, State.REJECTED, LETTER, reason=envelope.rejection)
    assert (answer.type, said(answer.payload)["405"][:3]) == ("NAK", code)


def test_what_the_network_refused_is_not_executed():
    nak = "{1:F21LINDSESSAXXX0001000007}{4:{177:2611240800}{451:1}{405:T27004}}"
    envelopes = arrived("103", *TRANSFER, before=nak)
    assert [(each.state, each.rejection and each.rejection.code) for each in envelopes] == [
        ("PARSED", None),
        ("REJECTED", "N06"),
    ]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("199", ("20:NOTE1", "21:REF1", "79:PLEASE CALL US")),
        ("195", ("20:NOTE1", "21:REF1", "75:/1/WHICH INVOICE")),
        ("210", ("20:NOTE1", "30:261124", "21:RELA", "32B:USD100,", "52A:NORDSESS")),
    ],
)
def test_news_is_acknowledged_as_received(kind, fields):
    (envelope,) = arrived(kind, *fields)
    assert envelope.state == "PARSED"
    (answer,) = _noted_answers(envelope, LETTER)
    assert answer.payload.startswith(b"{1:F21LINDSESSAXXX0001000007}{4:{177:2611240800}{451:0}{108:MUR7}")


def test_an_order_of_a_customer_is_not_settled_between_banks():
    fields = ("20:O1", "28D:1/1", "50H:/111\r\nANNA", "30:261124", "21:T1", "32B:EUR1,", "59:/2\r\nOAK", "71A:SHA")
    (envelope,) = arrived("101", *fields)
    found = outbound.answers(envelope, State.REJECTED, LETTER, reason=Rejection("AM03", "no scheme", "routing"))
    assert [answer.type for answer in found] == ["ACK", "MT199"]
