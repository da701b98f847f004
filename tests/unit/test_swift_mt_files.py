"""Files of messages, read piece by piece, give what the whole file gives, each message with its place."""

import pytest

from parsers import parse, parse_chunks
from parsers.swift_mt import files, read

STATEMENT = (
    ":20:ST{0}\r\n:25:12345678/1020304050\r\n:28C:{0}/1\r\n:60F:C261123EUR100,00\r\n"
    ":61:2611241124D{0},50NTRFREF{0}\r\n:86:NOTE {0}\r\n:62F:C261124EUR50,00"
)
TRANSFER = (
    "{{1:F01LINDSESSAXXX0001{0:06}}}{{2:I103OAKBGB2LXXXXN}}{{3:{{121:3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94}}}}{{4:\r\n"
    ":20:REF{0}\r\n:23B:CRED\r\n:32A:261124EUR{0},\r\n:33B:EUR{0},\r\n:50K:ANNA LIND\r\n:59:OAK\r\n:71A:SHA\r\n-}}"
)
NAK = "{1:F21LINDSESSAXXX0001000001}{4:{177:2611240800}{451:1}{405:T27004}}"
COUNT = 12


def transfers() -> list[bytes]:
    return [TRANSFER.format(number).encode() for number in range(1, COUNT + 1)]


FILES = {
    "rje": files.rje(transfers()),
    "dos-pcc": files.dos_pcc(transfers()),
    "in a row": b"".join(transfers()),
    "with answers": b"".join(NAK.encode() + each + b"\r\n" for each in transfers()),
    "with trailers": b"".join(each + b"{5:{CHK:0123456789AB}}\r\n" for each in transfers()),
    "of a bank": b"".join(STATEMENT.format(number).encode() + b"\r\n-\r\n" for number in range(1, COUNT + 1)),
    "of a bank, LF": b"".join(
        STATEMENT.format(number).replace("\r\n", "\n").encode() + b"\n-\n" for number in range(1, COUNT + 1)
    ),
    "of a bank, with its own lines": b"ABCBANK\r\n940\r\n"
    + b"".join(STATEMENT.format(number).encode() + b"\r\n-XXX\r\nABCBANK\r\n940\r\n" for number in range(1, COUNT + 1)),
    "one message": transfers()[0],
    "nothing": b"",
    "noise": b"\x00\x01 noise \xff" * 30,
}


def shown(messages) -> list[tuple[object, ...]]:
    return [
        (each.index, each.type, each.reference, each.verdict, [finding.code for finding in each.findings],
         each.payments, each.statements(), each.raw.strip(b" \r\n$\0\x01\x03"))
        for each in messages
    ]  # fmt: skip


@pytest.mark.parametrize("piece", [1, 300, 1_000, 1 << 20])
@pytest.mark.parametrize("name", FILES)
def test_pieces_give_what_the_whole_file_gives(name, piece, monkeypatch):
    monkeypatch.setattr(files, "PIECE", piece)
    data = FILES[name]
    chunks = [data[start : start + 100] for start in range(0, len(data), 100)]
    assert b"".join(files.pieces(chunks)) == data
    assert shown(files.messages(chunks)) == shown(read(data))


@pytest.mark.parametrize("name", ["rje", "dos-pcc", "in a row", "of a bank"])
def test_each_message_is_a_record_with_its_place(name):
    found = read(FILES[name])
    assert [message.index for message in found] == list(range(COUNT))
    assert {message.reference for message in found} == {
        f"{'ST' if name == 'of a bank' else 'REF'}{number}" for number in range(1, COUNT + 1)
    }


def test_what_is_written_as_a_file_holds_the_messages_as_they_were():
    assert [message.write() for message in read(FILES["rje"])] == transfers()
    assert [message.write() for message in read(FILES["dos-pcc"])] == transfers()
    assert not FILES["rje"].endswith(b"$")
    assert len(FILES["dos-pcc"]) % 512 == 0


def test_a_large_file_is_cut_where_messages_end():
    found = list(files.pieces([FILES["of a bank"] * 1_000]))
    assert len(found) == 2  # the one chunk but its last message, and that
    assert found[1].startswith(b":20:")


def test_other_formats_are_read_whole():
    document = b"<Document><Nothing/></Document>"
    assert [message.format for message in parse_chunks([document[:5], document[5:]])] == [
        message.format for message in parse(document)
    ]
