"""``qenex audit``: the invariants, over all of history."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from engine import audit as audits
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, say, table


def audit(
    in_flight: Annotated[
        float,
        typer.Option("--in-flight", metavar="SECONDS", help="What arrived so lately may still lack its decision."),
    ] = audits.IN_FLIGHT_SECONDS,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Prove the invariants over all of history, one line each. Exit 1 if one is broken.

    Reads one moment of the database and changes nothing; the system may run meanwhile.

    Example: `qenex audit --json`
    """
    settings = services.load(data, postgres=True)
    verdicts = []
    with services.database(settings, "qenex_reader") as connection:
        for verdict in audits.run(connection, in_flight=in_flight):
            verdicts.append(verdict)
            if json:
                json_line(verdict.record())
                sys.stdout.flush()
    broken = [verdict for verdict in verdicts if not verdict.ok]
    if not json:
        rows = [
            {
                **verdict.record(),
                "ok": "yes" if verdict.ok else "BROKEN",
                "detail": verdict.detail.split(": ")[0].split(". ")[0] if verdict.ok else verdict.detail,
            }
            for verdict in verdicts
        ]
        table(rows, ["check", "ok", "examined", "violations", "detail"], right="examined violations")
        for verdict in broken:
            say(f"{verdict.check} is broken: {verdict.detail}")
    return int(bool(broken))
