"""What the database holds, table by table, to be compared before and after: everything but positions and clocks.

Rule: a table that is not named in `LEFT_OUT` is compared whole, so that a new table is compared until somebody decides
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from engine.store.connection import Connection

#: Table -> columns that say where readers stand or when something was looked at; none named: the whole table.
LEFT_OUT: Mapping[str, frozenset[str]] = {
    "engine.positions": frozenset(),
    "engine.leases": frozenset(),
    "engine.runs": frozenset(),
    "engine.progress": frozenset(),
    "engine.relays": frozenset({"at"}),
}
_TABLES = """
    select table_schema, table_name, array_agg(column_name::text order by ordinal_position)
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema in ('ledger', 'engine') and table_type = 'BASE TABLE' group by 1, 2 order by 1, 2
"""
Dump = dict[str, list[str]]


def dump(connection: Connection) -> Dump:
    """Table -> its rows as text, sorted."""
    found: Dump = {}
    for schema, table, columns in connection.execute(_TABLES).fetchall():
        name = f"{schema}.{table}"
        left_out = LEFT_OUT.get(name)
        if left_out is not None and not left_out:
            continue
        kept = [column for column in columns if left_out is None or column not in left_out]
        query = sql.SQL('select row({})::text collate "C" from {} order by 1').format(
            sql.SQL(", ").join(map(sql.Identifier, kept)), sql.Identifier(schema, table)
        )
        found[name] = [row[0] for row in connection.execute(query)]
    return found


def differences(before: Dump, after: Dump) -> list[str]:
    """Rows that only one of two dumps has, a few of each table."""
    said = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, []), after.get(name, [])
        if old != new:
            gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
            said.append(f"{name}: {len(gone)} rows gone {gone[:2]}, {len(come)} rows come {come[:2]}")
    return said
