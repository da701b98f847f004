"""``qenex balances``: what each account holds, what of it is free, what waits."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_lines, table
from engine.errors import UsageFault
from engine.store import accounts
from engine.store.accounts import AccountView
from payments import Money
from settlement.schemes import BOOKS


def balances(
    system: Annotated[str | None, typer.Option("--system", help="One settlement system only.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The operator's contra accounts too.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Show accounts: balance, available (balance + credit line - reserved), and what is queued out and in.

    Example: `qenex balances --system EUR-RTGS`
    """
    if system is not None and system not in BOOKS:
        raise UsageFault(f"--system {system}: there is no such settlement system; there are {', '.join(BOOKS)}.")
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_reader") as connection:
        found = accounts.balances(connection)
    records = [
        _record(view)
        for view in found
        if (system is None or view.book == system) and (everything or view.purpose == "settlement")
    ]
    if json:
        json_lines(records)
        return 0
    amounts = ["balance", "available", "reserved", "credit_line", "queued_out", "queued_in"]
    table(records, ["participant", "system", "account", "currency", *amounts], right=" ".join(["account", *amounts]))
    return 0


def _record(view: AccountView) -> dict[str, Any]:
    def shown(minor: int | None) -> str | None:
        return None if minor is None else Money(minor, view.currency).decimal

    return {
        "participant": view.participant,
        "system": view.book,
        "account": str(view.number),
        "currency": view.currency,
        "balance": shown(view.balance),
        "available": shown(view.available),
        "reserved": shown(view.reserved),
        "credit_line": shown(view.credit_line),
        "queued_out": shown(view.queued_out),
        "queued_in": shown(view.queued_in),
        "purpose": view.purpose,
    }
