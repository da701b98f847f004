"""``qenex parse``, ``validate`` and ``formats``: messages from files, without any service.

Rule: one record for each message, in the order of the file, written as soon as its file is read; an input that nobody
recognises, cannot be read as its format or makes a parser fail gets its record too. Nothing here knows a format.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

import parsers
from engine.commands.output import JsonOption, json_line, json_lines, line, say, table
from engine.commands.statement_tables import show as show_statement
from engine.errors import UsageFault
from parsers import Format, Message, Mode
from payments import error

_STDIN = "-"
_PROGRESS_EVERY = 2.0
_CHUNK = 1 << 18
_COLUMNS = ("file", "index", "type", "scheme", "verdict", "sender", "receiver", "reference", "payments", "amount")

PathsArgument = Annotated[
    list[str], typer.Argument(metavar="PATH", help="Files, folders (recursive, sorted) or - for standard input.")
]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="Take the input as this format; else its content says it.")
]
ModeOption = Annotated[
    Mode | None,
    typer.Option("--mode", help="Default: strict for payments and requests, lenient for statements and advices."),
]
SchemeOption = Annotated[
    str | None, typer.Option("--scheme", help="ISO 20022 usage profile; else the content says it.", metavar="NAME")
]
WriteOption = Annotated[
    Path | None,
    typer.Option(
        "--write",
        metavar="DIR",
        help="Write each accepted message back, from its parsed form, under the same relative name; "
        "with .INDEX added when a file holds several.",
    ),
]


def parse(
    paths: PathsArgument,
    format: FormatOption = None,  # noqa: A002  (the name of the option)
    mode: ModeOption = None,
    scheme: SchemeOption = None,
    json: JsonOption = False,
    write: WriteOption = None,
) -> int:
    """Read messages: format, type, verdict, findings, content, payments and statements of each. Needs no service.

    Exit status 1 when a message was rejected, 2 when a file could not be read.

    Example: `qenex parse --json incoming/ | jq 'select(.verdict == "rejected") | .findings'`
    """
    return _run(paths, _Options(format, mode, _known(scheme)), json=json, whole=True, write=write)


def validate(
    paths: PathsArgument,
    format: FormatOption = None,  # noqa: A002  (the name of the option)
    mode: ModeOption = None,
    scheme: SchemeOption = None,
    json: JsonOption = False,
) -> int:
    """Check messages: like `parse`, without content, payments and statements.

    Exit status 1 when a message was rejected, 2 when a file could not be read.

    Example: `qenex validate --mode strict payroll.ach`
    """
    return _run(paths, _Options(format, mode, _known(scheme)), json=json, whole=False, write=None)


def formats(json: JsonOption = False) -> int:
    """List every message type, version and scheme profile known, with what is checked.

    Example: `qenex formats --json | jq -r 'select(.format == "ach") | .version'`
    """
    from parsers.catalogue import formats as known

    rows = known()
    if json:
        json_lines(rows)
    else:
        table(rows, ("format", "type", "version", "scheme", "checked"))
    return 0


class _Options(NamedTuple):
    format: Format | None
    mode: Mode | None
    scheme: str | None


class _Source(NamedTuple):
    """One file to read: its name in the record, and its name below the folder of ``--write``."""

    name: str
    relative: Path


def _known(scheme: str | None) -> str | None:
    if scheme is None:
        return None
    from parsers.iso20022 import ADDRESS_DATES

    if scheme.upper() not in ADDRESS_DATES:
        raise UsageFault(f"--scheme {scheme}: there is no such scheme; known are {', '.join(ADDRESS_DATES)}")
    return scheme.upper()


def _sources(paths: Sequence[str]) -> list[_Source]:
    """Every file that the arguments name; UsageFault for what is not there."""
    found: list[_Source] = []
    for text in paths:
        if text == _STDIN:
            found.append(_Source(_STDIN, Path("stdin")))
            continue
        path = Path(text)
        if path.is_dir():
            below = sorted(inner for inner in path.rglob("*") if inner.is_file())
            if not below:
                say(f"qenex: {text}: no files in this folder")
            found.extend(_Source(str(inner), inner.relative_to(path)) for inner in below)
        elif path.exists():
            found.append(_Source(text, Path(path.name)))
        else:
            raise UsageFault(f"{text}: no such file or folder")
    return found


def _distinct(sources: Sequence[_Source]) -> None:
    """Refuse to write two files under one name."""
    names: dict[Path, str] = {}
    for source in sources:
        first = names.setdefault(source.relative, source.name)
        if first != source.name:
            raise UsageFault(
                f"--write: {first} and {source.name} would both be written as {source.relative}; "
                "give the folder that holds them instead"
            )


def _run(paths: Sequence[str], options: _Options, *, json: bool, whole: bool, write: Path | None) -> int:
    sources = _sources(paths)
    if write is not None:
        _distinct(sources)
    tally = _Tally(len(sources))
    rows = []
    for source in sources:
        for message, alone in _alone(_messages(source.name, options, tally)):
            tally.count(message)
            if json:
                json_line(_record(source.name, message, whole=whole))
            else:
                rows.append(_row(source.name, message, whole=whole))
            if write is not None:
                _write(write / source.relative, message, tally, alone=alone)
        if json:
            sys.stdout.flush()
        tally.progress()
    if not json:
        _show(rows, tally)
    return tally.exit_status()


class _Tally:
    """Counts for the exit status and the closing line, and progress on stderr while many files are read."""

    def __init__(self, files: int) -> None:
        self.files = files
        self.read = self.messages = self.rejected = self.unreadable = 0
        self._shown = time.monotonic()

    def count(self, message: Message) -> None:
        """One message more."""
        self.messages += 1
        self.rejected += message.verdict == "rejected"

    def progress(self) -> None:
        """A line every two seconds while files are read."""
        now = time.monotonic()
        if self.read < self.files and now - self._shown >= _PROGRESS_EVERY:
            self._shown = now
            say(f"{self.read:,} of {self.files:,} files, {self.messages:,} messages, {self.rejected:,} rejected")

    def exit_status(self) -> int:
        """2 when a file could not be read or written, 1 when a message was rejected, else 0."""
        return 2 if self.unreadable else int(self.rejected > 0)


def _chunks(name: str) -> Iterator[bytes]:
    """The bytes of a file, or of standard input, some at a time."""
    if name == _STDIN:
        yield from iter(lambda: sys.stdin.buffer.read(_CHUNK), b"")
    else:
        with Path(name).open("rb") as file:
            yield from iter(lambda: file.read(_CHUNK), b"")


def _messages(name: str, options: _Options, tally: _Tally) -> Iterator[Message]:
    """The messages of a file; a parser that fails gives a record that says so."""
    index = 0
    try:
        chunks = _chunks(name)
        for message in parsers.parse_chunks(chunks, format=options.format, mode=options.mode, scheme=options.scheme):
            yield message
            index += 1
        tally.read += 1
    except OSError as refusal:
        tally.unreadable += 1
        say(f"qenex: {name}: {refusal.strerror or refusal}")
    except Exception as bug:
        rule = f"the parser failed on this input: {type(bug).__name__}: {bug}"
        finding = error("PARSER-FAULT", "message", "the whole input", None, rule, "report it with the file")
        tally.read += 1
        yield Message(index=index, format=options.format, type=None, raw=b"", findings=(finding,))


def _alone(messages: Iterator[Message]) -> Iterator[tuple[Message, bool]]:
    """Each message, and whether it is the only one of its file."""
    waiting = next(messages, None)
    alone = True
    for message in messages:
        assert waiting is not None
        yield waiting, False
        waiting, alone = message, False
    if waiting is not None:
        yield waiting, alone


def _record(name: str, message: Message, *, whole: bool) -> dict[str, Any]:
    record: dict[str, Any] = {
        "file": name,
        "index": message.index,
        "format": message.format,
        "type": message.type,
        "scheme": message.scheme,
        "verdict": message.verdict,
        "sender": message.sender,
        "receiver": message.receiver,
        "reference": message.reference,
        "uetr": message.uetr,
        "findings": message.findings,
    }
    if whole:
        record["content"] = _content(message)
        record["payments"] = [payment.record() for payment in message.payments]
        record["statements"] = [statement.record() for statement in message.statements()]
    return record


def _content(message: Message) -> dict[str, object]:
    try:
        return message.content()
    except Exception as bug:  # the other records still count; what happened is said on stderr
        say(f"qenex: the content of {message.type} could not be shown: {type(bug).__name__}: {bug}")
        return {}


def _write(target: Path, message: Message, tally: _Tally, *, alone: bool) -> None:
    if message.verdict != "accepted" or message.parsed is None:
        return
    path = target if alone else target.with_name(f"{target.name}.{message.index}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message.write())
    except OSError as refusal:
        tally.unreadable += 1
        say(f"qenex: {path}: {refusal.strerror or refusal}")


def _row(name: str, message: Message, *, whole: bool) -> dict[str, Any]:
    """One line of the table; the findings go below it."""
    amounts: dict[str, int] = {}
    for payment in message.payments:
        if payment.amount is not None:
            currency = payment.amount.currency
            amounts[currency] = amounts.get(currency, 0) + payment.amount.minor
    return {
        "file": name,
        "index": message.index,
        "type": message.type,
        "scheme": message.scheme,
        "verdict": message.verdict,
        "sender": message.sender,
        "receiver": message.receiver,
        "reference": message.reference,
        "payments": len(message.payments),
        "amount": _sums(amounts),
        "findings": message.findings,
        "statements": message.statements() if whole else (),
    }


def _sums(amounts: dict[str, int]) -> str | None:
    from payments import Money

    return ", ".join(str(Money(minor, currency)) for currency, minor in amounts.items()) or None


def _show(rows: Sequence[dict[str, Any]], tally: _Tally) -> None:
    if rows:
        table(rows, _COLUMNS, right="index payments amount")
    for row in rows:
        for statement in row["statements"]:
            show_statement(f"{row['file']} [{row['index']}]", statement)
    for text in _explained(rows):
        line(text)
    line(f"{tally.messages:,} messages in {tally.read:,} files, {tally.rejected:,} rejected.")


def _explained(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The findings in words, errors before warnings as they stand."""
    for row in rows:
        if row["findings"]:
            yield f"{row['file']} [{row['index']}]"
        for finding in row["findings"]:
            value = "" if finding.value is None else f" {finding.value!r}"
            yield f"  {finding.severity:7} {finding.code:24} {finding.place}{value}: {finding.rule}. {finding.remedy}"
        if row["findings"]:
            yield ""
