"""Messages written for these tests become exactly the records beside them, and the same bytes again."""

import json
from pathlib import Path

import pytest

from parsers.swift_mt import looks_like, read

VECTORS = Path(__file__).parent.parent / "vectors" / "swift_mt"
FILES = sorted(VECTORS.glob("*.fin"))


def pruned(value):
    """A record without what is absent."""
    if isinstance(value, dict):
        return {key: pruned(part) for key, part in value.items() if part not in (None, [], {})}
    if isinstance(value, list | tuple):
        return [pruned(part) for part in value]
    return value


def record(message) -> dict[str, object]:
    return pruned(
        {
            "type": message.type,
            "verdict": message.verdict,
            "sender": message.sender,
            "receiver": message.receiver,
            "reference": message.reference,
            "uetr": message.uetr,
            "possible_duplicate": message.possible_duplicate,
            "findings": [[finding.code, finding.severity, finding.place] for finding in message.findings],
            "payments": [payment.record() for payment in message.payments],
        }
    )


def test_there_are_vectors():
    assert len(FILES) >= 11


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_record(path):
    data = path.read_bytes()
    assert looks_like(data)
    assert [record(message) for message in read(data)] == json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_are_read_alike_and_crlf_is_written(path, line_end):
    unix = path.read_bytes()
    messages = read(unix.replace(b"\n", line_end))
    assert [record(message) for message in messages] == json.loads(path.with_suffix(".json").read_text())
    if len(messages) == 1:
        assert messages[0].write() == unix.replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def test_content_has_blocks_and_fields_with_components():
    content = read((VECTORS / "mt103.fin").read_bytes())[0].content()
    assert content["blocks"] == {
        "1": "F01NORDDEHHAXXX0042000017",
        "2": "I103SUEDFRPPXXXXU",
        "3": {"108": "MUR-17", "111": "001", "121": "3f1c9e52-7a40-4d1b-9c86-0e5d2b7a1c94"},
        "5": {"CHK": "0123456789AB", "PDE": ""},
    }
    assert content["fields"][5] == {
        "tag": "32A",
        "value": "261123EUR250,00",
        "components": {"Date": "261123", "Currency": "EUR", "Amount": "250,00"},
    }
    assert content["fields"][8]["value"] == "/DE02120300000000202051\r\nDELTA GMBH\r\nAM WALL 3\r\n28195 BREMEN"


def test_statements_are_lenient_unless_the_caller_is_strict():
    data = (VECTORS / "mt940_lenient.fin").read_bytes()
    assert read(data)[0].verdict == "accepted"
    assert read(data, mode="strict")[0].verdict == "rejected"
    refused = (VECTORS / "refused.fin").read_bytes()
    assert read(refused, mode="lenient")[0].verdict == "accepted"
