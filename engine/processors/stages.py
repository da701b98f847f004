"""The stateless stages on the bus: fused in one loop, or each a consumer group of its own. Same functions either way.

Rule: thin: decode, call the pure function, publish. A stage's output is a function of its input and the facts of the
moment; repeated work is recognised by the writer's inbox. Splitting costs a topic written and read for each stage
(see the ADR on topology), and lets each be scaled and deployed apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.bus import topics
from engine.bus.record import Outgoing, Record, deadletter_copy
from engine.compliance.decision import ComplianceFacts
from engine.observability.redaction import redacted
from engine.processors.compliance import clear
from engine.processors.parsing import ParsingFacts, parse_records
from engine.routing.decision import RoutingFacts, route
from engine.wire import Envelope, Rejection, Route, decode, encode
from payments import PaymentKind
from settlement.schemes import BOOKS

_SOURCE = b"qenex"
#: Records that take each step together: parsed messages of all of them are in memory at the same time.
_PORTION, _PORTION_BYTES = 64, 256 * 1024
_BOOK_PARTITION = {book: number for number, book in enumerate(BOOKS)}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the stages know at one moment: reference data, keys, lists; replaced as a whole when one changes."""

    parsing: ParsingFacts
    compliance: ComplianceFacts
    routing: RoutingFacts


class FactsSource(Protocol):
    """Where stages get their facts from; the shell reloads them."""

    def current(self) -> Facts:
        """The newest facts."""


def cleared(envelope: Envelope, facts: Facts) -> Envelope:
    """Compliance: an envelope that is RECEIVED becomes CLEARED, HELD or REJECTED."""
    return clear(envelope, facts.compliance) if envelope.state == "RECEIVED" else envelope


def routed(envelope: Envelope, facts: Facts) -> Envelope:
    """Routing: a CLEARED envelope gets its route, or is REJECTED."""
    if envelope.state != "CLEARED":
        return envelope
    found = route(envelope, facts.routing)
    if isinstance(found, Route):
        envelope.route = found
    elif envelope.payment is not None and envelope.payment.kind is PaymentKind.CANCELLATION_REQUEST:
        envelope.state = "PARSED"
        envelope.rejection = found
    else:
        envelope.state = "REJECTED"
        envelope.rejection = found
    return envelope


def publish(envelope: Envelope, partition: int) -> Outgoing:
    """To the book's writer or to the recorder, by state; other topics keep the ingest partition's number."""
    if envelope.route is not None and envelope.state == "CLEARED":
        place = (topics.ROUTED, _BOOK_PARTITION[envelope.route.book])
    elif envelope.state == "HELD":
        place = (topics.HELD, partition)
    elif envelope.state == "PARSED":
        place = (topics.NOTED, partition)
    else:
        place = (topics.REJECTED, partition)
    return outgoing(envelope, *place)


def outgoing(envelope: Envelope, topic: str, partition: int) -> Outgoing:
    """An envelope as a CloudEvent; the trace's id is the payment's."""
    identity = envelope.payment_id.hex()
    headers = {
        "ce_id": f"{identity}-{envelope.attempt}".encode(),
        "ce_source": _SOURCE,
        "ce_type": envelope.state.encode(),
        "traceparent": f"00-{identity}-{envelope.offset + 1:016x}-01".encode(),
    }
    return Outgoing(topic, partition, None, encode(envelope), headers)


def portions(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """A batch cut into portions: enough to take a step for all of them at once, too few to fill the memory."""
    first = size = 0
    for at, record in enumerate(records):
        if at > first and (at - first == _PORTION or size + len(record.value) > _PORTION_BYTES):
            yield records[first:at]
            first, size = at, 0
        size += len(record.value)
    if records:
        yield records[first:]


class Stage:
    """A loop's work: records in, messages out; what crashes it three times is put aside as a held case."""

    def __init__(self, name: str, facts: FactsSource) -> None:
        self.name = name
        self._facts = facts

    def process(self, records: Sequence[Record]) -> list[Outgoing]:
        """All messages that a batch gives, in order."""
        facts = self._facts.current()
        return [out for portion in portions(records) for out in self.handle(portion, facts)]

    def handle(self, records: Sequence[Record], facts: Facts) -> list[Outgoing]:
        """The messages of some records, in order: one step for all of them, then the next (ADR 0011)."""
        raise NotImplementedError

    def envelopes_put_aside(self, record: Record, error: str, facts: Facts) -> list[Envelope]:
        """What stands for a record that cannot be processed: held, for two persons to decide."""
        raise NotImplementedError

    def put_aside(self, record: Record, error: str) -> list[Outgoing]:
        """A HELD case with the error, and a copy of the bytes for who mends the defect."""
        facts = self._facts.current()
        held = [publish(envelope, record.partition) for envelope in self.envelopes_put_aside(record, error, facts)]
        return [*held, deadletter_copy(record, self.name, redacted(error))]


def _aside(record: Record, error: str, facts: Facts) -> Envelope:
    return Envelope(
        source=facts.parsing.sources[record.topic, record.partition],
        offset=record.offset,
        received_ms=record.timestamp_ms,
        digest=hashlib.sha256(record.value).digest()[:16].hex(),
        state="HELD",
        crash=error,
        rejection=Rejection("MS03", "processing failed three times", "operations"),
    )


class FromIngest(Stage):
    """Parsing, compliance and routing in one loop (fused), or parsing alone (split: ``onward`` publishes)."""

    def __init__(self, name: str, facts: FactsSource, *, fused: bool) -> None:
        super().__init__(name, facts)
        self._fused = fused

    def handle(self, records: Sequence[Record], facts: Facts) -> list[Outgoing]:
        """Envelopes of ingest records, and of released cases, on their way."""
        parsed = iter(parse_records([each for each in records if each.topic != topics.RELEASED], facts.parsing))
        found = [[decode(each.value)] if each.topic == topics.RELEASED else next(parsed) for each in records]
        partitions = [each.partition for each, envelopes in zip(records, found, strict=True) for _ in envelopes]
        envelopes = [envelope for each in found for envelope in each]
        if self._fused:
            envelopes = [cleared(envelope, facts) for envelope in envelopes]
            envelopes = [routed(envelope, facts) for envelope in envelopes]
            return list(map(publish, envelopes, partitions))
        return [
            outgoing(envelope, topics.PARSED, partition)
            if envelope.state == "RECEIVED"
            else publish(envelope, partition)
            for envelope, partition in zip(envelopes, partitions, strict=True)
        ]

    def envelopes_put_aside(self, record: Record, error: str, facts: Facts) -> list[Envelope]:
        """A received message as a whole, or the released payment."""
        if record.topic == topics.RELEASED:
            envelope = decode(record.value)
            envelope.state, envelope.crash = "HELD", error
            return [envelope]
        return [_aside(record, error, facts)]


class BetweenTopics(Stage):
    """One later stage of the split deployment: reads envelopes, does its part, sends them on."""

    def __init__(
        self, name: str, facts: FactsSource, work: Callable[[Envelope, Facts], Envelope], onward: str | None
    ) -> None:
        super().__init__(name, facts)
        self._work = work
        self._onward = onward

    def handle(self, records: Sequence[Record], facts: Facts) -> list[Outgoing]:
        """The envelopes' next step."""
        envelopes = [decode(each.value) for each in records]
        envelopes = [self._work(envelope, facts) for envelope in envelopes]
        return [self._sent_on(envelope, each.partition) for envelope, each in zip(envelopes, records, strict=True)]

    def _sent_on(self, envelope: Envelope, partition: int) -> Outgoing:
        if self._onward is not None and envelope.state == "CLEARED":
            return outgoing(envelope, self._onward, partition)
        return publish(envelope, partition)

    def envelopes_put_aside(self, record: Record, error: str, facts: Facts) -> list[Envelope]:  # noqa: ARG002
        """The payment itself, held."""
        envelope = decode(record.value)
        envelope.state, envelope.crash = "HELD", error
        return [envelope]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A consumer group: its topics and its work."""

    group: str
    topics: tuple[str, ...]
    stage: Callable[[FactsSource], Stage]


_ARRIVALS = (*topics.INGEST_TOPICS, topics.RELEASED)

#: Deployment -> consumer groups. The functions are the same; only the wiring differs.
DEPLOYMENTS: dict[str, tuple[Deployed, ...]] = {
    "fused": (Deployed("stages", _ARRIVALS, lambda facts: FromIngest("stages", facts, fused=True)),),
    "split": (
        Deployed("parsing", _ARRIVALS, lambda facts: FromIngest("parsing", facts, fused=False)),
        Deployed(
            "compliance",
            (topics.PARSED,),
            lambda facts: BetweenTopics("compliance", facts, cleared, topics.CLEARED),
        ),
        Deployed("routing", (topics.CLEARED,), lambda facts: BetweenTopics("routing", facts, routed, None)),
    ),
}
