"""The command ``qenex``: one table of commands, loaded only when called, and the exit statuses.

Rule: `COMMANDS` is the whole command line. To add a command, write a function in a module of ``engine/commands/`` (one
module a noun; its typer signature is its interface, its docstring its help, with an example), and add one row here:
name, where it is (``module:function``, or ``module:app`` for a typer.Typer with sub-commands), group, one line of help.
Modules are imported only when their command is called, so that ``qenex parse`` never loads Kafka's or Postgres's client
and ``qenex --help`` stays quick; so keep imports of this module to typer and the standard library.

Exit status: 0 done; 1 done, and something was refused or found wrong (a command returns 1, or raises typer.Exit(1));
2 wrong usage or unreadable file (`UsageFault`); 3 a needed service does not answer (`ServiceUnavailable`,
`BrokenPiece`); 70 an error of ours; 130 interrupted.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from engine.errors import EngineFault


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table: where a command is found, and the line that ``--help`` shows for it."""

    name: str
    target: str
    group: str
    help: str


_STACK = "The stack on this machine"
_MESSAGES = "Messages (no service needed)"
_COMPLIANCE = "Compliance"
_PAYMENTS = "Payments and accounts"
_PEOPLE = "Who takes part, who decides"
_EVIDENCE = "Measuring"

COMMANDS: tuple[Command, ...] = (
    Command("up", "engine.commands.stack:up", _STACK, "Start Postgres, Kafka and the workers here."),
    Command("status", "engine.commands.stack:status", _STACK, "Show each piece: health, port, restarts."),
    Command("down", "engine.commands.stack:down", _STACK, "Stop what up started."),
    Command("demo", "engine.commands.demo:demo", _STACK, "Show messages of all four families settle."),
    Command("config", "engine.commands.stack:config", _STACK, "Show the effective settings, secrets masked."),
    Command("migrate", "engine.commands.migrate:migrate", _STACK, "Bring the database's schema up (owner role)."),
    Command("prepare", "engine.commands.prepare:prepare", _STACK, "Make schema and topics ready; start nothing."),
    Command("backup", "engine.commands.backup:backup", _STACK, "Copy the local ledger while it runs."),
    Command("restore", "engine.commands.backup:restore", _STACK, "Put a backup's ledger in place; or a drill of it."),
    Command("recovery", "engine.commands.recovery:app", _STACK, "After a restore: the difference; go on from it."),
    Command("purge", "engine.commands.purge:purge", _STACK, "Empty old messages and answers; the ledger stays."),
    Command("send", "engine.commands.send:send", _PAYMENTS, "Send files to the ingest topics; wait for outcomes."),
    Command("trace", "engine.commands.trace:trace", _PAYMENTS, "Show what became of a payment, step by step."),
    Command("balances", "engine.commands.balances:balances", _PAYMENTS, "Show accounts and what is queued on them."),
    Command("queue", "engine.commands.queue:app", _PAYMENTS, "Show what waits and why; cancel, reorder."),
    Command("day", "engine.commands.day:app", _PAYMENTS, "The business day: open, cut-off, close; stop, resume."),
    Command("audit", "engine.commands.audit:audit", _PAYMENTS, "Prove the invariants over all of history."),
    Command("participants", "engine.commands.participants:app", _PEOPLE, "Import and show banks; their keys."),
    Command("operators", "engine.commands.operators:app", _PEOPLE, "Operators, their roles and tokens."),
    Command("cases", "engine.commands.cases:app", _COMPLIANCE, "Show and decide held payments, two operators each."),
    Command("watchlist", "engine.commands.watchlist:app", _COMPLIANCE, "Import and show lists to screen against."),
    Command("screen", "engine.commands.watchlist:screen", _COMPLIANCE, "Try a name against a list, with the reason."),
    Command("parse", "engine.commands.messages:parse", _MESSAGES, "Read messages: findings, content, payments."),
    Command("validate", "engine.commands.messages:validate", _MESSAGES, "Check messages: verdict and findings."),
    Command("formats", "engine.commands.messages:formats", _MESSAGES, "List what can be read and what is checked."),
    Command("bench", "engine.commands.bench:bench", _EVIDENCE, "Measure, beside peers on this machine."),
    Command("simulate", "engine.commands.simulate:simulate", _EVIDENCE, "Try to break the engine, in memory."),
    Command("faults", "engine.commands.faults:faults", _EVIDENCE, "Break a running engine, look what holds."),
)

_ROWS = {command.name: command for command in COMMANDS}


class _Stub(TyperCommand):
    """What ``--help`` needs of a command whose module is not loaded."""

    def __init__(self, row: Command) -> None:
        super().__init__(name=row.name, help=row.help, rich_help_panel=row.group)


class CommandTable(TyperGroup):
    """A group of commands that imports a command's module when that command is called."""

    def __init__(self, **attributes: Any) -> None:
        attributes["commands"] = {row.name: _Stub(row) for row in COMMANDS}
        super().__init__(**attributes)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the called command and load its module."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load_command(_ROWS[name]), rest


def load_command(row: Command) -> Any:
    """The command of a row, its module imported: what typer made of the function or of the app."""
    module_name, _, attribute = row.target.partition(":")
    target = getattr(import_module(module_name), attribute)
    if isinstance(target, typer.Typer):
        target.info.name = row.name
        command = typer.main.get_group(target)
        command.name = row.name
        return command
    single = typer.Typer(add_completion=False, rich_markup_mode="rich")
    single.command(name=row.name, no_args_is_help=False)(target)
    return typer.main.get_command(single)


app = typer.Typer(
    cls=CommandTable,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"qenex {version('qenex')}")
        raise typer.Exit


@app.callback(
    epilog="Start here: [bold]qenex up[/], then [bold]qenex demo[/]. Help of one command: [bold]qenex up --help[/]."
)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """QENEX: bank messages in on Kafka, settled gross in a Postgres ledger, answered."""
    del version  # its callback has done the work


def main() -> None:
    """Entry point of ``qenex``: run a command, end with its exit status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit status; every fault becomes a sentence on stderr."""
    try:
        outcome = app(args=arguments, prog_name="qenex", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except EngineFault as fault:
        _say(str(fault))
        return fault.exit_status
    except (typer.Abort, KeyboardInterrupt):
        _say("interrupted")
        return 130
    except typer.TyperException as wrong:
        return _usage(wrong)
    except BrokenPipeError:
        with contextlib.suppress(OSError):  # whoever read our output has gone: nothing more can be said
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as bug:
        return _bug(bug)


def _usage(wrong: typer.TyperException) -> int:
    """Wrong usage: the help when nothing was asked, else the sentence and where to read more."""
    context = getattr(wrong, "ctx", None)
    if type(wrong).__name__ == "NoArgsIsHelpError":
        typer.echo(wrong.format_message(), err=True, nl=False)
        return 2
    _say(wrong.format_message())
    if context is not None:
        typer.echo(f"How to use it: {context.command_path} --help", err=True)
    return 2


def _bug(bug: Exception) -> int:
    """An error of ours: a sentence; where it happened is logged at debug level only."""
    import traceback

    last = traceback.extract_tb(bug.__traceback__)[-1]
    _say(f"internal error: {type(bug).__name__}: {bug} (in {last.name}, {last.filename}, line {last.lineno})")
    return 70


def _say(text: str) -> None:
    typer.echo(f"qenex: {text}", err=True)
