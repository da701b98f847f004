"""parse, validate and formats on the command line: records, exit status, and messages written back."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

import parsers
from engine.cli import run
from parsers.detect import detect

VECTORS = Path(__file__).parents[1] / "vectors" / "ach"
MT = b"{1:F01BREZUS33AXXX0000000000}{2:I103HARBGB2LXXXXN}{4:\r\n:20:REF-7\r\n-}"


def records(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    status = run([*arguments])
    return status, [json.loads(text) for text in capsys.readouterr().out.splitlines()]


def test_a_folder_gives_one_record_a_file_sorted(capsys: pytest.CaptureFixture[str]) -> None:
    status, found = records(capsys, "parse", "--json", str(VECTORS))
    assert status == 0
    assert [Path(record["file"]).name for record in found] == sorted(path.name for path in VECTORS.iterdir())
    first = found[0]
    assert (first["index"], first["format"], first["type"], first["verdict"]) == (0, "ach", "NACHA", "accepted")
    assert first["content"]["totals"]["credit"] == 777700
    assert first["payments"][0]["amount"] == "7777.00"
    assert first["payments"][0]["creditor_agent"]["clearing_id"] == "321170444"


def test_validate_is_parse_without_content_and_payments(capsys: pytest.CaptureFixture[str]) -> None:
    status, (record,) = records(capsys, "validate", "--json", str(VECTORS / "returns.ach"))
    assert status == 0
    assert set(record) == {
        "file", "index", "format", "type", "scheme", "verdict", "sender", "receiver", "reference", "uetr", "findings"
    }  # fmt: skip


def test_every_input_gets_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, data in {"empty": b"", "picture.xml": b"\x89PNG\r\n\x1a\n" * 50, "zeros": b"\0" * 10_000}.items():
        (tmp_path / name).write_bytes(data)
    status, found = records(capsys, "parse", "--json", str(tmp_path))
    assert status == 1
    assert [record["format"] for record in found] == [None] * 3
    assert [record["findings"][0]["code"] for record in found] == ["FORMAT-UNKNOWN"] * 3
    assert all(record["content"] == {} and record["payments"] == [] for record in found)


def test_a_format_can_be_said_and_standard_input_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"nothing of the kind")))
    status, (record,) = records(capsys, "parse", "--json", "--format", "ach", "-")
    assert status == 1
    assert (record["file"], record["format"], record["verdict"]) == ("-", "ach", "rejected")


def test_accepted_messages_are_written_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inbox = tmp_path / "in" / "deep"
    inbox.mkdir(parents=True)
    good = (VECTORS / "returns.ach").read_bytes()
    (inbox / "good.ach").write_bytes(good.replace(b"\n", b"\r\n"))
    (inbox / "bad.ach").write_bytes(good[:500])
    status, _ = records(capsys, "parse", "--json", "--write", str(tmp_path / "out"), str(tmp_path / "in"))
    assert status == 1
    assert [path.relative_to(tmp_path) for path in (tmp_path / "out").rglob("*.ach")] == [Path("out/deep/good.ach")]
    assert (tmp_path / "out" / "deep" / "good.ach").read_bytes() == good


def test_two_files_are_never_written_under_one_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.ach").write_bytes(b"")
    both = [str(tmp_path / folder / "same.ach") for folder in ("a", "b")]
    assert run(["parse", "--write", str(tmp_path / "out"), *both]) == 2
    assert "both be written as same.ach" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["parse", "no-such-file"], ["parse"], ["validate", "--mode", "loose", "x"], ["parse", "--scheme", "NONE", "x"]],
)
def test_wrong_usage_is_said_on_stderr(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err != ""


def test_without_json_a_table_and_the_findings_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (VECTORS / "ppd-ccd-credits.ach").read_bytes().splitlines()
    lines[3] = lines[3][:11] + b"5" + lines[3][12:]
    (tmp_path / "entry.ach").write_bytes(b"\n".join(lines))
    assert run(["parse", str(tmp_path / "entry.ach")]) == 1
    out = capsys.readouterr().out
    assert "R28" in out
    assert "line 4, trace 061100210000002 '321170445'" in out
    assert "1 messages in 1 files, 1 rejected." in out


def test_formats_come_from_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    status, rows = records(capsys, "formats", "--json")
    assert status == 0
    known = {(row["format"], row["type"], row["version"]) for row in rows}
    assert {("swift-mt", "MT103", None), ("iso20022", "pacs.008", "001.08"), ("ach", "NACHA", "PPD")} <= known
    assert all(row["checked"] for row in rows)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"hello", None),
        (MT, "swift-mt"),
        (b"\r\n" + MT, "swift-mt"),
        (b"<?xml version='1.0'?><Document/>", "iso20022"),
        (b"\xef\xbb\xbf <Document>" + MT + b"</Document>", "iso20022"),
        ("<Document/>".encode("utf-16"), "iso20022"),
        (b"x" * 5000 + MT, None),
    ],
)
def test_the_format_is_found_in_the_first_bytes(data: bytes, expected: str | None) -> None:
    assert detect(data) == expected
    assert parsers.parse(data)[0].format == expected
