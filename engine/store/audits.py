"""The audit's queries: one file a check in ``ledger/sql/audit``, and the two streams that archive and inbox are.

Rule: everything is read in one repeatable-read, read-only transaction, so that a running system is seen at one moment.
A file begins with a comment that says what it proves, and gives one row: examined, violations, detail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

from psycopg import sql

from engine.store.connection import Connection

SQL_FOLDER = files("ledger") / "sql" / "audit"
_VARIABLE = re.compile(r"(?<!:):([a-z_]+)")
_MEMORY = "set local work_mem = '128MB'"
_NO_JIT = "set local jit = off"  # compiling costs more than it saves on these


@contextmanager
def snapshot(connection: Connection) -> Iterator[datetime]:
    """One moment of the database for everything inside the block; gives that moment, by the database's clock."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute(_MEMORY)
        connection.execute(_NO_JIT)
        row = connection.execute("select now()").fetchone()
        assert row is not None
        yield row[0]


@lru_cache(maxsize=64)
def text_of(name: str) -> str:
    """The SQL of a check."""
    return (SQL_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def proves(name: str) -> str:
    """What a check proves: its opening comment as one line."""
    lines = text_of(name).splitlines()
    opening = lines[: next(number for number, line in enumerate(lines) if not line.startswith("--"))]
    return " ".join(line.removeprefix("--").strip() for line in opening)


def judge(connection: Connection, name: str, variables: Mapping[str, Any]) -> tuple[int, int, str | None]:
    """Run a check: (examined, violations, detail)."""

    def literal(match: re.Match[str]) -> str:
        return sql.Literal(variables[match.group(1)]).as_string(connection)

    body = "\n".join(line for line in text_of(name).splitlines() if not line.lstrip().startswith("--"))
    row = connection.execute(_VARIABLE.sub(literal, body)).fetchone()  # our own file and our own literals
    assert row is not None
    return int(row[0]), int(row[1]), row[2]


_ARCHIVE = """
    select source_id, first_offset, next_offset, messages, offsets, sizes, received, digests, body
    from engine.archive order by source_id, first_offset
"""
_INBOX = """
    select uuid_send(payment_id), payments, uuid_send(digest), extract(epoch from decided_at)::float8
    from engine.inbox where attempt = 0 order by payment_id
"""


def archive_rows(connection: Connection) -> Iterator[tuple[Any, ...]]:
    """Rows of the archive, by source and offset."""
    with connection.cursor(name="audit_archive", binary=True) as cursor:
        cursor.itersize = 20
        yield from cursor.execute(_ARCHIVE)


def purged_before(connection: Connection) -> float:
    """Milliseconds since 1970: what arrived earlier may have been emptied by a purge; 0 when there was none."""
    row = connection.execute(
        "select coalesce(extract(epoch from max(before)::timestamp) * 1000, 0)::float8 from engine.purges"
    ).fetchone()
    return 0.0 if row is None else float(row[0])


def first_decisions(connection: Connection) -> Iterator[tuple[bytes, int, bytes, float]]:
    """(payment id, payments in its message, digest, when decided in seconds since 1970), in order of the ids."""
    with connection.cursor(name="audit_inbox", binary=True) as cursor:
        cursor.itersize = 20_000
        yield from cursor.execute(_INBOX)


def coverage(connection: Connection) -> dict[int, tuple[int, int]]:
    """Source -> (offset up to which it is said to be archived, up to which archived and decided)."""
    found: Sequence[tuple[int, int, int]] = connection.execute(
        "select source_id, coalesce(a.next_offset, 0), coalesce(p.done_through, 0)"
        " from engine.archived a full join engine.progress p using (source_id)"
    ).fetchall()
    return {source: (archived, done) for source, archived, done in found}
