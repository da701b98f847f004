"""The documentation is in step with the code: reference pages, names, links, and the command lines it shows."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import parsers
from engine import participants, settings
from engine.bus.topics import CONTRACTS
from engine.cli import COMMANDS, load_command
from engine.roles import ROLES
from settlement.lifecycle import State
from settlement.schemes import BOOKS, SCHEMES
from tools import docs

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
EXAMPLES = DOCS / "examples"
#: What the tutorial and the how-to pages may type besides qenex.
SHELL = {"make", "export", "mkdir", "for", "python"}


def text_of(*pages: Path) -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


ALL = text_of(*sorted(DOCS.rglob("*.md")))


@pytest.mark.parametrize("name", docs.PAGES)
def test_a_reference_page_is_what_the_code_makes_of_it(name: str) -> None:
    path = docs.FOLDER / name
    assert path.is_file(), f"run: make docs   ({name} is missing)"
    assert path.read_text(encoding="utf-8") == docs.made(name), f"run: make docs   ({name} is out of step)"


def test_names_of_the_code_appear() -> None:
    names = [f"`qenex {row.name}`" for row in COMMANDS]
    names += [f"`QENEX_{name.upper()}`" for name in settings.Settings.model_fields]
    names += [f"`{contract.name}`" for contract in CONTRACTS]
    names += [f"`{state}`" for state in State] + [f"`{scheme.name}`" for scheme in SCHEMES.values()]
    names += [f"`{name}`" for name in (*BOOKS, *ROLES)]
    assert [name for name in names if name not in ALL] == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(there), f"{page}: {target}"


def test_every_page_is_reached_from_the_index() -> None:
    seen: set[Path] = set()
    left = [ROOT / "README.md", DOCS / "index.md"]
    while left:
        page = left.pop()
        if page in seen:
            continue
        seen.add(page)
        for target in re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8")):
            left.append((page.parent / target).resolve())
    assert set(DOCS.rglob("*.md")) - seen == set()


# -- command lines -----------------------------------------------------------------------------------------------------


def shown_lines() -> list[tuple[str, str]]:
    """Lines that a reader is to type: of ``console`` blocks after the prompt, of the README's indented blocks."""
    found = []
    for page in PAGES:
        blocks = re.findall(r"^ *```console\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        for line in filter(str.strip, "\n".join(blocks).splitlines()):
            assert line.strip().startswith("$ "), f"{page}: {line!r} has no prompt"
            found.append((page.name, line.strip().removeprefix("$ ")))
    indented = re.findall(r"^    (qenex .+)$", text_of(ROOT / "README.md"), re.MULTILINE)
    return found + [("README.md", line) for line in indented]


def qenex_calls(line: str) -> list[list[str]]:
    """The arguments of each call of qenex in a line, those in $(...) too."""
    plain = line.split("   #")[0]
    inner = re.findall(r"\$\((qenex [^)]*)\)", plain)
    outer = re.sub(r"\w+=\$\([^)]*\)", "", plain)
    calls = [shlex.split(text)[1:] for text in inner]
    words = shlex.split(re.sub(r"\$\([^)]*\)", "X", outer), comments=True)
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    if words and words[0] == "qenex":
        calls.append(words[1:])
    elif words:
        assert words[0] in SHELL, f"{words[0]} of {line!r} is not a command that the documentation may type"
    return calls


def check_call(arguments: list[str]) -> None:
    """Command, sub-command, options and number of arguments exist; AssertionError otherwise."""
    row = next((row for row in COMMANDS if row.name == arguments[0]), None)
    assert row is not None, f"there is no command {arguments[0]}"
    command: Any = load_command(row)
    rest = arguments[1:]
    if hasattr(command, "commands"):
        assert rest[:1], f"{arguments[0]} needs a sub-command"
        assert rest[0] in command.commands, f"{arguments[0]} has no {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    options = {name: each for each in command.params for name in each.opts if name.startswith("-")}
    given = 0
    while rest:
        word, rest = rest[0], rest[1:]
        if not word.startswith("--"):
            given += 1
            continue
        assert word in options, f"{' '.join(arguments)}: there is no {word}"
        if not options[word].is_flag:
            assert rest, f"{' '.join(arguments)}: {word} needs a value"
            rest = rest[1:]
    positional = [each for each in command.params if type(each).__name__.endswith("Argument")]
    needed = sum(each.required for each in positional)
    many = any(each.nargs == -1 for each in positional)
    assert needed <= given, f"{' '.join(arguments)}: too few arguments"
    assert many or given <= len(positional), f"{' '.join(arguments)}: too many arguments"


@pytest.mark.parametrize(("page", "line"), shown_lines())
def test_shown_command_lines_exist(page: str, line: str) -> None:
    for arguments in qenex_calls(line):
        check_call(arguments)


@pytest.mark.parametrize(
    "wrong", ["qenex nothing", "qenex queue forget", "qenex send --how x.fin", "qenex cases show", "qenex down now"]
)
def test_a_command_line_that_does_not_exist_is_seen(wrong: str) -> None:
    (arguments,) = qenex_calls(wrong)
    with pytest.raises(AssertionError):
        check_call(arguments)


# -- examples ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.fin")), ids=lambda path: path.name)
def test_example_messages_are_as_the_tutorial_says(path: Path) -> None:
    (message,) = parsers.parse(path.read_bytes().replace(b"YYMMDD", b"261124"))
    refused = {"broken.fin": ["T40"], "refused.fin": ["T47", "D75", "C81", "E13"]}
    assert [finding.code for finding in message.errors()] == refused.get(path.name, [])
    known = {bank.id for bank in participants.check(participants.read(text("banks.json"), "banks.json"), "banks.json")}
    assert {message.sender, message.receiver} == known


def test_the_example_statements_are_as_the_tutorial_says() -> None:
    first, second = parsers.parse((EXAMPLES / "statement.sta").read_bytes())
    assert [finding.code for finding in (*first.findings, *second.findings)] == ["N07", "N07", "N10"]
    (statement,) = first.statements()
    assert [entry.amount and entry.amount.minor for entry in statement.entries] == [-120_000, 7_550, -2_000]
    assert [sorted(entry.details)[-1:] for entry in statement.entries] == [["transaction_code"], ["remittance"], []]


def text(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_example_programs_are_python_and_say_how_to_call_them(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert f"python {path.name}" in (ast.get_docstring(tree) or "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_pages_compiles(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        ast.parse(block)


def test_what_would_break_a_claim_exists() -> None:
    """The argument for exactly once names tests and sabotages: each has to be there."""
    from engine.simulation.sabotage import SABOTAGES

    text = (DOCS / "explanation" / "exactly-once.md").read_text(encoding="utf-8")
    claims = re.findall(r"^\*\*(\d+)\. .*?(?=^\*\*\d+\. |\Z)", text, re.MULTILINE | re.DOTALL)
    assert text.count("*Would break:*") == len(claims) > 0
    path = ""
    for file, name in re.findall(r"`(tests/[\w/.]+)?(?:::(\w+))?`", text):
        path = file or path
        if not (file or name):
            continue
        assert (ROOT / path).exists(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), name
    words = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", text))
    assert words <= set(SABOTAGES), sorted(words - set(SABOTAGES))
