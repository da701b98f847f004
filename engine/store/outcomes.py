"""What became of messages: a view over their payments, for many messages in one query.

Rule: a message is in flight until each of its payments has a first decision; then its outcome is the state they share,
or PARTIAL when they differ. A payment's state is its newest: the decision about its last attempt, or a later
transition. Nothing is stored for this: inbox, transitions and outcomes are what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine import ids
from engine.store.connection import Connection
from payments import Money

#: States that a message is in after a refusal.
REFUSED = frozenset({"REJECTED", "CANCELLED", "BLOCKED"})
_AT_ONCE = 2_000
_LAST_INDEX = b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as it is now. ``amount`` is None where a message moves no money or could not be read."""

    id: bytes
    attempt: int
    kind: str | None
    state: str
    reason: str | None
    explanation: str | None
    amount: Money | None
    at: datetime
    duplicate_of: bytes | None

    def record(self) -> dict[str, object]:
        """The public shape."""
        return {
            "id": ids.shown(self.id),
            "state": self.state,
            "reason": self.reason,
            "amount": None if self.amount is None else self.amount.decimal,
            "currency": None if self.amount is None else self.amount.currency,
            "explanation": self.explanation,
        }


@dataclass(slots=True)
class MessageView:
    """A message with what is decided of it; ``expected`` payments are in it."""

    id: bytes
    expected: int
    type: str | None
    sender: str | None
    reference: str | None
    received_at: datetime
    decided_at: datetime
    payments: list[PaymentView] = field(default_factory=list)

    @property
    def outcome(self) -> str | None:
        """The state that its payments share, PARTIAL when they differ, None while it is in flight."""
        return outcome_of([payment.state for payment in self.payments], self.expected)

    @property
    def refused(self) -> bool:
        """Whether something in it was refused."""
        return any(payment.state in REFUSED for payment in self.payments)

    @property
    def duplicate_of(self) -> bytes | None:
        """The message that it repeats."""
        return next((each.duplicate_of for each in self.payments if each.duplicate_of is not None), None)


def outcome_of(states: Sequence[str], expected: int) -> str | None:
    """Outcome of a message whose payments have these states, when ``expected`` payments are in it."""
    if len(states) < expected or not states:
        return None
    return states[0] if len(set(states)) == 1 else "PARTIAL"


_VIEW = """
    with asked as (
        select * from unnest(%s::uuid[], %s::uuid[], %s::uuid[]) as a (message_id, low, high)
    )
    select uuid_send(a.message_id), uuid_send(i.payment_id), i.attempt, i.kind, i.payments, i.message_type, i.sender,
           i.reference, i.received_at, i.decided_at,
           case when t.step > i.attempt * 1000 then t.state else i.state end,
           case when t.step > i.attempt * 1000 then t.reason else i.reason end,
           case when t.step > i.attempt * 1000 then t.cause else i.explanation end,
           i.amount, i.currency,
           case when t.step > i.attempt * 1000 then t.at else i.decided_at end, uuid_send(o.duplicate_of)
    from asked a
    cross join lateral (
        select * from engine.inbox where payment_id between a.low and a.high order by payment_id, attempt offset 0
    ) i
    left join lateral (
        select * from engine.transitions where payment_id = i.payment_id order by step desc limit 1
    ) t on true
    left join engine.outcomes o on o.payment_id = i.payment_id
    order by i.payment_id, i.attempt
"""


def messages(connection: Connection, message_ids: Iterable[bytes]) -> dict[bytes, MessageView]:
    """Those of the messages about which something is decided, by id (that of their index 0)."""
    wanted = sorted(set(message_ids))
    views: dict[bytes, MessageView] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        _read(connection, wanted[start : start + _AT_ONCE], views)
    return views


def _read(connection: Connection, wanted: Sequence[bytes], views: dict[bytes, MessageView]) -> None:
    low = [message.hex() for message in wanted]
    high = [(message[:12] + _LAST_INDEX).hex() for message in wanted]
    with connection.cursor(binary=True) as cursor:
        for row in cursor.execute(_VIEW, (low, low, high)):
            message, payment = bytes(row[0]), bytes(row[1])
            view = views.get(message)
            if view is None:
                view = views[message] = MessageView(message, *row[4:10])
            amount = None if row[13] is None or row[14] is None else Money(row[13], row[14])
            shown = PaymentView(
                payment,
                row[2],
                row[3],
                row[10],
                row[11],
                row[12],
                amount,
                row[15],
                None if row[16] is None else bytes(row[16]),
            )
            if view.payments and view.payments[-1].id == payment:
                view.payments[-1] = shown  # a later attempt
                view.decided_at = max(view.decided_at, row[9])
            else:
                view.payments.append(shown)


def places(connection: Connection) -> dict[int, tuple[str, int]]:
    """Source -> (topic, partition), all that were ever seen."""
    found = connection.execute("select source_id, topic, partition from engine.sources")
    return {row[0]: (row[1], row[2]) for row in found.fetchall()}


_SOURCES = """
    select topic, partition, source_id from engine.sources
    where cluster_id = %s and replace(topic_id, '-', '') = any(%s::text[])
"""


def sources(connection: Connection, cluster_id: str, topic_ids: Sequence[str]) -> dict[tuple[str, int], int]:
    """(topic, partition) -> source, of topics by their UUIDs (hex, without dashes): those that the engine has seen."""
    found = connection.execute(_SOURCES, (cluster_id, list(topic_ids)))
    return {(row[0], row[1]): row[2] for row in found.fetchall()}


def coordinates(message: bytes, known: Mapping[int, tuple[str, int]]) -> tuple[str | None, int | None, int]:
    """Topic, partition and offset at which a message arrived."""
    source, offset, _ = ids.coordinates(message)
    topic, partition = known.get(source, (None, None))
    return topic, partition, offset


def shown_place(message: bytes, known: Mapping[int, tuple[str, int]]) -> str:
    """``topic/partition/offset``, or the message's id when its source is not known."""
    topic, partition, offset = coordinates(message, known)
    return ids.shown(message) if topic is None else f"{topic}/{partition}/{offset}"


def record(view: MessageView, known: Mapping[int, tuple[str, int]]) -> dict[str, object]:
    """The public shape of a message's outcome."""
    topic, partition, offset = coordinates(view.id, known)
    original = view.duplicate_of
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "outcome": view.outcome,
        "duplicate_of": None if original is None else shown_place(original, known),
        "payments": [payment.record() for payment in view.payments],
        "type": view.type,
        "sender": view.sender,
        "reference": view.reference,
        "received_at": moment(view.received_at),
        "decided_at": moment(view.decided_at),
    }


def moment(at: datetime) -> str:
    """A time as people and JSON see it: ISO 8601, UTC, milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
