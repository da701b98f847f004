"""Which versions of lists, settings and reference data a decision was made under, as one small number.

Rule: a row once given never changes; the same three versions have the same number.
"""

from __future__ import annotations

from engine.store.connection import Connection


def number_of(connection: Connection, list_version: str, settings_version: str, reference: int) -> int:
    """The number of these three versions, given on first sight."""
    find = "select versions from engine.versions where list_version = %s and settings_version = %s and reference = %s"
    row = connection.execute(find, (list_version, settings_version, reference)).fetchone()
    if row is None:
        connection.execute(
            "insert into engine.versions (list_version, settings_version, reference) values (%s, %s, %s)"
            " on conflict do nothing",
            (list_version, settings_version, reference),
        )
        row = connection.execute(find, (list_version, settings_version, reference)).fetchone()
    assert row is not None
    return int(row[0])
