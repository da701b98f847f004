"""The topics: one table of contracts, from which topics are created and the documentation is made.

Rule: whoever produces or consumes names a topic by this module. Partition counts are fixed at creation: a key's
partition, and with it the order of a sender's messages, would move if they grew; only topics whose partitions are
addressed by number (one a book) grow. Every topic carries the broker's append time, so that no sender chooses when his
message arrived. ``flush.messages=1`` where nothing else holds the message: acknowledged by all replicas of one broker
means its page cache, not its disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from payments import BIC, RoutingNumber

INGEST_SWIFT_MT = "ingest.swift-mt"
INGEST_ISO20022 = "ingest.iso20022"
INGEST_SEPA = "ingest.sepa"
INGEST_ACH = "ingest.ach"
INGEST_TOPICS = (INGEST_SWIFT_MT, INGEST_ISO20022, INGEST_SEPA, INGEST_ACH)
PARSED = "payments.parsed"
CLEARED = "payments.cleared"
ROUTED = "payments.routed"
REJECTED = "payments.rejected"
HELD = "payments.held"
NOTED = "messages.noted"
RELEASED = "payments.released"
EVENTS = "payments.events"
COMMANDS = "ops.commands"
DEADLETTER = "deadletter"
OUTBOUND = "outbound.<BIC>"

#: Largest message, headers and framing included; the message itself may be a little smaller.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024

_DAY_MS = 86_400_000
_FOREVER = -1
_MS = {_FOREVER: "unlimited"}

Partitions = Literal["ingest", "books", "one"]


@dataclass(frozen=True, slots=True)
class TopicContract:
    """One row of the table. ``partitions``: as many as the ingest topics have, one a book, or one."""

    name: str
    partitions: Partitions
    key: str
    value: str
    producer: str
    consumer: str
    retention_ms: int
    cleanup: Literal["delete", "compact"] = "delete"
    flush_each: bool = False
    split_only: bool = False

    @property
    def per_participant(self) -> bool:
        """Whether the name stands for one topic a participant."""
        return "<" in self.name

    def config(self) -> dict[str, str]:
        """The topic's settings under Kafka's names."""
        config = {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            "message.timestamp.type": "LogAppendTime",
        }
        if self.flush_each:
            config["flush.messages"] = "1"
        return config


def _ingest(name: str, value: str) -> TopicContract:
    return TopicContract(
        name, "ingest", "the sender's BIC or routing number", value, "anyone with the ACL", "parsing; archiver",
        _FOREVER, flush_each=True,
    )  # fmt: skip


_BY_INGEST = "none: the ingest partition's number"
_ENVELOPE = "payment with findings"

CONTRACTS: tuple[TopicContract, ...] = (
    _ingest(INGEST_SWIFT_MT, "the bytes of SWIFT MT messages, untouched"),
    _ingest(INGEST_ISO20022, "the bytes of ISO 20022 messages, untouched"),
    _ingest(INGEST_SEPA, "the bytes of SEPA messages, untouched"),
    _ingest(INGEST_ACH, "the bytes of Nacha files, untouched"),
    TopicContract(
        PARSED, "ingest", _BY_INGEST, _ENVELOPE, "parsing", "compliance", 7 * _DAY_MS, split_only=True
    ),
    TopicContract(
        CLEARED, "ingest", _BY_INGEST, _ENVELOPE + " and decision", "compliance", "routing", 7 * _DAY_MS,
        split_only=True,
    ),
    TopicContract(
        ROUTED, "books", "none: the book's number", "instruction with its payment, or a request about payments",
        "routing", "the book's writer", 7 * _DAY_MS,
    ),
    TopicContract(REJECTED, "ingest", _BY_INGEST, "payment with its reason", "any stage", "recorder", 7 * _DAY_MS),
    TopicContract(HELD, "ingest", _BY_INGEST, "payment with its case", "any stage", "recorder", 7 * _DAY_MS),
    TopicContract(NOTED, "ingest", _BY_INGEST, "message that moves no money", "any stage", "recorder", 7 * _DAY_MS),
    TopicContract(
        RELEASED, "ingest", _BY_INGEST, "payment with the decision that released it", "the case's outbox",
        "compliance and routing, which screen and route it again", 30 * _DAY_MS,
    ),
    TopicContract(
        OUTBOUND, "one", "none", "the bytes to deliver, any format", "relay", "that participant alone (ACL)",
        30 * _DAY_MS,
    ),
    TopicContract(EVENTS, "ingest", "payment id", "every change of state", "relay", "console, API, monitoring",
                  7 * _DAY_MS),
    TopicContract(
        COMMANDS, "books", "none: the book's number", "approved operator commands", "console, API, CLI",
        "the book's writer", 30 * _DAY_MS, flush_each=True,
    ),
    TopicContract(
        DEADLETTER, "one", "source coordinates", "copy of the bytes; error, stage and source in headers", "any stage",
        "console", 90 * _DAY_MS,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic to be: ``grows`` says that partitions may be added later, for they are addressed by number."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)
    grows: bool = False


class UnknownParticipantNameError(ValueError):
    """A topic of a participant needs his BIC or routing number."""


@lru_cache(maxsize=10_000)
def outbound_topic(participant: str) -> str:
    """The topic on which a participant gets his messages: BIC of 8 or 11 characters, or routing number."""
    try:
        name: str = RoutingNumber(participant) if participant.isdigit() else BIC(participant)
    except ValueError as problem:
        raise UnknownParticipantNameError(f"outbound topic of {participant!r}: {problem}") from problem
    return OUTBOUND.replace("<BIC>", name)


def ingest_topic(message_format: str, scheme: str | None = None) -> str:
    """The ingest topic of a message: by format, and for SEPA schemes one of their own. ValueError when unknown."""
    if message_format == "swift-mt":
        return INGEST_SWIFT_MT
    if message_format == "iso20022":
        return INGEST_SEPA if scheme is not None and scheme.startswith(("SCT", "SDD")) else INGEST_ISO20022
    if message_format == "ach":
        return INGEST_ACH
    raise ValueError(f"no ingest topic takes the format {message_format!r}; known: swift-mt, iso20022, ach")


def topics(
    *, books: int, ingest_partitions: int, participants: Sequence[str] = (), split: bool = False
) -> tuple[Topic, ...]:
    """All topics of a deployment, in the order of the table."""
    counts: dict[Partitions, int] = {"ingest": ingest_partitions, "books": books, "one": 1}
    found: list[Topic] = []
    for contract in CONTRACTS:
        if contract.split_only and not split:
            continue
        names = [outbound_topic(each) for each in participants] if contract.per_participant else [contract.name]
        grows = contract.partitions == "books"
        found += [Topic(name, counts[contract.partitions], contract.config(), grows) for name in names]
    return tuple(found)


_COLUMNS = ("Topic", "Partitions", "Key", "Value", "Producer", "Consumer", "Kept", "On disk before acknowledged")


def as_markdown() -> str:
    """The table of contracts for the documentation."""
    words: dict[Partitions, str] = {"ingest": "as the ingest topics", "books": "one a book", "one": "1"}
    lines = ["| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    for contract in CONTRACTS:
        kept = _MS.get(contract.retention_ms) or f"{contract.retention_ms // _DAY_MS} days"
        name = f"`{contract.name}`" + (" (split deployment only)" if contract.split_only else "")
        cells = (
            name, words[contract.partitions], contract.key, contract.value, contract.producer, contract.consumer, kept,
            "yes" if contract.flush_each else "no",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


_SEED, _M = 0x9747B28C, 0x5BD1E995
_MASK = 0xFFFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key: murmur2 modulo the count, as every Java client and our producer have it."""
    length = len(key)
    h = _SEED ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if length > whole:
        h = (h ^ int.from_bytes(key[whole:], "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return ((h ^ (h >> 15)) & 0x7FFFFFFF) % partitions
