"""Everything that is recorded about payments, for ``qenex trace``: found by any of their references, read in one pass.

Rule: read only, many references at once. There is no index on the references (it would cost every payment); one pass
over the inbox serves all that are asked together, and an id or a place is found by the primary key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine import ids
from engine.store.connection import Connection
from payments import Money

_PLACE = re.compile(r"([A-Za-z0-9._-]+)/(\d{1,9})/(\d{1,18})", re.ASCII)

_BY_REFERENCE = """
    select uuid_send(payment_id), reference, instruction_id, end_to_end_id, uetr from engine.inbox
    where reference = any(%(texts)s::text[]) or instruction_id = any(%(texts)s::text[])
       or end_to_end_id = any(%(texts)s::text[]) or uetr = any(%(uetrs)s::text[])
"""
_BY_ID = "select distinct uuid_send(payment_id) from engine.inbox where payment_id = any(%s::uuid[])"
_BY_PLACE = """
    select s.topic, s.partition, p.at_offset, s.source_id
    from unnest(%s::text[], %s::int[], %s::bigint[]) as p (topic, partition, at_offset)
    join engine.sources s on s.topic = p.topic and s.partition = p.partition
    where exists (select from engine.archived a where a.source_id = s.source_id and a.next_offset > p.at_offset)
       or exists (select from engine.positions w where w.source_id = s.source_id)
"""


def find(connection: Connection, references: Sequence[str]) -> dict[str, list[bytes]]:
    """Reference -> ids of the messages that match it, in order of arrival; a reference without a match is left out."""
    wanted = dict.fromkeys(references)
    found: dict[str, set[bytes]] = {}
    _by_place(connection, [text for text in wanted if _PLACE.fullmatch(text)], found)
    _by_id(connection, {text: payment for text in wanted if (payment := ids.parse(text)) is not None}, found)
    _by_reference(connection, [text for text in wanted if not _PLACE.fullmatch(text)], found)
    return {text: sorted(messages) for text, messages in found.items()}


def _by_place(connection: Connection, texts: Sequence[str], found: dict[str, set[bytes]]) -> None:
    places = [(match.group(1), int(match.group(2)), int(match.group(3))) for t in texts if (match := _PLACE.match(t))]
    if not places:
        return
    asked = {place: text for place, text in zip(places, texts, strict=True)}  # noqa: C416 - names say what is what
    columns = [list(column) for column in zip(*places, strict=True)]
    newest: dict[tuple[str, int, int], int] = {}
    for topic, partition, offset, source in connection.execute(_BY_PLACE, columns).fetchall():
        place = (topic, partition, offset)
        newest[place] = max(source, newest.get(place, 0))  # a topic that was created anew: the newest is meant
    for place, source in newest.items():
        found.setdefault(asked[place], set()).add(ids.payment_id(source, place[2], 0))


def _by_id(connection: Connection, asked: dict[str, bytes], found: dict[str, set[bytes]]) -> None:
    if not asked:
        return
    there = {bytes(row[0]) for row in connection.execute(_BY_ID, ([p.hex() for p in asked.values()],)).fetchall()}
    for text, payment in asked.items():
        if payment in there:
            found.setdefault(text, set()).add(ids.message_id(payment))


def _by_reference(connection: Connection, texts: Sequence[str], found: dict[str, set[bytes]]) -> None:
    if not texts:
        return
    lower = {text.lower(): text for text in texts}
    asked = set(texts)
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_BY_REFERENCE, {"texts": list(texts), "uetrs": list(lower)}).fetchall()
    for payment, *names, uetr in rows:
        matched = {name for name in names if name in asked}
        if uetr in lower:
            matched.add(lower[uetr])
        for text in matched:
            found.setdefault(text, set()).add(ids.message_id(bytes(payment)))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a payment: ``decided`` (an attempt), ``moved`` (a later state), ``settled``."""

    payment: bytes
    at: datetime
    step: str
    state: str
    attempt: int
    reason: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class PostingView:
    """One side of an entry."""

    payment: bytes
    entry: int
    kind: str
    business_date: str
    posted_at: datetime
    account: int
    system: str
    participant: str
    amount: Money
    balance_after: Money


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A message that went, or will go, to a participant."""

    payment: bytes
    writer_no: int
    seq: int
    at: datetime
    recipient: str
    type: str


@dataclass(slots=True)
class History:
    """What is recorded about some payments, by payment id."""

    steps: dict[bytes, list[Step]] = field(default_factory=dict)
    postings: dict[bytes, list[PostingView]] = field(default_factory=dict)
    answers: dict[bytes, list[AnswerView]] = field(default_factory=dict)


_DECIDED = """
    select uuid_send(payment_id), decided_at, 'decided', state, attempt::int, reason, explanation
    from engine.inbox where payment_id = any(%s::uuid[]) order by payment_id, attempt
"""
_MOVED = """
    select uuid_send(payment_id), at, 'moved', state, step / 1000, reason, cause
    from engine.transitions where payment_id = any(%s::uuid[]) order by payment_id, step
"""
_POSTED = """
    select uuid_send(e.payment_id), e.entry_id, e.kind, e.business_date::text, e.posted_at, p.account_id, a.book,
           a.participant, a.currency, p.amount, p.balance_after
    from ledger.entries e join ledger.postings p using (entry_id) join ledger.accounts a using (account_id)
    where e.payment_id = any(%s::uuid[]) order by e.entry_id, p.amount
"""
_ANSWERED = """
    select uuid_send(payment_id), writer_no::int, seq, at, recipient, type
    from engine.outbox where payment_id = any(%s::uuid[]) order by at, writer_no, seq
"""


def history(connection: Connection, payments: Iterable[bytes]) -> History:
    """Decisions, transitions, postings and answers of payments."""
    asked = ([payment.hex() for payment in payments],)
    found = History()
    with connection.cursor(binary=True) as cursor:
        for query in (_DECIDED, _MOVED):
            for payment, *row in cursor.execute(query, asked).fetchall():
                found.steps.setdefault(bytes(payment), []).append(Step(bytes(payment), *row))
        for posted in cursor.execute(_POSTED, asked).fetchall():
            view = _posting(posted)
            found.postings.setdefault(view.payment, []).append(view)
        for payment, *row in cursor.execute(_ANSWERED, asked).fetchall():
            found.answers.setdefault(bytes(payment), []).append(AnswerView(bytes(payment), *row))
    for payment, postings in found.postings.items():
        first = postings[0]
        detail = f"entry {first.entry} ({first.kind}) of business date {first.business_date}"
        found.steps.setdefault(payment, []).append(
            Step(payment, first.posted_at, "settled", "SETTLED", 0, None, detail)
        )
    return found


def _posting(row: tuple[Any, ...]) -> PostingView:
    payment, entry, kind, day, posted_at, account, book, participant, currency, amount, balance = row
    moved, after = Money(amount, currency), Money(balance, currency)
    return PostingView(bytes(payment), entry, kind, day, posted_at, account, book, participant, moved, after)


def archived(connection: Connection) -> dict[int, int]:
    """Source -> offset before which the archive is complete."""
    return dict(connection.execute("select source_id, next_offset from engine.archived").fetchall())
