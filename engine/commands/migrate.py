"""``qenex migrate``: bring the database's schema up to this build's."""

from __future__ import annotations

from engine.commands import services
from engine.commands.output import DataOption, JsonOption, json_line, line
from engine.errors import ServiceUnavailable, UsageFault


def migrate(data: DataOption = None, json: JsonOption = False) -> int:
    """Apply the migrations that the database lacks, in order, as the owner role; none is ever taken back.

    Workers refuse a database of another version than theirs: stop them, migrate, start them.

    Example: `qenex migrate`
    """
    import psycopg

    from engine.store.connection import connect
    from ledger.migrate import MigrationError, apply, migrations

    settings = services.load(data, postgres=True)
    assert settings.postgres is not None
    connection = connect(settings.postgres, "owner", name="qenex migrate")
    try:
        done = apply(connection)
    except MigrationError as problem:
        raise UsageFault(f"{problem}") from None
    except psycopg.errors.InsufficientPrivilege as problem:
        text = f"{problem}".strip().splitlines()[0]
        raise UsageFault(f"The user of QENEX_POSTGRES may not change the schema ({text}): use the owner's.") from None
    except psycopg.OperationalError as problem:
        raise ServiceUnavailable("Postgres", f"{problem}".strip().splitlines()[0]) from problem
    finally:
        connection.close()
    version = len(migrations())
    if json:
        json_line({"version": version, "applied": done})
    elif done:
        line(f"Applied {', '.join(done)}: the schema is at version {version}.")
    else:
        line(f"Nothing to do: the schema is at version {version}.")
    return 0
