"""A whole Nacha file: its envelope and totals checked, and the parsed form that a Message carries.

Rule: a file that was read can be written again byte for byte, line ends and trailing filler aside; ``content`` is made
only when somebody asks. Source: Nacha Operating Rules, Appendix Two 2.3 (what the operator rejects as a whole).
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator

from parsers.ach.batches import Totals, compare, date_of, read_batch, sec_of
from parsers.ach.layouts import (
    FILE_CONTROL,
    FILE_CONTROL_ADV,
    FILE_HEADER,
    FILLER,
    RECORDS_PER_BLOCK,
    addenda_layout,
    batch_header_layout,
    entry_layout,
)
from parsers.ach.reader import BatchRecords, FileRecords, addenda_of, cut, structure
from parsers.ach.rules import Report
from payments import InvalidIdentifierError, Money, Payment, RoutingNumber


class AchFile:
    """The parsed form: records in their order, the batches they make, and the totals that were counted."""

    __slots__ = ("file", "totals")

    def __init__(self, file: FileRecords, totals: Totals) -> None:
        self.file = file
        self.totals = totals

    @property
    def header(self) -> str | None:
        """The file header record, if there is one."""
        return None if self.file.header is None else self.file.records[self.file.header]

    def batch_headers(self) -> Iterator[str]:
        """The batch header records, in order."""
        for batch in self.file.batches:
            if batch.header is not None:
                yield self.file.records[batch.header]

    def content(self) -> dict[str, object]:
        """The public JSON content: totals in cents counted from the entries, batches, entries, addenda."""
        header = self.header
        return {
            "totals": self.totals.record(),
            "header": None if header is None else FILE_HEADER.values(header),
            "batches": [self._batch(batch) for batch in self.file.batches],
        }

    def _batch(self, batch: BatchRecords) -> dict[str, object]:
        header = self.file.records[batch.header] if batch.header is not None else " " * 94
        sec = sec_of(header)
        values = batch_header_layout(sec).values(header)
        number = values["batch_number"]
        return {
            "number": int(number) if number.isdecimal() else None,
            "sec": values["sec"] or None,
            "service_class": values["service_class"] or None,
            "company_name": values.get("company_name") or None,
            "company_id": values["company_id"] or None,
            "effective_date": date_of(header[69:75]),
            "odfi": values["odfi"] or None,
            "entry_description": values["entry_description"] or None,
            "entries": [self._entry(batch, position, sec) for position in range(len(batch.entries))],
        }

    def _entry(self, batch: BatchRecords, position: int, sec: str) -> dict[str, object]:
        record = self.file.records[batch.entries[position]]
        layout = entry_layout(sec)
        values = layout.values(record)
        cents = record[layout.columns("amount")]
        addenda = [_addenda(line, sec) for line in addenda_of(self.file, batch, position)]
        name = values.pop("name", "")
        if sec == "IAT":
            name = next((str(row["name"]) for row in addenda if row["type"] == "10"), "")
        shown: dict[str, object] = {
            "trace": record[79:94],
            "transaction_code": values["transaction_code"],
            "rdfi": record[3:12],
            "account": values["account"] or None,
            "amount": Money(int(cents), "USD").decimal if cents.isdecimal() else None,
            "name": name or None,
        }
        hidden = ("record_type", "check_digit", *shown)
        shown.update((field, text) for field, text in values.items() if field not in hidden and text)
        return {**shown, "addenda": addenda}

    def write(self) -> bytes:
        """The file again, a record a line, filled up to whole blocks."""
        records = self.file.records[: self.file.used]
        return joined([*records])


def joined(records: list[str]) -> bytes:
    """Records as a file: one a line, filler up to whole blocks of ten."""
    missing = -len(records) % RECORDS_PER_BLOCK
    return ("\n".join([*records, *[FILLER] * missing]) + "\n").encode("latin-1")


def _addenda(record: str, sec: str) -> dict[str, object]:
    values = addenda_layout(record, sec).values(record)
    del values["record_type"]
    return {"type": values.pop("type"), **values}


def read_file(data: bytes, report: Report) -> tuple[AchFile | None, tuple[Payment, ...]]:
    """Cut, place and check everything; None when there is not one record."""
    records, lines = cut(data, report)
    if not records:
        report.add("empty", "file", f"{len(data)} bytes")
        return None, ()
    file = structure(records, lines, report)
    _characters(file, data, report)
    if file.header is not None:
        _file_header(file.records[file.header], file.place(file.header), report)
    totals = Totals()
    payments: list[Payment] = []
    for batch in file.batches:
        counted, more = read_batch(file, batch, len(payments), report)
        totals.add(counted)
        payments.extend(more)
    _batch_numbers(file, report)
    _repeated_traces(file, report)
    if file.control is not None:
        _file_control(file, totals, report)
    return AchFile(file, totals), tuple(payments)


#: The characters of a record; CR and LF frame it, SUB and NUL end a file.
_ALLOWED = bytes(range(0x20, 0x7F)) + b"\r\n"


def _characters(file: FileRecords, data: bytes, report: Report) -> None:
    """Printable ASCII only: one pass over the bytes, and over the records when a byte is not."""
    if not data.rstrip(b"\x00\x1a").translate(None, _ALLOWED):
        return
    for index, record in enumerate(file.records[: file.used]):
        if not (record.isascii() and record.isprintable()):
            column = next(at for at, character in enumerate(record, 1) if not " " <= character <= "~")
            report.add("characters", f"{file.place(index)}, column {column}", f"hex {ord(record[column - 1]):02X}")


def _file_header(header: str, place: str, report: Report) -> None:
    modifier, clock = header[33], header[29:33]
    checks = (
        ("priority", header[1:3] == "01", header[1:3]),
        ("destination", _is_routing(header[3:13].strip()), header[3:13]),
        ("origin", bool(header[13:23].strip(" 0")), header[13:23]),
        ("creation-date", date_of(header[23:29]) is not None, header[23:29]),
        ("creation-time", not clock.strip() or _is_time(clock), clock),
        ("modifier", modifier.isascii() and modifier.isalnum() and modifier == modifier.upper(), modifier),
        ("record-size", header[34:37] == "094", header[34:37]),
        ("blocking", header[37:39] == "10", header[37:39]),
        ("format", header[39] == "1", header[39]),
    )
    for rule, right, value in checks:
        if not right:
            report.add(rule, place, value)


def _is_routing(text: str) -> bool:
    try:
        RoutingNumber(text)
    except InvalidIdentifierError:
        return False
    return True


def _is_time(text: str) -> bool:
    try:
        datetime.time(int(text[:2]), int(text[2:]))
    except ValueError:
        return False
    return text.isdecimal()


def _batch_numbers(file: FileRecords, report: Report) -> None:
    """Batch numbers ascend: the operator passes what does not, an honest sender writes what does."""
    previous = ""
    for batch in file.batches:
        if batch.header is None:
            continue
        number = file.records[batch.header][87:94]
        if number <= previous and number.isdecimal():
            report.add("batch-order", file.place(batch.header), f"{number} after {previous}")
        previous = number


def _repeated_traces(file: FileRecords, report: Report) -> None:
    """A trace number in two batches: the same entry twice if the batch headers are equal, else only undesirable.

    Batches whose ranges of trace numbers do not meet are not looked into.
    """
    records = file.records
    ranges = []
    for batch in file.batches:
        if batch.entries and batch.header is not None:
            traces = (records[batch.entries[0]][79:94], records[batch.entries[-1]][79:94])
            ranges.append((min(traces), max(traces), batch))
    if len(ranges) < 2:
        return
    ranges.sort(key=lambda row: row[:2])
    if all(left[1] < right[0] for left, right in itertools.pairwise(ranges)):
        return
    seen: dict[str, str] = {}
    for batch in file.batches:
        if batch.header is None:
            continue
        header = records[batch.header]
        own = {}
        for start in batch.entries:
            trace = records[start][79:94]
            before = seen.get(trace)
            if before is not None:
                report.add("trace-duplicate" if before == header else "trace-repeated", file.place(start), trace)
            own[trace] = header
        seen.update(own)


def _file_control(file: FileRecords, totals: Totals, report: Report) -> None:
    assert file.control is not None
    control, place = file.records[file.control], file.place(file.control)
    headers = [file.records[batch.header] for batch in file.batches if batch.header is not None]
    advices = bool(headers) and all(sec_of(header) == "ADV" for header in headers)
    compare(control, FILE_CONTROL_ADV if advices else FILE_CONTROL, place, report, "file", totals.record())
    blocks = -(-file.used // RECORDS_PER_BLOCK)
    actual = {"batches": totals.batches, "blocks": blocks}
    for name, columns in (("batches", slice(1, 7)), ("blocks", slice(7, 13))):
        text = control[columns]
        if not text.isdecimal():
            report.add("file-numeric", place, f"{name}: {text!r}")
        elif int(text) != actual[name]:
            report.add(f"file-{name}", place, f"{int(text)} declared, {actual[name]} counted")
    if not file.batches:
        report.add("no-batches", place)
    if (file.used + file.filler) % RECORDS_PER_BLOCK or file.filler >= RECORDS_PER_BLOCK:
        report.add("filler", place, f"{file.filler} records of nines after {file.used} others")
