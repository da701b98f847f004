"""``qenex faults``: the fault matrix on real processes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.commands.output import JsonOption, Steps, json_line, line, say, table
from engine.errors import UsageFault

_COLUMNS = ("row", "case", "fault", "at_risk", "injected", "messages", "checks", "seconds", "verdict")


def faults(
    row: Annotated[int | None, typer.Option("--row", min=1, max=22, help="This row alone.", metavar="N")] = None,
    json: JsonOption = False,
    case: Annotated[str | None, typer.Option("--case", help="This case of a row alone.", metavar="NAME")] = None,
    seed: Annotated[int, typer.Option("--seed", help="What the choices are drawn from.")] = 1,
    failover: Annotated[
        bool, typer.Option("--failover", help="Measure failover, hand-over and rolling restart instead.")
    ] = False,
    history: Annotated[
        Path | None, typer.Option("--history", help="Folder for the histories, JSON lines.", metavar="DIR")
    ] = None,
) -> int:
    """Break a running engine in every way of the matrix, and look whether the invariants hold. Exit 1 if one does not.

    Starts Kafka, Postgres and the workers of its own, aside from any other stack, and removes them afterwards. Each
    case sends messages while the fault is done, then judges its history, the database and the outgoing topics.

    Example: `qenex faults --row 6`
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped, as on Ctrl-C
    if failover:
        return _failover(seed, history, json=json)
    from engine.faults.matrix import BROKEN, KEPT, Matrix, Result, folder_of
    from engine.faults.rows import of_row

    wanted = [one for one in of_row(row) if case in (None, one.name)]
    if not wanted:
        raise UsageFault(f"there is no case {case or ''} of row {row or 'any'}; docs/reference/faults.md has them all")
    results: list[Result] = []
    with folder_of(history) as folder:
        for result in Matrix(folder, seed, Steps()).play(wanted):
            results.append(result)
            say(f"{result.row} {result.case}: {result.verdict}")
            if json:
                json_line(result.record())
                sys.stdout.flush()
    if not json:
        table((result.record() for result in results), _COLUMNS, right="row injected messages checks seconds")
        for result in results:
            for note in result.notes:
                line(f"{result.row} {result.case}: {note}")
            for finding in result.broken:
                line(f"{result.row} {result.case}: {finding['check']} is broken: {finding['detail']}")
        kept = sum(result.verdict == KEPT for result in results)
        line(f"{kept} of {len(results)} cases kept; histories in {folder}")
    return int(any(result.verdict == BROKEN for result in results))


def _failover(seed: int, history: Path | None, *, json: bool) -> int:
    from engine.faults.matrix import Matrix, folder_of

    found = []
    with folder_of(history) as folder:
        for figure in Matrix(folder, seed, Steps()).failover():
            found.append(figure)
            say(f"{figure.case}: p95 {figure.p95}")
            if json:
                json_line(figure.record())
                sys.stdout.flush()
    if not json:
        columns = ("case", "what", "runs", "p50", "p95", "longest", "target", "verdict")
        table((figure.record() for figure in found), columns, right="runs p50 p95 longest target")
        for figure in found:
            if figure.note:
                line(f"{figure.case}: {figure.note}")
    return int(not all(figure.kept for figure in found))
