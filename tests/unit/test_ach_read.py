"""Valid Nacha files are read to the cent, whatever their line ends, and written back byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.ach import looks_like, read
from parsers.ach.layouts import ALL_LAYOUTS, FILLER

VECTORS = Path(__file__).parents[1] / "vectors" / "ach"
TOTALS = {
    "ppd-ccd-credits.ach": (2, 5, 1, 44310, 1528057, 120751198),
    "web-tel-debits.ach": (2, 2, 0, 17549, 0, 44317077),
    "returns.ach": (2, 2, 2, 44310, 185042, 12220042),
    "notification-of-change.ach": (1, 1, 1, 0, 0, 6110021),
    "ctx-credits.ach": (1, 1, 2, 0, 777700, 32117044),
    "iat-credit.ach": (1, 1, 7, 0, 500000, 12200033),
}


def vector(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


@pytest.mark.parametrize("name", TOTALS)
def test_a_valid_file_is_accepted_with_its_totals(name: str) -> None:
    (message,) = read(vector(name))
    assert message.findings == ()
    batches, entries, addenda, debit, credit, entry_hash = TOTALS[name]
    assert message.content()["totals"] == {
        "batches": batches,
        "entries": entries,
        "addenda": addenda,
        "debit": debit,
        "credit": credit,
        "hash": entry_hash,
        "entry_addenda_count": entries + addenda,
    }
    assert len(message.payments) == entries
    assert message.write() == vector(name)


def test_sender_receiver_and_duplicate_key() -> None:
    (message,) = read(vector("ppd-ccd-credits.ach"))
    assert (message.type, message.sender, message.receiver) == ("NACHA", "061100211", "122000331")
    assert message.reference == "0611002112607121530A"


def test_an_origin_that_is_no_routing_number_leaves_the_first_originating_bank_as_sender() -> None:
    data = vector("ppd-ccd-credits.ach")
    (message,) = read(data[:13] + b"ACME-00001" + data[23:])
    assert message.verdict == "accepted"
    assert message.sender == "061100211"
    assert message.reference == "ACME-000012607121530A"


@pytest.mark.parametrize(
    "ends",
    [b"\n", b"\r\n", b"\r", b""],
    ids=["LF", "CRLF", "CR", "none"],
)
def test_line_ends_do_not_matter(ends: bytes) -> None:
    data = vector("ppd-ccd-credits.ach")
    (message,) = read(data.replace(b"\n", ends))
    assert message.findings == ()
    assert message.write() == data


def test_missing_filler_and_lost_trailing_blanks_are_warnings() -> None:
    lines = vector("ppd-ccd-credits.ach").decode().splitlines()
    kept = [line.rstrip() if line[0] in "19" else line for line in lines if line != FILLER]
    (message,) = read("\n".join(kept).encode())
    assert message.verdict == "accepted"
    assert {finding.code for finding in message.findings} == {"RECORD-LENGTH", "FILE-FILLER"}
    assert message.write() == vector("ppd-ccd-credits.ach")


def test_content_of_an_entry_with_addenda() -> None:
    (message,) = read(vector("ppd-ccd-credits.ach"))
    batches = message.content()["batches"]
    assert isinstance(batches, list)
    first = batches[0]
    assert (first["number"], first["sec"], first["service_class"]) == (1, "PPD", "220")
    assert (first["company_name"], first["company_id"]) == ("LINDEN TOOLS", "1840027755")
    assert (first["effective_date"], first["odfi"]) == ("2026-07-14", "06110021")
    entry = first["entries"][1]
    assert entry["trace"] == "061100210000002"
    assert entry["transaction_code"] == "32"
    assert entry["rdfi"] == "321170444"
    assert entry["account"] == "880-77-1"
    assert entry["amount"] == "930.15"
    assert entry["name"] == "TOBIAS ENGSTROM"
    assert entry["addenda"] == [
        {"type": "05", "text": "BONUS FOR JUNE INCLUDED", "sequence": "0001", "entry_sequence": "0000002"}
    ]


def test_content_of_a_return_and_of_an_international_entry() -> None:
    (returned,) = read(vector("returns.ach"))
    batches = returned.content()["batches"]
    assert isinstance(batches, list)
    addenda = batches[0]["entries"][0]["addenda"][0]
    assert (addenda["type"], addenda["reason"], addenda["original_trace"]) == ("99", "R03", "061100210000001")
    (abroad,) = read(vector("iat-credit.ach"))
    batches = abroad.content()["batches"]
    assert isinstance(batches, list)
    entry = batches[0]["entries"][0]
    assert (entry["account"], entry["name"]) == ("SE4550000000058398257466", "NORRSKEN TIMBER AB")
    assert [row["type"] for row in entry["addenda"]] == ["10", "11", "12", "13", "14", "15", "16"]


def test_every_layout_covers_the_record_without_gap_or_overlap() -> None:
    for layout in ALL_LAYOUTS:
        column = 1
        for field in layout.fields:
            assert field.first == column, (layout.name, field.name)
            column = field.last + 1
        assert column == 95, layout.name
        assert len({field.name for field in layout.fields}) == len(layout.fields), layout.name


def test_what_looks_like_a_nacha_file() -> None:
    for name in TOTALS:
        assert looks_like(vector(name)[:4096])
    assert looks_like(vector("ppd-ccd-credits.ach").split(b"\n", 1)[1])  # a file that lost its header
    for other in (
        b"",
        b"{1:F01BREZUS33AXXX0000000000}",
        b"<?xml version='1.0'?>",
        b":20:REF\r\n",
        b"\x89PNG",
        b"1,2,3\n",
    ):
        assert not looks_like(other)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"\x00" * 500,
        b"\xff\xfe" * 400,
        b"1",
        b"9" * 940,
        b"7" * 94 * 20,
        b"6" * 93,
        b"\r" * 9,
        b"5\n6\n7\n8\n",
    ],
)
def test_broken_input_gives_a_rejected_message_and_no_exception(data: bytes) -> None:
    (message,) = read(data)
    assert message.verdict == "rejected"
    assert all(finding.rule and finding.remedy and finding.place for finding in message.findings)


def test_a_superscript_digit_is_no_digit() -> None:
    lines = vector("ctx-credits.ach").splitlines()
    for row, line in enumerate(lines[:6]):
        for column in range(94):
            patched = [*lines[:row], line[:column] + b"\xb2" + line[column + 1 :], *lines[row + 1 :]]
            (message,) = read(b"\n".join(patched))
            message.content()
            assert message.verdict == "rejected"


def test_findings_of_one_rule_are_listed_a_hundred_times_at_most() -> None:
    lines = vector("ppd-ccd-credits.ach").decode().splitlines()
    (message,) = read("\n".join([lines[0], *["X" * 94] * 500, *lines[1:]]).encode())
    unknown = [finding for finding in message.findings if finding.code == "RECORD-TYPE"]
    assert len(unknown) == 101
    assert "500 times" in unknown[-1].rule
