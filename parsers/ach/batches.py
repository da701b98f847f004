"""One batch: its header, its entries, its totals and its control, checked in one pass.

Rule: totals are counted from the entries and compared with what the control declares; nothing is copied from a control
record. Returns count by their transaction code like any entry. Source: Nacha Operating Rules, Appendix Two 2.4.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from parsers.ach.codes import SEC_CODES, SERVICE_CLASSES, TRANSACTION_CODES
from parsers.ach.entries import Context, Entry, blank, stage_of
from parsers.ach.layouts import BATCH_CONTROL, BATCH_CONTROL_ADV, Layout
from parsers.ach.payment import BatchPayments, Reject
from parsers.ach.reader import BatchRecords, FileRecords, addenda_of
from parsers.ach.rules import RULES, Report
from payments import Payment

_HASH_MODULUS = 10**10
_NO_HEADER = " " * 94


class Totals:
    """What was counted. Money in cents; ``hash`` is not yet cut to ten digits."""

    __slots__ = ("addenda", "batches", "credit", "debit", "entries", "hash")

    def __init__(self) -> None:
        self.batches = self.entries = self.addenda = self.debit = self.credit = self.hash = 0

    def add(self, other: Totals) -> None:
        """Take a batch's totals into the file's."""
        self.batches += other.batches
        self.entries += other.entries
        self.addenda += other.addenda
        self.debit += other.debit
        self.credit += other.credit
        self.hash += other.hash

    def record(self) -> dict[str, int]:
        """The public shape."""
        return {
            "batches": self.batches,
            "entries": self.entries,
            "addenda": self.addenda,
            "debit": self.debit,
            "credit": self.credit,
            "hash": self.hash % _HASH_MODULUS,
            "entry_addenda_count": self.entries + self.addenda,
        }


def date_of(text: str) -> str | None:
    """ISO 8601 of a YYMMDD field; None when it is blank or no date. Years are 2000 to 2099: Nacha has no century."""
    if len(text) != 6 or not text.isdecimal():
        return None
    try:
        return datetime.date(2000 + int(text[:2]), int(text[2:4]), int(text[4:])).isoformat()
    except ValueError:
        return None


def sec_of(header: str) -> str:
    """The Standard Entry Class that a batch header names."""
    return header[50:53]


def read_batch(
    file: FileRecords, batch: BatchRecords, first_index: int, report: Report
) -> tuple[Totals, list[Payment]]:
    """Check one batch; its totals and a payment for each entry that can be read, numbered from ``first_index``."""
    header = _NO_HEADER if batch.header is None else file.records[batch.header]
    if batch.header is not None:
        _header(header, file.place(batch.header), report)
    totals = Totals()
    totals.batches = 1
    payments = _Entries(file, batch, header, report).run(totals, first_index)
    if not batch.entries:
        report.add("batch-empty", file.place(batch.header if batch.header is not None else batch.control or 0))
    if batch.control is not None:
        _control(file.records[batch.control], header, totals, file.place(batch.control), report)
    return totals, payments


class _Entries:
    """The entries of one batch: the hot loop, and what can only be said about all of them together."""

    def __init__(self, file: FileRecords, batch: BatchRecords, header: str, report: Report) -> None:
        self.file, self.batch, self.header, self.report = file, batch, header, report
        self.sec = sec_of(header)
        self.context = Context(self.sec, reversal=header[53:63].strip().upper() == "REVERSAL")
        self.debits = self.credits = self.advices = 0
        self.stages: dict[str, int] = {}

    def run(self, totals: Totals, first_index: int) -> list[Payment]:
        """Check every entry and build its payment."""
        file, batch = self.file, self.batch
        records, starts = file.records, batch.entries
        amount_columns = self.context.layout.columns("amount")
        builder = BatchPayments(self.header, self.sec, date_of(self.header[69:75]))
        payments: list[Payment] = []
        for position, start in enumerate(starts):
            record = records[start]
            addenda = addenda_of(file, batch, position)
            cents = record[amount_columns]
            code = TRANSACTION_CODES.get(record[1:3])
            totals.addenda += len(addenda)
            readable = cents.isdecimal()
            if record[3:11].isdecimal():
                totals.hash += int(record[3:11])
            amount = int(cents) if readable else 0
            # The second digit decides, whether or not the code is one of Nacha's.
            debit = code.debit if code is not None else record[2] in "56789"
            if debit:
                totals.debit += amount
                self.debits += 1
            else:
                totals.credit += amount
                self.credits += 1
            if code is None or not readable:
                self._unreadable(start, record, cents if code is not None else None)
                continue
            entry = Entry(record, code, amount, addenda, self.context)
            reject = self._check(entry, start)
            payments.append(builder.build(entry, first_index + len(payments), reject))
        totals.entries = len(starts)
        self._together()
        return payments

    def _unreadable(self, start: int, record: str, cents: str | None) -> None:
        place = f"{self.file.place(start)}, trace {record[79:94]}"
        if cents is None:
            self.report.add("transaction-code", place, record[1:3])
        else:
            self.report.add("amount", place, cents)

    def _check(self, entry: Entry, start: int) -> Reject | None:
        """Ask every rule of the class; the return code and text of the first broken one that is an error."""
        stage = "forward" if entry.answer is None else stage_of(entry)
        self.stages[stage] = self.stages.get(stage, 0) + 1
        if entry.code.use == "advice":
            self.advices += 1
        reject: Reject | None = None
        for rule in self.context.rules:
            fault = rule(entry)
            if fault is not None:
                place = f"{self.file.place(start)}, trace {entry.record[79:94]}"
                code = self.report.add(fault[0], place, fault[1])
                if code is not None and reject is None:
                    reject = (code, RULES[fault[0]].text)
        return reject

    def _together(self) -> None:
        """Direction against service class, kinds of exchange that may not be mixed, and the order of traces."""
        report, place = self.report, self.file.place
        service_class = self.header[1:4]
        where = place(self.batch.header) if self.batch.header is not None else "batch"
        if service_class == "220" and self.debits:
            report.add("debit-in-220", where, f"{self.debits} debit entries")
        elif service_class == "225" and self.credits:
            report.add("credit-in-225", where, f"{self.credits} credit entries")
        if service_class in SERVICE_CLASSES and self.batch.entries:
            advice = self.sec == "ADV"
            entries_agree = self.advices == (len(self.batch.entries) if advice else 0)
            if (service_class == "280") != advice or not entries_agree:
                report.add("advice-class", where, f"{service_class} {self.sec}")
        if len(self.stages) > 1:
            report.add("mixed-returns", where, ", ".join(sorted(self.stages)))
        if self.sec != "ADV":
            self._traces()

    def _traces(self) -> None:
        records, starts = self.file.records, self.batch.entries
        traces = [records[start][79:94] for start in starts]
        odfi = self.header[79:87]
        previous = ""
        ordered = True
        for position, trace in enumerate(traces):
            if trace[:8] != odfi or not trace.isdecimal() or trace <= previous:
                ordered = self._trace(trace, previous, starts[position]) and ordered
            previous = trace
        if not ordered:
            self._duplicates(traces)

    def _trace(self, trace: str, previous: str, start: int) -> bool:
        place = self.file.place(start)
        if not trace.isdecimal():
            self.report.add("trace", place, trace)
        elif self.batch.header is not None and trace[:8] != self.header[79:87]:
            self.report.add("trace-odfi", place, trace)
        if trace <= previous:
            self.report.add("trace-order", place, trace)
            return False
        return True

    def _duplicates(self, traces: Sequence[str]) -> None:
        seen: set[str] = set()
        for trace, start in zip(traces, self.batch.entries, strict=True):
            if trace in seen:
                self.report.add("trace-duplicate", self.file.place(start), trace)
            seen.add(trace)


def _header(header: str, place: str, report: Report) -> None:
    """The batch header alone."""
    sec = sec_of(header)
    international = sec == "IAT" or header[4:10] == "IATCOR"
    checks = (
        ("service-class", header[1:4] in SERVICE_CLASSES, header[1:4]),
        ("sec", sec in SEC_CODES, sec),
        ("company-name", international or not blank(header[4:20]), header[4:20]),
        ("company-id", not blank(header[40:50]), header[40:50]),
        ("description", not blank(header[53:63]), header[53:63]),
        ("status", header[78] in ("0" if sec == "ADV" else "12"), header[78]),
        ("odfi", header[79:87].isdecimal() and not blank(header[79:87]), header[79:87]),
        ("batch-number", header[87:94].isdecimal(), header[87:94]),
        ("status-dne", sec != "DNE" or header[78] == "2", header[78]),
        ("effective-date", not header[69:75].strip() or date_of(header[69:75]) is not None, header[69:75]),
    )
    for rule, right, value in checks:
        if not right:
            report.add(rule, place, value)
    if sec == "IAT" and any(
        header[cut].isspace() for cut in (slice(20, 22), slice(38, 40), slice(63, 66), slice(66, 69))
    ):
        report.add("iat-header", place, header[20:69])


def _control(control: str, header: str, totals: Totals, place: str, report: Report) -> None:
    """The batch control against the header and what was counted."""
    advice = sec_of(header) == "ADV"
    layout: Layout = BATCH_CONTROL_ADV if advice else BATCH_CONTROL
    if header is not _NO_HEADER:
        pairs = [
            ("class-differs", control[1:4], header[1:4]),
            ("odfi-differs", control[79:87], header[79:87]),
            ("number-differs", control[87:94], header[87:94]),
        ]
        if not advice:
            pairs.append(("company-differs", control[44:54], header[40:50]))
        for rule, mine, theirs in pairs:
            if mine.strip() != theirs.strip():
                report.add(rule, place, f"{mine}, header {theirs}")
    compare(control, layout, place, report, "batch", totals.record())


def compare(record: str, layout: Layout, place: str, report: Report, level: str, counted: dict[str, int]) -> None:
    """Compare the totals that a control record declares with ``counted``; ``level`` names the rules."""
    rows = (
        ("count", "entry_addenda_count", "entry_addenda_count"),
        ("hash", "entry_hash", "hash"),
        ("debit", "total_debit", "debit"),
        ("credit", "total_credit", "credit"),
    )
    for rule, field, key in rows:
        text = record[layout.columns(field)]
        if not text.isdecimal():
            report.add(f"{level}-numeric", place, f"{field}: {text!r}")
        elif int(text) != counted[key]:
            report.add(f"{level}-{rule}", place, f"{int(text)} declared, {counted[key]} counted")
