"""Operators: the persons who decide, known by the token that each holds.

Rule: a token is 32 random bytes, shown once; only its SHA-256 is kept (nothing to slow down: the token has 256 bits).
Names are never used twice, so that an old decision names one person for good. What a role may do: ``engine.roles``.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import psycopg

from engine.roles import ROLES, Permission
from engine.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts. ``role`` is None for the owner of the machine, who acts without a token."""

    name: str
    role: str | None

    def may(self, permission: Permission) -> bool:
        """Whether his role allows this."""
        return self.role is not None and permission in ROLES[self.role].may


@dataclass(frozen=True, slots=True)
class Listed:
    """An operator as listed."""

    name: str
    role: str
    created_at: datetime
    retired_at: datetime | None


class OperatorExistsError(ValueError):
    """The name is taken, perhaps by one who has left."""


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def add(connection: Connection, name: str, role: str) -> str:
    """A new operator; returns his token, which nobody can show again. OperatorExistsError when the name is taken."""
    if role not in ROLES:
        raise ValueError(f"{role!r} is not a role; there are {', '.join(ROLES)}")
    token = secrets.token_urlsafe(32)
    try:
        with connection.transaction():
            connection.execute(
                "insert into engine.operators (name, role, token_hash) values (%s, %s, %s)", (name, role, digest(token))
            )
    except psycopg.errors.UniqueViolation as problem:
        raise OperatorExistsError(f"the name {name!r} is taken") from problem
    return token


def authenticate(connection: Connection, token: str) -> Operator | None:
    """Whose token this is; None when nobody's, or of one who has left."""
    row = connection.execute(
        "select name, role from engine.operators where token_hash = %s and retired_at is null", (digest(token),)
    ).fetchone()
    return None if row is None or row[1] not in ROLES else Operator(row[0], row[1])


def everybody(connection: Connection) -> list[Listed]:
    """All operators, those who left too, by name."""
    found = connection.execute("select name, role, created_at, retired_at from engine.operators order by name")
    return [Listed(*row) for row in found.fetchall()]


def retire(connection: Connection, name: str) -> bool:
    """End an operator's token for good; whether there was such a one."""
    changed = connection.execute(
        "update engine.operators set retired_at = clock_timestamp() where name = %s and retired_at is null", (name,)
    )
    return changed.rowcount == 1
