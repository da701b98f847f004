"""A message that crashes the recorder is counted, and at the third crash held by its place alone; others go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from engine.bus.memory import MemoryBus
from engine.bus.record import Record
from engine.bus.topics import HELD, NOTED, REJECTED
from engine.processors import owned
from engine.processors.owned import Recorder
from engine.processors.relay import Relay
from engine.processors.writing import WriterPorts
from engine.store import leases, sources
from engine.store.connection import Connection, connect
from engine.wire import Envelope, Rejection, encode
from ledger.migrate import apply

pytestmark = pytest.mark.integration
NOW = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
TOPICS = (REJECTED, HELD, NOTED)


def recorder_of(connection: Connection) -> Recorder:
    """A recorder built anew, as after the death of its process."""
    number = 1000
    leases.register(connection, "recorder", number)
    places = {
        (topic, 0): sources.source_of(connection, "cluster", f"{at:032x}", topic, 0) for at, topic in enumerate(TOPICS)
    }
    relay = Relay(connection, MemoryBus().producer(), number, "test")
    made = Recorder(WriterPorts("recorder", number, places, connection, relay, lambda: NOW, "QENXDEFFXXX"))
    lease = leases.take(connection, "recorder", "test")
    assert lease is not None
    made.start(lease)
    made.load()
    return made


def record(topic: str, offset: int, envelope: Envelope) -> Record:
    return Record(topic, 0, offset, 1_803_000_000_000, None, encode(envelope), {})


def refused(offset: int) -> Envelope:
    return Envelope(
        source=77, offset=offset, received_ms=1_803_000_000_000, digest=f"{offset:032x}", state="REJECTED",
        format="swift-mt", type="MT103", sender="ALBADEFFXXX", reference=f"REF-{offset}",
        rejection=Rejection("T26", "field 20: a slash at its end", "parsing"),
    )  # fmt: skip


def test_the_third_crash_of_the_recorder_holds_the_message_that_caused_it(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(database, "owner") as owner:
        apply(owner)
    sound = owned.record

    def defective(arrival, *arguments) -> None:
        if arrival.envelope.reference == "REF-1":
            raise ValueError("a defect of the recorder")
        sound(arrival, *arguments)

    monkeypatch.setattr(owned, "record", defective)
    # The same offset in another topic of the recorder is another message.
    batch: Sequence[Record] = [
        record(REJECTED, 0, refused(0)), record(REJECTED, 1, refused(1)), record(NOTED, 1, refused(2)),
    ]  # fmt: skip
    with connect(database, "qenex_writer") as connection:
        for _ in range(3):
            with pytest.raises(ValueError, match="a defect of the recorder"):
                recorder_of(connection).process(batch)
        assert recorder_of(connection).process(batch) == 3
        states = connection.execute("select reference, state from engine.inbox order by payment_id").fetchall()
        (case,) = connection.execute("select kind, summary from engine.cases").fetchall()
    assert states == [("REF-0", "REJECTED"), (None, "HELD"), ("REF-2", "REJECTED")]
    assert case == ("crash", "processing failed three times: ValueError: a defect of the recorder")
