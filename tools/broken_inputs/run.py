"""Broken inputs through the topics while good payments flow: what each became, whether it was answered, who was lost.

Rule: broken and good messages are shuffled together on the same topics, signed like any other (those of kind *forged*
are not, and are answered to nobody). Afterwards every message has one outcome, the broken ones the expected, the good
ones SETTLED; and a file that was accepted before, sent once more, is a DUPLICATE.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import parsers
from engine.store.connection import Connection
from engine.testbed import checks
from engine.testbed.bed import Arrival, Bed, Sender, message_ids
from engine.testbed.samples import Sample, Writer
from tools.broken_inputs import FAMILIES
from tools.broken_inputs.kinds import Expected, Kind, rejected

#: Signed with nobody's key, one each of the three families.
FORGED = (
    Kind("forged-mt", Writer.mt103, lambda value, _: value, rejected("LAU"), answered=False, signed=False),
    Kind("forged-iso", Writer.pacs008, lambda value, _: value, rejected("LAU"), answered=False, signed=False),
    Kind("forged-ach", Writer.nacha, lambda value, _: value, rejected("LAU"), answered=False, signed=False),
)
_ANSWERS = {"mt": "NAK", "iso": "pacs.002", "ach": "ACH-ACK"}
_FORGED_SIGNATURE = "00" * 32


@dataclass(slots=True)
class Row:
    """A kind: how many were sent, what became of them, what is wrong with that."""

    kind: Kind
    sent: int = 0
    got: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def record(self) -> dict[str, object]:
        """For JSON and for people."""
        return {
            "kind": self.kind.name,
            "ok": not self.wrong and self.sent > 0,
            "sent": self.sent,
            "expected": str(self.kind.expected),
            "got": dict(self.got),
            "wrong": self.wrong[:3],
        }


@dataclass(slots=True)
class Report:
    """Rows by kind, the good ones' fate, checks over everything."""

    rows: list[Row]
    good: Row
    repeated: Row
    checks: list[checks.Check]

    @property
    def ok(self) -> bool:
        """Whether all is as expected."""
        rows = (*self.rows, self.good, self.repeated)
        return all(row.sent > 0 and not row.wrong for row in rows) and all(check.ok for check in self.checks)


def run(bed: Bed, *, seed: int, per_family: int, name: str) -> Report:
    """Send ``per_family`` broken inputs of each family among as many good messages, wait, judge."""
    writer = Writer(seed, bed.dates, name)
    kinds = [*_spread(per_family), *FORGED]
    samples: list[tuple[Sample, Kind | None]] = [(kind.make(writer), kind) for kind in kinds]
    samples += [(writer.mt103(rich=True), None) for _ in range(per_family // 2)]
    samples += [(writer.pacs008(rich=True), None) for _ in range(per_family // 2)]
    files = [writer.nacha() for _ in range(max(1, per_family // 10))]
    samples += [(sample, None) for sample in files]
    writer.chance.shuffle(samples)
    kind_of = {id(sample): kind for sample, kind in samples}

    sender = Sender(bed)
    for sample, kind in samples:
        sender.send(sample, signature=None if kind is None or kind.signed else _FORGED_SIGNATURE)
    sender.flush()
    for sample in files:
        sender.send(sample)
    sender.flush()
    bed.settle()

    again = set(map(id, files))
    seen: set[int] = set()
    rows = {kind.name: Row(kind) for kind in kinds}
    report = Report(
        list(rows.values()),
        Row(Kind("good", Writer.mt103, lambda value, _: value, Expected("SETTLED", frozenset((None,))))),
        Row(
            Kind("accepted-file-again", Writer.nacha, lambda value, _: value, Expected("DUPLICATE", frozenset((None,))))
        ),
        [],
    )
    with bed.database() as connection:
        for message, arrival in sorted(message_ids(bed, connection, sender.arrived).items()):
            kind = kind_of[id(arrival.sample)]
            row = report.good if kind is None else rows[kind.name]
            if id(arrival.sample) in again & seen:
                row = report.repeated
            seen.add(id(arrival.sample))
            _judge(connection, message, arrival, row)
    report.checks = list(checks.all_of(bed, sender.arrived))
    if sender.refused:
        report.checks.append(checks.Check("taken-by-the-broker", len(sender.refused), sender.refused))
    return report


def _spread(per_family: int) -> list[Kind]:
    """Every kind of each family equally often."""
    return [kinds[number % len(kinds)] for kinds in FAMILIES.values() for number in range(per_family)]


def _judge(connection: Connection, message: bytes, arrival: Arrival, row: Row) -> None:
    row.sent += 1
    place = f"{arrival.topic}/{arrival.partition}/{arrival.offset}"
    low, high = message.hex(), message[:12].hex() + "ffffffff"
    found = connection.execute(
        "select o.state, i.reason, i.payments from engine.inbox i left join engine.outcomes o using (payment_id)"
        " where i.payment_id between %s and %s and i.attempt = 0",
        (low, high),
    ).fetchall()
    states = {state for state, _, _ in found}
    state = next(iter(states)) if len(states) == 1 else "PARTIAL" if found else "NONE"
    reasons = {reason for _, reason, _ in found}
    row.got[f"{state} {' '.join(sorted(reason or '-' for reason in reasons))}"] += 1
    expected = row.kind.expected
    if state != expected.state or not reasons <= expected.codes or len(found) != (found[0][2] if found else 1):
        row.wrong.append(f"{place}: {state} {sorted(str(reason) for reason in reasons)}")
    if expected.state in ("REJECTED", "PARTIAL"):
        _judge_answers(connection, (low, high), place, row)


def _judge_answers(connection: Connection, message: tuple[str, str], place: str, row: Row) -> None:
    """One answer of the family's kind, readable and right by our own rules; nobody is told of what is forged."""
    found = connection.execute(
        "select recipient, type, payload from engine.outbox where payment_id between %s and %s", message
    ).fetchall()
    wanted = _ANSWERS.get(row.kind.name.partition("-")[0])
    answers = [(recipient, bytes(payload)) for recipient, kind, payload in found if kind == wanted]
    if not row.kind.answered:
        if found:
            row.wrong.append(f"{place}: answered, though nobody signed it")
        return
    if len(answers) != 1:
        row.wrong.append(f"{place}: {len(answers)} answers of type {wanted}")
        return
    if wanted == "NAK":
        said = _nak_code(answers[0][1])
        if said not in row.kind.expected.codes:
            row.wrong.append(f"{place}: its NAK says {said}")
    if wanted == "pacs.002":
        for one in parsers.parse(answers[0][1], format="iso20022"):
            row.wrong += [f"{place}: its pacs.002: {each.code} {each.place} {each.value}" for each in one.errors()]


def _nak_code(payload: bytes) -> str | None:
    """The code in field 405 of a NAK."""
    fields = parsers.parse(payload, format="swift-mt")[0].content().get("fields")
    rows = fields if isinstance(fields, list) else []
    return next((str(row["value"])[:3] for row in rows if row["tag"] == "405"), None)


def shown(rows: Sequence[Row]) -> list[str]:
    """A table: kind, expected, got."""
    return [
        f"{'ok   ' if not row.wrong else 'WRONG'} {row.kind.name:34} {row.sent:5}  {row.kind.expected!s:44} "
        + ", ".join(f"{text} x{count}" for text, count in row.got.most_common())
        + (f"   {row.wrong[0]}" if row.wrong else "")
        for row in rows
    ]


def by_family(rows: Sequence[Row]) -> dict[str, int]:
    """How many were sent of each family."""
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        found[row.kind.name.partition("-")[0]] += row.sent
    return dict(found)
