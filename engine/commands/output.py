"""How commands speak: records as JSON lines or as a table on stdout, progress on stderr.

Rule: with ``--json`` stdout holds one JSON object a line and nothing else; without it a table made for people, plain
when it is not a terminal (``NO_COLOR`` is respected by rich). Everything that is not the answer goes to stderr.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, nothing else.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the stack (QENEX_DATA, else .qenex here).", metavar="DIR")
]

_encode = msgspec.json.Encoder(enc_hook=str).encode


def json_line(record: object) -> None:
    """One record as a JSON object on a line of stdout."""
    sys.stdout.write(_encode(record).decode() + "\n")


def json_lines(records: Iterable[object]) -> None:
    """Records as JSON objects, one a line, each written as soon as it is there."""
    for record in records:
        json_line(record)
    sys.stdout.flush()


def table(
    records: Iterable[Mapping[str, Any]], columns: Sequence[str], *, title: str | None = None, right: str = ""
) -> None:
    """Records as a table: a column for each key in ``columns``; those named in ``right`` (blank-separated) align right.

    A value that is not there shows as a dash.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:  # a pipe or a file: no folding to a terminal's width
        console = Console(width=240)
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        shown.add_column(column.replace("_", " "), justify="right" if column in right.split() else "left")
    for record in records:
        shown.add_row(*(Text("-" if record.get(name) is None else str(record[name])) for name in columns))
    console.print(shown)


def line(text: str) -> None:
    """One line of the answer on stdout."""
    typer.echo(text)


def say(text: str) -> None:
    """One line of talk on stderr."""
    typer.echo(text, err=True)


class Steps:
    """Progress on stderr: a line for each step as it begins, with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, text: str) -> None:
        """Say that a step begins."""
        say(f"{time.monotonic() - self._started:6.1f} s  {text}")
