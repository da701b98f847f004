"""Each rule of a Nacha file is broken once, and its finding has code and level, in strict and in lenient mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from parsers.ach import read
from parsers.ach.rules import RULES
from parsers.message import Message

VECTORS = Path(__file__).parents[1] / "vectors" / "ach"
#: Lines of ppd-ccd-credits.ach: 1 header, 2 batch, 3 entry 22, 4 entry 32, 5 addenda, 6 prenote 23, 7 control,
#: 8 batch, 9 entry 22, 10 entry 27, 11 control, 12 file control.
CREDITS = "ppd-ccd-credits.ach"

#: file, line, first column, new text, code, level, still an error in lenient mode
BROKEN = [
    (CREDITS, 1, 34, "?", "FILE-ID-MODIFIER", "file", True),
    (CREDITS, 1, 35, "095", "FILE-RECORD-SIZE", "file", True),
    (CREDITS, 1, 38, "11", "FILE-BLOCKING-FACTOR", "file", True),
    (CREDITS, 1, 40, "2", "FILE-FORMAT-CODE", "file", True),
    (CREDITS, 1, 4, " 122000332", "FILE-DESTINATION", "file", False),
    (CREDITS, 1, 24, "261340", "FILE-CREATION-DATE", "file", False),
    (CREDITS, 1, 30, "2460", "FILE-CREATION-TIME", "file", False),
    (CREDITS, 3, 1, "4", "RECORD-TYPE", "file", True),
    (CREDITS, 2, 1, "1", "RECORD-SEQUENCE", "file", True),
    (CREDITS, 7, 1, "4", "BATCH-CONTROL-MISSING", "file", True),
    (CREDITS, 12, 1, "4", "FILE-CONTROL-MISSING", "file", True),
    (CREDITS, 1, 1, "4", "FILE-HEADER-MISSING", "file", True),
    (CREDITS, 13, 1, "1", "RECORD-AFTER-CONTROL", "file", True),
    (CREDITS, 12, 2, "000003", "FILE-BATCH-COUNT", "file", True),
    (CREDITS, 12, 8, "000003", "FILE-BLOCK-COUNT", "file", True),
    (CREDITS, 12, 14, "00000007", "FILE-ENTRY-COUNT", "file", True),
    (CREDITS, 12, 22, "0120751199", "FILE-HASH", "file", True),
    (CREDITS, 12, 32, "000000044311", "FILE-DEBIT-TOTAL", "file", True),
    (CREDITS, 12, 44, "000001528058", "FILE-CREDIT-TOTAL", "file", True),
    (CREDITS, 12, 44, "  0001528057", "FILE-CONTROL-NUMERIC", "file", True),
    (CREDITS, 2, 2, "201", "BATCH-SERVICE-CLASS", "batch", True),
    (CREDITS, 2, 51, "PPX", "BATCH-SEC-CODE", "batch", True),
    (CREDITS, 2, 5, " " * 16, "BATCH-COMPANY-NAME", "batch", True),
    (CREDITS, 2, 41, "0" * 10, "BATCH-COMPANY-ID", "batch", True),
    (CREDITS, 2, 54, " " * 10, "BATCH-ENTRY-DESCRIPTION", "batch", True),
    (CREDITS, 2, 79, "0", "BATCH-ORIGINATOR-STATUS", "batch", False),
    (CREDITS, 2, 80, "0611002X", "BATCH-ODFI", "batch", True),
    (CREDITS, 2, 88, "00000X1", "BATCH-NUMBER", "batch", True),
    (CREDITS, 8, 88, "0000001", "BATCH-NUMBER-ORDER", "batch", False),
    (CREDITS, 7, 2, "200", "BATCH-CONTROL-SERVICE-CLASS", "batch", True),
    (CREDITS, 7, 45, "1840027756", "BATCH-CONTROL-COMPANY-ID", "batch", False),
    (CREDITS, 7, 80, "06110022", "BATCH-CONTROL-ODFI", "batch", True),
    (CREDITS, 7, 88, "0000009", "BATCH-CONTROL-NUMBER", "batch", True),
    (CREDITS, 7, 5, "000005", "BATCH-ENTRY-COUNT", "batch", True),
    (CREDITS, 7, 11, "0000000000", "BATCH-HASH", "batch", True),
    (CREDITS, 7, 21, "000000000001", "BATCH-DEBIT-TOTAL", "batch", True),
    (CREDITS, 7, 33, "000000278058", "BATCH-CREDIT-TOTAL", "batch", True),
    (CREDITS, 7, 33, "00000027805X", "BATCH-CONTROL-NUMERIC", "batch", True),
    (CREDITS, 8, 2, "220", "BATCH-DIRECTION", "batch", True),
    (CREDITS, 8, 2, "225", "BATCH-DIRECTION", "batch", True),
    (CREDITS, 8, 2, "280", "BATCH-DIRECTION", "batch", True),
    (CREDITS, 3, 2, "20", "BATCH-TRANSACTION-CODE", "batch", True),
    (CREDITS, 3, 30, "00001850.2", "BATCH-AMOUNT", "batch", True),
    (CREDITS, 3, 30, "-000185042", "BATCH-AMOUNT", "batch", True),
    (CREDITS, 3, 80, "06110021000000X", "BATCH-TRACE-NUMERIC", "batch", True),
    (CREDITS, 3, 80, "122000330000001", "BATCH-TRACE-ODFI", "batch", False),
    (CREDITS, 3, 80, "061100210000009", "BATCH-TRACE-ORDER", "batch", False),
    (CREDITS, 3, 80, "061100210000002", "BATCH-TRACE-DUPLICATE", "batch", True),
    (CREDITS, 3, 55, "ODÉTTE", "BATCH-CHARACTERS", "batch", False),
    (CREDITS, 3, 4, "12200X331", "R13", "entry", True),
    (CREDITS, 3, 12, "7", "R28", "entry", True),
    (CREDITS, 3, 13, " " * 17, "R04", "entry", False),
    (CREDITS, 3, 30, "0000000000", "R19", "entry", True),
    (CREDITS, 6, 30, "0000000001", "R19", "entry", True),
    (CREDITS, 3, 2, "24", "R19", "entry", True),
    (CREDITS, 3, 79, "2", "R25", "entry", True),
    (CREDITS, 3, 79, "1", "R26", "entry", True),
    (CREDITS, 4, 79, "0", "R25", "entry", True),
    (CREDITS, 5, 2, "02", "R25", "entry", True),
    (CREDITS, 5, 84, "0002", "R25", "entry", True),
    (CREDITS, 5, 88, "0000003", "R25", "entry", True),
    (CREDITS, 3, 2, "21", "R27", "entry", True),
    (CREDITS, 3, 2, "55", "R35", "entry", True),
    ("web-tel-debits.ach", 3, 55, " " * 22, "R26", "entry", True),
    ("web-tel-debits.ach", 6, 2, "32", "R36", "entry", True),
    ("web-tel-debits.ach", 6, 55, "0" * 22, "R26", "entry", True),
    ("returns.ach", 4, 80, "122000330000009", "R27", "entry", True),
    ("returns.ach", 4, 7, " " * 15, "R27", "entry", True),
    ("returns.ach", 4, 4, "R99", "R26", "entry", True),
    ("returns.ach", 3, 2, "22", "R17", "entry", True),
    ("notification-of-change.ach", 3, 30, "0000000001", "R19", "entry", True),
    ("notification-of-change.ach", 4, 4, "C99", "R26", "entry", True),
    ("ctx-credits.ach", 3, 55, "0003", "R25", "entry", True),
    ("ctx-credits.ach", 5, 84, "0003", "R25", "entry", True),
    ("iat-credit.ach", 3, 13, "0008", "R25", "entry", True),
    ("iat-credit.ach", 6, 2, "14", "R26", "entry", True),
    ("iat-credit.ach", 4, 47, " " * 35, "R26", "entry", True),
    ("iat-credit.ach", 2, 21, "  ", "BATCH-IAT-HEADER", "batch", True),
]


def broken(name: str, line: int, column: int, text: str) -> bytes:
    lines = (VECTORS / name).read_bytes().splitlines()
    patch = text.encode("latin-1")
    record = lines[line - 1]
    lines[line - 1] = record[: column - 1] + patch + record[column - 1 + len(patch) :]
    return b"\n".join(lines) + b"\n"


def codes(message: Message) -> set[tuple[str, str]]:
    return {(finding.code, finding.level) for finding in message.errors()}


@pytest.mark.parametrize(
    ("name", "line", "column", "text", "code", "level", "always"),
    BROKEN,
    ids=[f"{row[4]}-{row[0][:3]}-{row[1]}-{row[2]}" for row in BROKEN],
)
def test_a_broken_rule_gives_its_code_and_level(
    name: str, line: int, column: int, text: str, code: str, level: str, always: bool
) -> None:
    data = broken(name, line, column, text)
    (strict,) = read(data)
    assert (code, level) in codes(strict)
    (lenient,) = read(data, mode="lenient")
    assert ((code, level) in codes(lenient)) == always
    assert any(finding.code == code for finding in lenient.findings)


def test_a_bad_entry_falls_alone_and_names_its_return_code() -> None:
    (message,) = read(broken(CREDITS, 4, 12, "5"))
    assert message.verdict == "rejected"
    assert codes(message) == {("R28", "entry")}
    assert len(message.payments) == 5
    assert [payment.details.get("reject") for payment in message.payments] == [None, "R28", None, None, None]
    (finding,) = message.findings
    assert finding.place == "line 4, trace 061100210000002"
    assert finding.value == "321170445"


def test_an_invalid_effective_date_drops_no_money() -> None:
    (message,) = read(broken(CREDITS, 2, 70, "261399"))
    assert message.verdict == "accepted"
    assert message.payments[0].value_date is None
    assert message.payments[0].details["effective_date"] == "261399"
    assert [finding.code for finding in message.findings] == ["BATCH-EFFECTIVE-DATE"]


def test_forward_entries_and_returns_do_not_share_a_batch() -> None:
    lines = (VECTORS / "returns.ach").read_text().splitlines()
    forward = lines[2][:1] + "22" + lines[2][3:78] + "0" + lines[2][79:93] + "3"
    (message,) = read("\n".join([*lines[:4], forward, *lines[4:]]).encode())
    assert ("BATCH-MIXED-RETURNS", "batch") in codes(message)


def test_the_same_entry_in_two_equal_batches_is_a_duplicate_in_every_mode() -> None:
    lines = (VECTORS / CREDITS).read_text().splitlines()
    (message,) = read("\n".join([*lines[:7], *lines[1:7], *lines[7:]]).encode(), mode="lenient")
    assert ("BATCH-TRACE-DUPLICATE", "batch") in codes(message)


def test_what_no_mode_may_switch_off() -> None:
    protected = ("amount", "numeric", "hash", "debit", "credit", "count", "duplicate", "debit-in-220", "credit-in-225")
    for name, rule in RULES.items():
        money = name in ("amount", "trace-duplicate", "debit-in-220", "credit-in-225") or (
            name.startswith(("file-", "batch-")) and name.endswith(protected)
        )
        if money:
            assert rule.enforced == "always", name
