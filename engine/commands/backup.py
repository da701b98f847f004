"""``qenex backup`` and ``qenex restore``: copies of the local ledger, and getting one back.

Rule: a restore proves what it restored by the audit before it says that it is done, leaves what was there set aside,
and leaves the engine standing still (``qenex recovery``). A drill does the same in a folder of its own and deletes it.
"""

from __future__ import annotations

import getpass
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from engine import settings as settings_module
from engine.commands.output import DataOption, JsonOption, Steps, json_line, json_lines, line, say, table
from engine.errors import EngineFault, UsageFault
from engine.stack import backup as backups
from engine.stack import control
from engine.stack.backup import LATEST, Restored
from engine.stack.folder import DataFolder

_BACKUP_COLUMNS = ["backup", "started", "finished", "bytes", "path"]


class BrokenHistoryError(EngineFault):
    """The audit of a restored ledger found a broken invariant."""

    exit_status = 1


def backup(
    keep: Annotated[
        int, typer.Option("--keep", min=0, help="Keep so many newest backups, delete older ones; 0 keeps all.")
    ] = 0,
    show: Annotated[bool, typer.Option("--list", help="List the backups there are; make none.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Copy the local ledger into QENEX_BACKUP while it runs, and check the copy against its manifest.

    Together with the log that Postgres archives there, the ledger can be restored to any moment from then on.

    Example: qenex backup --keep 7
    """
    settings = settings_module.load(data=data)
    folder = backups.folder_of(settings)
    if show:
        records = [base.record() for base in backups.listed(folder)]
        json_lines(records) if json else table(records, _BACKUP_COLUMNS, right="bytes")
        return 0
    found = control.stack(settings)
    base = backups.take(settings, urlsplit(found["postgres"]).port or 0, Steps())
    deleted = backups.forget(folder, keep, Steps()) if keep else []
    if json:
        json_line({**base.record(), "deleted": deleted})
    else:
        line(f"Backup {base.name}: {base.bytes / 1e6:,.1f} MB in {base.path}")
    return 0


def restore(
    to: Annotated[
        str, typer.Option("--to", metavar="TIME", help="latest, or a moment, ISO 8601: 2026-11-24T10:15:00Z.")
    ] = LATEST,
    drill: Annotated[
        bool, typer.Option("--drill", help="Prove that it would work: in a folder of its own, deleted afterwards.")
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Put the ledger of a backup in the place of the local one, prove it by the audit, leave the engine standing still.

    The stack has to be down; a drill runs beside it. Exit 1 when the audit finds something broken. A ledger restored
    to its newest state goes on by itself with qenex up if the outside was told nothing that it does not have; after a
    restore to an earlier moment two operators decide (qenex recovery).

    Example: qenex restore --drill
    """
    target = _target(to)
    settings = settings_module.load(data=data)
    backups.folder_of(settings)
    verdicts: list[dict[str, Any]] = []

    def prove(restored: Restored) -> None:
        if not drill:
            _note(restored, to if target is None else target.isoformat())
        _audit(restored, verdicts)

    steps = Steps()
    steps(f"Restoring to {to}" + (" in a folder of its own" if drill else ""))
    aside: Path | None = None
    try:
        if drill:
            restored = _drill(settings, target, prove, steps)
        else:
            restored, aside = _restore(settings, target, prove, steps)
    except BrokenHistoryError as broken:
        _report(None, verdicts, drill, as_json=json)
        say(f"{broken}")
        return 1
    _report(restored, verdicts, drill, as_json=json)
    if aside is not None:
        say(f"What was there before is in {aside}; delete it when it is no longer needed.")
    if not drill:
        say("Start it with: qenex up. It stands still until what the outside knows is settled: qenex recovery show")
    return 0


def _target(text: str) -> datetime | None:
    if text == LATEST:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageFault(f"--to {text}: neither latest nor a moment such as 2026-11-24T10:15:00Z.") from None
    if moment.tzinfo is None:
        raise UsageFault(f"--to {text}: say which time it is, for example {text}Z for UTC.")
    if moment > datetime.now(UTC) + timedelta(seconds=1):
        raise UsageFault(f"--to {text} is not past yet; for the newest state: --to latest")
    return moment.astimezone(UTC)


def _restore(
    settings: settings_module.Settings, target: datetime | None, prove: backups.Use, steps: Steps
) -> tuple[Restored, Path | None]:
    folder = DataFolder(settings.data)
    folder.create()
    with folder.lock(lambda: say("waiting for another qenex command on this data folder")):
        if control.runs(settings):
            raise UsageFault(f"The stack of {folder.root} runs: stop it first with qenex down.")
        return backups.restore(settings, target, prove, steps)


def _drill(settings: settings_module.Settings, target: datetime | None, prove: backups.Use, steps: Steps) -> Restored:
    # beside the data, not in the machine's temporary folder: it takes as much room as the data
    settings.data.parent.mkdir(parents=True, exist_ok=True)
    where = Path(tempfile.mkdtemp(prefix="qenex-drill-", dir=settings.data.parent))
    where.chmod(0o755)  # Postgres runs as another user when root calls
    return backups.drill(settings, target, where, prove, steps)


def _note(restored: Restored, target: str) -> None:
    """The restored ledger knows that it is one; before anything else could use it."""
    from engine.store import recoveries
    from engine.store.connection import connect
    from ledger import migrate

    with connect(restored.url, "owner", name="qenex restore") as owner:
        migrate.apply(owner)
        recoveries.add(owner, target, restored.base.name, restored.restored_to, f"local:{getpass.getuser()}")


def _audit(restored: Restored, verdicts: list[dict[str, Any]]) -> None:
    """BrokenHistoryError when an invariant is broken. What was in flight when the log ends may lack its decision."""
    from engine import audit
    from engine.store.connection import connect
    from ledger import migrate

    with connect(restored.url, "owner", name="qenex restore") as owner:
        migrate.apply(owner)
        row = owner.execute("select extract(epoch from now() - %s)", (restored.restored_to,)).fetchone()
        since = 0.0 if row is None else float(row[0])
        found = audit.run(owner, in_flight=since + audit.IN_FLIGHT_SECONDS)
        verdicts.extend(verdict.record() for verdict in found)
    broken = [verdict["check"] for verdict in verdicts if not verdict["ok"]]
    if broken:
        raise BrokenHistoryError(
            f"The restored ledger is broken ({', '.join(map(str, broken))}); nothing was replaced."
        )


def _report(restored: Restored | None, verdicts: list[dict[str, Any]], drill: bool, *, as_json: bool) -> None:
    """What was restored, and what the audit said."""
    record = {
        "restored": restored is not None,
        "drill": drill,
        "backup": None if restored is None else restored.base.name,
        "restored_to": None if restored is None else restored.restored_to.astimezone(UTC).isoformat(),
        "checks": len(verdicts),
        "examined": sum(int(verdict["examined"]) for verdict in verdicts),
        "broken": [verdict["check"] for verdict in verdicts if not verdict["ok"]],
    }
    if as_json:
        json_lines(verdicts)
        json_line(record)
        return
    table(verdicts, ["check", "ok", "examined", "violations"], right="examined violations")
    if restored is not None:
        line(f"{'Drill: the' if drill else 'The'} ledger of {record['restored_to']} is whole: {len(verdicts)} checks.")
