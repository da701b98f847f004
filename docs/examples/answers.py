"""Read what was sent to a participant, from the first answer on: python answers.py KAFKA BIC [SECONDS]."""

import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

kafka, bic, *rest = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"answers-{bic}", "enable.auto.commit": False})
consumer.assign([TopicPartition(f"outbound.{bic}", 0, OFFSET_BEGINNING)])
seen = set()
until = time.monotonic() + (float(rest[0]) if rest else 5)
while time.monotonic() < until:
    message = consumer.poll(0.5)
    if message is None or message.error():
        continue
    headers = {name: value.decode() for name, value in message.headers() or []}
    if headers["ce_id"] in seen:  # a repetition after a crash of the operator's: the id is the same
        continue
    seen.add(headers["ce_id"])
    print(f"--- {headers['ce_type']}  offset {message.offset()}")
    print(message.value().decode("utf-8", "replace"))
consumer.close()
