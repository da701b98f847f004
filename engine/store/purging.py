"""Emptying what is older than it has to be kept: bytes of messages, answers, papers of decided cases. The ledger stays.

Rule: a purge is one transaction of the schema's owner and leaves a row of ``engine.purges``. Rows stay, their content
goes: coordinates, digests, amounts, states and who decided what are history and prove the same as before. Nothing is
emptied that is still needed: what is not decided everywhere, not sent, or waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.store.connection import Connection
from engine.wire import decode, encode

#: Of a case's papers, what is left: where the message stood, when it came, its digest and its kind.
_KEPT = ("source", "offset", "index", "count", "attempt", "received_ms", "digest", "state", "format", "type", "scheme")

#: One select a kind, made in the transaction of the purge: what is emptied is what was counted.
_MESSAGES = """
    select a.archive_id, a.messages from engine.archive a where a.day < %(before)s and a.body <> ''::bytea
    and a.next_offset <= (select p.done_through from engine.progress p where p.source_id = a.source_id)
"""
_ANSWERS = """
    select o.writer_no, o.seq from engine.outbox o where o.at < %(before)s and o.payload <> ''::bytea
    and o.seq <= (select r.published_seq from engine.relays r where r.writer_no = o.writer_no)
"""
_CASES = """
    select c.case_id, c.envelope from engine.cases c
    where c.status = 'decided' and c.decided_at < %(before)s and c.summary <> 'purged'
"""
_CRASHES = """
    delete from engine.crashes c where c.at < %(before)s
    and c."offset" < (select min(p.next_offset) from engine.positions p where p.source_id = c.source_id)
"""


@dataclass(frozen=True, slots=True)
class Purge:
    """How many messages, answers and cases."""

    messages: int
    answers: int
    cases: int


def due(connection: Connection, before: date) -> Purge:
    """What a purge would empty now."""
    given = {"before": before}
    messages = sum(count for _, count in connection.execute(_MESSAGES, given).fetchall())
    answers = len(connection.execute(_ANSWERS, given).fetchall())
    return Purge(messages, answers, len(connection.execute(_CASES, given).fetchall()))


def purge(connection: Connection, before: date, who: str) -> Purge:
    """Empty it, as the owner of the schema."""
    given = {"before": before}
    with connection.transaction():
        connection.execute("set local qenex.purge = 'on'")
        messages = connection.execute(_MESSAGES, given).fetchall()
        answers = connection.execute(_ANSWERS, given).fetchall()
        cases = connection.execute(_CASES, given).fetchall()
        connection.execute(
            "update engine.archive set body = '' where archive_id = any(%s)", ([number for number, _ in messages],)
        )
        connection.execute(
            "update engine.outbox o set payload = '' from unnest(%s::int[], %s::bigint[]) as n (writer_no, seq)"
            " where o.writer_no = n.writer_no and o.seq = n.seq",
            ([writer for writer, _ in answers], [seq for _, seq in answers]),
        )
        for case_id, envelope in cases:
            _empty_case(connection, case_id, bytes(envelope))
        connection.execute(_CRASHES, given)
        found = Purge(sum(count for _, count in messages), len(answers), len(cases))
        connection.execute(
            "insert into engine.purges (before, purged_by, messages, answers, cases) values (%s, %s, %s, %s, %s)",
            (before, who, found.messages, found.answers, found.cases),
        )
    return found


def _empty_case(connection: Connection, case_id: int, envelope: bytes) -> None:
    whole = decode(envelope)
    kept = type(whole)(**{name: getattr(whole, name) for name in _KEPT})
    connection.execute(
        "update engine.cases set envelope = %s, hits = '[]', summary = 'purged' where case_id = %s",
        (encode(kept), case_id),
    )
