"""``qenex purge``: empty what is older than it has to be kept, and leave the ledger and its proofs as they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, line, say
from engine.errors import UsageFault
from engine.store import purging


def purge(
    before: Annotated[str, typer.Option("--before", metavar="DATE", help="YYYY-MM-DD: what is older is emptied.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only say what would be emptied.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Empty the bytes of messages, the answers and the papers of decided cases that are older than a date.

    Accounts, entries, outcomes, references and digests stay, and the audit proves what it proved. What is not decided,
    not sent, or waits for a person stays whatever its age. There is no way back but a backup.

    Example: qenex purge --before 2021-01-01
    """
    day = _day(before)
    settings = services.load(data, postgres=True)
    with services.database(settings, "owner") as connection:
        who = services.administrator(settings, connection).name
        found = purging.purge(connection, day, who) if yes else purging.due(connection, day)
    record = {"before": day.isoformat(), "done": yes, "messages": found.messages, "answers": found.answers}
    record["cases"] = found.cases
    if json:
        json_line(record)
    else:
        done = "Emptied" if yes else "Would empty"
        line(f"{done}: {found.messages} messages, {found.answers} answers, {found.cases} cases.")
        if not yes:
            say("Nothing was changed. To do it, add --yes")
    return 0


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageFault(f"--before {text}: not a date YYYY-MM-DD.") from None
    if day > datetime.now(UTC).date() - timedelta(days=1):
        raise UsageFault(f"--before {text}: what is younger than a day is not purged.")
    return day
