"""``qenex watchlist`` and ``qenex screen``: exit statuses, records, and a refused list that changes nothing."""

from __future__ import annotations

import json

import pytest

from engine.cli import run
from engine.compliance.watchlist import encode, synthetic_list

EU = (
    '<export xmlns="urn:qx" generationDate="{date}"><sanctionEntity euReferenceNumber="EU.1">'
    '<subjectType classificationCode="P"/><nameAlias wholeName="{name}" strong="true"/></sanctionEntity></export>'
)


@pytest.fixture
def eu(tmp_path):
    def write(name: str, date: str = "2026-11-01"):
        path = tmp_path / "eu.xml"
        path.write_text(EU.format(name=name, date=date))
        return str(path)

    return write


def test_screen_shows_why(capsys):
    assert run(["screen", "Victor Drakunov", "--json"]) == 1
    record = json.loads(capsys.readouterr().out.splitlines()[0])
    assert record["entry_id"] == "SYN:0001"
    assert "“victor” ~ “wiktor”" in record["reason"]


def test_screen_finds_nobody(capsys):
    assert run(["screen", "Anna Blum"]) == 0
    assert "No hit among 40 entries" in capsys.readouterr().out


def test_import_show_and_screen(eu, tmp_path, capsys):
    output = str(tmp_path / "list.jsonl")
    assert run(["watchlist", "import", "--from", "eu-xml", eu("Orlan Teszkovary"), "--output", output, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["entries"], record["date"], record["findings"]) == (1, "2026-11-01", [])
    assert run(["watchlist", "show", output, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "EU:EU.1"
    assert run(["screen", "Teszkovary Orlan", "--list", output]) == 1
    assert "EU:EU.1" in capsys.readouterr().out


def test_an_older_list_is_refused_and_changes_nothing(eu, tmp_path, capsys):
    output = tmp_path / "list.jsonl"
    command = ["watchlist", "import", "--from", "eu-xml", "--output", str(output)]
    assert run([*command, eu("Orlan Teszkovary")]) == 0
    before = output.read_bytes()
    assert run([*command, eu("Someone Else", "2026-10-01")]) == 1
    assert output.read_bytes() == before
    assert "the list in use is newer" in capsys.readouterr().err
    assert run([*command, "--force", eu("Someone Else", "2026-10-01")]) == 0
    assert output.read_bytes() != before


def test_ofac_files_are_known_by_their_names(tmp_path, capsys):
    folder = tmp_path / "ofac"
    folder.mkdir()
    nulls = ",".join(["-0- "] * 8)
    (folder / "SDN.CSV").write_text(f'1,"ALBA NORDA",-0- ,"QX",{nulls}\n')
    (folder / "ALT.CSV").write_text('1,1,"aka","NORDALBA",-0- \n')
    output = tmp_path / "ofac.jsonl"
    command = [
        "watchlist",
        "import",
        "--from",
        "ofac-csv",
        str(folder),
        "--output",
        str(output),
        "--date",
        "2026-11-01",
    ]
    assert run(command) == 0
    assert b"NORDALBA" in output.read_bytes()
    assert "1 entries of 2026-11-01" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["watchlist", "show", "/nowhere"],
        ["watchlist", "show", __file__],
        ["watchlist", "import", "--from", "eu-xml", "/nowhere", "--output", "/nowhere/x"],
        ["watchlist", "import", "--from", "ofac-csv", __file__, "--output", "/nowhere/x"],
        ["screen", "Anna", "--country", "XX"],
        ["screen", "Anna", "--birth-date", "yesterday"],
        ["screen", "Anna", "--list", "/nowhere"],
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_2(arguments, capsys):
    assert run(arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_list_with_itself_cannot_be_merged(tmp_path, capsys):
    path = tmp_path / "list.jsonl"
    path.write_bytes(encode(synthetic_list()))
    assert run(["screen", "Anna", "--list", str(path), "--list", str(path)]) == 2
    assert "occurs twice" in capsys.readouterr().err
