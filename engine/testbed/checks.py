"""What has to be true of the engine after everything that was done to it: each check says how much it looked at.

Rule: paths of their own: what arrived is known from the broker's acknowledgements, what went out is read from the
outgoing topics, balances are computed again from the decisions. ``qenex audit`` is one of the checks.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine import audit, ids
from engine.bus.topics import INGEST_TOPICS, outbound_topic
from engine.store import archive
from engine.store.connection import Connection
from engine.testbed.bed import Arrival, Bed, message_ids

_SHOWN = 3

_BALANCES = """
    select a.book, a.participant, b.balance, coalesce((c.arguments ->> 'opening_balance')::bigint, 0)
    from ledger.accounts a join ledger.balances b using (account_id)
    left join engine.commands c on c.action = 'open-account' and c.ok and c.book = a.book
         and c.arguments ->> 'participant' = a.participant
    where a.purpose = 'settlement'
"""
_SETTLED = """
    select distinct on (i.payment_id) i.writer, i.debit, i.credit, i.amount
    from engine.outcomes o join engine.inbox i using (payment_id)
    where o.state = 'SETTLED' order by i.payment_id, i.attempt desc
"""


@dataclass(slots=True)
class Check:
    """One sentence and whether it holds; ``examined`` must not be 0 for it to say anything."""

    name: str
    examined: int = 0
    wrong: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether something was examined and all of it was right."""
        return self.examined > 0 and not self.wrong

    def record(self) -> dict[str, object]:
        """For JSON and for people."""
        detail = "; ".join(self.wrong[:_SHOWN]) or self.note
        return {
            "check": self.name,
            "ok": self.ok,
            "examined": self.examined,
            "violations": len(self.wrong),
            "detail": detail,
        }


def all_of(bed: Bed, arrived: Sequence[Arrival]) -> Iterator[Check]:
    """Every check, after everything has come to rest."""
    with bed.database() as connection:
        known = message_ids(bed, connection, arrived)
        yield every_arrival_acknowledged(bed, arrived)
        yield one_outcome_each(connection, known)
        yield archived(bed, connection, arrived)
        yield sent_once(bed, connection)
        yield one_answer_of_a_kind(connection)
        yield money_conserved(connection)
        yield from audited(connection)


def every_arrival_acknowledged(bed: Bed, arrived: Sequence[Arrival]) -> Check:
    """Two acknowledgements never name one place; and each message has the bytes that were sent."""
    check = Check("acknowledged-messages-are-on-their-topics")
    sent = {(one.topic, one.partition, one.offset): one.digest for one in arrived}
    if len(sent) != len(arrived):
        check.wrong.append(f"{len(arrived)} acknowledgements name {len(sent)} places")
    others = 0
    for record in bed.read(INGEST_TOPICS):
        digest = sent.pop((record.topic, record.partition, record.offset), None)
        if digest is None:
            others += 1
            continue
        check.examined += 1
        if hashlib.sha256(record.value).digest() != digest:
            check.wrong.append(f"{record.coordinates} has other bytes")
    check.wrong += [f"{place} is not on its topic" for place in sent]
    check.note = f"{others} other messages are on the topics"
    return check


def one_outcome_each(connection: Connection, known: dict[bytes, Arrival]) -> Check:
    """Each payment of each acknowledged message has one first decision, and one final state or a waiting row."""
    check = Check("one-outcome-each")
    first: Counter[bytes] = Counter()
    counts: dict[bytes, set[int]] = defaultdict(set)
    indexes: dict[bytes, set[int]] = defaultdict(set)
    payments: list[bytes] = []
    for payment, count in connection.execute("select payment_id, payments from engine.inbox where attempt = 0"):
        message = ids.message_id(payment.bytes)
        first[message] += 1
        counts[message].add(count)
        indexes[message].add(ids.coordinates(payment.bytes)[2])
        payments.append(payment.bytes)
    final = {row[0].bytes for row in connection.execute("select payment_id from engine.outcomes")}
    waiting = {row[0].bytes for row in connection.execute("select payment_id from engine.waiting")}
    held = {row[0].bytes for row in connection.execute("select payment_id from engine.cases where status <> 'decided'")}
    for message, arrival in known.items():
        check.examined += 1
        place = f"{arrival.topic}/{arrival.partition}/{arrival.offset}"
        if counts[message] != {first[message]} or indexes[message] != set(range(first[message])):
            check.wrong.append(f"{place}: {first[message]} decisions about {sorted(counts[message])} payments")
    for payment in payments:
        ways = (payment in final) + (payment in waiting or payment in held)
        if ways != 1:
            check.wrong.append(f"{ids.shown(payment)}: {'no' if ways == 0 else 'more than one'} outcome")
    check.note = f"{len(payments)} payments, {len(final)} final, {len(waiting)} wait, {len(held)} held"
    return check


def archived(bed: Bed, connection: Connection, arrived: Sequence[Arrival]) -> Check:
    """The archive has each acknowledged message, with the bytes that were sent."""
    check = Check("acknowledged-messages-are-archived")
    by_place: dict[tuple[str, int], dict[int, bytes]] = defaultdict(dict)
    for one in arrived:
        by_place[one.topic, one.partition][one.offset] = one.digest
    known = bed.sources(connection)
    for place, sent in by_place.items():
        kept = {
            message.offset: hashlib.sha256(message.value).digest()
            for message, _ in archive.read(connection, known[place], min(sent), max(sent) + 1)
        }
        check.examined += len(sent)
        check.wrong += [f"{place} {offset}" for offset, digest in sent.items() if kept.get(offset) != digest]
    return check


def sent_once(bed: Bed, connection: Connection) -> Check:
    """The outgoing topics have each answer of the outbox, once by ``ce_id``, in order, and nothing else."""
    check = Check("answers-sent-once-in-order")
    wanted: dict[str, dict[tuple[int, int], tuple[bytes, str]]] = defaultdict(dict)
    with connection.transaction(), connection.cursor("outbox") as cursor:
        cursor.execute("select recipient, writer_no, seq, type, sha256(payload) from engine.outbox")
        for recipient, writer, seq, kind, digest in cursor:
            wanted[outbound_topic(recipient)][writer, seq] = (bytes(digest), kind)
            check.examined += 1
    seen: dict[str, set[tuple[int, int]]] = defaultdict(set)
    last: dict[tuple[str, int], int] = defaultdict(int)
    repeated = 0
    for record in bed.read(sorted(wanted)):
        writer, _, seq = (int(part) if part.isdigit() else 0 for part in _identity(record.headers).partition("-"))
        if (writer, seq) in seen[record.topic]:
            repeated += 1
            continue
        seen[record.topic].add((writer, seq))
        answer = (hashlib.sha256(record.value).digest(), record.headers.get("ce_type", b"").decode())
        if wanted[record.topic].get((writer, seq)) != answer:
            check.wrong.append(f"{record.coordinates}: {writer}-{seq} is not that answer of the outbox")
        if seq < last[record.topic, writer]:
            check.wrong.append(f"{record.coordinates}: {writer}-{seq} comes after {last[record.topic, writer]}")
        last[record.topic, writer] = seq
    for topic, answers in wanted.items():
        check.wrong += [f"{topic}: {writer}-{seq} was not sent" for writer, seq in answers.keys() - seen[topic]]
    check.note = f"{repeated} repeated by ce_id"
    return check


def _identity(headers: dict[str, bytes]) -> str:
    return headers.get("ce_id", b"").decode("ascii", "replace")


def one_answer_of_a_kind(connection: Connection) -> Check:
    """No payment has two answers of one type to one recipient, but for the several reports of its several states."""
    check = Check("one-answer-of-a-kind")
    found = connection.execute(
        "select payment_id, recipient, type, count(*),"
        " (select count(*) from engine.inbox i where i.payment_id = o.payment_id)"
        " + (select count(*) from engine.transitions t where t.payment_id = o.payment_id)"
        " from engine.outbox o group by 1, 2, 3"
    )
    for payment, recipient, kind, count, states in found:
        check.examined += 1
        if count > (states if kind == "pacs.002" else 1):
            check.wrong.append(f"{payment}: {count} of type {kind} to {recipient}")
    return check


def money_conserved(connection: Connection) -> Check:
    """Each account has its opening plus what the settled payments moved: computed again from the decisions."""
    check = Check("money-conserved")
    balances = {
        (book, participant): (balance, opening) for book, participant, balance, opening in connection.execute(_BALANCES)
    }
    moved: Counter[tuple[str, str]] = Counter()
    for book, debit, credit, amount in connection.execute(_SETTLED):
        moved[book, debit] -= amount
        moved[book, credit] += amount
    for place, (balance, opening) in balances.items():
        check.examined += 1
        if balance != opening + moved[place]:
            check.wrong.append(f"{place}: {balance}, expected {opening} {moved[place]:+}")
    check.note = f"net {sum(amount for amount in moved.values() if amount > 0)} minor units changed hands"
    return check


def audited(connection: Connection) -> Iterator[Check]:
    """``qenex audit``, with nothing in flight."""
    for verdict in audit.run(connection, in_flight=0.0):
        wrong = [] if verdict.ok else [verdict.detail]
        yield Check(f"audit {verdict.check}", verdict.examined, wrong, verdict.detail)
