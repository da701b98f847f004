"""Results of operators' commands, as the books' writers recorded them.

Rule: a row is written once, in the commit of the batch that applied its command, and never changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.store.connection import Connection

_KEEP = """
    insert into engine.commands (command_id, book, action, operator, arguments, result, ok, routed_offset, applied_at)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def keep_result(
    command: tuple[str, str, str, str],
    arguments: Mapping[str, str | int],
    text: str,
    ok: bool,
    routed_offset: int,
    now: datetime,
) -> tuple[str, tuple[object, ...]]:
    """The statement that stores a result; ``command`` is (id, book, action, operator)."""
    return _KEEP, (*command, json.dumps(arguments), text, ok, routed_offset, now)


def results(connection: Connection, command_ids: Sequence[str]) -> dict[str, tuple[bool, str]]:
    """Those of the commands that were applied or refused: id -> (ok, text)."""
    if not command_ids:
        return {}
    found = connection.execute(
        "select command_id::text, ok, result from engine.commands where command_id = any(%s::uuid[])",
        (list(command_ids),),
    )
    return {row[0]: (bool(row[1]), str(row[2])) for row in found.fetchall()}


def refused_openings(connection: Connection) -> dict[tuple[str, str], int]:
    """(book, participant) -> how often the opening of its account was refused."""
    found = connection.execute(
        "select book, arguments->>'participant', count(*) from engine.commands"
        " where action = 'open-account' and not ok group by 1, 2"
    )
    return {(row[0], row[1]): int(row[2]) for row in found.fetchall()}
