"""``qenex bench``: figures of this machine, each with its conditions and beside its peer."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated

import typer

from engine.bench import BENCHES
from engine.bench.figures import Figure, Terms
from engine.commands.output import JsonOption, Steps, json_line, line, table
from engine.errors import UsageFault

_COLUMNS = ("bench", "case", "value", "unit", "better", "peer", "peer_value", "ratio")


def bench(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"One of: {', '.join(BENCHES)}.")],
    json: JsonOption = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.1, help="Length of a measured window.")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Messages, entries or payments a case.")] = None,
    rate: Annotated[
        int | None, typer.Option("--rate", min=1, help="pipeline: this rate alone instead of the ladder (payments/s).")
    ] = None,
    case: Annotated[str | None, typer.Option("--case", help="This case alone.", metavar="CASE")] = None,
) -> int:
    """Measure, on a stack of its own, and say under which conditions and beside which peer.

    The first row calibrates the machine: a fixed workload in Python, so that figures of two machines can be compared.

    Example: `qenex bench pipeline --case mt103-sustained --rate 2000 --seconds 15`
    """
    if name not in BENCHES:
        raise UsageFault(f"bench {name}: there is no such bench; there are {', '.join(BENCHES)}")
    if rate is not None and name != "pipeline":
        raise UsageFault("--rate is for the bench pipeline alone")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped, as on Ctrl-C
    found: Iterator[Figure] = import_module(BENCHES[name]).run(Terms(seconds, count, rate, case), Steps())
    rows: list[Figure] = []
    for figure in found:
        rows.append(figure)
        if json:
            json_line(figure)
            sys.stdout.flush()
    if not json:
        _show(rows)
    return 0


def _show(rows: list[Figure]) -> None:
    table(
        ({column: getattr(row, column) for column in _COLUMNS} for row in rows), _COLUMNS,
        right="value peer_value ratio",
    )  # fmt: skip
    for row in rows:
        line(f"{row.case}: {row.conditions}")
