"""Connections to Postgres in the engine's roles.

Rule: a worker connects as the writer role (which can neither update nor delete history) and never as a superuser;
durability settings are the server's and are not touched. A server that does not answer is an operating fault.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import psycopg

from engine.errors import ServiceUnavailable, UsageFault

Connection = psycopg.Connection[tuple[Any, ...]]
Role = Literal["qenex_writer", "qenex_reader", "owner"]

#: What a lost or refused connection raises; anything else is a defect or a broken rule.
OPERATING_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError)


def connect(url: str, role: Role, *, autocommit: bool = True, name: str = "qenex") -> Connection:
    """Connect, and step down into the role; ServiceUnavailable when Postgres does not answer.

    Statements are planned each time: under one connection tables grow from nothing to millions of rows, and a plan
    that was made for the empty ones would stay until somebody analyses them.
    """
    try:
        connection = psycopg.connect(
            url, autocommit=autocommit, application_name=name, connect_timeout=10, prepare_threshold=1
        )
        connection.execute("set plan_cache_mode = force_custom_plan")
        if role != "owner":
            connection.execute(f"set role {role}")
    except psycopg.OperationalError as problem:
        raise ServiceUnavailable("Postgres", f"{problem}".strip().splitlines()[0]) from problem
    return connection


def refuse_superuser(connection: Connection) -> None:
    """UsageFault when who logged in could do everything: then no role below would be worth anything."""
    row = connection.execute("select rolsuper from pg_roles where rolname = session_user").fetchone()
    if row is not None and row[0]:
        connection.close()
        raise UsageFault(
            "QENEX_POSTGRES logs in as a superuser: give the engine a user that is a member of qenex_writer and"
            " qenex_reader and nothing more (docs/explanation/security.md)."
        )


class Lasting:
    """A connection that outlives its server: called, it gives the one in use, or a new one when that was lost.

    For who keeps nothing of the database in memory. A writer has to begin anew after every loss.
    """

    def __init__(self, make: Callable[[], Connection]) -> None:
        self._make = make
        self._current = make()

    def __call__(self) -> Connection:
        """A connection that was not lost when it was used last; what opening one raises."""
        if self._current.closed:
            self._current = self._make()
        return self._current
