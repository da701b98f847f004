"""The conformance tool counts agreement, disagreement and silence apart, and its exit status says which there was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.conformance.__main__ import main

VECTORS = Path(__file__).parents[1] / "vectors" / "ach"
TOTALS = {
    "batches": 2,
    "entries": 2,
    "addenda": 0,
    "debit": 17549,
    "credit": 0,
    "hash": 44317077,
    "entry_addenda_count": 2,
}


def corpus(folder: Path, *rows: dict[str, Any]) -> Path:
    (folder / "ach" / "own").mkdir(parents=True)
    data = (VECTORS / "web-tel-debits.ach").read_bytes()
    (folder / "ach" / "own" / "good.ach").write_bytes(data)
    (folder / "ach" / "own" / "bad.ach").write_bytes(data[:600])
    entries = [{"rulebook_reject": [], "expected": TOTALS, **row} for row in rows]
    (folder / "ach" / "manifest.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return folder


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in capsys.readouterr().out.splitlines()]


def test_agreement_and_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus(
        tmp_path,
        {"file": "own/good.ach", "verdict": "valid"},
        {"file": "own/bad.ach", "verdict": "invalid", "rulebook_reject": ["NO_FILE_CONTROL"]},
        {"file": "own/bad.ach", "verdict": "fragment"},
    )
    assert main([str(folder), "--json"]) == 0
    counted = {
        row["check"]: (row["agreed"], row["disagreed"], row["no_opinion"])
        for row in rows(capsys)
        if row["kind"] == "row"
    }
    assert counted == {"verdict": (2, 0, 1), "totals": (1, 0, 2), "rulebook": (1, 0, 2), "written": (1, 0, 2)}
    assert main([str(folder / "ach")]) == 0
    assert "0 disagreements" in capsys.readouterr().out


def test_a_disagreement_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {**TOTALS, "debit": 17548}
    folder = corpus(
        tmp_path,
        {"file": "own/good.ach", "verdict": "valid", "expected": wrong},
        {"file": "own/good.ach", "verdict": "invalid"},
    )
    assert main([str(folder), "--json"]) == 1
    found = {row["check"]: (row["expected"], row["found"]) for row in rows(capsys) if row["kind"] == "disagreement"}
    assert found == {"totals": (wrong, TOTALS), "verdict": ("rejected", "accepted")}


def test_a_file_that_is_missing_is_a_disagreement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus(tmp_path, {"file": "own/gone.ach", "verdict": "valid"})
    assert main([str(folder)]) == 1
    assert "FileNotFoundError" in capsys.readouterr().out


def test_a_folder_without_a_manifest_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "no manifest.jsonl" in capsys.readouterr().err
