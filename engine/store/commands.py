"""Results of operators' commands, as the books' writers recorded them.

Rule: rows are only read here; a row is written once, in the commit of the batch that applied its command.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.store.connection import Connection


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
