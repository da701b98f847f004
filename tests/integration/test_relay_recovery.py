"""After a crash the relay sends exactly the answers that are not in the outgoing topics, wherever the gaps are."""

from __future__ import annotations

from functools import partial

import pytest

from engine import ids
from engine.app import bus_settings
from engine.bus.kafka import KafkaProducer
from engine.bus.kafka_admin import KafkaAdmin, KafkaTailReader
from engine.bus.record import Outgoing
from engine.bus.topics import Topic, outbound_topic
from engine.processors.relay import Relay
from engine.stack.local import LocalStack
from engine.store import leases, outbox
from engine.store.connection import connect
from ledger import migrate

pytestmark = pytest.mark.integration
WRITER = 7
FIRST, SECOND = "RELADEHHXXX", "RELBDEHHXXX"
#: Sequence -> recipient.
ANSWERS = {1: FIRST, 2: SECOND, 3: FIRST, 4: SECOND, 5: FIRST, 6: SECOND}


def test_what_is_missing_is_sent_and_nothing_else(services: LocalStack, database: str) -> None:
    bus = bus_settings(services.settings, "test.relay")
    admin, tails, producer = KafkaAdmin(bus), KafkaTailReader(bus), KafkaProducer(bus)
    names = [outbound_topic(FIRST), outbound_topic(SECOND)]
    admin.ensure_topics(
        [Topic(name, 1, {"message.timestamp.type": "LogAppendTime"}) for name in (*names, "payments.events")]
    )
    with connect(database, "owner") as owner:
        migrate.apply(owner)
        leases.register(owner, "book", WRITER)
        payment = ids.payment_id(1, 4, 0)
        owner.execute("insert into engine.sources overriding system value values (1, 'c', 't', 'ingest', 0)")
        owner.execute("insert into engine.archived values (1, 5)")
        for seq, recipient in ANSWERS.items():
            owner.execute(
                "insert into engine.outbox values (%s, %s, %s, now(), %s, 'ACK', %s)",
                (WRITER, seq, payment.hex(), recipient, b"answer %d" % seq),
            )
        place = partial(outbox.place, owner, WRITER)
        assert place()[0] == 0
        # The relay before died with 1 to 5 on their way: 2 and 3 were lost, 1, 4 and 5 had arrived.
        for seq in (1, 4, 5):
            headers = {"ce_id": b"%d-%d" % (WRITER, seq)}
            producer.send(Outgoing(outbound_topic(ANSWERS[seq]), 0, None, b"answer %d" % seq, headers))
        producer.flush(10)

        relay = Relay(owner, producer, WRITER, "test")
        relay.recover(admin, tails)
        assert relay.backlog == 3
        relay.checkpoint(0.0)
        assert place()[0] == 1, "nothing behind the first gap counts as sent"
        relay.pump(0.0)
        relay.checkpoint(0.0)
        assert place()[0] == 6
        arrived = {name: [record.headers["ce_id"].decode() for record in tails.since([name], 0)] for name in names}
        assert arrived == {names[0]: ["7-1", "7-5", "7-3"], names[1]: ["7-4", "7-2", "7-6"]}

        again = Relay(owner, producer, WRITER, "test")
        again.recover(admin, tails)
        assert again.backlog == 0
    producer.close()
