"""The testbed: a local stack with workers, banks with accounts and keys, a sender that knows what the broker took.

Rule: participants come in through the command that operators use; messages through a Kafka client of its own. A worker
that ends is started again, as the supervisor does; what an end cost is found by the checks, not hidden here.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient

from engine import commanding, ids
from engine.app import bus_settings
from engine.bus.kafka import KafkaConsumer, KafkaProducer
from engine.bus.kafka_admin import KafkaAdmin
from engine.bus.port import BEGINNING, OperatingFaultError
from engine.bus.record import LAU, Record
from engine.bus.topics import INGEST_TOPICS
from engine.sending import Signer
from engine.settings import environment_for_child
from engine.stack.local import LocalStack
from engine.store import keys
from engine.store.connection import Connection, Role, connect
from engine.store.outcomes import sources
from engine.testbed.banks import dollar_banks, euro_banks
from engine.testbed.samples import Sample

#: How long a bed waits for what was sent to be decided and answered.
PATIENCE_SECONDS = 180.0
_BROKER_SECONDS = 30.0
_QENEX = "import sys; from engine.cli import main; sys.argv[0] = 'qenex'; main()"
_WORKERS = "worker."


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that the broker has acknowledged: its place, the SHA-256 of its bytes, what it was."""

    topic: str
    partition: int
    offset: int
    digest: bytes
    sample: Sample


#: Hears what became of a message at the broker: its arrival, or None and why not.
Told = Callable[[Arrival | None, str], None]


class Bed:
    """A stack in use. ``dates``: business dates of the books; ``restarts``: workers that had to be started again."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.dates: dict[str, date] = {}
        self.signer = Signer({})
        self.restarts: dict[str, int] = {}

    # -- banks and books -----------------------------------------------------------------------------------------------

    def populate(self) -> None:
        """Import the banks through ``qenex participants import``; once more changes nothing."""
        file = self.stack.folder.root / "banks.json"
        file.write_text(json.dumps([bank.record() for bank in (*euro_banks(), *dollar_banks())]))
        self.command("participants", "import", str(file), "--timeout", "60")
        self.look()

    def command(self, *arguments: str) -> str:
        """What a command of ``qenex`` prints; RuntimeError when its exit status is not 0."""
        environment = environment_for_child(
            data=str(self.stack.folder.root), kafka=self.stack.kafka or "", postgres=self.stack.postgres or ""
        )
        done = subprocess.run(  # noqa: S603  (our own command)
            [sys.executable, "-c", _QENEX, *arguments],
            env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"qenex {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def look(self) -> None:
        """Read keys and business dates again."""
        with self.database("owner") as connection:
            self.signer = Signer(keys.active_keys(connection))
            self.dates = dict(connection.execute("select book, business_date from engine.books").fetchall())

    def turn_day(self, book: str, actions: Sequence[str] = ("close-day", "open-day")) -> None:
        """Close a book's day, which empties its queue, and open the next."""
        producer = KafkaProducer(bus_settings(self.stack.settings, "testbed.commands"))
        with self.database("owner") as connection:
            for action in actions:
                wanted = commanding.command(book, action, "testbed", datetime.now(UTC))
                done = commanding.issue(producer, connection, wanted, PATIENCE_SECONDS)
                if not done.ok:
                    raise RuntimeError(f"{book}: {action} was refused: {done.text}")
        producer.close()
        self.look()

    # -- access --------------------------------------------------------------------------------------------------------

    @contextmanager
    def database(self, role: Role = "qenex_reader") -> Iterator[Connection]:
        """A connection of the testbed's own."""
        assert self.stack.postgres is not None
        with connect(self.stack.postgres, role, name="testbed") as connection:
            yield connection

    def admin(self) -> KafkaAdmin:
        """Looks at topics."""
        return KafkaAdmin(bus_settings(self.stack.settings, "testbed.admin"))

    def sources(self, connection: Connection, topics: Sequence[str] = INGEST_TOPICS) -> dict[tuple[str, int], int]:
        """(topic, partition) -> source."""
        admin = self.admin()
        return sources(connection, admin.cluster_id(), [info.id.hex for info in admin.describe(topics).values()])

    def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """Offset behind the last message of each partition of some topics; waits for a broker that has just come."""
        deadline = time.monotonic() + _BROKER_SECONDS
        while True:
            try:
                return self._ends(topics)
            except OperatingFaultError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        consumer = KafkaConsumer(bus_settings(self.stack.settings, "testbed.ends"), "testbed.ends")
        try:
            return {
                (info.name, partition): consumer.watermarks((info.name, partition), 15.0)[1]
                for info in self.admin().describe(topics).values()
                for partition in range(info.partitions)
            }
        finally:
            consumer.close()

    def forget_group(self, group: str) -> None:
        """Delete a consumer group with its positions: it begins anew. No member may be in it."""
        client = AdminClient({"bootstrap.servers": self.stack.kafka or ""})
        deadline = time.monotonic() + _BROKER_SECONDS
        while True:
            try:
                for answer in client.delete_consumer_groups([group]).values():
                    answer.result()
                return
            except KafkaException:
                if time.monotonic() > deadline:  # a static member stays until its session has timed out
                    raise
                time.sleep(0.5)

    def read(self, topics: Sequence[str], since: Mapping[tuple[str, int], int] | None = None) -> Iterator[Record]:
        """All messages of some topics up to their ends as they are now."""
        wanted = {place: end for place, end in self.ends(topics).items() if end > 0}
        starts = {place: BEGINNING if since is None else since.get(place, BEGINNING) for place in wanted}
        consumer = KafkaConsumer(bus_settings(self.stack.settings, "testbed.read"), "testbed.read")
        try:
            wanted = {place: end for place, end in wanted.items() if starts[place] < end}
            if wanted:
                consumer.assign({place: starts[place] for place in wanted})
            deadline = time.monotonic() + PATIENCE_SECONDS
            while wanted:
                for record in consumer.poll_batch(2_000, 0.2):
                    end = wanted.get(record.place, 0)
                    if record.offset < end:
                        yield record
                    if record.offset + 1 >= end:
                        wanted.pop(record.place, None)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{sorted(wanted)} cannot be read to the end")
        finally:
            consumer.close()

    # -- workers -------------------------------------------------------------------------------------------------------

    def workers(self) -> list[str]:
        """Names of the worker pieces."""
        return [name for name in self.stack.pieces if name.startswith(_WORKERS)]

    def tend(self) -> None:
        """Start again every worker that ended, as the supervisor does."""
        for name in self.workers():
            if self.stack.has_ended(name):
                self.restarts[name] = self.restarts.get(name, 0) + 1
                self.stack.launch(name)

    @contextmanager
    def tended(self) -> Iterator[None]:
        """Workers that end inside the block are started again."""
        over = threading.Event()

        def keep() -> None:
            while not over.wait(0.2):
                self.tend()

        keeper = threading.Thread(target=keep, name="keeper")
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    # -- waiting -------------------------------------------------------------------------------------------------------

    def settle(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until everything on the ingest topics is archived and decided, and every answer is with the broker."""
        deadline = time.monotonic() + seconds
        ends = self.ends(INGEST_TOPICS)
        with self.database() as connection:
            wanted = {source: ends[place] for place, source in self.sources(connection).items()}
            self._await(deadline, lambda: self._undone(connection, wanted))
            self._await(deadline, lambda: self._unsent(connection))

    def _await(self, deadline: float, left: Callable[[], str]) -> None:
        while said := left():
            if time.monotonic() > deadline:
                raise TimeoutError(said)
            time.sleep(0.2)

    def _undone(self, connection: Connection, wanted: Mapping[int, int]) -> str:
        done: dict[int, int] = dict(
            connection.execute("select source_id, done_through from engine.progress").fetchall()
        )
        late = {source: (done.get(source, 0), end) for source, end in wanted.items() if done.get(source, 0) < end}
        return f"not decided, by source (done through, end): {late}" if late else ""

    def _unsent(self, connection: Connection) -> str:
        late = connection.execute(
            "select o.writer_no, max(o.seq), r.published_seq from engine.outbox o left join engine.relays r"
            " using (writer_no) group by 1, 3 having r.published_seq is null or max(o.seq) > r.published_seq"
        ).fetchall()
        return f"answers not sent (writer, last, sent): {late}" if late else ""


class Sender:
    """Puts samples on their topics, signed; ``arrived`` are those that the broker acknowledged, in no set order."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self.arrived: list[Arrival] = []
        self.refused: list[str] = []
        self._client = Producer(
            {
                "bootstrap.servers": bed.stack.kafka,
                "client.id": "testbed",
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 5,
                "partitioner": "murmur2_random",
                "message.max.bytes": 16 * 1024 * 1024,
                "message.timeout.ms": 120_000,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )

    def send(self, sample: Sample, *, signature: str | None = None, told: Told | None = None) -> None:
        """Queue one; ``signature`` instead of the right one; ``told`` hears what the broker said."""
        lau = signature or self._bed.signer.sign(sample.sender, sample.value) or ""
        self._client.produce(
            sample.topic,
            sample.value,
            sample.key.encode(),
            headers={LAU: lau.encode()},
            on_delivery=lambda error, message: self._delivered(sample, error, message, told),
        )
        self._client.poll(0)

    def _delivered(self, sample: Sample, error: KafkaError | None, message: Message, told: Told | None) -> None:
        if error is not None:
            self.refused.append(f"{sample.kind}: {error.str()}")
            if told is not None:
                told(None, error.str())
            return
        digest = hashlib.sha256(sample.value).digest()
        arrival = Arrival(message.topic() or "", message.partition() or 0, message.offset() or 0, digest, sample)
        self.arrived.append(arrival)
        if told is not None:
            told(arrival, "")

    def poll(self, seconds: float) -> None:
        """Serve what the broker answered."""
        self._client.poll(seconds)

    def flush(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the broker has acknowledged everything."""
        left = self._client.flush(seconds)
        if left:
            raise TimeoutError(f"the broker did not take {left} messages")


def message_ids(bed: Bed, connection: Connection, arrived: Sequence[Arrival]) -> dict[bytes, Arrival]:
    """Message id -> arrival."""
    known = bed.sources(connection)
    return {ids.payment_id(known[one.topic, one.partition], one.offset, 0): one for one in arrived}
