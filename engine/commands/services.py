"""What commands need of the running system: addresses, connections, who is typing.

Rule: addresses come from the settings, else from the local stack's ``stack.json``; a service that does not answer is
one sentence and exit 3. Who holds an operator's token is that operator. Without a token, whoever can reach the
database with the engine's password is the owner of the machine: he may administer participants and operators, and is
recorded as ``local:USER``, but decides no case and touches no queue.
"""

from __future__ import annotations

import getpass
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from engine import settings as settings_module
from engine.errors import ServiceUnavailable, UsageFault
from engine.roles import Permission, roles_for
from engine.settings import Settings
from engine.store.operators import Operator, authenticate

if TYPE_CHECKING:
    from engine.bus.port import Admin, Consumer, Producer, TailReader
    from engine.bus.rights import KafkaRights
    from engine.bus.settings import BusSettings
    from engine.store.connection import Connection, Role


_SECRETS = ("kafka_sasl_password", "kafka_ssl_key_password")


def load(data: Path | None, *, kafka: bool = False, postgres: bool = False) -> Settings:
    """The settings, with the addresses of the asked services filled in from the stack of the data folder."""
    settings = settings_module.load(data=data)
    _quiet(settings)
    wanted = [name for name, asked in (("kafka", kafka), ("postgres", postgres)) if asked]
    missing = [name for name in wanted if getattr(settings, name) is None]
    if not missing:
        return settings
    from engine.stack.control import stack

    found = stack(settings)
    update = {name: found[name] for name in missing}
    if "kafka" in missing:
        login: dict[str, str] = found.get("kafka_client", {})
        update |= {name: SecretStr(value) if name in _SECRETS else value for name, value in login.items()}
    return settings.model_copy(update=update)


def _quiet(settings: Settings) -> None:
    """A command says itself what is wrong: of the clients' logs only errors are shown, unless debugging."""
    from engine.observability.logs import configure_logging

    level = "debug" if settings.log_level == "debug" else "error"
    configure_logging(settings.model_copy(update={"log_level": level}), "command")


@contextmanager
def database(settings: Settings, role: Role) -> Iterator[Connection]:
    """A connection in a role, of a database of this build's version."""
    import psycopg

    from engine.store.connection import connect
    from ledger.migrate import MigrationError, require_current

    assert settings.postgres is not None
    connection = connect(settings.postgres, role, name="qenex command")
    try:
        require_current(connection)
        yield connection
    except MigrationError as problem:
        raise UsageFault(f"{problem}") from None
    except psycopg.OperationalError as problem:
        raise ServiceUnavailable("Postgres", f"{problem}".strip().splitlines()[0]) from problem
    finally:
        connection.close()


def bus_settings(settings: Settings) -> BusSettings:
    """How to reach Kafka, for a short-lived client: an outage is told within seconds."""
    from engine.bus.settings import BusSettings

    assert settings.kafka is not None
    return BusSettings(
        bootstrap=settings.kafka,
        client_id="qenex-command",
        security=settings.librdkafka(),
        linger_ms=0,
        delivery_timeout_ms=15_000,
        fetch_queue_messages=500,
        request_timeout_ms=10_000,
    )


@contextmanager
def kafka_faults() -> Iterator[None]:
    """An outage of Kafka inside the block becomes its sentence."""
    from engine.bus.port import BusError, OutgoingRefusedError

    try:
        yield
    except OutgoingRefusedError as problem:
        raise UsageFault(f"Kafka refuses the message: {problem}") from problem
    except BusError as problem:
        raise ServiceUnavailable("Kafka", f"{problem}. Start it with: qenex up") from problem


@contextmanager
def producer(settings: Settings) -> Iterator[Producer]:
    """A producer."""
    from engine.bus.kafka import KafkaProducer

    with kafka_faults():
        found = KafkaProducer(bus_settings(settings))
        try:
            yield found
        finally:
            found.close()


@contextmanager
def consumer(settings: Settings) -> Iterator[Consumer]:
    """A consumer that belongs to no group's assignment: for reading given positions."""
    from engine.bus.kafka import KafkaConsumer

    with kafka_faults():
        found = KafkaConsumer(bus_settings(settings), "qenex-command")
        try:
            yield found
        finally:
            found.close()


def admin(settings: Settings) -> Admin:
    """Looks at and creates topics."""
    from engine.bus.kafka_admin import KafkaAdmin

    return KafkaAdmin(bus_settings(settings))


def kafka_rights(settings: Settings) -> KafkaRights:
    """Makes users and rights at the local broker; UsageFault where it asks nobody for a password, or is not ours."""
    from engine.bus.rights import KafkaRights
    from engine.bus.settings import BusSettings
    from engine.stack import kafka_access
    from engine.stack.folder import DataFolder

    if settings_module.load(data=settings.data).kafka is not None:
        raise UsageFault(
            "QENEX_KAFKA names a cluster of your own: give rights with its own tools (docs/explanation/security.md)."
        )
    if settings.kafka_security_protocol == "PLAINTEXT":
        raise UsageFault("The local Kafka asks nobody for a password: start it with QENEX_KAFKA_SECURITY=scram.")
    assert settings.kafka is not None
    login = kafka_access.admin_login(DataFolder(settings.data))
    return KafkaRights(BusSettings(settings.kafka, "qenex-command", login, request_timeout_ms=10_000))


def tails(settings: Settings) -> TailReader:
    """Reads the end of topics."""
    from engine.bus.kafka_admin import KafkaTailReader

    return KafkaTailReader(bus_settings(settings))


def acting(settings: Settings, connection: Connection) -> Operator:
    """Who types: the holder of the token, else the owner of the machine. UsageFault when the token is nobody's."""
    token = _token(settings)
    if token is None:
        return Operator(f"local:{_user()}", None)
    found = authenticate(connection, token)
    if found is None:
        raise UsageFault("The operator's token is not valid, or its holder has been retired. See: qenex operators list")
    return found


def require(settings: Settings, connection: Connection, permission: Permission) -> Operator:
    """The operator who types, if his role allows this; UsageFault otherwise."""
    found = acting(settings, connection)
    roles = ", ".join(roles_for(permission))
    if found.role is None:
        raise UsageFault(
            f"This needs an operator: set QENEX_OPERATOR_TOKEN, or QENEX_OPERATOR_TOKEN_FILE to a file of mode 600"
            f" (roles: {roles}). A new operator gets his token from: qenex operators add NAME --role ROLE"
        )
    if not found.may(permission):
        raise UsageFault(f"{found.name} is {found.role}; this needs one of: {roles}")
    return found


def administrator(settings: Settings, connection: Connection) -> Operator:
    """Who administers participants: the owner of the machine, or an operator whose role allows it."""
    found = acting(settings, connection)
    return found if found.role is None else require(settings, connection, "participants")


def systems(name: str | None) -> tuple[str, ...]:
    """The settlement systems that ``--system`` means: the one named, else all. UsageFault when there is no such."""
    from settlement.schemes import BOOKS

    if name is None:
        return BOOKS
    if name not in BOOKS:
        raise UsageFault(f"--system {name}: there is no such settlement system; there are {', '.join(BOOKS)}.")
    return (name,)


def _token(settings: Settings) -> str | None:
    if settings.operator_token is not None:
        return settings.operator_token.get_secret_value().strip()
    path = settings.operator_token_file
    if path is None:
        return None
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise UsageFault(f"{path} has mode {mode:o}: others could read the token. Run: chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageFault(f"The token file {path} cannot be read: {problem}.") from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "unknown"
