"""The envelope of SWIFT MT: blocks, files of several messages, service messages, and inputs meant to hurt."""

import time

import pytest

from parsers.swift_mt import looks_like, read

HEAD = "{1:F01NORDDEHHAXXX0042000017}{2:I199SUEDFRPPXXXXN}"
TEXT = "{4:\n:20:FREE-1\n:79:HELLO\n-}"
ONE = HEAD + TEXT


def codes(data: str | bytes) -> list[list[str]]:
    messages = read(data if isinstance(data, bytes) else data.encode())
    return [[finding.code for finding in message.findings] for message in messages]


def test_a_plain_message_has_no_findings():
    assert codes(ONE) == [[]]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "N01"),
        ("hello", "N01"),
        ("\x00\xff\xfe", "N01"),
        ("{1:F01NORDDEHHAXXX0042000017}", "H25"),
        (HEAD, "N02"),
        (HEAD + "{4:\n:20:FREE-1\n:79:CUT", "N02"),
        (HEAD + "{4:\n:20:FREE-1\n:79:HELLO}", "N02"),
        (ONE.replace("F01", "X01"), "H02"),
        (ONE.replace("F01", "F05"), "H03"),
        (ONE.replace("0042000017", "42"), "H01"),
        (ONE.replace("NORDDEHH", "NORDZZHH"), "H10"),
        (ONE.replace("SUEDFRPP", "SUEDZZPP"), "H50"),
        (ONE.replace("XXXXN}", "XXXXX}"), "H40"),
        (ONE.replace("I199", "I1999"), "H25"),
        (HEAD + "{3:{999:X}}" + TEXT, "U00"),
        (HEAD + "{3:{108:A}" + TEXT, "U03"),
        (ONE + "{5:{CHK:12}x}", "N03"),
        (ONE.replace("{2:", "{2:I199SUEDFRPPXXXXN}{2:"), "N08"),
        (ONE.replace("HELLO", "HELLO\n" * 2_000), "M50"),
        (ONE.replace("{4:\n", "{4:\nstray\n"), "T13"),
    ],
)
def test_a_broken_envelope_is_refused_with_its_code(data, code):
    messages = read(data.encode("latin-1"))
    assert messages[0].verdict == "rejected"
    assert code in [finding.code for finding in messages[0].findings]
    assert messages[0].payments == ()


def test_stray_text_between_messages_is_reported():
    assert codes(f"{ONE}lost{ONE}") == [["N04"], []]


def test_dos_pcc_sectors_and_their_acknowledgements():
    ack = "{1:F21NORDDEHHAXXX0042000017}{4:{177:2611231044}{451:0}}"
    sector = f"\x01{ack}{ONE}\x03".ljust(512)
    messages = read((sector * 2).encode())
    assert [message.type for message in messages] == ["ACK", "MT199", "ACK", "MT199"]
    assert [message.index for message in messages] == [0, 1, 2, 3]
    assert all(message.findings == () for message in messages)


def test_a_nak_with_an_unclosed_tag_is_read_on():
    nak = "{1:F21NORDDEHHAXXX0042000017}{4:{177:2611231044}{451:1}{405:T28008{108:MUR-17}}"
    message = read(nak.encode())[0]
    assert (message.type, message.reference) == ("NAK", "MUR-17")
    assert [field["tag"] for field in message.content()["fields"]] == ["177", "451", "405", "108"]


@pytest.mark.parametrize(
    ("data", "type_", "verdict"),
    [
        ("{1:F21NORDDEHHXXX0042000017}{4:{177:2611231044}{451:0}}", "ACK", "accepted"),
        ("{1:F21NORDDEHHAXXX0042000017}{4:{177:2611231044}{451:2}}", "F21", "rejected"),
        ("{1:F21NORDDEHHAXXX0042000017}", "F21", "rejected"),
    ],
)
def test_a_service_message_needs_its_answer_and_little_else(data, type_, verdict):
    message = read(data.encode())[0]
    assert (message.type, message.verdict) == (type_, verdict)
    assert message.findings != ()


def test_the_acknowledgement_may_stand_after_the_message():
    messages = read((ONE + "{1:F21NORDDEHHAXXX0042000017}{4:{177:2611231044}{451:0}}").encode())
    assert [message.type for message in messages] == ["MT199", "ACK"]


def test_system_messages_are_read_as_tags():
    data = "{1:F01NORDDEHHAXXX0042000017}{2:O0111044261123DYDYXXXXXXXX00000000012611231044S}{4:{175:1044}{106:X}}"
    message = read(data.encode())[0]
    assert (message.verdict, message.type) == ("accepted", "MT011")
    assert message.write() == data.encode()


def test_a_type_without_rules_is_read_with_a_warning():
    message = read(ONE.replace("I199", "I799").encode())[0]
    assert (message.verdict, message.type) == ("accepted", "MT799")
    assert read(ONE.replace("I199", "I109").encode())[0].findings[0].code == "N05"


def test_the_end_of_the_text_is_found_where_lines_look_like_it():
    message = read((HEAD + "{4:\n:20:FREE-1\n:79:A\n.-}\nB }{5: C\n-}{5:{CHK:0123456789AB}}").encode())[0]
    assert message.content()["fields"][1]["value"] == "A\r\n.-}\r\nB }{5: C"


def test_statements_without_headers_are_read_one_a_reference():
    text = ":20:S1\n:25:1\n:28C:1\n:60F:C261122EUR1,\n:62F:C261122EUR1,\n-\n"
    messages = read((text * 3).encode())
    assert [(message.type, message.verdict) for message in messages] == [("MT940", "accepted")] * 3
    assert b"".join(message.write() for message in messages) == (text * 3).replace("\n", "\r\n").encode()


def test_money_without_headers_is_refused():
    assert "H01" in codes(":20:P\n:32A:261123EUR1,\n:58A:NORDDEHH\n")[0]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_foreign_characters_of_statements_are_kept(encoding):
    data = ":20:S1\r\n:25:1\r\n:28C:1\r\n:60F:C261122EUR1,\r\n:86:Müller\r\n:62F:C261122EUR1,\r\n-".encode(encoding)
    message = read(data)[0]
    assert message.write() == data
    assert message.content()["fields"][4]["value"] == "Müller"


@pytest.mark.parametrize(
    "data",
    [
        b"{" * 10_000_000,
        b"{1:" * 3_000_000,
        b"{1:F01" + b"{" * 5_000_000,
        HEAD.encode() + b"{4:" + b"{" * 5_000_000,
        HEAD.encode() + b"{4:\n:20:" + b"A" * 10_000_000,
        HEAD.encode() + b"{4:\n" + b"}\n" * 2_000_000 + b"x",
        HEAD.encode() + b"{3:" + b"{108:" * 500_000,
        b":" * 3_000_000,
        b"\n:2" * 2_000_000,
    ],
    ids=["braces", "starts", "first", "text", "line", "closing", "tags", "colons", "almost-tags"],
)
def test_storms_are_refused_in_no_time(data):
    began = time.process_time()
    messages = read(data)
    assert time.process_time() - began < 2.0
    assert all(message.verdict == "rejected" for message in messages)


def test_time_stays_linear_in_the_number_of_fields_and_messages():
    def seconds(data: bytes) -> float:
        began = time.process_time()
        read(data)
        return time.process_time() - began

    opened = "{1:F01NORDDEHHAXXX0042000017}{4:\n"
    for unit in (":61:GARBAGE\n", ":20:S\n:61:X\n-\n", ONE, opened, opened.replace("4:\n", "5:{")):
        small = max(seconds((unit * 2_000).encode()), 0.01)
        # sixteen times the input: linear is 16, quadratic 256; a busy machine may triple either
        assert seconds((unit * 32_000).encode()) < 100 * small


def test_detection_looks_at_the_beginning_only():
    assert looks_like(ONE.encode())
    assert looks_like(b"\x01" + ONE.encode())
    assert looks_like(b"ABNANL2A\n940\n:20:S1\n:25:1\n")
    assert not looks_like(b" " * 5_000 + ONE.encode())
    assert not looks_like(b"<Document>\n:20:x\n</Document>")
    assert not looks_like(b"101 021000021 1210428822611231044A094101")
    assert not looks_like(b"")
