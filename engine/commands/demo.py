"""``qenex demo``: the stack, five invented banks, and a story of messages told end to end."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import sending
from engine import settings as settings_module
from engine.commands import services
from engine.commands.output import DataOption, JsonOption, Steps, json_lines, line, say, table
from engine.demo.telling import Played, Told, sums, tell
from engine.stack import control
from engine.store.accounts import AccountView
from engine.store.outcomes import moment
from payments import Money

#: What a table shows of an explanation; all of it is in the JSON.
_WHY_MAX = 90


def demo(data: DataOption = None, json: JsonOption = False) -> int:
    """Start the stack, send sample messages of all four families, and show what became of each.

    Exit 1 when one did not become what it should, when money came or went, or when the audit finds something.
    It can be run any number of times; each run has references of its own.

    Example: `qenex demo`
    """
    steps = Steps()
    control.up(settings_module.load(data=data), steps)
    told = tell(services.load(data, kafka=True, postgres=True), steps)
    if json:
        json_lines(record(each, told) for each in told.played)
    else:
        _show(told, data)
    for each in told.played:
        for problem in each.problems():
            say(f"{each.scene.name}: {problem}")
    for verdict in told.verdicts:
        if not verdict.ok:
            say(f"{verdict.check} is broken: {verdict.detail}")
    if not told.sums_hold:
        say("The balances of a system do not add up to what they were before.")
    return 0 if told.ok else 1


def record(played: Played, told: Told) -> dict[str, Any]:
    """What `send` prints of a message, and what the story says about it."""
    offsets = played.offsets
    return {
        **sending.record(played.drop, played.last, told.places),
        "scene": played.scene.name,
        "title": played.scene.title,
        "expected": played.scene.outcome,
        "became": played.became,
        "ms": played.ms,
        "outgoing": [
            {
                "topic": f"outbound.{answer.recipient}",
                "partition": 0,
                "offset": offsets.get((answer.writer_no, answer.seq)),
                "type": answer.type,
                "recipient": answer.recipient,
                "ce_id": f"{answer.writer_no}-{answer.seq}",
                "committed_at": moment(answer.at),
            }
            for answer in played.answers
        ],
        "ok": not played.problems(),
        "problems": played.problems(),
    }


def _show(told: Told, data: Path | None) -> None:
    rows = [
        {
            "what_was_sent": each.scene.title,
            "became": ", then ".join(each.became),
            "why": _why(each),
            "ms": each.ms,
            "what_went_out": _outgoing(each),
            "ok": "NO" if each.problems() else "yes",
        }
        for each in told.played
    ]
    table(rows, ["what_was_sent", "became", "why", "ms", "what_went_out", "ok"], right="ms", title="Messages")
    columns = ["system", "participant", "currency", "before", "after", "change"]
    table(_balances(told), columns, right="before after change", title="Balances")
    broken = [verdict.check for verdict in told.verdicts if not verdict.ok]
    examined = sum(verdict.examined for verdict in told.verdicts)
    state = f"BROKEN: {', '.join(broken)}" if broken else "all hold"
    line(f"Audit: {len(told.verdicts)} invariants over all of history, {examined} records examined: {state}")
    right = sum(not each.problems() for each in told.played)
    line(f"{right} of {len(told.played)} messages became what they should.")
    for text in _suggestions(told, data):
        line(text)


def _why(played: Played) -> str | None:
    """Code and explanation of the payment that tells most: a refused one, else the first."""
    if played.last is None:
        return None
    refused = [each for each in played.last.payments if each.reason]
    shown = (refused or played.last.payments)[0]
    if played.scene.decision is not None:
        return f"{shown.reason or ''} two persons decided: {played.scene.decision}".strip()
    why = " ".join(text for text in (shown.reason, shown.explanation) if text)
    return f"{why[:_WHY_MAX]}..." if len(why) > _WHY_MAX else why or None


def _outgoing(played: Played) -> str | None:
    """A line for each outbound topic: the types that went there, in order."""
    by_recipient: dict[str, list[str]] = {}
    for answer in played.answers:
        by_recipient.setdefault(answer.recipient, []).append(answer.type)
    return "\n".join(f"outbound.{name}: {', '.join(types)}" for name, types in by_recipient.items()) or None


def _balances(told: Told) -> list[dict[str, Any]]:
    """Each account before and after, and the sum of each system."""
    rows = []
    before = {(view.book, view.participant): view.balance for view in told.before}
    for system in sums(told.after):
        views = [view for view in told.after if view.book == system]
        rows += [
            _row(view, view.participant, before.get((system, view.participant), 0), view.balance) for view in views
        ]
        rows.append(_row(views[0], "(sum)", sums(told.before).get(system, 0), sums(views)[system]))
    return rows


def _row(view: AccountView, who: str, before: int, after: int) -> dict[str, Any]:
    def shown(minor: int) -> str:
        return Money(minor, view.currency).decimal

    row = {"system": view.book, "participant": who, "currency": view.currency}
    return {**row, "before": shown(before), "after": shown(after), "change": shown(after - before)}


def _suggestions(told: Told, data: Path | None) -> Sequence[str]:
    """What can be typed next, as it has to be typed from here."""
    program = "qenex" if shutil.which("qenex") else sys.argv[0]
    where = "" if data is None else f" --data {data}"
    file = told.played[0].drop.file
    return (
        "What to try next:",
        f"  {program} trace {told.run.reference(1)}{where}",
        "      every step of the first payment, its entry in the ledger, what went out",
        f"  {program} parse {file}",
        "      what is in its message",
        f"  {program} send --wait 10 {file}{where}",
        "      it is a duplicate now",
        f"  {program} balances{where}   (also: queue list, cases list, audit, status)",
        f"  {program} down{where}",
        "      stop everything; up goes on where it was",
    )
