"""From bytes to records and from records to batches of entries, before any rule about their content.

Rule: records are cut by bytes (a multi-byte character never shifts a field), line ends may be LF, CRLF, CR or none, and
what cannot be placed is reported and left out, so that the rest can still be counted. As a character is one byte
(Latin-1), ``isdecimal`` is true of the ASCII digits and of nothing else. Linear in the size of the input.
The order of records is the table ``MOVES``. Source: Nacha Operating Rules, Appendix One (file exchange) and Three.
"""

from __future__ import annotations

from collections.abc import Sequence

from parsers.ach.layouts import FILLER, RECORD_LENGTH
from parsers.ach.rules import Report

_BOM = "\xef\xbb\xbf"
#: A record this short has lost nothing but blanks, by record type: a file header up to its destination name's end and
#: a file control up to its credit total. The other records end with digits.
_SHORTEST = {"1": 63, "9": 55}
#: An input with more records of unknown type than this is no Nacha file; reading it on would help nobody.
_MOST_UNKNOWN = 1_000


def cut(data: bytes, report: Report) -> tuple[list[str], Sequence[int]]:
    """The records, each of 94 characters (one a byte, Latin-1), and for each the number of its line from 1."""
    text = data.decode("latin-1")
    framed = text.removeprefix(_BOM).rstrip("\x00\x1a\r\n")
    if len(framed) != len(text) and framed != text.rstrip("\r\n"):
        report.add("framing", "file", "byte order mark or padding bytes")
    text = framed
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        return [], ()
    if "\n" in text:
        lines = text.split("\n")
    else:
        lines = [text[at : at + RECORD_LENGTH] for at in range(0, len(text), RECORD_LENGTH)]
    if set(map(len, lines)) == {RECORD_LENGTH}:
        return lines, range(1, len(lines) + 1)
    return _mended(lines, report)


def _mended(lines: list[str], report: Report) -> tuple[list[str], list[int]]:
    records: list[str] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, 1):
        if len(line) == RECORD_LENGTH:
            pieces = [line]
        elif not line.strip():
            if number < len(lines):
                report.add("blank-line", f"line {number}")
            continue
        else:
            pieces = _pieces(line, number, report)
        records.extend(pieces)
        numbers.extend([number] * len(pieces))
    return records, numbers


def _pieces(line: str, number: int, report: Report) -> list[str]:
    """A line of another length as records: several unbroken ones, one with its blanks restored, or a broken one."""
    place = f"line {number}"
    if len(line) < RECORD_LENGTH:
        if not line.strip("9"):
            report.add("short-record", place, f"{len(line)} bytes")
            return [FILLER]
        rule = "short-record" if len(line) >= _SHORTEST.get(line[0], RECORD_LENGTH) else "record-length"
        report.add(rule, place, f"{len(line)} bytes")
        return [line.ljust(RECORD_LENGTH)]
    if len(line.rstrip()) <= RECORD_LENGTH:
        report.add("long-record", place, f"{len(line)} bytes")
        return [line[:RECORD_LENGTH]]
    pieces = [line[at : at + RECORD_LENGTH] for at in range(0, len(line), RECORD_LENGTH)]
    if len(pieces[-1]) != RECORD_LENGTH:
        report.add("record-length", place, f"{len(line)} bytes")
        del pieces[1:]
    return pieces


class BatchRecords:
    """The records of one batch, by their index in the file: its header, each entry, and its control."""

    __slots__ = ("control", "end", "entries", "header")

    def __init__(self, header: int | None) -> None:
        self.header = header
        self.control: int | None = None
        self.entries: list[int] = []
        #: Index of the first record that is no longer an entry or addenda of this batch.
        self.end = 0


class FileRecords:
    """A file cut into records and batches. ``control`` and the filler after it are None and 0 when they are missing."""

    __slots__ = ("batches", "control", "filler", "header", "lines", "records", "used")

    def __init__(self, records: list[str], lines: Sequence[int]) -> None:
        self.records = records
        self.lines = lines
        self.header: int | None = None
        self.control: int | None = None
        self.batches: list[BatchRecords] = []
        #: Number of records up to and with the file control, and of filler records after it.
        self.used = len(records)
        self.filler = 0

    def place(self, index: int) -> str:
        """How to name a record to a person."""
        return f"line {self.lines[index]}"


_Moves = dict[str, tuple[str, str | None]]


def _moves(**rows: str) -> _Moves:
    """Record type (``r6``) -> next state and the rule that the move breaks, from ``"state"`` or ``"state rule"``."""
    table: _Moves = {}
    for kind, row in rows.items():
        state, _, rule = row.partition(" ")
        table[kind[1:]] = (state, rule or None)
    return table


#: State -> type of the next record -> state after it, and the rule broken if that record may not stand there.
MOVES: dict[str, _Moves] = {
    "start": _moves(
        r1="file",
        r5="batch no-file-header",
        r6="entry no-file-header",
        r7="file no-file-header",
        r8="file no-file-header",
        r9="end no-file-header",
    ),
    "file": _moves(
        r1="file record-sequence",
        r5="batch",
        r6="entry record-sequence",
        r7="file record-sequence",
        r8="file record-sequence",
        r9="end",
    ),
    "batch": _moves(
        r1="batch record-sequence",
        r5="batch batch-open",
        r6="entry",
        r7="batch record-sequence",
        r8="file",
        r9="end batch-open",
    ),
    "entry": _moves(
        r1="entry record-sequence", r5="batch batch-open", r6="entry", r7="entry", r8="file", r9="end batch-open"
    ),
    "end": _moves(
        r1="end after-control",
        r5="end after-control",
        r6="end after-control",
        r7="end after-control",
        r8="end after-control",
        r9="end after-control",
    ),
}


class _Placer:
    """Puts records in their batch. What may not stand where it stands is reported; it is left out unless it opens a
    batch or is an entry, because those still count in the totals that a person compares.
    """

    def __init__(self, file: FileRecords, report: Report) -> None:
        self.file = file
        self.report = report
        self.batch: BatchRecords | None = None

    def file_header(self, index: int) -> None:
        if self.file.header is None:
            self.file.header = index

    def batch_header(self, index: int | None, at: int) -> BatchRecords:
        self.close(at)
        self.batch = BatchRecords(index)
        self.file.batches.append(self.batch)
        return self.batch

    def close(self, at: int) -> None:
        if self.batch is not None and not self.batch.end:
            self.batch.end = at

    def batch_control(self, index: int) -> None:
        if self.batch is not None and self.batch.control is None:
            self.close(index)
            self.batch.control = index
        self.batch = None

    def file_control(self, index: int) -> None:
        self.close(index)
        self.file.control = index
        self.file.used = index + 1
        self.batch = None


def structure(records: list[str], lines: Sequence[int], report: Report) -> FileRecords:
    """Find header, batches, entries and controls; report records out of order, of no type, or after the control."""
    file = FileRecords(records, lines)
    placer = _Placer(file, report)
    state = "start"
    unknown = 0
    entries: list[int] = []
    for index, record in enumerate(records):
        kind = record[0]
        if kind == "9" and record == FILLER:
            _filler(file, state, index, report)
            continue
        move = MOVES[state].get(kind)
        if move is None:
            report.add("record-type", file.place(index), record[:20])
            unknown += 1
            if unknown > _MOST_UNKNOWN:
                break
            continue
        following, rule = move
        if rule is not None:
            report.add(rule, file.place(index), record[:20])
        if kind == "6" and following == "entry":
            if placer.batch is None:
                entries = placer.batch_header(None, index).entries
            entries.append(index)
        elif kind == "5" and following == "batch":
            entries = placer.batch_header(index, index).entries
        elif state != "end" and kind in "189":
            _envelope(placer, kind, index)
        state = following
    _ended(file, state, placer)
    return file


def _envelope(placer: _Placer, kind: str, index: int) -> None:
    if kind == "1":
        placer.file_header(index)
    elif kind == "8":
        placer.batch_control(index)
    else:
        placer.file_control(index)


def _filler(file: FileRecords, state: str, index: int, report: Report) -> None:
    if state == "end":
        file.filler += 1
    else:
        report.add("filler-before-control", file.place(index))


def _ended(file: FileRecords, state: str, placer: _Placer) -> None:
    report, last = placer.report, len(file.records) - 1
    placer.close(len(file.records))
    if state in ("batch", "entry"):
        report.add("batch-open", file.place(last))
    if state != "end":
        report.add("no-file-control", file.place(last) if last >= 0 else "file")


def addenda_of(file: FileRecords, batch: BatchRecords, position: int) -> list[str]:
    """The addenda records of the batch's entry number ``position``."""
    first = batch.entries[position] + 1
    after = batch.entries[position + 1] if position + 1 < len(batch.entries) else batch.end
    if first == after:
        return []
    return [record for record in file.records[first:after] if record[0] == "7"]
