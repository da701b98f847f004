"""Postgres in memory: a twin of the engine's database for tests and the simulator, with one switch that breaks it.

Rule: it understands the statements of ``engine.store`` and ``ledger.store`` (``memory_statements``) and no other; what
it does with them is what Postgres does, constraints and sessions included, and one contract suite says so of both
(``tests/integration/test_store_contract.py``). Deterministic: no thread, no clock of its own; one transaction at a
time. ``reach`` is called wherever a server or its network may fail: it may raise, and may run others meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, NamedTuple, cast

import psycopg

from engine.store.connection import Connection
from engine.store.memory_statements import HANDLERS
from ledger.binary import HEADER, TRAILER

Row = tuple[Any, ...]
Key = Any
#: Where a fault may happen: before a statement outside of transactions, before a transaction, before its COMMIT, and
#: after the COMMIT, before the client learns of it.
Point = Literal["statement", "begin", "before-commit", "after-commit"]
#: What a statement gives: rows, or how many rows it touched.
Answer = list[Row] | int
Handler = Callable[["MemoryPostgres", Sequence[Any], int], Answer]

_MISSING: Any = object()

#: Type of every column that is copied in, by name; others are text.
_BYTES = frozenset({"payment_id", "message_id", "digest", "duplicate_of", "payload", "envelope"})
_NUMBERS = frozenset(
    "attempt payments received_at decided_at routed_partition routed_offset versions amount step at outbox_first"
    " outbox_count writer_no seq claimed_at arrival position until entry_id business_date posted_at account_id"
    " account_seq balance_after".split()
)
#: Columns of the key of each table that is copied into, by place in the COPY statement.
_KEYS: dict[str, tuple[int, ...]] = {
    "engine.inbox": (0, 1),
    "engine.transitions": (0, 1),
    "engine.outcomes": (0,),
    "engine.claims": (3,),
    "engine.outbox": (0, 1),
    "engine.waiting": (0,),
    "ledger.entries": (0,),
    "ledger.postings": (0, 1),
}


class UnknownStatementError(RuntimeError):
    """A statement that the twin was not taught: teach ``memory_statements``, and the contract suite."""


class Change(NamedTuple):
    """One row that a commit made true; ``old`` is None for a new row, ``new`` None for one that is gone."""

    table: str
    key: Key
    new: Row | None
    old: Row | None


class Commit(NamedTuple):
    """What one session made true at once."""

    session: int
    changes: list[Change]


class MemoryPostgres:
    """A database. ``now``: the server's clock. ``loose``: tables whose unique constraints are dropped (sabotage)."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.reach: Callable[[MemoryConnection, Point], None] = lambda *_: None
        self.loose: frozenset[str] = frozenset()
        self.handlers: dict[str, Handler] = dict(HANDLERS)
        self.tables: dict[str, dict[Key, Row]] = {}
        self.commits: list[Commit] = []
        self.locks: dict[tuple[int, int], int] = {}
        #: payment -> entry (the unique index of ``ledger.entries``), writer -> its outbox's last sequence.
        self.entry_of: dict[bytes, int] = {}
        self.last_seq: dict[int, int] = {}
        self.in_transaction = False
        self._sessions = 0
        self._undo: list[tuple[dict[Key, Row], Key, Row]] = []
        self._changes: list[Change] = []

    def connect(self) -> MemoryConnection:
        """A new session."""
        self._sessions += 1
        return MemoryConnection(self, self._sessions)

    def end_session(self, session: int) -> None:
        """The server notices that a client is gone: its advisory locks are free."""
        for lock in [lock for lock, holder in self.locks.items() if holder == session]:
            del self.locks[lock]

    # What statements do

    def table(self, name: str) -> dict[Key, Row]:
        """The rows of a table by key."""
        found = self.tables.get(name)
        return self.tables.setdefault(name, {}) if found is None else found

    def put(self, name: str, key: Key, row: Row) -> None:
        """Insert or update a row."""
        table = self.table(name)
        old = table.get(key, _MISSING)
        self._undo.append((table, key, old))
        self._changes.append(Change(name, key, row, None if old is _MISSING else old))
        table[key] = row

    def insert(self, name: str, key: Key, row: Row) -> None:
        """Insert a row; UniqueViolation when its key is taken."""
        if key in self.table(name):
            if name not in self.loose:
                raise psycopg.errors.UniqueViolation(f"duplicate key value violates unique constraint of {name}: {key}")
            key = (key, "again", len(self._changes), len(self.commits))
        self.put(name, key, row)

    def remove(self, name: str, key: Key) -> bool:
        """Delete a row; whether there was one."""
        table = self.table(name)
        old = table.pop(key, _MISSING)
        if old is _MISSING:
            return False
        self._undo.append((table, key, old))
        self._changes.append(Change(name, key, None, old))
        return True

    def index(self, table: dict[Any, Any], key: Key, value: Any) -> None:
        """Set an entry of an index, so that a rollback takes it back."""
        self._undo.append((table, key, table.get(key, _MISSING)))
        table[key] = value

    def finish(self, session: int) -> None:
        """What was done since the last commit is true."""
        if self._changes:
            self.commits.append(Commit(session, self._changes))
            self._changes = []
        self._undo.clear()

    def undo(self) -> None:
        """What was done since the last commit never was."""
        for table, key, old in reversed(self._undo):
            if old is _MISSING:
                table.pop(key, None)
            else:
                table[key] = old
        self._undo.clear()
        self._changes = []

    def run(self, statement: str, arguments: Sequence[Any], session: int) -> Answer:
        """One statement."""
        handler = self.handlers.get(statement)
        if handler is None:
            handler = self.handlers.get(normalised(statement))
            if handler is None:
                raise UnknownStatementError(f"the twin of Postgres was not taught: {normalised(statement)}")
            self.handlers[statement] = handler
        return handler(self, arguments, session)

    def copy(self, target: str, image: bytes) -> None:
        """COPY FROM STDIN in the binary format."""
        name, columns = target.split(" ", 1)
        names = [column.strip() for column in columns.strip("()").split(",")]
        key_of = _KEYS[name]
        for row in _decoded(image, names):
            key = row[key_of[0]] if len(key_of) == 1 else (row[key_of[0]], row[key_of[1]])
            self.insert(name, key, row)
            if name == "ledger.entries":
                self._index_entry(row)
            elif name == "engine.outbox":
                self.index(self.last_seq, row[0], max(self.last_seq.get(row[0], 0), row[1]))
        if name == "ledger.postings":
            self._sums_to_zero(image, names)

    def _index_entry(self, row: Row) -> None:
        if row[1] is not None:
            if row[1] in self.entry_of and "ledger.entries" not in self.loose:
                raise psycopg.errors.UniqueViolation(
                    "duplicate key value violates unique constraint one_entry_a_payment"
                )
            self.index(self.entry_of, row[1], row[0])

    @staticmethod
    def _sums_to_zero(image: bytes, names: Sequence[str]) -> None:
        sums: dict[int, int] = {}
        for _, _, entry, amount, _ in _decoded(image, names):
            sums[entry] = sums.get(entry, 0) + amount
        if any(sums.values()):
            raise psycopg.errors.CheckViolation("postings of an entry do not sum to zero")


_normal: dict[str, str] = {}


def normalised(statement: str) -> str:
    """A statement without its layout."""
    found = _normal.get(statement)
    if found is None:
        found = _normal[statement] = " ".join(statement.split())
    return found


def _decoded(image: bytes, names: Sequence[str]) -> Iterator[Row]:
    """The rows of a COPY image."""
    kinds = [1 if name in _BYTES else 2 if name in _NUMBERS else 0 for name in names]
    at, end = len(HEADER), len(image) - len(TRAILER)
    number = int.from_bytes
    while at < end:
        at += 2
        row: list[Any] = []
        for kind in kinds:
            size = number(image[at : at + 4], "big", signed=True)
            at += 4
            if size < 0:
                row.append(None)
                continue
            value = image[at : at + size]
            at += size
            row.append(value if kind == 1 else number(value, "big", signed=True) if kind else value.decode())
        yield tuple(row)


class MemoryCursor:
    """What of ``psycopg.Cursor`` the engine uses."""

    def __init__(self, connection: MemoryConnection) -> None:
        self._connection = connection
        self._rows: list[Row] = []
        self._next = 0
        self.rowcount = -1

    def execute(self, statement: str, arguments: Any = ()) -> MemoryCursor:
        """Run a statement."""
        answer = self._connection.answer(statement, arguments)
        if isinstance(answer, int):
            self._rows, self.rowcount = [], answer
        else:
            self._rows, self.rowcount = answer, len(answer)
        self._next = 0
        return self

    def fetchone(self) -> Row | None:
        """The next row."""
        self._next += 1
        return self._rows[self._next - 1] if self._next <= len(self._rows) else None

    def fetchall(self) -> list[Row]:
        """The rows that are left."""
        rows, self._next = self._rows[self._next :], len(self._rows)
        return rows

    def copy(self, statement: str) -> MemoryCopy:
        """COPY ... FROM STDIN."""
        return MemoryCopy(self._connection, statement.removeprefix("copy ").removesuffix(" from stdin (format binary)"))

    def __enter__(self) -> MemoryCursor:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class MemoryCopy:
    """A COPY under way: taken as a whole when its block ends."""

    def __init__(self, connection: MemoryConnection, target: str) -> None:
        self._connection = connection
        self._target = target
        self._image = b""

    def write(self, image: bytes) -> None:
        """Some bytes of the image."""
        self._image += image

    def __enter__(self) -> MemoryCopy:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._connection.copy(self._target, self._image)


class MemoryConnection:
    """A session: what of ``psycopg.Connection`` (autocommit) the engine uses."""

    def __init__(self, server: MemoryPostgres, session: int) -> None:
        self.server = server
        self.session = session
        self.closed = False
        self._inside = False

    @property
    def port(self) -> Connection:
        """The session as the engine's adapters take it."""
        return cast(Connection, self)

    def lose(self, *, noticed: bool = True) -> None:
        """The network or the process is gone. ``noticed``: the server knows at once and ends the session."""
        self.closed = True
        if noticed:
            self.server.end_session(self.session)

    def close(self) -> None:
        """End the session."""
        self.lose()

    def cursor(self, **_: object) -> MemoryCursor:
        """A cursor."""
        return MemoryCursor(self)

    def execute(self, statement: str, arguments: Any = ()) -> MemoryCursor:
        """Run a statement, outside of a transaction as one of its own."""
        return MemoryCursor(self).execute(statement, arguments)

    def answer(self, statement: str, arguments: Any) -> Answer:
        """What a statement gives."""
        server = self.server
        if self._inside:
            self._alive()
            return server.run(statement, arguments, self.session)
        self._reach("statement")
        try:
            found = server.run(statement, arguments, self.session)
        except BaseException:
            server.undo()
            raise
        server.finish(self.session)
        return found

    def copy(self, target: str, image: bytes) -> None:
        """COPY; only ever done inside a transaction."""
        self._alive()
        self.server.copy(target, image)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Lost at the commit, nobody knows which."""
        server = self.server
        self._reach("begin")
        if server.in_transaction:
            raise RuntimeError("the twin of Postgres runs one transaction at a time")
        self._inside = server.in_transaction = True
        try:
            yield
            self._reach("before-commit")
        except BaseException:
            server.undo()
            raise
        else:
            server.finish(self.session)
        finally:
            self._inside = server.in_transaction = False
        self._reach("after-commit")

    def _alive(self) -> None:
        if self.closed:
            raise psycopg.OperationalError("the connection is closed")

    def _reach(self, point: Point) -> None:
        self._alive()
        self.server.reach(self, point)
        self._alive()

    def __enter__(self) -> MemoryConnection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
