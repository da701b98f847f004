"""``qenex recovery``: what stands between a restored ledger and going on.

Rule: the difference between the ledger and the topics is computed anew for each look; the first operator proposes to go
on from exactly this one, the second approves exactly that, by its hash. After the approval the workers go on by
themselves: what arrived is decided, numbers that the outside has seen are not given again, and an answer that the
outside has already is not sent again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from engine import ids, reconciling
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, json_lines, line, say, table
from engine.errors import UsageFault
from engine.reconciling import Difference
from engine.settings import Settings
from engine.store import recoveries as store
from engine.store.connection import Connection
from engine.store.recoveries import Recovery, RecoveryRuleError, Told

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="After a restore: what the outside knows and the ledger does not; two operators let the engine go on.",
)
_SHOWN = 40


@app.command()
def show(data: DataOption = None, json: JsonOption = False) -> int:
    """Show what was told to the outside and is not in the ledger, and what arrived and has no decision in it.

    Exit 1 while the engine stands still. After it went on: what was told before and the ledger has not come to again.

    Example: `qenex recovery show`
    """
    settings = services.load(data, kafka=True, postgres=True)
    with services.database(settings, "qenex_reader") as connection:
        recovery = store.newest(connection)
        if recovery is None:
            say("This ledger was never restored from a backup.")
            return 0
        with _bus(settings) as bus:
            found = reconciling.difference(connection, bus, recovery)
        gone = store.contradicted(connection, recovery.recovery_id)
        states = store.states(connection, [told.payment_id for told in gone])
    records = [*_records(found), *(_told("not-repeated", None, told, states.get(told.payment_id)) for told in gone)]
    summary = _summary(recovery, found)
    if json:
        json_lines([*records, summary])
    else:
        _print(records, summary)
    return int(recovery.stands)


@app.command()
def propose(
    reason: Annotated[str, typer.Option("--reason", help="Why this difference can be accepted.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Propose to go on from the difference as it is now; prints the hash that another operator approves.

    Example: `qenex recovery propose --reason "checked with the three banks"`
    """
    settings = services.load(data, kafka=True, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        who = services.require(settings, connection, "book").name
        recovery = _standing(connection)
        with _bus(settings) as bus:
            found = reconciling.difference(connection, bus, recovery)
        store.propose(connection, recovery.recovery_id, found.digest, reason, who)
    record = {"recovery": recovery.recovery_id, "hash": found.digest.hex(), "proposed_by": who}
    if json:
        json_line(record)
    else:
        line(f"Proposed by {who}. Another operator approves with: qenex recovery approve {found.digest.hex()}")
    return 0


@app.command()
def approve(
    proposal: Annotated[str, typer.Argument(metavar="HASH", help="The hash that was proposed.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Approve what another operator proposed: the workers go on within seconds. Exit 1 when a rule forbids it.

    Example: `qenex recovery approve 3f1a...`
    """
    settings = services.load(data, kafka=True, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        who = services.require(settings, connection, "book").name
        recovery = _standing(connection)
        with _bus(settings) as bus:
            found = reconciling.difference(connection, bus, recovery)
        if recovery.difference is None or proposal != recovery.difference.hex():
            raise UsageFault(f"{proposal[:16]}... is not what was proposed. See: qenex recovery show")
        try:
            store.approve(connection, recovery, found.digest, [one.told for one in found.answered], who)
        except RecoveryRuleError as forbidden:
            say(f"refused: {forbidden}")
            return 1
    record = {"recovery": recovery.recovery_id, "approved_by": who, "answered": len(found.answered)}
    if json:
        json_line(record)
    else:
        line(f"Approved by {who}: the workers go on. {len(found.answered)} answers are known as told.")
    return 0


def _standing(connection: Connection) -> Recovery:
    recovery = store.standing(connection)
    if recovery is None:
        raise UsageFault("The engine does not stand still: there is nothing to decide.")
    return recovery


@contextmanager
def _bus(settings: Settings) -> Iterator[reconciling.Bus]:
    from engine.bus.kafka_admin import KafkaAdmin

    with services.consumer(settings) as consumer:
        yield reconciling.Bus(KafkaAdmin(services.bus_settings(settings)), services.tails(settings), consumer)


def _records(found: Difference) -> Iterator[dict[str, Any]]:
    for one in found.answered:
        yield _told("told-otherwise" if one.differs else "told", one.record, one.told, one.state)
    for place in found.undecided:
        yield {"kind": "undecided", "place": place}
    for command in found.commands:
        yield {"kind": "command", "place": command.book, "type": command.action, "number": command.id}
    for text in found.lost:
        yield {"kind": "lost", "place": text}


def _told(kind: str, place: str | None, told: Told, state: str | None) -> dict[str, Any]:
    return {
        "kind": kind,
        "place": place or told.topic,
        "number": f"{told.writer_no}-{told.seq}",
        "type": told.type,
        "payment": ids.shown(told.payment_id),
        "state": state,
        "at": _moment(told.at),
    }


def _summary(recovery: Recovery, found: Difference) -> dict[str, Any]:
    return {
        "kind": "summary",
        "stands_still": recovery.stands,
        "target": recovery.target,
        "restored_to": _moment(recovery.restored_to),
        "backup": recovery.backup,
        "told": len(found.answered),
        "undecided": len(found.undecided),
        "commands": len(found.commands),
        "lost": len(found.lost),
        "hash": found.digest.hex(),
        "proposed": None if recovery.difference is None else recovery.difference.hex(),
        "proposed_by": recovery.proposed_by,
        "reason": recovery.reason,
        "approved_by": recovery.approved_by,
    }


def _print(records: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    if records:
        table(records[:_SHOWN], ["kind", "place", "number", "type", "payment", "state", "at"])
    if len(records) > _SHOWN:
        line(f"... and {len(records) - _SHOWN} more: --json shows all")
    line(f"Restored to {summary['restored_to']} (asked for: {summary['target']}) from backup {summary['backup']}.")
    line(
        f"{summary['told']} answers are outside that this ledger does not have; {summary['undecided']} messages wait"
        f" for their decision; {summary['commands']} commands will be applied again."
    )
    for record in records:
        if record["kind"] == "lost":
            say(f"The broker has lost messages: {record['place']}")
    if not summary["stands_still"]:
        line(f"The engine goes on, by the decision of {summary['approved_by']}.")
    elif summary["proposed"] == summary["hash"]:
        line(f"{summary['proposed_by']} proposed to go on. Another: qenex recovery approve {summary['hash']}")
    else:
        line("The engine stands still. An operator proposes to go on: qenex recovery propose --reason TEXT")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
