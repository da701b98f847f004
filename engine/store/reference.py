"""Reference data in Postgres: one JSON document a version, the newest in force, all of them kept.

Rule: a version is written once and never changed; saving is compare-and-set on the version that the writer of the new
one has seen, so two operators who edit at the same time cannot undo each other.
"""

from __future__ import annotations

import psycopg

from engine.routing.directory import Reference
from engine.store.connection import Connection


class ReferenceMovedError(RuntimeError):
    """Somebody else saved a version meanwhile: load the newest, merge again, save again."""


def newest_version(connection: Connection) -> int:
    """The version in force; 0 while there is none. Cheap: asked between batches."""
    row = connection.execute("select coalesce(max(version), 0) from engine.reference").fetchone()
    return 0 if row is None else int(row[0])


def newest(connection: Connection) -> tuple[int, Reference]:
    """The version in force and its document; (0, an empty document) while there is none."""
    row = connection.execute(
        "select version, document::text from engine.reference order by version desc limit 1"
    ).fetchone()
    return (0, Reference()) if row is None else (int(row[0]), Reference.model_validate_json(row[1]))


def at_version(connection: Connection, version: int) -> Reference | None:
    """The document of one version, None when there never was one."""
    row = connection.execute("select document::text from engine.reference where version = %s", (version,)).fetchone()
    return None if row is None else Reference.model_validate_json(row[0])


def save(connection: Connection, seen: int, reference: Reference, changed_by: str) -> int:
    """Put a document in force after version ``seen``; returns its version. ReferenceMovedError when ``seen`` is old."""
    document = reference.model_dump_json(exclude_defaults=True)
    try:
        with connection.transaction():
            row = connection.execute(
                "insert into engine.reference (version, document, changed_by)"
                " select %(seen)s + 1, %(document)s::jsonb, %(by)s"
                " where %(seen)s = (select coalesce(max(version), 0) from engine.reference) returning version",
                {"seen": seen, "document": document, "by": changed_by},
            ).fetchone()
    except psycopg.errors.UniqueViolation:
        row = None
    if row is None:
        raise ReferenceMovedError(f"reference data is no longer at version {seen}")
    return int(row[0])
