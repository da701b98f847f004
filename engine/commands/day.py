"""``qenex day``: the business day of each settlement system, and stopping and resuming it.

Rule: the day moves by command, and the command is carried out by the book's writer, in order with everything else; its
result is what the writer recorded. Exit 1 when a writer refused. Without ``--system`` a command goes to every system
that is run here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import commanding
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, json_lines, line, say, table
from engine.errors import UsageFault
from engine.store import days as store
from engine.store.days import Day

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The business day: open, cut-off, close; stop and resume a settlement system.",
)
SystemOption = Annotated[str | None, typer.Option("--system", help="One settlement system; without it, all.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", help="Seconds to wait for the books' writers.", min=0.1)]


@app.command()
def status(system: SystemOption = None, data: DataOption = None, json: JsonOption = False) -> int:
    """Show each system's business date, its phase, whether it is stopped, and how much waits.

    Example: `qenex day status`
    """
    systems = services.systems(system)
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_reader") as connection:
        days = store.days(connection)
    records = [_record(name, days.get(name)) for name in systems]
    if json:
        json_lines(records)
    else:
        columns = ["system", "business_date", "phase", "stopped", "queued", "warehoused", "reserved"]
        table(records, columns, right="queued warehoused reserved")
    return 0


def _record(system: str, day: Day | None) -> dict[str, Any]:
    """A system that its worker has not run yet has no day."""
    return {
        "system": system,
        "business_date": None if day is None else day.business_date.isoformat(),
        "phase": None if day is None else day.phase,
        "stopped": None if day is None else day.stopped,
        "queued": 0 if day is None else day.queued,
        "warehoused": 0 if day is None else day.warehoused,
        "reserved": 0 if day is None else day.reserved,
    }


@app.command("open")
def open_(
    system: SystemOption = None,
    on: Annotated[
        str | None,
        typer.Option("--date", help="Business date YYYY-MM-DD; without it, the next one.", metavar="DATE"),
    ] = None,
    timeout: TimeoutOption = 30.0,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Open the next business day of a closed system; warehoused payments that come due are settled or queued.

    A date that is no business day of the system's calendar becomes the next that is one.

    Example: `qenex day open --system EUR-RTGS`
    """
    if on is not None:
        try:
            on = date.fromisoformat(on).isoformat()
        except ValueError:
            raise UsageFault(f"--date {on}: not a date YYYY-MM-DD.") from None
    return _carry_out("open-day", system, timeout, data, as_json=json, date=on)


@app.command("cut-off")
def cut_off(
    system: SystemOption = None, timeout: TimeoutOption = 30.0, data: DataOption = None, json: JsonOption = False
) -> int:
    """End the day for customer payments; payments between banks go on until the close.

    Example: `qenex day cut-off --system EUR-RTGS`
    """
    return _carry_out("cut-off", system, timeout, data, as_json=json)


@app.command()
def close(
    system: SystemOption = None, timeout: TimeoutOption = 30.0, data: DataOption = None, json: JsonOption = False
) -> int:
    """Close the day: a last release of the queue, then what still waits is rejected with its reason.

    Example: `qenex day close --system EUR-RTGS`
    """
    return _carry_out("close-day", system, timeout, data, as_json=json)


@app.command()
def stop(
    system: SystemOption = None, timeout: TimeoutOption = 30.0, data: DataOption = None, json: JsonOption = False
) -> int:
    """Stop a system: its payments wait on the bus, commands are still carried out. Nothing is lost.

    Example: `qenex day stop --system EUR-RTGS`
    """
    return _carry_out("stop", system, timeout, data, as_json=json)


@app.command()
def resume(
    system: SystemOption = None, timeout: TimeoutOption = 30.0, data: DataOption = None, json: JsonOption = False
) -> int:
    """Let a stopped system go on.

    Example: `qenex day resume --system EUR-RTGS`
    """
    return _carry_out("resume", system, timeout, data, as_json=json)


def _carry_out(
    action: str, system: str | None, timeout: float, data: Path | None, *, as_json: bool, **arguments: Any
) -> int:
    """Send one command to each system asked for, and report each result."""
    systems = services.systems(system)
    settings = services.load(data, kafka=True, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        operator = services.require(settings, connection, "book").name
        now = datetime.now(UTC)
        commands = [commanding.command(name, action, operator, now, **arguments) for name in systems]
        with services.producer(settings) as producer:
            results = commanding.issue_all(producer, connection, commands, timeout)
    for name, result in zip(systems, results, strict=True):
        if as_json:
            record = {"system": name, "action": action, "ok": result.ok, "result": result.text}
            json_line({**record, "command": result.id})
        elif result.ok:
            line(f"{name}: {result.text}")
        if not result.ok:
            say(f"refused: {name}: {result.text}")
    return 0 if all(result.ok for result in results) else 1
