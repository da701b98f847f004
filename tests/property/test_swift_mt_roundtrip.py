"""SWIFT MT under generated inputs: what is read is written back, mutations never raise, built text is always valid."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.swift_mt import answer, looks_like, read
from parsers.swift_mt.values import amount_text, money_of
from payments import CURRENCIES, Money

VECTORS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "vectors" / "swift_mt").glob("*.fin"))]
FILLER = b" \n\x00\x01\x03\x1a$"
SET_X = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ "
PIECES = [
    b"{",
    b"}",
    b"{1:",
    b"{4:\n",
    b"-}",
    b"\n:20:",
    b"\n",
    b"\r",
    b"$",
    b"\x01",
    b"\x03",
    b":61:",
    b"\xff",
    b"{1:F21",
]
line = st.text(SET_X, min_size=1, max_size=35).filter(lambda text: text[0] not in ":-" and text.strip() == text)
tag = st.from_regex(r"[0-9]{2}[A-Z]?", fullmatch=True)


@given(st.lists(st.tuples(tag, st.lists(line, min_size=1, max_size=4)), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_any_row_of_fields_is_written_as_it_was_read(fields):
    text = "".join(f"\r\n:{name}:" + "\r\n".join(lines) for name, lines in fields)
    data = f"{{1:F01NORDDEHHAXXX0042000017}}{{2:I798SUEDFRPPXXXXN}}{{4:{text}\r\n-}}".encode()
    messages = read(data)
    assert len(messages) == 1
    assert messages[0].write() == data
    content = messages[0].content()["fields"]
    assert [(field["tag"], field["value"]) for field in content] == [(name, "\r\n".join(v)) for name, v in fields]


@st.composite
def mutated(draw):
    data = bytearray(draw(st.sampled_from(VECTORS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del data[at : at + draw(st.integers(1, 60))]
            case 2:
                data[at:at] = draw(st.sampled_from(PIECES)) * draw(st.integers(1, 5))
            case _:
                data[at:at] = data[at : at + draw(st.integers(1, 80))]
    return bytes(data)


@given(mutated(), st.sampled_from([None, "strict", "lenient"]))
@settings(max_examples=600, deadline=None)
def test_mutated_messages_give_records_never_exceptions(data, mode):
    messages = read(data, mode=mode)
    assert messages
    assert [message.index for message in messages] == list(range(len(messages)))
    for message in messages:
        message.content()
        assert message.verdict == "accepted" or message.payments == ()
        if message.parsed is not None:
            message.write()
    looks_like(data[:4096])


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_at_least_one_record(data):
    assert read(data)


@given(mutated())
@settings(max_examples=200, deadline=None)
def test_accepted_messages_are_written_as_they_were_read(data):
    messages = read(data)
    if len(messages) == 1 and messages[0].verdict == "accepted" and "N04" not in [f.code for f in messages[0].findings]:
        unix = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        assert messages[0].write().replace(b"\r\n", b"\n").strip(FILLER) == unix.strip(FILLER)


@given(st.text(max_size=2_500), st.text(max_size=40), st.sampled_from(["196", "299", "195"]))
@settings(max_examples=150, deadline=None)
def test_any_reason_becomes_a_valid_answer(text, related, message_type):
    data = answer(
        message_type=message_type,
        operator="OPERDEFF",
        recipient="NORDDEHH",
        reference=related,
        related=related,
        text=text,
        at="2026-11-23T10:44:00+00:00",
        sequence=1,
    )
    message = read(data, mode="strict")[0]
    assert message.findings == ()
    assert message.write() == data


@given(st.integers(0, 10**11), st.sampled_from(sorted(CURRENCIES)))
def test_amounts_survive_writing_and_reading(minor, currency):
    assert money_of(amount_text(Money(minor, currency)), currency) == Money(minor, currency)
