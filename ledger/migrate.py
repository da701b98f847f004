"""Numbered migrations: forward only, applied once, in order, each in the transaction of its caller's connection.

Rule: a file that was applied never changes (its SHA-256 is kept and compared); workers refuse another version than
the one they were built with. One list for both schemas, ``ledger`` and ``engine``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol


class Connection(Protocol):
    """What a psycopg connection offers, as far as migrations need it."""

    def execute(self, query: Any, params: Any = None) -> Any:
        """Run one statement, or several without parameters."""

    def transaction(self) -> Any:
        """Context of one transaction."""


class MigrationError(RuntimeError):
    """The database and this build do not belong together; the message says which is older and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hash that is stored with it."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> tuple[Migration, ...]:
    """All migrations of this build, in order, without a gap."""
    folder = files("ledger") / "sql" / "migrations"
    found = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    listed = tuple(
        Migration(int(name[:4]), name.removesuffix(".sql"), (folder / name).read_text(encoding="utf-8"))
        for name in found
    )
    if [migration.number for migration in listed] != list(range(1, len(listed) + 1)):
        raise MigrationError(f"the numbers of {found} have a gap")
    return listed


def applied(connection: Connection) -> dict[int, str]:
    """Number -> SHA-256 of what the database has."""
    if connection.execute("select to_regclass('public.qenex_migrations')").fetchone()[0] is None:
        return {}
    return dict(connection.execute("select number, sha256 from public.qenex_migrations").fetchall())


def apply(connection: Connection) -> list[str]:
    """Bring the schema up; returns the names of what was applied. Two at a time wait for each other."""
    done: list[str] = []
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('qenex.migrations'))")
        connection.execute(
            "create table if not exists public.qenex_migrations (number integer primary key, name text not null,"
            " sha256 text not null, applied_at timestamptz not null default now())"
        )
        have = _checked(connection)
        for migration in migrations():
            if migration.number not in have:
                connection.execute(migration.sql)
                connection.execute(
                    "insert into public.qenex_migrations (number, name, sha256) values (%s, %s, %s)",
                    (migration.number, migration.name, migration.sha256),
                )
                done.append(migration.name)
        connection.execute("grant select on public.qenex_migrations to qenex_writer, qenex_reader")
    return done


def _checked(connection: Connection) -> dict[int, str]:
    have = applied(connection)
    known = {migration.number: migration for migration in migrations()}
    for number, sha256 in have.items():
        if number not in known:
            raise MigrationError(f"the database is at migration {number}, newer than this build: upgrade the engine")
        if known[number].sha256 != sha256:
            raise MigrationError(f"migration {known[number].name} was changed after it had been applied")
    return have


def require_current(connection: Connection) -> None:
    """Refuse to work on another schema version than this build's."""
    have, want = _checked(connection), len(migrations())
    if len(have) != want:
        raise MigrationError(f"the database has {len(have)} of {want} migrations: run `qenex migrate`")
