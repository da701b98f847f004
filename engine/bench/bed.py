"""The benches' system: a stack of its own in a temporary folder, with 200 banks that may pay each other at once.

Rule: everything as in production: migrations, keys, topics, accounts opened by the book's own command, signatures on,
10,000 listed names. Nothing of the machine's own stack is touched; leaving the block stops and deletes everything.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from engine import commanding, participants, settings
from engine.bench.banks import Bank, Zipf, banks
from engine.bench.figures import Say
from engine.compliance.synthetic import bench_list
from engine.compliance.watchlist import encode
from engine.stack.local import LocalStack
from engine.store import keys, reference
from engine.store.connection import Connection, connect

BOOK, CURRENCY = "EUR-RTGS", "EUR"
LISTED = 10_000
#: Standard deviations that the busiest banks open with, and all others.
BUSIEST, DEVIATIONS = 20, (5.0, 1.1)
_LIST_SEED = 1
_IMPORT_SECONDS = 60.0
WORKERS = ("stages", "settlement", "recorder", "archiver")


class Bed:
    """A running engine with members. ``keys``: BIC -> key; ``value_date``: the book's business date."""

    def __init__(self, say: Say, *, opening: Mapping[str, int], credit_line: int) -> None:
        self._say = say
        self._opening = opening
        self._credit_line = credit_line
        self._folder: Path | None = None
        self.members: Sequence[Bank] = banks()
        self.keys: dict[str, bytes] = {}
        self.value_date = date.min

    def __enter__(self) -> Self:
        """Start it, and let the members in."""
        self._folder = folder = Path(tempfile.mkdtemp(prefix="qenex-bench-"))
        try:
            folder.chmod(0o755)  # Postgres does not run as root, and passes through here
            listed = folder / "listed.jsonl"
            listed.write_bytes(encode(bench_list(LISTED, _LIST_SEED)))
            # The workers read their settings from the environment, as anywhere.
            os.environ.update(QENEX_SANCTIONS_LIST=str(listed), QENEX_INGEST_SIGNATURES="on", QENEX_LOG_LEVEL="warning")
            for name in ("QENEX_KAFKA", "QENEX_POSTGRES", "QENEX_METRICS_PORT", "QENEX_DATA"):
                os.environ.pop(name, None)
            self.settings = settings.load(data=folder / "data")
            self.stack = LocalStack(folder / "data", workers=True, settings=self.settings, say=self._say)
            self.stack.__enter__()
            self.settings = self.stack.settings
            self.connection = self._connect()
            self._let_in()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and delete it."""
        self.connection.close()
        self.stack.close()
        self._remove()

    def _remove(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self) -> Connection:
        assert self.stack.postgres is not None
        return connect(self.stack.postgres, "owner", name="qenex bench")

    def pids(self) -> dict[str, int]:
        """Process ids by piece; the workers of the stages together are not one process, so each has its name."""
        count = self.settings.stage_workers
        names = [f"worker.stages-{number}" for number in range(count)]
        names += [f"worker.{name}" for name in WORKERS if name != "stages"]
        return {name.removeprefix("worker."): self.stack.pid(name) for name in ("kafka", "postgres", *names)}

    def _let_in(self) -> None:
        """Keys, topics, accounts, reference data: what ``qenex participants import`` does."""
        from engine.app import bus_settings
        from engine.bus.kafka import KafkaProducer
        from engine.bus.kafka_admin import KafkaAdmin
        from engine.bus.topics import outbound_topic, topics
        from settlement.schemes import BOOKS

        self._say(f"Members: {len(self.members)} banks")
        imported = participants.check(self._records(), "the bench's banks")
        self.keys = {each.id: keys.ensure(self.connection, each.id) for each in imported}
        names = [each.id for each in imported]
        wanted = topics(books=len(BOOKS), ingest_partitions=self.settings.ingest_partitions, participants=names)
        outbound = {outbound_topic(name) for name in names}
        bus = bus_settings(self.settings, "qenex.bench")
        KafkaAdmin(bus).ensure_topics([topic for topic in wanted if topic.name in outbound])
        producer = KafkaProducer(bus)
        commands = participants.account_commands(imported, {}, {}, "bench", datetime.now(UTC))
        try:
            results = commanding.issue_all(producer, self.connection, commands, _IMPORT_SECONDS)
        finally:
            producer.close()
        refused = [result.text for result in results if not result.ok]
        if refused:
            raise RuntimeError(f"an account was refused: {refused[0]}")
        version, document = reference.newest(self.connection)
        reference.save(self.connection, version, participants.merge(document, imported).reference, "bench")
        row = self.connection.execute("select business_date from engine.books where book = %s", (BOOK,)).fetchone()
        assert row is not None
        self.value_date = row[0]

    def _records(self) -> list[dict[str, object]]:
        line = f"{self._credit_line // 100}.{self._credit_line % 100:02d}"
        return [
            {
                "bic": bank.bic,
                "name": bank.name,
                "schemes": [BOOK],
                "accounts": [
                    {
                        "system": BOOK,
                        "currency": CURRENCY,
                        "opening_balance": f"{self._opening[bank.bic] // 100}.00",
                        "credit_line": line,
                    }
                ],
            }
            for bank in self.members
        ]


def openings(count: int, typical: int) -> dict[str, int]:
    """Opening balances in cents for a run of ``count`` payments, by how much each bank pays.

    What a bank has drifts like a random walk whose variance is that of all it pays and receives. The busiest open with
    so many standard deviations of it that they never wait, for one of them in a queue would be a tenth of all payments;
    the others with so few that about two payments in a hundred lack funds. ``typical``: root of the mean square of an
    amount.
    """
    members = banks()
    zipf = Zipf(len(members), random.Random(0))
    found = {}
    for place, bank in enumerate(members):
        deviations = DEVIATIONS[0] if place < BUSIEST else DEVIATIONS[1]
        found[bank.bic] = int(deviations * typical * (2 * count * zipf.share(place)) ** 0.5) // 100 * 100
    return found
