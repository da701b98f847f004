"""Cases in Postgres: what waits for two persons, and what their decisions send back into the stream.

Rule: a decision and what it sends are one transaction, on the locked row of the case; the first operator's proposal
binds the second by its hash. What may be done is decided by ``engine.compliance.cases`` (CaseRuleError names the rule,
nothing has changed); the table's constraints say it again: one standing proposal a case, two different persons.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from engine import ids
from engine.compliance import cases as rules
from engine.compliance.cases import Case, CaseAction, CaseDecision, CaseRuleError, CaseStatus, Operator, Proposal
from engine.compliance.deciding import next_attempt
from engine.compliance.screening import Hit
from engine.store import good_guys, sources
from engine.store.connection import Connection
from engine.wire import Envelope, decode, encode
from payments import Money

_hits = msgspec.json.Decoder(tuple[Hit, ...])

_OPEN_CASE = """
    insert into engine.cases (payment_id, attempt, kind, opened_at, summary, hits, envelope)
    values (%s, %s, %s, %s, %s, %s, %s)
"""


def opening(
    envelope: Envelope, kind: str, now: datetime, summary: str, hits: tuple[Hit, ...]
) -> tuple[str, tuple[object, ...]]:
    """The statement that opens a case, for the commit that holds its payment. Postgres' text holds no NUL."""
    plain = msgspec.json.encode(hits).decode().replace("\\u0000", "\\ufffd")
    shown = summary.replace("\x00", "\ufffd")
    return _OPEN_CASE, (envelope.payment_id.hex(), envelope.attempt, kind, now, shown, plain, encode(envelope))


class UnknownCaseError(LookupError):
    """There is no case of this number."""

    def __init__(self, case_id: int) -> None:
        super().__init__(f"there is no case {case_id}")


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal as stored, and what became of it; ``dropped_by``: withdrawn by its author or refused by another."""

    proposal: Proposal
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    dropped_by: str | None
    dropped_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredCase:
    """A case with the payment as it was held and its proposals, oldest first. ``kind``: ``screening`` or ``crash``."""

    case: Case
    envelope: Envelope
    kind: str
    opened_at: datetime
    summary: str
    decided_at: datetime | None
    proposals: tuple[Proposed, ...]

    @property
    def standing(self) -> Proposal | None:
        """The proposal that waits for a second operator, or that was approved."""
        return next((each.proposal for each in self.proposals if each.dropped_by is None), None)


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case as listed; ``proposed`` and ``proposed_by`` are of the standing proposal."""

    case_id: int
    payment_id: bytes
    amount: Money | None
    attempt: int
    status: str
    kind: str
    opened_at: datetime
    summary: str
    decision: str | None
    decided_at: datetime | None
    proposed: str | None
    proposed_by: str | None
    sender: str | None
    reference: str | None


def outgoing_after(connection: Connection, seq: int) -> list[tuple[int, str, int, bytes]]:
    """Rows of the cases' outbox behind a sequence: (sequence, topic, partition, payload)."""
    found = connection.execute(
        "select seq, topic, partition, payload from engine.case_outbox where seq > %s order by seq", (seq,)
    )
    return [(number, topic, partition, bytes(payload)) for number, topic, partition, payload in found.fetchall()]


_LIST = """
    select c.case_id, uuid_send(c.payment_id), i.amount, i.currency, c.attempt, c.status, c.kind, c.opened_at,
           c.summary, c.decision, c.decided_at, p.decision, p.proposed_by, i.sender, i.reference
    from engine.cases c
    left join engine.proposals p on p.case_id = c.case_id and p.dropped_at is null
    left join engine.inbox i on i.payment_id = c.payment_id and i.attempt = c.attempt
    where %(status)s::text is null or c.status = %(status)s
    order by c.case_id
"""


def list_cases(connection: Connection, status: CaseStatus | None = None) -> list[ListedCase]:
    """All cases, or those of one status, oldest first."""
    found = connection.execute(_LIST, {"status": status}).fetchall()
    return [
        ListedCase(row[0], bytes(row[1]), None if row[2] is None else Money(row[2], row[3]), *row[4:]) for row in found
    ]


_CASE = """
    select uuid_send(payment_id), attempt, status, kind, opened_at, summary, hits::text, envelope, decision, decided_at
    from engine.cases where case_id = %s
"""
_PROPOSALS = """
    select decision, reason, proposed_by, good_guy_entries, good_guys_expire, encode(proposal, 'hex'), proposed_at,
           approved_by, approved_at, dropped_by, dropped_at
    from engine.proposals where case_id = %s order by proposal_id
"""


def load(connection: Connection, case_id: int, *, lock: bool = False) -> StoredCase:
    """One case; ``lock`` keeps its row for this transaction. UnknownCaseError when there is none of this number."""
    row = connection.execute(_CASE + (" for update" if lock else ""), (case_id,)).fetchone()
    if row is None:
        raise UnknownCaseError(case_id)
    payment_id, attempt, status, kind, opened_at, summary, hits, packed, decision, decided_at = row
    envelope = decode(bytes(packed))
    clearance = envelope.clearance
    case = Case(
        case_id=case_id,
        payment_id=ids.shown(bytes(payment_id)),
        attempt=attempt,
        payment_digest=hashlib.sha256(bytes(packed)).hexdigest(),
        hits=_hits.decode(hits),
        list_version="" if clearance is None else clearance.list_version,
        settings_version="" if clearance is None else clearance.settings_version,
        readable=envelope.payment is not None,
        status=CaseStatus(status),
        decision=decision,
    )
    proposals = tuple(_proposed(case_id, each) for each in connection.execute(_PROPOSALS, (case_id,)).fetchall())
    return StoredCase(case, envelope, kind, opened_at, summary, decided_at, proposals)


def _proposed(case_id: int, row: tuple[Any, ...]) -> Proposed:
    decision, reason, proposed_by, entries, expire, digest, *fate = row
    proposal = Proposal(
        case_id=case_id,
        decision=decision,
        reason=reason,
        proposed_by=proposed_by,
        good_guy_entries=tuple(entries),
        good_guys_expire=None if expire is None else expire.isoformat(),
        hash=digest,
    )
    return Proposed(proposal, *fate)


_PROPOSE = """
    insert into engine.proposals (case_id, proposal, decision, reason, good_guy_entries, good_guys_expire, proposed_by)
    values (%s, %s, %s, %s, %s, %s, %s)
"""


def propose(
    connection: Connection,
    case_id: int,
    operator: Operator,
    decision: CaseDecision,
    reason: str,
    good_guy_entries: tuple[str, ...] = (),
    good_guys_expire: str | None = None,
) -> Proposal:
    """The first operator's part. ``good_guys_expire``: last day, ISO 8601. Returns the proposal with its hash."""
    with connection.transaction():
        stored = load(connection, case_id, lock=True)
        case, proposal = rules.propose(
            stored.case, operator, decision, reason, tuple(sorted(set(good_guy_entries))), good_guys_expire
        )
        arguments = (case_id, bytes.fromhex(proposal.hash), decision, proposal.reason)
        entries = (list(proposal.good_guy_entries), proposal.good_guys_expire)
        connection.execute(_PROPOSE, (*arguments, *entries, operator.name))
        _set_status(connection, case)
    return proposal


_APPROVED = """
    update engine.proposals set approved_by = %s, approved_at = clock_timestamp()
    where case_id = %s and dropped_at is null and approved_at is null and proposal = %s
"""
_DECIDED = "update engine.cases set status = %s, decision = %s, decided_at = clock_timestamp() where case_id = %s"
#: Numbers are given under this lock, so that the relay, which reads behind the last it saw, never skips one that was
#: given earlier and is committed later.
_LOCK_OUTBOX = "select pg_advisory_xact_lock(hashtext('engine.case_outbox'))"
_SEND = "insert into engine.case_outbox (case_id, topic, partition, payload) values (%s, %s, %s, %s)"


def approve(connection: Connection, case_id: int, operator: Operator, approved_hash: str) -> Case:
    """The second operator's part, in one transaction: proposal approved, case decided, good guys in force, the
    payment's next attempt in the outbox. ``approved_hash`` (hexadecimal) is what he saw.
    """
    with connection.transaction():
        stored = load(connection, case_id, lock=True)
        proposal = _standing(stored, CaseAction.APPROVE, operator)
        case, in_force = rules.approve(stored.case, proposal, operator, approved_hash)
        approved = connection.execute(_APPROVED, (operator.name, case_id, bytes.fromhex(proposal.hash)))
        if approved.rowcount != 1:
            raise RuntimeError(f"case {case_id}: its standing proposal could not be approved")
        connection.execute(_DECIDED, (case.status, case.decision, case_id))
        for good in in_force:
            good_guys.add(connection, case_id, good)
        _send_on(connection, stored.envelope, case, proposal, operator.name)
    return case


def _send_on(connection: Connection, held: Envelope, case: Case, proposal: Proposal, approved_by: str) -> None:
    """The outbox row: on the partition of the number that the message arrived on."""
    topic, envelope = next_attempt(held, case, proposal, approved_by)
    place = sources.place_of(connection, held.source)
    if place is None:
        raise RuntimeError(f"case {case.case_id}: source {held.source} of its payment is not known")
    connection.execute(_LOCK_OUTBOX)
    connection.execute(_SEND, (case.case_id, topic, place[1], encode(envelope)))


def withdraw(connection: Connection, case_id: int, operator: Operator, seen_hash: str) -> Case:
    """Take one's own proposal back: the case is open again."""
    return _drop(connection, case_id, operator, seen_hash, CaseAction.WITHDRAW)


def refuse(connection: Connection, case_id: int, operator: Operator, seen_hash: str) -> Case:
    """Refuse what another operator proposed: the case is open again."""
    return _drop(connection, case_id, operator, seen_hash, CaseAction.REFUSE)


_DROPPED = """
    update engine.proposals set dropped_by = %s, dropped_at = clock_timestamp()
    where case_id = %s and dropped_at is null and approved_at is null
"""


def _drop(connection: Connection, case_id: int, operator: Operator, seen_hash: str, action: CaseAction) -> Case:
    with connection.transaction():
        stored = load(connection, case_id, lock=True)
        proposal = _standing(stored, action, operator)
        case = rules.drop_proposal(stored.case, proposal, operator, action, seen_hash)
        connection.execute(_DROPPED, (operator.name, case_id))
        _set_status(connection, case)
    return case


def _standing(stored: StoredCase, action: CaseAction, operator: Operator) -> Proposal:
    """What stands proposed; CaseRuleError when the status or the role does not allow the action in the first place."""
    rules.after(stored.case, action, operator)
    proposal = stored.standing
    if proposal is None:
        raise CaseRuleError("status", f"nothing stands proposed in case {stored.case.case_id}")
    return proposal


def _set_status(connection: Connection, case: Case) -> None:
    connection.execute("update engine.cases set status = %s where case_id = %s", (case.status, case.case_id))
