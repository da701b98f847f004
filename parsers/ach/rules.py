"""The rules that a Nacha file is checked against: code, level, when it may be relaxed, and what to say.

Rule: a rule is a row. ``level`` says what falls with it: the file, the batch, or one entry (which goes back to its
sender with the return code that is the rule's code). ``relaxed`` rules are errors in strict mode and warnings in
lenient mode: the operator would pass them, or real files break them and no money moves differently. Amounts, totals,
hash, direction against service class and duplicates are never relaxed. Source: Nacha Operating Rules, Appendix Two,
sections 2.3 (file), 2.4 (batch) and 2.5 (entry).
"""

from __future__ import annotations

from typing import NamedTuple

from payments import Finding, Level, error, warning

Enforcement = str
ALWAYS, STRICT, NEVER = "always", "strict", "never"


class Rule(NamedTuple):
    """``enforced``: always an error; ``strict``: an error in strict mode only; ``never``: always a warning."""

    code: str
    level: Level
    enforced: Enforcement
    text: str
    remedy: str


def _rows(level: Level, section: str, text: str) -> dict[str, Rule]:
    lines = text.strip().splitlines()
    rules = {}
    for head, rule, remedy in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        name, code, enforced = head.split()
        rules[name] = Rule(code, level, enforced, f"{rule.strip()} ({section})", remedy.strip())
    return rules


_FILE = _rows(
    "file",
    "Nacha Appendix Two 2.3",
    """
empty FILE-EMPTY always
    a file holds at least a file header and a file control
    send the file again
record-length RECORD-LENGTH always
    every record is 94 bytes
    write each record with exactly 94 bytes
short-record RECORD-LENGTH never
    every record is 94 bytes; only trailing blanks are missing here
    pad each record with blanks to 94 bytes
long-record RECORD-LENGTH never
    every record is 94 bytes; only blanks follow here
    cut each record after 94 bytes
blank-line BLANK-LINE never
    a file holds records only
    drop the empty lines
framing FRAMING never
    a file starts with its header and ends with its last record
    drop what stands around the records
record-type RECORD-TYPE always
    a record starts with 1, 5, 6, 7, 8 or 9
    drop or mend the record
record-sequence RECORD-SEQUENCE always
    records stand in the order 1, (5, (6, 7*)+, 8)*, 9
    put the records in order
no-file-header FILE-HEADER-MISSING always
    the first record is the file header (1)
    add the file header
no-file-control FILE-CONTROL-MISSING always
    the last record is the file control (9)
    send the whole file
after-control RECORD-AFTER-CONTROL always
    after the file control only filler (94 nines) stands
    send one file at a time
filler-before-control FILLER-MISPLACED always
    filler stands after the file control only
    move the filler to the end
batch-open BATCH-CONTROL-MISSING always
    each batch ends with a batch control (8)
    add the batch control
no-batches FILE-WITHOUT-BATCHES strict
    a file holds at least one batch
    send no file when there is nothing to send
priority FILE-PRIORITY-CODE never
    columns 2-3 of the file header are 01
    write 01
modifier FILE-ID-MODIFIER always
    the file ID modifier is A-Z or 0-9
    write A for the first file of the day
record-size FILE-RECORD-SIZE always
    columns 35-37 of the file header are 094
    write 094
blocking FILE-BLOCKING-FACTOR always
    columns 38-39 of the file header are 10
    write 10
format FILE-FORMAT-CODE always
    column 40 of the file header is 1
    write 1
destination FILE-DESTINATION strict
    the immediate destination is a blank and a routing number
    write the routing number of the receiving point
origin FILE-ORIGIN strict
    the immediate origin names the sending point
    write the routing number or the number agreed with the operator
creation-date FILE-CREATION-DATE strict
    the creation date is a date, YYMMDD
    write the date on which the file was made
creation-time FILE-CREATION-TIME strict
    the creation time is blank or HHMM
    write the time or leave it blank
file-numeric FILE-CONTROL-NUMERIC always
    the fields of the file control are numbers
    recompute the control record from the entries
file-batches FILE-BATCH-COUNT always
    the file control counts the batches
    recompute the control record from the entries
file-blocks FILE-BLOCK-COUNT always
    the file control counts the blocks of ten records, filler included
    recompute the control record from the entries
file-count FILE-ENTRY-COUNT always
    the file control counts the entries and addenda
    recompute the control record from the entries
file-hash FILE-HASH always
    the file hash is the sum of the receiving banks' first eight digits, last ten digits of it
    recompute the control record from the entries
file-debit FILE-DEBIT-TOTAL always
    the file control's debit total is the sum of the debit entries
    recompute the control record from the entries
file-credit FILE-CREDIT-TOTAL always
    the file control's credit total is the sum of the credit entries
    recompute the control record from the entries
filler FILE-FILLER never
    records of nines fill the last block of ten
    fill up with records of 94 nines
""",
)
_BATCH = _rows(
    "batch",
    "Nacha Appendix Two 2.4",
    """
characters BATCH-CHARACTERS strict
    records hold printable ASCII only
    replace other characters
batch-empty BATCH-EMPTY always
    a batch holds at least one entry
    drop the batch
service-class BATCH-SERVICE-CLASS always
    the service class is 200, 220, 225 or 280
    write the class that fits the entries
sec BATCH-SEC-CODE always
    the Standard Entry Class is one of Nacha's
    write the class of the entries
company-name BATCH-COMPANY-NAME always
    the company name is neither blank nor zeros
    write the originator's name
company-id BATCH-COMPANY-ID always
    the company identification is neither blank nor zeros
    write the originator's identification
description BATCH-ENTRY-DESCRIPTION always
    the company entry description is neither blank nor zeros
    write what the entries are for
iat-header BATCH-IAT-HEADER always
    an international batch names exchange indicator, country and currencies
    fill columns 21-22, 39-40, 64-69
status BATCH-ORIGINATOR-STATUS strict
    the originator status is 1 or 2 (0 for advices)
    write 1, or 2 for a federal agency
status-dne BATCH-ORIGINATOR-STATUS always
    a death notification comes from a federal agency (originator status 2)
    write 2
odfi BATCH-ODFI always
    the originating bank is eight digits
    write the first eight digits of its routing number
batch-number BATCH-NUMBER always
    the batch number is numeric
    number the batches from 1
batch-order BATCH-NUMBER-ORDER strict
    batch numbers ascend through the file
    number the batches from 1
effective-date BATCH-EFFECTIVE-DATE never
    the effective entry date is a date, YYMMDD; it is taken as the earliest possible
    write the date wished for
class-differs BATCH-CONTROL-SERVICE-CLASS always
    header and control have the same service class
    make them equal
company-differs BATCH-CONTROL-COMPANY-ID strict
    header and control have the same company identification
    make them equal
odfi-differs BATCH-CONTROL-ODFI always
    header and control have the same originating bank
    make them equal
number-differs BATCH-CONTROL-NUMBER always
    header and control have the same batch number
    make them equal
batch-numeric BATCH-CONTROL-NUMERIC always
    the fields of the batch control are numbers
    recompute the control record from the entries
batch-count BATCH-ENTRY-COUNT always
    the batch control counts the entries and addenda
    recompute the control record from the entries
batch-hash BATCH-HASH always
    the batch hash is the sum of the receiving banks' first eight digits, last ten digits of it
    recompute the control record from the entries
batch-debit BATCH-DEBIT-TOTAL always
    the batch control's debit total is the sum of the debit entries
    recompute the control record from the entries
batch-credit BATCH-CREDIT-TOTAL always
    the batch control's credit total is the sum of the credit entries
    recompute the control record from the entries
debit-in-220 BATCH-DIRECTION always
    a batch of class 220 holds credits only
    use class 200 or 225
credit-in-225 BATCH-DIRECTION always
    a batch of class 225 holds debits only
    use class 200 or 220
advice-class BATCH-DIRECTION always
    codes 81-88 and class 280 belong to accounting advices (ADV) and to nothing else
    use the class and codes of the entries
mixed-returns BATCH-MIXED-RETURNS always
    a batch holds forward entries, returns, dishonored or contested returns, never two of them
    use a batch for each
transaction-code BATCH-TRANSACTION-CODE always
    the transaction code is one of Nacha's
    write the code of account and direction
amount BATCH-AMOUNT always
    the amount is digits only, in cents
    write the amount with leading zeros
trace BATCH-TRACE-NUMERIC always
    the trace number is fifteen digits
    write the originating bank and a sequence number
trace-odfi BATCH-TRACE-ODFI strict
    a trace number starts with the batch's originating bank
    write the first eight digits of the batch's originating bank
trace-order BATCH-TRACE-ORDER strict
    trace numbers ascend within the batch
    number the entries in order
trace-duplicate BATCH-TRACE-DUPLICATE always
    no two entries of a batch have the same trace number
    number each entry once
""",
)
_ENTRY = _rows(
    "entry",
    "Nacha Appendix Two 2.5",
    """
rdfi R13 always
    the receiving bank is eight digits and a check digit
    write the bank's routing number
check-digit R28 always
    the ninth digit of the routing number is its check digit (weights 3-7-1)
    correct the routing number
account R04 strict
    the account number is not blank
    write the receiver's account number
amount-not-zero R19 always
    the amount of a prenotification, zero-dollar entry or notification is zero
    write zeros or a code for live entries
amount-zero R19 always
    the amount of a live entry is more than zero
    write the amount or a code for prenotifications
amount-limit R19 always
    a converted check is at most 25,000.00
    present the check itself
indicator R25 always
    the addenda indicator is 0 or 1
    write 1 when addenda follow, else 0
indicator-zero R25 always
    addenda follow only when the indicator is 1
    write 1
addenda-missing R26 always
    addenda follow when the indicator is 1
    add the addenda or write 0
addenda-type R25 always
    the addenda type is one that the entry class allows
    use the type of the class
addenda-many R25 always
    there are no more addenda than the entry class allows
    drop the addenda
addenda-count R25 always
    the number of addenda that the entry declares is the number that follows
    correct the number
addenda-sequence R25 always
    addenda are numbered from 1 without a gap
    number them
addenda-entry R25 always
    an addenda record ends with the last seven digits of its entry's trace number
    copy them from the entry
addenda-trace R27 always
    an addenda record ends with its entry's trace number
    copy it from the entry
addenda-needed R26 always
    the entry class needs its addenda record
    add it
mandatory R26 always
    a mandatory field of the entry class is neither blank nor zeros
    fill the field
card-type R26 always
    the card transaction type is one of Nacha's
    write 01, 02, 03, 11, 12, 13, 21, 22, 23 or 99
iat-addenda R26 always
    an international entry carries addenda 10 to 16 once each, in order
    complete the addenda
iat-optional R25 always
    an international entry carries at most two addenda 17 and five of 17 and 18 together
    drop the addenda
iat-return R25 always
    an international return repeats addenda 10 to 16 and no 17 or 18
    drop the addenda
return-code R17 always
    returns and notifications use the transaction codes of returns, and nothing else does
    write the code with second digit 1 or 6
return-addenda R27 always
    an entry with a return's transaction code carries an addenda 98 or 99
    add it
return-reason R26 always
    the reason is one of Nacha's return or change codes
    write the reason
original-trace R27 always
    a return or notification names the trace number of the original entry
    write it
corrected-data R26 never
    a notification of change says what is right
    write the corrected data
debit-not-allowed R35 always
    the entry class or account takes no debits
    use a credit or another class
credit-not-allowed R36 always
    the entry class takes no credits but reversals
    use a debit or another class
class-code R17 always
    zero-dollar codes belong to classes CCD, CTX, ACK, ATX and IAT
    use a code of the class
zero-addenda R26 always
    a zero-dollar entry carries remittance data in an addenda record
    add the addenda
reserved R26 strict
    reserved columns are blank
    leave them blank
trace-repeated TRACE-REPEATED never
    a trace number is better not used twice in a file
    number the entries through the file
""",
)
RULES: dict[str, Rule] = {**_FILE, **_BATCH, **_ENTRY}

#: Of one rule that falls with its file or batch, or only warns, so many findings are listed; the rest is counted.
_LISTED = 100


class Report:
    """Gathers findings. Errors of entries are all kept, for each of those entries goes back to its sender."""

    __slots__ = ("_counts", "_places", "_strict", "findings")

    def __init__(self, mode: str) -> None:
        self._strict = mode == "strict"
        self._counts: dict[str, int] = {}
        self.findings: list[Finding] = []

    def add(self, name: str, place: str, value: object = None) -> str | None:
        """Note that rule ``name`` is broken; the rule's code if that is an error, None if it is a warning."""
        rule = RULES[name]
        refused = rule.enforced == ALWAYS or (rule.enforced == STRICT and self._strict)
        if not (refused and rule.level == "entry"):
            seen = self._counts[name] = self._counts.get(name, 0) + 1
            if seen > _LISTED:
                return rule.code if refused else None
        make = error if refused else warning
        self.findings.append(make(rule.code, rule.level, place, value, rule.text, rule.remedy))
        return rule.code if refused else None

    def finish(self) -> tuple[Finding, ...]:
        """All findings; a rule broken too often ends with how often."""
        for name, seen in self._counts.items():
            if seen > _LISTED:
                rule = RULES[name]
                text = f"broken {seen} times; the first {_LISTED} are listed: {rule.text}"
                self.findings.append(warning(rule.code, rule.level, "file", seen, text, rule.remedy))
        return tuple(self.findings)
