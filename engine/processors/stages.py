"""The stateless stages on the bus: fused in one loop, or each a consumer group of its own. Same functions either way.

Rule: thin: decode, call the pure function, publish. A stage's output is a function of its input and the facts of the
moment; repeated work is recognised by the writer's inbox. Splitting costs a topic written and read for each stage
(see the ADR on topology), and lets each be scaled and deployed apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.bus import topics
from engine.bus.record import Outgoing, Record, deadletter_copy
from engine.compliance.decision import ComplianceFacts
from engine.observability.redaction import redacted
from engine.processors.compliance import clear
from engine.processors.parsing import ParsingFacts, parse_record
from engine.routing.decision import RoutingFacts, route
from engine.wire import Envelope, Rejection, Route, decode, encode
from payments import PaymentKind
from settlement.schemes import BOOKS

_SOURCE = b"qenex"
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


class Stage:
    """A loop's work: records in, messages out; what crashes it three times is put aside as a held case."""

    def __init__(self, name: str, facts: FactsSource) -> None:
        self.name = name
        self._facts = facts

    def process(self, records: Sequence[Record]) -> list[Outgoing]:
        """All messages that a batch gives, in order."""
        facts = self._facts.current()
        return [out for record in records for out in self.handle(record, facts)]

    def handle(self, record: Record, facts: Facts) -> list[Outgoing]:
        """The messages of one record."""
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

    def handle(self, record: Record, facts: Facts) -> list[Outgoing]:
        """Envelopes of one ingest record, or of a released case, on their way."""
        released = record.topic == topics.RELEASED
        envelopes = [decode(record.value)] if released else parse_record(record, facts.parsing)
        found = []
        for envelope in envelopes:
            if self._fused:
                found.append(publish(routed(cleared(envelope, facts), facts), record.partition))
            elif envelope.state == "RECEIVED":
                found.append(outgoing(envelope, topics.PARSED, record.partition))
            else:
                found.append(publish(envelope, record.partition))
        return found

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

    def handle(self, record: Record, facts: Facts) -> list[Outgoing]:
        """One envelope's next step."""
        envelope = self._work(decode(record.value), facts)
        if self._onward is not None and envelope.state == "CLEARED":
            return [outgoing(envelope, self._onward, record.partition)]
        return [publish(envelope, record.partition)]

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
