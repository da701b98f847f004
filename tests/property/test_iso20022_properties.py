"""Whatever the bytes: findings and no exception; whatever is accepted: written back equal, amounts kept to the cent."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from parsers.iso20022 import References, looks_like, read, status_report
from payments import CURRENCIES, Money

VECTORS = [
    path.read_bytes() for path in sorted((Path(__file__).resolve().parents[1] / "vectors" / "iso20022").glob("*.xml"))
]
INSTANT = next(data for data in VECTORS if b"INST<" in data)
COVER = next(data for data in VECTORS if b"UndrlygCstmrCdtTrf" in data)

#: What is put into a message to break it: markup, values of other types, pieces of other messages.
PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [b"<", b">", b"&", b"</Dbtr>", b"<Nm>", b"<!--", b"<![CDATA[", b"]]>", b"\x00", b"1.5", b"EUR", b"\xff"]
    ),
    st.sampled_from(
        [b"<CdtTrfTxInf/>", b"<PstlAdr/>", b"<PmtId/>", b"<IBAN/>", b"<Amt Ccy=''/>", b" ", b"-1", b"Document"]
    ),
)
XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    looks_like(data)
    messages = read(data)
    assert messages
    assert all(message.verdict == "rejected" for message in messages)


@given(st.sampled_from(VECTORS), st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 60), PIECES), max_size=3))
@settings(max_examples=250, deadline=None)
def test_a_broken_message_never_raises_and_always_has_its_record(
    data: bytes, edits: list[tuple[int, int, bytes]]
) -> None:
    for start, length, piece in edits:
        at = start % len(data)
        data = data[:at] + piece + data[at + length :]
    for message in read(data):
        json.dumps(message.content())
        json.dumps([payment.record() for payment in message.payments])
        assert message.verdict == "accepted" or list(message.errors())
        if message.parsed is not None:
            message.write()


@given(st.sampled_from(VECTORS), st.data())
@settings(max_examples=250, deadline=None)
def test_elements_moved_doubled_or_dropped_never_raise(data: bytes, draw: st.DataObject) -> None:
    root = etree.fromstring(data)
    elements = [element for element in root.iter() if element.getparent() is not None]
    element = draw.draw(st.sampled_from(elements))
    parent = element.getparent()
    assert parent is not None
    match draw.draw(st.sampled_from(["drop", "double", "move", "empty", "text"])):
        case "drop":
            parent.remove(element)
        case "double":
            parent.append(etree.fromstring(etree.tostring(element)))
        case "move":
            other = draw.draw(st.sampled_from(elements))
            if other is not element and element not in other.iterancestors():
                other.append(element)
        case "empty":
            element.clear()
        case _:
            element.text = draw.draw(XML_TEXT)
    for message in read(etree.tostring(root)):
        json.dumps(message.content())
        assert message.payments == () or message.content()["schema_valid"] is True


@given(st.sampled_from(sorted(set(CURRENCIES) - {"EUR"})), st.integers(1, 10**12))
def test_every_amount_of_every_currency_is_read_to_its_last_unit(currency: str, minor: int) -> None:
    money = Money(minor, currency)
    data = COVER.replace(b'Ccy="JPY">2500000<', f'Ccy="{currency}">{money.decimal}<'.encode())
    [message] = read(data)
    assert message.payments[0].amount == money


@given(XML_TEXT)
def test_any_name_is_kept_as_it_is(name: str) -> None:
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    data = COVER.replace(b"Kita Ropeworks KK", escaped.encode())
    [message] = read(data)
    assert message.payments[0].ultimate_creditor is not None
    assert message.payments[0].ultimate_creditor.name == name
    [again] = read(message.write())
    assert again.payments == message.payments


@given(XML_TEXT.filter(lambda text: text.strip() == text), st.text(max_size=200))
def test_any_answer_is_valid_and_reads_back(reference: str, text: str) -> None:
    data = status_report(
        message_id="QX-1",
        created="2026-11-23T10:15:31Z",
        original_message_id="LIND-1",
        original_message_name="pacs.008",
        references=References(end_to_end_id=reference[:35]),
        status="RJCT",
        reason_code="NARR",
        reason_text=text,
    )
    [message] = read(data)
    assert [finding.code for finding in message.errors()] == []
    assert message.payments[0].end_to_end_id == reference[:35]
