"""Sign a message and produce it, with nothing of QENEX: python produce.py KAFKA TOPIC SENDER KEY_HEX FILE."""

import hashlib
import hmac
import sys
from pathlib import Path

from confluent_kafka import Producer

kafka, topic, sender, key, file = sys.argv[1:]
value = Path(file).read_bytes()
lau = hmac.new(bytes.fromhex(key), value, hashlib.sha256).hexdigest()


def delivered(error, message):
    """Say where it arrived: topic/partition/offset is a reference that qenex trace takes."""
    if error:
        sys.exit(f"not delivered: {error}")
    print(f"{message.topic()}/{message.partition()}/{message.offset()}")


producer = Producer({"bootstrap.servers": kafka, "acks": "all", "enable.idempotence": True})
producer.produce(topic, value, key=sender, headers={"lau": lau}, on_delivery=delivered)
producer.flush(30)
