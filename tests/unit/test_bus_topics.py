"""The table of topics: names, partitions, settings, the ingest topic of a format, and Kafka's partition of a key."""

from __future__ import annotations

import pytest

from engine.bus import topics
from engine.bus.record import Outgoing, Record, cloud_event, deadletter_copy, header_text


def made(**changes: object) -> dict[str, topics.Topic]:
    arguments = {"books": 3, "ingest_partitions": 4, "participants": ["BANKDEFF", "021000021"], **changes}
    return {topic.name: topic for topic in topics.topics(**arguments)}  # type: ignore[arg-type]


def test_a_topic_a_participant_with_one_partition_named_by_the_full_bic_or_routing_number() -> None:
    found = made()
    assert found["outbound.BANKDEFFXXX"].partitions == 1
    assert found["outbound.021000021"].partitions == 1
    assert topics.outbound_topic("BANKDEFFXXX") == topics.outbound_topic("BANKDEFF")


@pytest.mark.parametrize("name", ["", "BANK", "BANKDEFF/../x", "021000022", "outbound"])
def test_a_name_that_is_no_participant_makes_no_topic(name: str) -> None:
    with pytest.raises(topics.UnknownParticipantNameError):
        topics.outbound_topic(name)


def test_routed_and_commands_have_a_partition_a_book_and_may_grow_and_nothing_else_may() -> None:
    found = made()
    assert {name for name, topic in found.items() if topic.grows} == {topics.ROUTED, topics.COMMANDS}
    assert found[topics.ROUTED].partitions == found[topics.COMMANDS].partitions == 3
    for name in (*topics.INGEST_TOPICS, topics.REJECTED, topics.HELD, topics.NOTED, topics.RELEASED):
        assert found[name].partitions == 4, name


def test_the_intermediate_topics_exist_in_the_split_deployment_only() -> None:
    assert not {topics.PARSED, topics.CLEARED} & made().keys()
    assert {topics.PARSED, topics.CLEARED} <= made(split=True).keys()


def test_ingest_is_kept_for_ever_flushed_each_time_and_stamped_by_the_broker() -> None:
    for name in topics.INGEST_TOPICS:
        config = made()[name].config
        assert config["retention.ms"] == config["retention.bytes"] == "-1"
        assert config["flush.messages"] == "1"
        assert config["message.timestamp.type"] == "LogAppendTime"
        assert config["max.message.bytes"] == "16777216"
    assert "flush.messages" not in made()[topics.ROUTED].config


def test_the_ingest_topic_follows_from_format_and_scheme() -> None:
    assert topics.ingest_topic("swift-mt") == "ingest.swift-mt"
    assert topics.ingest_topic("iso20022") == "ingest.iso20022"
    assert topics.ingest_topic("iso20022", "EUR-RTGS") == "ingest.iso20022"
    assert topics.ingest_topic("iso20022", "SCT-INST") == "ingest.sepa"
    assert topics.ingest_topic("ach", "USD-ACH") == "ingest.ach"
    with pytest.raises(ValueError, match="edifact"):
        topics.ingest_topic("edifact")


def test_the_documentation_has_a_row_a_contract() -> None:
    lines = topics.as_markdown().splitlines()
    assert len(lines) == 2 + len(topics.CONTRACTS)
    assert len({line.count("|") for line in lines}) == 1
    assert any("`outbound.<BIC>`" in line and "30 days" in line for line in lines)
    assert any("`ingest.ach`" in line and "unlimited" in line and "yes" in line for line in lines)


# Values that Java's Utils.murmur2 has for these keys (its own unit test), with the sign bit cleared by the partitioner.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", JAVA)
def test_the_partition_of_a_key_is_that_of_java_clients(key: bytes) -> None:
    for partitions in (1, 3, 4, 1000):
        assert topics.partition_of(key, partitions) == (JAVA[key] & 0x7FFFFFFF) % partitions


def test_a_cloud_event_has_what_the_binary_mode_requires() -> None:
    headers = cloud_event("7", "urn:writer", "state", time="2026-11-23T10:00:00Z", traceparent=b"00-aa-bb-01")
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": b"7",
        "ce_source": b"urn:writer",
        "ce_type": b"state",
        "ce_time": b"2026-11-23T10:00:00Z",
        "traceparent": b"00-aa-bb-01",
    }
    assert {"ce_time", "traceparent"}.isdisjoint(cloud_event("7", "urn:writer", "state"))


def test_the_copy_for_deadletter_keeps_the_bytes_and_says_where_from_and_why() -> None:
    record = Record("ingest.ach", 2, 17, 1, b"021000021", b"\x00\xff", {"lau": b"ab"}, None)
    copy = deadletter_copy(record, "parsing", "ü" * 20_000 + "the end")
    assert copy.value == record.value
    assert copy.topic == topics.DEADLETTER
    assert copy.key == b"ingest.ach/2/17"
    assert copy.headers["lau"] == b"ab"
    assert copy.headers["source"] == b"ingest.ach/2/17"
    assert (header_text(copy.headers, "error") or "").endswith("the end")
    assert len(copy.headers["error"]) < 40_000
    assert header_text({}, "error") is None
    assert isinstance(copy, Outgoing)


def test_the_copy_of_the_largest_message_is_cut_so_that_it_can_be_sent() -> None:
    largest = bytes(topics.MAX_MESSAGE_BYTES)
    copy = deadletter_copy(Record("ingest.ach", 0, 1, 1, None, largest, {"x": b"y"}, None), "parsing", "e" * 100_000)
    assert len(copy.value) + sum(map(len, copy.headers.values())) < topics.MAX_MESSAGE_BYTES - 65_536
    assert copy.headers["cut-from"] == b"16777216"
