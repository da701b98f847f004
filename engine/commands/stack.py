"""`qenex up`, ``down``, ``status``, ``config``: the stack on this machine and the settings in force."""

from __future__ import annotations

from typing import Annotated

import typer

from engine import settings as settings_module
from engine.commands.output import DataOption, JsonOption, Steps, json_line, json_lines, line, say, table
from engine.stack import control


def up(data: DataOption = None, json: JsonOption = False) -> int:
    """Start Postgres, Kafka and the workers here, in the background; returns when all are healthy.

    Running it twice changes nothing. Services given by address (QENEX_KAFKA, QENEX_POSTGRES) are not started.

    Example: qenex up --data /srv/qenex
    """
    settings = settings_module.load(data=data)
    for name in settings_module.unknown_variables():
        say(f"note: {name} is set and is no setting of qenex")
    if settings.ingest_signatures == "off":
        say("note: QENEX_INGEST_SIGNATURES is off: messages without a valid lau header are accepted")
    found = control.up(settings, Steps())
    if json:
        json_line(found)
        return 0
    line(f"Kafka     {found['kafka']}")
    line(f"Postgres  {settings_module.mask_url(found['postgres'])}")
    line(f"Data      {settings.data}  (addresses and passwords: {settings.data / 'stack.json'})")
    return 0


def down(
    data: DataOption = None,
    purge: Annotated[bool, typer.Option("--purge", help="Delete the data folder too: all payments are gone.")] = False,
) -> int:
    """Stop what qenex up started, workers first, each by its process id.

    Example: qenex down
    """
    settings = settings_module.load(data=data)
    steps = Steps()
    if control.down(settings, steps, purge=purge):
        steps("Stopped")
    else:
        say(f"Nothing of {settings.data} was running.")
    return 0


def status(data: DataOption = None, json: JsonOption = False) -> int:
    """Show each piece: health, process id, port, restarts, since when. Exit 1 if one is not healthy, 3 if none runs.

    Example: qenex status --json
    """
    settings = settings_module.load(data=data)
    records = control.status(settings)
    if json:
        json_lines(records)
    else:
        table(records, ["name", "health", "pid", "port", "restarts", "since", "detail"], right="pid port restarts")
    return 0 if all(record["health"] == "healthy" for record in records) else 1


def config(data: DataOption = None, json: JsonOption = False) -> int:
    """Show the effective settings and where each comes from, secrets masked.

    Example: QENEX_STAGE_WORKERS=2 qenex config
    """
    settings = settings_module.load(data=data)
    masked = settings.masked()
    if json:
        json_line(masked)
        return 0
    rows = [{"setting": name, "value": value, "from": settings_module.origin(name)} for name, value in masked.items()]
    if data is not None:
        rows[0]["from"] = "--data"
    table(rows, ["setting", "value", "from"])
    for name in settings_module.unknown_variables():
        say(f"note: {name} is set and is no setting of qenex")
    return 0
