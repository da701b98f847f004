"""The audit: every invariant, over all of history, each with how much was examined and how often it is broken.

Rule: a check proves one sentence and looks at every record that the sentence is about; nothing is sampled. Most are SQL
(``ledger/sql/audit``); those that need the archived bytes stream through Python. All see one moment of the database.
What arrived less than ``in_flight`` seconds ago may still be on its way between archive and decision: such messages
are counted in the detail, older ones are violations.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.processors.case_relay import CASES_NO
from engine.store import audits
from engine.store.connection import Connection
from settlement.lifecycle import FINAL, TRANSITIONS, State, pairs
from settlement.schemes import SCHEMES

IN_FLIGHT_SECONDS = 60.0

#: Name of the check -> its file. The numbers are those of the invariants in the documentation.
SQL_CHECKS: tuple[tuple[str, str], ...] = (
    ("I1-entries-sum-to-zero", "entries_sum_to_zero"),
    ("I1-totals", "totals"),
    ("I2-running-balances", "running_balances"),
    ("I2-balances", "balances"),
    ("I3-one-entry-a-payment", "one_entry_a_payment"),
    ("I3-entries-match-payments", "entries_match_payments"),
    ("I5-one-outcome", "one_outcome"),
    ("I5-waiting", "waiting"),
    ("I5-lawful-transitions", "lawful_transitions"),
    ("I6-credit-lines", "credit_lines"),
    ("I7-queue-order", "queue_order"),
    ("I10-answers", "answers"),
    ("I10-relays", "relays"),
    ("claims", "claims"),
    ("positions", "positions"),
    ("guards", "guards"),
)
ARCHIVED_AND_DECIDED = "I4-archived-and-decided"
ARCHIVED_BYTES = "I4-archived-bytes"
_PROVES = {
    ARCHIVED_AND_DECIDED: "Every archived message has a first decision about each of its payments, every decided"
    " message is archived with the bytes that were decided, and the archive has no gap.",
    ARCHIVED_BYTES: "Every archived message has the SHA-256 that was taken when it arrived.",
}
_EXAMPLES = 5
_PLACE = struct.Struct(">IQ")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found; ``ok`` when nothing is violated."""

    check: str
    examined: int
    violations: int
    detail: str

    @property
    def ok(self) -> bool:
        """Whether the invariant holds."""
        return self.violations == 0

    def record(self) -> dict[str, object]:
        """The public shape."""
        return {
            "check": self.check,
            "ok": self.ok,
            "examined": self.examined,
            "violations": self.violations,
            "detail": self.detail,
        }


def names() -> tuple[str, ...]:
    """All checks, in the order in which they run."""
    return (*(name for name, _ in SQL_CHECKS), ARCHIVED_AND_DECIDED, ARCHIVED_BYTES)


def run(connection: Connection, *, in_flight: float = IN_FLIGHT_SECONDS) -> Iterator[Verdict]:
    """All checks on one moment of the database, each as soon as it is done. The connection needs to read only."""
    with audits.snapshot(connection) as now:
        yield from checks(connection, now - timedelta(seconds=in_flight))


def checks(connection: Connection, settled_before: datetime) -> Iterator[Verdict]:
    """All checks in the caller's transaction; what is older than ``settled_before`` has no excuse."""
    variables = _variables(settled_before)
    for check, name in SQL_CHECKS:
        examined, violations, detail = audits.judge(connection, name, variables)
        yield Verdict(check, examined, violations, detail or audits.proves(name))
    yield from _archive(connection, settled_before)


def _variables(settled_before: datetime) -> dict[str, Any]:
    """What the SQL is told of the tables in code."""
    lawful = [(before.value, after.value) for before, after in pairs()]
    decisions = {*TRANSITIONS[State.RECEIVED], *TRANSITIONS[State.CLEARED]}
    released = {*TRANSITIONS[State.HELD], *TRANSITIONS[State.CLEARED]}
    passing = {State.RECEIVED, State.CLEARED}  # states between stages: never committed
    return {
        "final": sorted(state.value for state in FINAL),
        "first": sorted(state.value for state in decisions - passing),
        "released": sorted(state.value for state in released - passing),
        "before": [before for before, _ in lawful],
        "after": [after for _, after in lawful],
        "never_wait": sorted(name for name, scheme in SCHEMES.items() if not scheme.may_wait),
        "settled_before": settled_before,
        "cases_no": CASES_NO,
    }


@dataclass(slots=True)
class _Tally:
    """Counts of one streamed check."""

    examined: int = 0
    violations: int = 0
    examples: list[str] = field(default_factory=list)
    in_flight: int = 0
    purged: int = 0

    def broken(self, what: str) -> None:
        """One violation."""
        self.violations += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(what)

    def verdict(self, check: str) -> Verdict:
        """The result."""
        waiting = f" {self.in_flight} messages are in flight." if self.in_flight else ""
        purged = f" The bytes of {self.purged} were purged." if self.purged else ""
        detail = "; ".join(self.examples) or _PROVES[check] + waiting + purged
        return Verdict(check, self.examined, self.violations, detail)


@dataclass(frozen=True, slots=True)
class _Archived:
    """A message of the archive: its place as 12 bytes, SHA-256, arrival in seconds since 1970."""

    place: bytes
    sha256: bytes
    at: float


@dataclass(slots=True)
class _Decided:
    """First decisions about the payments of one message."""

    place: bytes
    payments: int
    digest: bytes
    at: float
    decisions: int = 1
    uniform: bool = True


def _archive(connection: Connection, settled_before: datetime) -> Iterator[Verdict]:
    """Archive and inbox side by side, both in order of place."""
    whole, kept = _Tally(), _Tally()
    cover = audits.coverage(connection)
    bound = settled_before.timestamp()
    archived = _archived_messages(connection, whole, kept, cover)
    decided = _decided_messages(connection)
    left, right = next(archived, None), next(decided, None)
    while left is not None or right is not None:
        whole.examined += 1
        if right is None or (left is not None and left.place < right.place):
            assert left is not None
            _undecided(left, whole, cover, bound)
            left = next(archived, None)
        elif left is None or right.place < left.place:
            _unarchived(right, whole, bound)
            right = next(decided, None)
        else:
            _compare(left, right, whole, bound)
            left, right = next(archived, None), next(decided, None)
    yield whole.verdict(ARCHIVED_AND_DECIDED)
    yield kept.verdict(ARCHIVED_BYTES)


def _shown(place: bytes) -> str:
    source, offset = _PLACE.unpack(place)
    return f"source {source}, offset {offset}"


def _undecided(message: _Archived, tally: _Tally, cover: dict[int, tuple[int, int]], bound: float) -> None:
    source, offset = _PLACE.unpack(message.place)
    if message.at < bound or offset < cover.get(source, (0, 0))[1]:
        tally.broken(f"{_shown(message.place)} is archived and was never decided")
    else:
        tally.in_flight += 1


def _unarchived(message: _Decided, tally: _Tally, bound: float) -> None:
    if message.at < bound:
        tally.broken(f"{_shown(message.place)} was decided and is not in the archive")
    else:
        tally.in_flight += 1


def _compare(message: _Archived, decided: _Decided, tally: _Tally, bound: float) -> None:
    if not decided.uniform or decided.digest != message.sha256[:16]:
        tally.broken(f"{_shown(message.place)} was decided for other bytes than the archive has")
    elif decided.decisions > decided.payments:
        tally.broken(f"{_shown(message.place)}: {decided.decisions} decisions about {decided.payments} payments")
    elif decided.decisions < decided.payments:
        if message.at < bound:
            tally.broken(f"{_shown(message.place)}: {decided.decisions} of {decided.payments} payments are decided")
        else:
            tally.in_flight += 1


def _decided_messages(connection: Connection) -> Iterator[_Decided]:
    """First decisions, put together by message."""
    current: _Decided | None = None
    for payment, payments, digest, at in audits.first_decisions(connection):
        place = bytes(payment[:12])
        if current is not None and current.place == place:
            current.decisions += 1
            current.at = max(current.at, at)
            current.uniform = current.uniform and current.digest == digest and current.payments == payments
            continue
        if current is not None:
            yield current
        current = _Decided(place, payments, bytes(digest), at)
    if current is not None:
        yield current


def _archived_messages(
    connection: Connection, whole: _Tally, kept: _Tally, cover: dict[int, tuple[int, int]]
) -> Iterator[_Archived]:
    """Messages of the archive; on the way ranges are checked for gaps and bytes against their digests."""
    ends: dict[int, int] = {}
    purged_before = audits.purged_before(connection)
    for source, first, after, count, *columns in audits.archive_rows(connection):
        if source in ends and first != ends[source]:
            whole.broken(f"the archive of source {source} has a gap from {ends[source]} to {first}")
        ends[source] = after
        offsets, sizes, received, digests, body = (bytes(column) for column in columns)
        kept.examined += count
        if len(offsets) != 8 * count or not len(sizes) * 2 == len(received) == 8 * count or len(digests) != 32 * count:
            kept.broken(f"the archive of source {source} from {first} to {after} is damaged: its columns differ")
            continue
        digest_list = [digests[start : start + 32] for start in range(0, len(digests), 32)]
        places = array("q", offsets)
        if not body and max(array("q", received)) < purged_before:
            kept.purged += count  # what arrived is still told by its digest, with which the decisions are compared
        else:
            _check_bytes(f"source {source}, offset", places, array("I", sizes), digest_list, body, kept)
        for offset, at, digest in zip(places, array("q", received), digest_list, strict=True):
            if not first <= offset < after:
                kept.broken(f"source {source}: offset {offset} lies outside of its range {first} to {after}")
            yield _Archived(_PLACE.pack(source, offset), digest, at / 1000)
    for source, (archived, done) in cover.items():
        if archived != ends.get(source, 0):
            whole.broken(
                f"source {source} is said to be archived to {archived}, the archive ends at {ends.get(source, 0)}"
            )
        if done > archived:
            whole.broken(f"source {source} is said to be done through {done}, the archive ends at {archived}")


def _check_bytes(
    where: str, offsets: array[int], sizes: array[int], digests: list[bytes], body: bytes, kept: _Tally
) -> None:
    try:
        plain = memoryview(zlib.decompress(body))
    except zlib.error as problem:
        kept.broken(f"{where} {offsets[0]} to {offsets[-1]}: the archived bytes are damaged ({problem})")
        return
    if sum(sizes) != len(plain):
        kept.broken(f"{where} {offsets[0]} to {offsets[-1]}: {len(plain)} archived bytes instead of {sum(sizes)}")
        return
    at = 0
    for offset, size, digest in zip(offsets, sizes, digests, strict=True):
        if hashlib.sha256(plain[at : at + size]).digest() != digest:
            kept.broken(f"{where} {offset}: the archived bytes do not have their SHA-256")
        at += size
