"""``qenex operators``: who decides, known by the token each holds."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, json_lines, line, say, table
from engine.errors import UsageFault
from engine.roles import ROLES
from engine.store import operators as store

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Operators and their tokens: who decides a case or touches a queue is who holds the token.",
)
_ROLES_HELP = "; ".join(f"{name}: {role.help}" for name, role in ROLES.items())
_NAME_MAX = 64


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name, never used before: decisions are recorded under it.")],
    role: Annotated[str, typer.Option("--role", help=f"What he may do. {_ROLES_HELP}.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """Add an operator and print his token, once.

    Example: `qenex operators add anna --role analyst`
    """
    if role not in ROLES:
        raise UsageFault(f"{role!r} is not a role; there are {', '.join(ROLES)}.")
    if not name.strip() or len(name) > _NAME_MAX or not name.isprintable() or name.startswith("local:"):
        raise UsageFault(f"{name!r} cannot be a name: 1 to {_NAME_MAX} printable characters, not local:... .")
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        try:
            token = store.add(connection, name, role)
        except store.OperatorExistsError as problem:
            raise UsageFault(f"{problem}; names are never used twice. See: qenex operators list") from None
    if json:
        json_line({"name": name, "role": role, "token": token})
        return 0
    line(token)
    say(f"This is the token of {name} ({role}). It is shown once and cannot be shown again.")
    say("He sets QENEX_OPERATOR_TOKEN to it, or QENEX_OPERATOR_TOKEN_FILE to a file of mode 600 that holds it.")
    return 0


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> int:
    """List operators, those who left too; tokens are not kept and cannot be listed.

    Example: `qenex operators list`
    """
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        found = store.everybody(connection)
    records = [
        {
            "name": each.name,
            "role": each.role,
            "created_at": each.created_at.isoformat(),
            "retired_at": None if each.retired_at is None else each.retired_at.isoformat(),
        }
        for each in found
    ]
    if json:
        json_lines(records)
    else:
        table(records, ["name", "role", "created_at", "retired_at"])
    return 0


@app.command()
def retire(
    name: Annotated[str, typer.Argument(help="Whose token ends now, for good.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> int:
    """End an operator's token. Exit 1 when there is no such operator.

    Example: `qenex operators retire anna`
    """
    settings = services.load(data, postgres=True)
    with services.database(settings, "qenex_writer") as connection:
        ended = store.retire(connection, name)
    if json:
        json_line({"name": name, "retired": ended})
    elif ended:
        line(f"{name}: the token is no longer valid.")
    else:
        say(f"There is no operator {name} with a valid token. See: qenex operators list")
    return 0 if ended else 1
