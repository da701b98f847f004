"""The engine against Kafka and Postgres in containers: one payment of each family to its outcome."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from engine.demo.samples import Run, filled
from engine.settings import load
from engine.stack.folder import free_port
from engine.testing.running import DEMONSTRATION_BANKS, Engine, started
from payments import Money
from settlement.schemes import BOOKS
from tools.local_images.images import KAFKA, POSTGRES, Images

pytestmark = [pytest.mark.containers, pytest.mark.slow, pytest.mark.timeout(1200)]
OWNER, DATABASE, PASSWORD = "qenex_owner", "qenex", "tide-and-harbour"
#: Sample -> who is paid by it, in which system, how much in minor units.
FAMILIES = {
    "customer-transfer.fin": ("LUMIFRPPXXX", "EUR-RTGS", 750_000),
    "customer-transfer.xml": ("AURODEFFXXX", "EUR-RTGS", None),
    "instant.xml": ("TULPNL2AXXX", "EUR-INST", None),
    "payroll.ach": ("MESAUS66XXX", "USD-ACH", None),
}


@pytest.fixture(scope="module")
def postgres(images: Images) -> Iterator[str]:
    """The owner's address of a database in a container."""
    testcontainers = pytest.importorskip("testcontainers.community.postgres")
    with testcontainers.PostgresContainer(
        POSTGRES, username="postgres", password=PASSWORD, dbname="postgres"
    ) as server:
        url = server.get_connection_url(driver=None)
        with psycopg.connect(url, autocommit=True) as connection:
            owner, password = sql.Identifier(OWNER), sql.Literal(PASSWORD)
            connection.execute(sql.SQL("create role {} login createrole password {}").format(owner, password))
            connection.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), owner))
        host, port = server.get_container_host_ip(), server.get_exposed_port(5432)
        yield f"postgresql://{OWNER}:{PASSWORD}@{host}:{port}/{DATABASE}"


@pytest.fixture(scope="module")
def kafka(images: Images) -> Iterator[str]:
    """The address of a broker in a container; it has to tell its clients the port that they find it on."""
    container = pytest.importorskip("testcontainers.core.container")
    waiting = pytest.importorskip("testcontainers.core.wait_strategies")
    port = free_port()
    broker = container.DockerContainer(KAFKA).with_bind_ports(9092, port)
    for name, value in {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
        "KAFKA_MESSAGE_MAX_BYTES": "16777216",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }.items():
        broker.with_env(name, value)
    broker.waiting_for(waiting.ExecWaitStrategy(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9092"]))
    with broker:
        yield f"localhost:{port}"


@pytest.fixture(scope="module")
def engine(kafka: str, postgres: str) -> Iterator[Engine]:
    with started(load(kafka=kafka, postgres=postgres)) as found:
        found.bring_in(DEMONSTRATION_BANKS)
        yield found


@pytest.fixture(scope="module")
def run(engine: Engine) -> Run:
    return Run(datetime.now(UTC), {system: engine.business_date(system) for system in BOOKS})


@pytest.mark.parametrize("sample", FAMILIES)
def test_a_payment_of_each_family_settles(engine: Engine, run: Run, sample: str) -> None:
    participant, system, minor = FAMILIES[sample]
    before = engine.balances()[participant, system]
    number = list(FAMILIES).index(sample)
    sent = engine.send(filled(sample, run, number, None if minor is None else Money(minor, "EUR")))
    record = engine.wait_for_outcome(sent, "SETTLED")
    paid = sum(Money.parse(each["amount"], each["currency"]).minor for each in record["payments"])
    assert paid == (minor or paid) > 0
    assert engine.balances()[participant, system].minor == before.minor + paid


def test_the_server_is_the_one_in_the_container(engine: Engine, postgres: str) -> None:
    """It sees its own port, not the one that it is published on."""
    assert engine.postgres == postgres
    with psycopg.connect(postgres) as connection:
        row = connection.execute("select inet_server_port(), current_setting('fsync')").fetchone()
    assert row == (5432, "on")
    assert ":5432/" not in postgres
