"""Who may do what: roles of the database, users and rights of the broker, secrets that nobody else sees."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from engine.app import database as writer_connection
from engine.bus.topics import DEADLETTER, INGEST_SWIFT_MT, ROUTED, outbound_topic
from engine.errors import UsageFault
from engine.stack.folder import DataFolder
from engine.stack.local import LocalStack
from engine.stack.postgres import LOGIN, Postgres
from engine.stack.prepare import _let_in
from engine.store.connection import connect, refuse_superuser
from engine.testbed.samples import Writer
from ledger import migrate

pytestmark = pytest.mark.integration
ENTRY = "import sys; from engine.cli import main; sys.argv[0] = 'qenex'; main()"
KAFKA_SECRET = "kafka-login-nobody-else-sees"
FIRST, SECOND = "KOGADEHHXXX", "KOGBDEHHXXX"


# -- the database ------------------------------------------------------------------------------------------------------


@pytest.fixture
def login(services: LocalStack, database: str) -> Iterator[psycopg.Connection]:
    """The engine's own login to a database of this build."""
    with connect(database, "owner") as owner:
        migrate.apply(owner)
        _let_in(owner)
        owner.execute("insert into engine.operators values ('ann', 'viewer', 'x')")
        owner.execute("insert into ledger.accounts values (1, 'B', 'P', 'settlement', 'EUR', now())")
    password = services.folder.secret(LOGIN)
    name = database.rpartition("/")[2]
    address = f"127.0.0.1:{database.rpartition('@')[2].partition('/')[0].rpartition(':')[2]}"
    with psycopg.connect(f"postgresql://{LOGIN}:{password}@{address}/{name}", autocommit=True) as connection:
        yield connection


def refused(connection: psycopg.Connection, statement: str) -> bool:
    try:
        connection.execute(statement)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation):
        return True
    return False


def test_the_engines_login_is_nothing_by_itself(login: psycopg.Connection) -> None:
    rights = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    assert login.execute(f"select {rights} from pg_roles where rolname = session_user").fetchone() == (False,) * 5
    assert refused(login, "select * from engine.inbox")
    assert refused(login, "set role qenex_owner")
    assert refused(login, "set role postgres")
    login.execute("set role qenex_writer")
    login.execute("set role qenex_reader")


def test_the_writer_adds_to_history_and_changes_none(login: psycopg.Connection) -> None:
    login.execute("set role qenex_writer")
    login.execute("insert into ledger.accounts values (2, 'B', 'Q', 'settlement', 'EUR', now())")
    for statement in (
        "update ledger.accounts set book = 'C'",
        "delete from ledger.postings",
        "truncate engine.inbox",
        "update engine.outbox set payload = ''",
        "delete from engine.archive",
        "alter table ledger.accounts disable trigger append_only",
        "drop trigger append_only on ledger.accounts",
        "create table engine.mine (n int)",
        "create function engine.mine() returns int language sql as 'select 1'",
        "update public.qenex_migrations set sha256 = ''",
        "insert into engine.recoveries (target, backup, restored_to, restored_by) values ('x', 'x', now(), 'x')",
        "copy ledger.accounts to program 'cat'",
    ):
        assert refused(login, statement), statement


def test_the_reader_reads_and_no_secrets(login: psycopg.Connection) -> None:
    login.execute("set role qenex_reader")
    assert login.execute("select count(*) from ledger.accounts").fetchone() == (1,)
    for statement in (
        "insert into ledger.accounts values (3, 'B', 'R', 'settlement', 'EUR', now())",
        "update engine.relays set published_seq = 0",
        "delete from engine.waiting",
        "select * from engine.participant_keys",
        "select * from engine.operators",
    ):
        assert refused(login, statement), statement


def test_history_is_kept_from_its_owner_too(login: psycopg.Connection, database: str) -> None:
    with connect(database, "owner") as owner:
        assert refused(owner, "update ledger.accounts set book = 'C'")
        assert refused(owner, "truncate ledger.accounts cascade")


def test_a_superuser_is_not_let_in(services: LocalStack, database: str) -> None:
    with connect(database, "owner") as owner:
        migrate.apply(owner)
    server = services._pieces["postgres"]
    assert isinstance(server, Postgres)
    with server.superuser() as connection, pytest.raises(UsageFault, match="superuser"):
        refuse_superuser(connection)
    settings = services.settings.model_copy(update={"postgres": database})
    writer_connection(settings, "test").close()


# -- the broker, and what others see -----------------------------------------------------------------------------------


class Secured:
    """A stack behind passwords, with banks that have their own."""

    def __init__(self, root: Path) -> None:
        self.data = root / "data"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("QENEX_")}
        self.environment |= {"QENEX_DATA": str(self.data), "QENEX_KAFKA_SECURITY": "scram"}
        self.environment |= {"QENEX_DAY_SCHEDULE": "manual", "QENEX_OPERATOR_TOKEN": KAFKA_SECRET}
        self.passwords: dict[str, str] = {}

    def qenex(self, *arguments: str) -> str:
        environment = dict(self.environment)
        if arguments[0] != "up":
            del environment["QENEX_OPERATOR_TOKEN"]
        done = subprocess.run(
            [sys.executable, "-c", ENTRY, *arguments], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stack(self) -> dict[str, Any]:
        return json.loads((self.data / "stack.json").read_text())

    def client(self, user: str | None, password: str | None = None) -> dict[str, Any]:
        found = {"bootstrap.servers": self.stack()["kafka"], "log_level": 0, "socket.timeout.ms": 8000}
        if user is not None:
            found |= {
                "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": user,
                "sasl.password": password or self.passwords[user],
            }  # fmt: skip
        return found


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    root = Path(tempfile.mkdtemp(prefix="qenex-"))
    root.chmod(0o755)
    found = Secured(root)
    try:
        found.qenex("up")
        file = root / "banks.json"
        names = (FIRST, SECOND)
        account = {"system": "EUR-RTGS", "currency": "EUR", "opening_balance": "1000.00", "credit_line": "0.00"}
        file.write_text(
            json.dumps([{"bic": name, "name": name, "schemes": ["EUR-RTGS"], "accounts": [account]} for name in names])
        )
        found.qenex("participants", "import", str(file))
        for name in names:
            record = json.loads(found.qenex("participants", "access", name, "--json"))
            found.passwords[name] = record["password"]
        yield found
    finally:
        found.qenex("down", "--purge")
        shutil.rmtree(root, ignore_errors=True)


def write(config: dict[str, Any], topic: str) -> str | None:
    """None when the broker took a message, else the error's name."""
    errors: list[KafkaError | None] = []
    producer = Producer({**config, "message.timeout.ms": 4000, "acks": "all"})
    producer.produce(topic, b"not a message of any format", b"KEY", on_delivery=lambda error, _: errors.append(error))
    producer.flush(8)
    return "no answer" if not errors else None if errors[0] is None else errors[0].name()


def read(config: dict[str, Any], topic: str, group: str) -> str | None:
    """None when the topic can be read to its end, else the error's name."""
    consumer = Consumer({**config, "group.id": group, "enable.partition.eof": True, "auto.offset.reset": "earliest"})
    try:
        known = consumer.list_topics(topic, timeout=4).topics[topic].error
        if known is not None:
            return known.name()
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(8)
        error = None if message is None else message.error()
        if message is None:
            return "no answer"
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            return error.name()
        consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    except KafkaException as problem:
        return problem.args[0].name()
    finally:
        consumer.close()
    return None


@pytest.mark.slow
def test_without_a_password_nobody_reads_or_writes(secured: Secured) -> None:
    for config in (secured.client(None), secured.client(FIRST, "wrong"), secured.client("nobody", "at all")):
        assert write(config, INGEST_SWIFT_MT) is not None
        assert read(config, outbound_topic(FIRST), f"{FIRST}.g") is not None


@pytest.mark.slow
def test_a_participant_writes_ingest_and_reads_his_own_answers(secured: Secured) -> None:
    mine = secured.client(FIRST)
    assert write(mine, INGEST_SWIFT_MT) is None
    assert read(mine, outbound_topic(FIRST), f"{FIRST}.answers") is None
    denied = "TOPIC_AUTHORIZATION_FAILED"
    assert read(mine, outbound_topic(SECOND), f"{FIRST}.answers") == denied
    assert read(mine, INGEST_SWIFT_MT, f"{FIRST}.answers") == denied
    assert read(mine, ROUTED, f"{FIRST}.answers") == denied
    assert read(mine, DEADLETTER, f"{FIRST}.answers") == denied
    assert write(mine, outbound_topic(FIRST)) == denied
    assert write(mine, ROUTED) == denied
    assert write(mine, "ops.commands") == denied
    assert read(mine, outbound_topic(FIRST), f"{SECOND}.answers") == "GROUP_AUTHORIZATION_FAILED"


@pytest.mark.slow
def test_the_engine_works_behind_passwords(secured: Secured, tmp_path: Path) -> None:
    found = secured.stack()
    with psycopg.connect(found["postgres"]) as connection:
        dates = dict(connection.execute("select book, business_date from engine.books").fetchall())
    writer = Writer(7, dates, "S")
    writer.euro = writer.euro[:2]
    sample = writer.mt103(rich=True)
    file = tmp_path / "credit.fin"
    file.write_bytes(sample.value)
    record = json.loads(secured.qenex("send", str(file), "--wait", "30", "--json"))
    assert record["outcome"] in ("SETTLED", "QUEUED")
    accounts = re.findall(rb":(?:50K|59):/(\w+)\r\n([^\r]+)", sample.value)
    logs = b"".join(path.read_bytes() for path in DataFolder(secured.data).log.iterdir())
    assert len(accounts) == 2
    assert not [text for pair in accounts for text in pair if text in logs]


@pytest.mark.slow
def test_no_secret_is_on_a_command_line_or_in_a_log(secured: Secured) -> None:
    known: dict[str, str] = json.loads((secured.data / "secrets.json").read_text())
    assert {"postgres", "qenex_owner", LOGIN, "kafka_admin", "kafka_engine"} <= set(known)
    secrets = [KAFKA_SECRET, *known.values(), *secured.passwords.values()]
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if readable(path)]
    assert any(b"engine.worker" in line for line in lines)
    logs = {path: path.read_bytes() for path in DataFolder(secured.data).log.iterdir()}
    assert len(logs) > 4
    for secret in secrets:
        assert not [line for line in lines if secret.encode() in line]
        assert not [path for path, text in logs.items() if secret.encode() in text]
    for name in ("secrets.json", "stack.json", "kafka/server.properties"):
        assert (secured.data / name).stat().st_mode & 0o077 == 0, name
    shown = secured.qenex("config")
    assert not [secret for secret in secrets if secret in shown]


def readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
