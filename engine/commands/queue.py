"""``qenex queue``: what waits and why; cancel a payment or change its place.

Rule: an operator's command is carried out by the book's writer, in order with everything else; its result is what the
writer recorded. Exit 1 when the writer refused.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from engine import commanding, ids
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, json_lines, line, say, table
from engine.errors import UsageFault
from engine.queueing import Queued
from engine.routing.directory import Directory
from engine.store import queue as store
from engine.store import reference
from engine.store.connection import Connection
from engine.store.outcomes import moment
from settlement.schemes import BOOKS

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The queue: payments that wait, why, and in which order.",
)
PaymentArgument = Annotated[str, typer.Argument(metavar="PAYMENT", help="Payment id, as queue list shows it.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", help="Seconds to wait for the book's writer.", min=0.1)]
_REASON_MAX = 140


class End(StrEnum):
    """Ends of a class of the queue."""

    HEAD = "head"
    TAIL = "tail"


class PriorityOption(StrEnum):
    """Classes of the queue, first to last."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"


@app.command("list")
def list_(
    system: Annotated[str | None, typer.Option("--system", help="One settlement system only.")] = None,
    participant: Annotated[
        str | None, typer.Option("--participant", help="What this participant is to pay: BIC or routing number.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """List what waits: each sender's queue in its order, then what is warehoused.

    `short_by` is what the sender lacks for a payment and all before it.

    Example: `qenex queue list --system EUR-RTGS --participant AURODEFFXXX`
    """
    systems = services.systems(system)
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_reader") as connection:
        sender = None if participant is None else _participant(connection, participant)
        found = store.queues(connection, systems)
    records = [_record(each, since) for each, since in found if sender is None or each.debit == sender]
    if json:
        json_lines(records)
        return 0
    columns = ["payment", "system", "state", "debit", "place", "priority", "credit", "amount", "currency", "since"]
    table(records, [*columns, "short_by", "why"], right="place amount short_by")
    return 0


def _participant(connection: Connection, name: str) -> str:
    version, document = reference.newest(connection)
    found = Directory(version, document).find(name.strip().upper())
    if found is None:
        raise UsageFault(f"--participant {name}: no participant. Who is one: qenex participants list")
    return found.id


def _record(each: Queued, since: datetime | None) -> dict[str, Any]:
    return {
        "payment": ids.shown(each.payment_id),
        "system": each.system,
        "state": each.state,
        "debit": each.debit,
        "credit": each.credit,
        "amount": each.amount.decimal,
        "currency": each.amount.currency,
        "priority": each.priority,
        "reference": each.reference,
        "since": None if since is None else moment(since),
        "place": each.place,
        "short_by": None if each.shortfall is None else each.shortfall.decimal,
        "why": each.why,
    }


@app.command()
def cancel(
    payment: PaymentArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; the sender is told.", metavar="TEXT")],
    timeout: TimeoutOption = 30.0,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Cancel a payment that waits; its sender is answered.

    Example: `qenex queue cancel 00000001-0000-0000-0000-000c00000000 --reason "asked for by phone, call 1138"`
    """
    text = reason.strip()
    if not text or len(text) > _REASON_MAX or not text.isprintable():
        raise UsageFault(f"--reason: 1 to {_REASON_MAX} printable characters, for the sender reads them.")
    return _carry_out(payment, [("cancel", {"reason": text})], timeout, data, as_json=json)


@app.command()
def reorder(
    payment: PaymentArgument,
    to: Annotated[End | None, typer.Option("--to", help="First or last of its class.")] = None,
    priority: Annotated[PriorityOption | None, typer.Option("--priority", help="Another class.")] = None,
    timeout: TimeoutOption = 30.0,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Change a queued payment's class, its place in it, or both (the class first).

    Example: `qenex queue reorder 00000001-0000-0000-0000-000c00000000 --to head`
    """
    wanted: list[tuple[str, dict[str, Any]]] = []
    if priority is not None:
        wanted.append(("priority", {"priority": priority.value}))
    if to is not None:
        wanted.append(("move", {"to": to.value}))
    if not wanted:
        raise UsageFault("Give --to head|tail, --priority urgent|high|normal, or both.")
    return _carry_out(payment, wanted, timeout, data, as_json=json)


def _carry_out(
    payment: str, wanted: list[tuple[str, dict[str, Any]]], timeout: float, data: Any, *, as_json: bool
) -> int:
    """Send commands about one payment to its book, and report each result."""
    payment_id = ids.parse(payment.strip())
    if payment_id is None:
        raise UsageFault(f"{payment} is not a payment id. They are in: qenex queue list")
    shown = ids.shown(payment_id)
    settings = services.load(data, kafka=True, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        operator = services.require(settings, connection, "book").name
        system = store.system_of(connection, payment_id)
        if system is None or system not in BOOKS:
            text = f"payment {shown} does not wait. What became of it: qenex trace {shown}"
            if as_json:
                json_line({"payment": shown, "system": None, "action": wanted[0][0], "ok": False, "result": text})
            say(f"refused: {text}")
            return 1
        now = datetime.now(UTC)
        commands = [
            commanding.command(system, action, operator, now, payment_id=shown, **arguments)
            for action, arguments in wanted
        ]
        with services.producer(settings) as producer:
            results = commanding.issue_all(producer, connection, commands, timeout)
    for (action, _), result in zip(wanted, results, strict=True):
        if as_json:
            record = {"payment": shown, "system": system, "action": action, "ok": result.ok, "result": result.text}
            json_line({**record, "command": result.id})
        elif result.ok:
            line(f"{shown} in {system}: {result.text}")
        if not result.ok:
            say(f"refused: {result.text}")
    return 0 if all(result.ok for result in results) else 1
