"""The bus on Kafka: creating and looking at topics, positions of a group, and reading tails.

Rule: administration is idempotent and only ever brings a topic to its contract; it deletes nothing.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from engine.bus.kafka import Health, common_config, consumer_config, error_of, record_of, translated
from engine.bus.port import Ensured, OperatingFaultError, TopicContractError, TopicInfo
from engine.bus.record import Place, Record
from engine.bus.settings import BusSettings
from engine.bus.topics import Topic


class KafkaAdmin:
    """``engine.bus.port.Admin``."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._seconds = settings.request_timeout_ms / 1000
        self._health = Health("administration")
        # The client has to outlive its futures, so it is kept for good.
        config: dict[str, Any] = {**common_config(settings), "error_cb": self._health.heard}
        self._client = AdminClient(config)

    def ensure_topics(self, topics: Sequence[Topic]) -> Ensured:
        """Create, grow and correct. A partition count that may not change is an error that names the topic."""
        existing = self.describe([topic.name for topic in topics])
        wrong = [
            f"{topic.name} has {existing[topic.name].partitions} partitions and should have {topic.partitions}"
            for topic in topics
            if topic.name in existing and not topic.grows and existing[topic.name].partitions != topic.partitions
        ]
        if wrong:
            raise TopicContractError(
                f"{'; '.join(wrong)}. Partition counts are fixed when a topic is created (order by key depends on "
                "them): set the number that it has, or use a new cluster."
            )
        missing = [topic for topic in topics if topic.name not in existing]
        short = [
            topic for topic in topics if topic.name in existing and existing[topic.name].partitions < topic.partitions
        ]
        self._create(missing)
        if short:
            asked = [NewPartitions(topic.name, topic.partitions) for topic in short]
            # A broker may describe the count of a moment ago: that it has so many already is what was wanted.
            futures = self._client.create_partitions(asked, operation_timeout=self._seconds)
            self._results(futures, allowed=KafkaError.INVALID_PARTITIONS)
        changed = self._correct([topic for topic in topics if topic.name in existing])
        return Ensured(tuple(each.name for each in missing), tuple(each.name for each in short), changed)

    def _create(self, topics: Sequence[Topic]) -> None:
        if not topics:
            return
        asked = [
            NewTopic(topic.name, topic.partitions, self._settings.replication, config=dict(topic.config))
            for topic in topics
        ]
        futures = self._client.create_topics(asked, operation_timeout=self._seconds, request_timeout=self._seconds)
        # Somebody else may have created it in this moment: the same table, so the same topic.
        self._results(futures, allowed=KafkaError.TOPIC_ALREADY_EXISTS)
        self._await_visible([topic.name for topic in topics])

    def _await_visible(self, names: Sequence[str]) -> None:
        """A created topic is described a moment later; whoever asks for its id next should find it."""
        end = time.monotonic() + self._seconds
        while len(self.describe(names)) < len(names):
            if time.monotonic() > end:
                raise OperatingFaultError(f"topics were created and are not there after {self._seconds} s")
            time.sleep(0.05)

    def _correct(self, topics: Sequence[Topic]) -> tuple[str, ...]:
        """Set the settings that differ from the contract; others are left as the operator has them."""
        wanted = {topic.name: topic.config for topic in topics if topic.config}
        if not wanted:
            return ()
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in wanted]
        changes: list[ConfigResource] = []
        for resource, found in self._results(self._client.describe_configs(resources)).items():
            different = [
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in wanted[resource.name].items()
                if name not in found or found[name].value != value
            ]
            if different:
                changes.append(ConfigResource(ResourceType.TOPIC, resource.name, incremental_configs=different))
        if changes:
            self._results(self._client.incremental_alter_configs(changes))
        return tuple(sorted(change.name for change in changes))

    def _results(self, futures: Mapping[Any, Any], allowed: int | None = None) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, future in futures.items():
            try:
                found[key] = future.result(self._seconds + 5)
            except KafkaException as problem:
                error = error_of(problem)
                if error.code() != allowed:
                    raise translated(error, f"administration of {getattr(key, 'name', key)}") from problem
            except TimeoutError as problem:
                raise OperatingFaultError(f"administration: no answer in {self._seconds} s") from problem
        return found

    def describe(self, names: Sequence[str]) -> dict[str, TopicInfo]:
        """Name -> id and partitions, of those that exist."""
        if not names:
            return {}
        futures = self._client.describe_topics(TopicCollection(list(names)), request_timeout=self._seconds)
        answers = self._results(futures, allowed=KafkaError.UNKNOWN_TOPIC_OR_PART)
        return {
            name: TopicInfo(name, _uuid(str(answer.topic_id)), len(answer.partitions))
            for name, answer in answers.items()
        }

    def named(self, prefix: str) -> list[str]:
        """Names of the topics that begin so."""
        try:
            return [name for name in self._client.list_topics(timeout=self._seconds).topics if name.startswith(prefix)]
        except KafkaException as problem:
            raise translated(error_of(problem), "listing topics") from problem

    def existing(self, names: Sequence[str]) -> set[str]:
        """Names of those that exist."""
        return set(self.describe(names))

    def cluster_id(self) -> str:
        """The cluster's id."""
        answers = self._results({"the cluster": self._client.describe_cluster(request_timeout=self._seconds)})
        return str(answers["the cluster"].cluster_id)

    def group_positions(self, group: str) -> dict[Place, int]:
        """Committed positions of a group, also while it has no member."""
        request = [ConsumerGroupTopicPartitions(group)]
        answers = self._results(self._client.list_consumer_group_offsets(request, request_timeout=self._seconds))
        partitions = answers[group].topic_partitions or ()
        return {(each.topic, each.partition): each.offset for each in partitions if each.offset >= 0}


def _uuid(text: str) -> UUID:
    """Kafka writes its UUIDs as unpadded URL-safe base64."""
    return UUID(bytes=base64.urlsafe_b64decode(text + "=="))


class KafkaTailReader:
    """``engine.bus.port.TailReader``."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings

    def since(self, topics: Sequence[str], timestamp_ms: int) -> Iterator[Record]:
        """Read from that time to the end as it was when asked."""
        if not topics:
            return
        config = consumer_config(self._settings, f"{self._settings.client_id}.tail")
        health = Health("reading the tail")
        client = Consumer({**config, "enable.partition.eof": True, "error_cb": health.heard})
        try:
            yield from self._read(client, topics, timestamp_ms)
        except KafkaException as problem:
            raise translated(error_of(problem), "reading the tail") from problem
        finally:
            client.close()

    def _read(self, client: Consumer, topics: Sequence[str], timestamp_ms: int) -> Iterator[Record]:
        seconds = self._settings.request_timeout_ms / 1000
        known = client.list_topics(timeout=seconds).topics
        places = [(topic, number) for topic in topics if topic in known for number in known[topic].partitions]
        ends: dict[Place, int] = {}
        starts: list[TopicPartition] = []
        asked = [TopicPartition(topic, number, timestamp_ms) for topic, number in places]
        for found in client.offsets_for_times(asked, timeout=seconds) if asked else ():
            high = client.get_watermark_offsets(TopicPartition(found.topic, found.partition), timeout=seconds)[1]
            if 0 <= found.offset < high:
                ends[found.topic, found.partition] = high
                starts.append(found)
        client.assign(starts)
        patient_until = time.monotonic() + seconds
        while ends:
            messages = client.consume(500, 0.05)  # it waits so long for the last of the 500
            if messages:
                patient_until = time.monotonic() + seconds
            elif time.monotonic() > patient_until:
                raise OperatingFaultError(f"reading the tail of {sorted({topic for topic, _ in ends})}: no answer")
            for message in messages:
                place = (message.topic() or "", message.partition() or 0)
                error = message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise translated(error, f"reading the tail of {place[0]}")
                if place not in ends:
                    continue
                if error is None:
                    record = record_of(message)
                    if record.offset < ends[place]:
                        yield record
                    if record.offset + 1 < ends[place]:
                        continue
                del ends[place]
