"""Bytes to messages: reads the envelope, the fields and the rules, and builds the payments.

Rule: never raises, gives at least one Message, looks no further than it must: what a good message does not need is
computed on the way of failure only. Strict for money, lenient for category 9 (every deviation a warning) unless the
caller says otherwise. Source: SWIFT User Handbook, Standards MT; the codes are in ``codes``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import call

from parsers.message import Message, Mode
from parsers.swift_mt.codes import finding
from parsers.swift_mt.copies import copied, original_type
from parsers.swift_mt.demotion import Demotions, demoted
from parsers.swift_mt.envelope import Frame, encoding_of, frames, text_of, whole
from parsers.swift_mt.fields import CHECKS, FIELDS, Field, form_faults
from parsers.swift_mt.headers import Headers, Problem, tag_blocks, trailer_problem, user_header
from parsers.swift_mt.layouts import FLAGGED
from parsers.swift_mt.parsed import MtMessage
from parsers.swift_mt.rules import END, Rule
from parsers.swift_mt.rules_statement import differences
from parsers.swift_mt.text import Text
from parsers.swift_mt.to_payment import payments_of
from payments import Finding, Payment
from payments.finding import Severity, error, warning

#: Problems that refuse a message in every mode: nothing can be made of it.
_FATAL = frozenset({"N01", "N02"})
#: Problems that never refuse a message.
_NOTES = frozenset({"N04", "N05", "N06", "N07"})
_WITH_UETR = frozenset({"103", "202", "205"})
#: Categories read in strict mode unless the caller says otherwise: those that move money ("" when it is not known).
_MONEY = frozenset({"1", "2", ""})


def read(data: bytes, *, mode: Mode | None = None, demotions: Demotions | None = None) -> list[Message]:
    """Every message of an input, at least one; a message that cannot be read has an error and no payments.

    ``demotions`` names rules that are warnings for a sender (see ``demotion``; ``checked`` is called on it by whoever
    takes the setting).
    """
    return read_all((data,), mode=mode, demotions=demotions)[0]


def read_all(
    inputs: Sequence[bytes], *, mode: Mode | None = None, demotions: Demotions | None = None
) -> list[list[Message]]:
    """The messages of each input, as ``read`` gives them: a step for all of them, then the next, which is faster."""
    begun = [_begun(data, mode, demotions) for data in inputs]
    readings = [each for found in begun for each in found if isinstance(each, _Reading)]
    for reading in readings:
        reading.open()
    for reading in readings:
        reading.judge()
    for reading in readings:
        reading.pay()
    return [[each.message() if isinstance(each, _Reading) else each for each in found] for found in begun]


def _begun(data: bytes, mode: Mode | None, demotions: Demotions | None) -> list[_Reading | Message]:
    """The envelopes of an input: what has a text of fields is still to be read, all else is a message already."""
    encoding = "latin-1" if data.isascii() else encoding_of(data)
    input_text = text_of(data, encoding)
    single = whole(input_text)
    if single is not None:
        single.encoding = encoding
        return [_message(single, data, 0, mode, False, demotions)]
    messages: list[_Reading | Message] = []
    received = "\r\n" if b"\r" in data else "\n"
    found = list(frames(input_text))
    answers = [_answer(frame) for frame in found]
    # An ACK or NAK stands before the message it answers, or, where the first thing is a message, behind it.
    shift = 1 if answers[0] or len(answers) == 1 else -1
    for place, frame in enumerate(found):
        frame.encoding = encoding
        raw = frame.raw.replace("\n", received).encode(encoding)
        answer = answers[place - shift] if 0 <= place - shift < len(answers) else ""
        messages.append(_message(frame, raw, place, mode, answer == "NAK", demotions))
    return messages


_SERVICE = re.compile(r"[FAL]21")
_STATUS = re.compile(r"\{451:([01])\}")


def _answer(frame: Frame) -> str:
    """Of a service message ACK or NAK, or F21 where it does not say which; "" for a message."""
    if _SERVICE.match(frame.basic) is None:
        return ""
    status = _STATUS.search(frame.text or "")
    return "F21" if status is None else "ACK" if status[1] == "0" else "NAK"


def _message(
    frame: Frame, raw: bytes, index: int, mode: Mode | None, refused: bool, demotions: Demotions | None
) -> _Reading | Message:
    """One message by its headers; ``refused`` tells that a NAK answers it."""
    problems = frame.problems
    if not frame.basic:
        if frame.bare:
            return _bare_message(frame, raw, index, mode, problems)
        return _unreadable(raw, index, problems)
    headers = Headers(frame.basic, frame.application)
    if headers.problems:
        problems += headers.problems
    if headers.service == "21":
        return _service_message(frame, raw, index, headers, problems)
    user = user_header(frame.user, problems)
    if frame.text is None or frame.service:
        return _system_message(frame, index, headers, user, problems, raw)
    return _Reading(frame, raw, index, mode, headers, user, refused, demotions)


class _Reading:
    """The reading of one message with a text of fields: opened, judged, its payments built, and then a Message."""

    __slots__ = (
        "demotions",
        "findings",
        "frame",
        "headers",
        "index",
        "mode",
        "payments",
        "raw",
        "refused",
        "text",
        "user",
    )
    text: Text
    findings: list[Finding]
    payments: tuple[Payment, ...]

    def __init__(
        self,
        frame: Frame,
        raw: bytes,
        index: int,
        mode: Mode | None,
        headers: Headers,
        user: dict[str, str],
        refused: bool,
        demotions: Demotions | None,
    ) -> None:
        self.frame = frame
        self.raw = raw
        self.index = index
        self.mode = mode
        self.headers = headers
        self.user = user
        self.refused = refused
        self.demotions = demotions

    def open(self) -> None:
        """Divide the text into fields."""
        headers = self.headers
        flag = self.user.get("119", "")
        self.text = Text(self.frame.text or "", headers.message_type, flag, headers.sender, headers.receiver)

    def judge(self) -> None:
        """Find what is wrong with headers, fields, trailer and by the rules."""
        headers, user, problems, mode = self.headers, self.user, self.frame.problems, self.mode
        kind, flag = headers.message_type, user.get("119", "")
        trailer = self.frame.trailer() if self.frame.others else ""
        if trailer and (problem := trailer_problem(trailer)) is not None:
            problems.append(problem)
        if flag or ("121" not in user and kind in _WITH_UETR) or headers.service != "01":
            _check_headers(headers, user, flag, problems)
        lenient = mode == "lenient" or (mode is None and kind[:1] not in _MONEY)
        findings = _judge(self.text, problems, "warning" if lenient else "error")
        if self.demotions and findings:
            findings = demoted(findings, headers.sender, self.demotions)
        self.findings = findings

    def pay(self) -> None:
        """Build the payments of a message without errors."""
        text, findings = self.text, self.findings
        self.payments = ()
        if not findings or all(each.severity != "error" for each in findings):
            if self.refused:
                findings.append(finding("N06", "block 1", None, severity="warning", level="message"))
            elif text.plan.payable and all(text.matches):
                self.payments = payments_of(text, self.headers, self.user)

    def message(self) -> Message:
        """What was read."""
        frame, headers, text = self.frame, self.headers, self.text
        trailer = frame.trailer() if frame.others else ""
        return Message(
            index=self.index,
            format="swift-mt",
            type=text.plan.name,
            raw=self.raw,
            findings=tuple(self.findings),
            sender=headers.sender,
            receiver=headers.receiver,
            reference=text.get("20"),
            uetr=self.user.get("121"),
            payments=self.payments,
            parsed=MtMessage(frame, text),
            possible_duplicate="{PDE" in trailer or "{PDM" in trailer,
        )


def _check_headers(headers: Headers, user: dict[str, str], flag: str, problems: list[Problem]) -> None:
    if headers.service != "01" and not any(problem[0] == "H01" for problem in problems):
        problems.append(("H03", "block 1", headers.service, ""))
    if flag in FLAGGED and headers.message_type not in FLAGGED[flag]:
        problems.append(("U09", "block 3, {119:}", flag, ""))
    if headers.message_type in _WITH_UETR and "121" not in user:
        problems.append(("U13", "block 3, {121:}", "", "missing"))


def _judge(text: Text, problems: list[Problem], severity: Severity) -> list[Finding]:
    """Findings of the envelope's problems, of the structure, the fields and the rules."""
    findings = [_of_problem(problem, severity) for problem in problems] if problems else []
    plan = text.plan
    if plan.key is None:
        findings.append(finding("N05", "block 2", text.message_type, severity="warning"))
    if text.lead and text.lead.strip():
        findings.append(finding("T13", "line 2", text.lead, severity=severity, detail="text before the first field"))
    if text.length > plan.longest:
        findings.append(finding("M50", "block 4", None, severity=severity, detail=f"{text.length} characters"))
    if (not plan.tags and plan.key) or (plan.key in _STATEMENTS and _SAYS_MONEY.isdisjoint(plan.places)):
        findings.append(finding("T13", "block 4", None, detail="the text holds nothing to read"))
    for place, detail in plan.faults:
        at = text.line_of(place)
        tag = plan.tags[place] if place < len(plan.tags) else ""
        shown = f"line {at}, :{tag}:" if tag else f"line {at}"
        findings.append(finding("T13", shown, text.values[place] if tag else None, severity=severity, detail=detail))
    values = text.values
    text.matches = matches = list(map(call, plan.checks, values))
    faulty = () if all(matches) else _faulty(text)
    for place in faulty[:_MOST]:
        findings += _field_findings(text, place, severity)
    if plan.rules and (not faulty or not any(plan.tags[place][:2] in _AMOUNTS for place in faulty)):
        for rule in plan.rules_of(values):
            at_place = rule.find(text)
            if at_place is not None:
                findings.append(_broken(rule, text, at_place, severity))
    if plan.key in _EXTRA:
        findings += _EXTRA[plan.key](text)
    return findings


def _sums(text: Text) -> list[Finding]:
    """What does not add up in a statement: said, never refused."""
    return [
        finding(
            "N10" if text.plan.tags[place][:2] == "62" else "N11",
            f"line {text.line_of(place)}, :{text.plan.tags[place]}:",
            text.values[place],
            severity="warning",
            level="field",
            detail=detail,
        )
        for place, detail in differences(text)
    ]


def _copies(text: Text) -> list[Finding]:
    """Copied fields that do not have their format: what was refused may be copied as it was."""
    found = []
    for place in copied(text)[:_MOST]:
        tag, value = text.plan.tags[place], text.values[place]
        if tag in CHECKS and CHECKS[tag](value) is None:
            where = f"line {text.line_of(place)}, :{tag}:"
            detail = f"MT{original_type(text) or '?'}, format {FIELDS[tag].notation}"
            found.append(finding("N12", where, value, severity="warning", level="field", detail=detail))
    return found


#: Key of the message table -> what is said of a message beside its rules.
_EXTRA = dict.fromkeys(("940", "942", "950", "970", "972"), _sums) | dict.fromkeys(("n92", "n95", "n96"), _copies)


def _faulty(text: Text) -> tuple[int, ...]:
    """Places of the fields that failed their quick test; a value with the right form keeps what it matched."""
    faulty = tuple([place for place, matched in enumerate(text.matches) if matched is None])
    for place in faulty:
        field = text.plan.field(place)
        if field is not None:
            text.matches[place] = field.match(text.values[place])
    return faulty


#: Statements and the numbers of fields one of which they have in every mode: balances, entries, limits, sums.
_STATEMENTS = frozenset({"940", "941", "942", "950", "970", "972"})
_SAYS_MONEY = frozenset({"34", "60", "61", "62", "64", "65", "90"})
#: Fields of a message that are reported as faulty: who sends more has another problem.
_MOST = 100
#: Rules compare currencies and amounts: they are not asked where these cannot be read.
_AMOUNTS = frozenset({"19", "32", "33"})


def _broken(rule: Rule, text: Text, place: int, severity: Severity) -> Finding:
    make = error if severity == "error" else warning
    where, value = f"line {text.line_of(len(text.values))}", None
    if place != END:
        where, value = f"line {text.line_of(place)}, :{text.plan.tags[place]}:", text.values[place]
    return make(rule.code, "message", where, value, f"{rule.text} (rule {rule.number})", rule.remedy)


def _field_findings(text: Text, place: int, severity: Severity) -> list[Finding]:
    field, value = text.plan.field(place), text.values[place]
    if field is None:
        return []
    matched = text.matches[place]
    faults = form_faults(field, value) if matched is None else field.faults(matched)
    if _unreadable_money(field, value):
        severity = "error"
    where = f"line {text.line_of(place)}, :{field.tag}:"
    return [
        finding(code, where, part or value, severity=severity, level="field", detail=f"format {field.notation}")
        for code, part in dict.fromkeys(faults)
    ]


def _unreadable_money(field: Field, value: str) -> bool:
    """Whether a lenient reader would lose an amount, or the reference by which anyone could ask for it."""
    if "Amount" not in field.names:
        return field.tag == "20" and not value
    loose = field.loose(value.strip())
    return loose is None or not (loose[field.group("Amount")] or "").strip(",.")


def _of_problem(problem: Problem, severity: Severity) -> Finding:
    code, place, value, detail = problem
    if code in _FATAL:
        severity = "error"
    if code in _NOTES or (code == "U13" and not value):  # old messages have no UETR: reported, not refused
        severity = "warning"
    level = "file" if code == "N01" else "message"
    return finding(code, place, value, severity=severity, level=level, detail=detail)  # type: ignore[arg-type]


def _unreadable(raw: bytes, index: int, problems: list[Problem]) -> Message:
    findings = tuple(_of_problem(problem, "error") for problem in problems)
    return Message(index=index, format=None, type=None, raw=raw, findings=findings)


def _service_message(frame: Frame, raw: bytes, index: int, headers: Headers, problems: list[Problem]) -> Message:
    """An ACK or NAK (F21): 451 says which, 405 the reason and line, 108 the MUR of the message it answers."""
    tags = tag_blocks(frame.text or "")
    answer = _answer(frame).removeprefix("F21")
    findings = [_of_problem(problem, "warning") for problem in problems]  # it moves no money
    if not answer:
        findings.append(finding("T13", "block 4, {451:}", tags.get("451"), detail="451 is 0 or 1"))
    return Message(
        index=index,
        format="swift-mt",
        type=answer or "F21",
        raw=raw,
        findings=tuple(findings),
        receiver=headers.receiver,
        reference=tags.get("108"),
        parsed=MtMessage(frame, None),
    )


def _system_message(
    frame: Frame, index: int, headers: Headers, user: dict[str, str], problems: list[Problem], raw: bytes
) -> Message:
    """A message whose text is a row of tags (types 0nn), or one without a text."""
    if frame.text is None:
        problems.append(("N02", "block 4", "", "there is no block 4"))
    elif headers.message_type[:1] not in {"0", ""}:
        problems.append(("T13", "block 4", frame.text[:40], "the text holds fields :20:, not blocks"))
    elif headers.message_type:
        problems.append(("N05", "block 2", headers.message_type, ""))
    severity: Severity = "error" if headers.message_type[:1] in _MONEY else "warning"
    return Message(
        index=index,
        format="swift-mt",
        type=f"MT{headers.message_type}" if headers.message_type else None,
        raw=raw,
        findings=tuple(_of_problem(problem, severity) for problem in problems),
        sender=headers.sender,
        receiver=headers.receiver,
        uetr=user.get("121"),
        parsed=MtMessage(frame, None),
    )


#: Tags that give away the type of a text without headers, looked for in this order.
_GIVEAWAYS = (
    ("942", ("34F", "13D")),
    ("940", ("60F", "60M", "62F", "62M", "61", "28", "28C")),
    ("202", ("58A", "58D")),
    ("103", ("50A", "50F", "50K", "59", "59A", "59F", "71A")),
)


def _bare_message(frame: Frame, raw: bytes, index: int, mode: Mode | None, problems: list[Problem]) -> Message:
    """A text without headers: a statement is taken as it is, money is refused (nobody is known to send it)."""
    text = Text(frame.text or "", "", "", None, None)
    tags = set(text.plan.tags)
    guessed = next((each for each, giveaways in _GIVEAWAYS if not tags.isdisjoint(giveaways)), "")
    text = Text(frame.text or "", guessed, "", None, None)
    statement = guessed.startswith("9")
    lenient = mode == "lenient" or (mode is None and statement)
    problems.append(("N07" if lenient else "H01", "block 1", "", "there are no headers"))
    findings = _judge(text, problems, "warning" if lenient else "error")
    return Message(
        index=index,
        format="swift-mt",
        type=f"MT{guessed}" if guessed else None,
        raw=raw,
        findings=tuple(findings),
        reference=text.get("20"),
        parsed=MtMessage(frame, text),
    )
