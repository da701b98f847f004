"""Messages out of the engine: acknowledgements, confirmations, answers, and the copy for the receiver.

Rule: what is built is valid by construction: text is brought into set x, folded to the field's lines, no line begins
with ``:`` or ``-``, what does not fit ends with ``+``; a header that cannot be built is a ValueError. Messages to
participants have the output form. Times are arguments (ISO 8601), numbers too. Sources: SWIFT User Handbook, FIN
Service Description (F21, output header, MIR), MT 900, 910, n92, n96, n99; truncation as in SWIFT's translation rules.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import Literal

from parsers.message import Message
from parsers.swift_mt.envelope import Frame
from parsers.swift_mt.parsed import MtMessage
from parsers.swift_mt.values import amount_text
from payments import BIC, CURRENCIES, Money

_TERMINAL = re.compile(r"[A-Z0-9]{12}")
#: Terminal, session, sequence and time, one behind the other: one look where four would do.
_ACKNOWLEDGED = re.compile(r"[A-Z0-9]{12}[0-9]{4}[0-9]{6}[0-9]{10}")
#: References as most are.
_PLAIN_REFERENCE = re.compile(r"[A-Za-z0-9]{1,16}")
_WORD = re.compile(r"[A-Za-z0-9/?().,'+][A-Za-z0-9/\-?:().,'+]*")
_FOREIGN = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_ERROR = re.compile(r"[A-Z][0-9]{2}(?:[0-9]{3})?")
_AT = re.compile(r"[0-9]{10}")
_MUR = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{1,16}")


def acknowledgement(
    *, terminal: str, session: str, sequence: str, at: str, mur: str | None, error: str | None = None
) -> bytes:
    """An ACK, or with ``error`` (code and optionally a line of three digits: ``T27006``) a NAK, as service message 21.

    ``terminal``, ``session`` and ``sequence`` are those of block 1 of the message answered, ``at`` is YYMMDDHHMM.
    """
    basic = f"{terminal}{session}{sequence}"
    if len(terminal) != 12 or len(session) != 4 or len(basic) != 22 or not _ACKNOWLEDGED.fullmatch(f"{basic}{at}"):
        raise ValueError(_not_acknowledged(terminal, session, sequence, at))
    if error is not None and not _ERROR.fullmatch(error):
        raise ValueError(f"not an error code with an optional line of three digits: {error!r}")
    result = "{451:0}" if error is None else f"{{451:1}}{{405:{error}}}"
    reference = f"{{108:{mur}}}" if mur is not None and _MUR.fullmatch(mur) else ""
    return f"{{1:F21{basic}}}{{4:{{177:{at}}}{result}{reference}}}".encode("ascii")


def _not_acknowledged(terminal: str, session: str, sequence: str, at: str) -> str:
    """What of an acknowledgement's header cannot stand there."""
    if not _TERMINAL.fullmatch(terminal) or not _AT.fullmatch(at):
        return f"not a terminal of 12 characters and a time YYMMDDHHMM: {terminal!r}, {at!r}"
    return f"not a session of 4 digits and a sequence of 6: {session!r}, {sequence!r}"


def confirmation(
    *,
    kind: Literal["900", "910"],
    operator: str,
    recipient: str,
    reference: str,
    related: str,
    account: str,
    value_date: str,
    amount: Money,
    ordering_institution: str | None,
    at: str,
    sequence: int,
    uetr: str | None = None,
) -> bytes:
    """MT 900 (debit) or 910 (credit) from the operator to a participant, BICs of either length, dates ISO 8601.

    A 910 names who ordered it (rule C06): the operator where no institution is given.
    """
    if ordering_institution is None and kind == "910":
        ordering_institution = operator
    ordered = "" if ordering_institution is None else f"\r\n:52A:{_bic(ordering_institution)}"
    text = (
        f":20:{reference_text(reference)}\r\n:21:{reference_text(related)}\r\n:25:{_line(account, 35)}\r\n"
        f":32A:{day_text(value_date)}{amount.currency}{_amount(amount)}{ordered}"
    )
    return _framed(kind, operator, recipient, text, at, sequence, f"{{3:{{121:{uetr}}}}}" if uetr else "")


def answer(
    *,
    message_type: str,
    operator: str,
    recipient: str,
    reference: str,
    related: str,
    text: str,
    at: str,
    sequence: int,
    code: str | None = None,
    original_type: str | None = None,
    original_date: str | None = None,
    uetr: str | None = None,
) -> bytes:
    """An n92, n95, n96 or n99 (``196``, ``299``...) from the operator to a participant, with a reason in free text.

    ``code`` is a code word put before the text (``/REJT/``), ``original_type`` (three digits) and ``original_date``
    (ISO 8601) name the message answered: needed for n92, put in where given for n95 and n96. ``uetr`` is that of the
    payment in question.
    """
    if not re.fullmatch(r"[1-9]9[2569]", message_type):
        raise ValueError(f"not a message of the common group that is written here: {message_type!r}")
    common = message_type[1:]
    free = f"/{_line(code, 8)}/{text}" if code else text
    lines = [f":20:{reference_text(reference)}", f":21:{reference_text(related)}"]
    header = ""
    if re.fullmatch("[0-9]{3}", original_type or "") and re.fullmatch(r"\d{4}-\d{2}-\d{2}", original_date or ""):
        header = f"{original_type}\n{day_text(original_date or '')}"
    if common == "99":
        lines.append(f":79:{folded(free, 50, 35)}")
    elif common == "92":
        if not header:
            raise ValueError("a request to cancel names type and date of the original")
        lines += [f":11S:{header}", f":79:{folded(free, 50, 35)}"]
    else:
        lines.append(f":{'75' if common == '95' else '76'}:{folded(free, 35, 6)}")
        if header:
            lines.append(f":11R:{header}")
    return output(message_type, operator, recipient, lines, at, sequence, f"{{3:{{121:{uetr}}}}}" if uetr else "")


def forwarded(message: Message, *, at: str, sequence: int) -> bytes:
    """The copy of an accepted message for its receiver: output form, user header, text and trailers as they were.

    Block 1 becomes the receiver's, block 2 carries the message input reference of the input message; an output message
    is handed on with its own. ``sequence`` is the output sequence number, ``at`` ISO 8601.
    """
    parsed = message.parsed
    if not isinstance(parsed, MtMessage) or parsed.text is None or parsed.frame.bare or message.verdict != "accepted":
        raise ValueError("only an accepted message with headers and a text can be forwarded")
    if message.sender is None or message.receiver is None:
        raise ValueError("a message without sender and receiver cannot be forwarded")
    head = head_of(parsed.frame, at=at, sequence=sequence)
    return head.encode(parsed.frame.encoding) + _rest(message.raw, parsed)


def head_of(frame: Frame, *, at: str, sequence: int, message_type: str | None = None) -> str:
    """Blocks 1 and 2 of a copy for the receiver; ``message_type`` where it is another than the message's own."""
    basic, application = frame.basic, frame.application or ""
    day, entered, left = _clock(at)
    if application[:1] == "I":
        mir, receiver, priority = f"{day}{basic[3:25]}", application[4:16], application[16:17]
    else:
        mir, receiver, priority = application[8:36], basic[3:15], application[46:47]
        entered = application[4:8]
    return (
        f"{{1:F01{receiver[:8]}A{receiver[9:]}{_numbers(sequence)}}}"
        f"{{2:O{message_type or application[1:4]}{entered}{mir}{left}{priority or 'N'}}}"
    )


def _rest(raw: bytes, parsed: MtMessage) -> bytes:
    """The blocks behind the headers: as received where the lines end as they should, else written anew."""
    if b"\r\n" not in raw or not raw.startswith(b"{1:"):
        raw = parsed.write()
    return raw[raw.index(b"{3:") if parsed.frame.user is not None else raw.index(b"{4:") :].rstrip(b"\r\n")


def reference_text(text: str) -> str:
    """A reference of field 20 or 21: up to 16 of set x, no slash at its ends, no double slash; else ``NONREF``."""
    if _PLAIN_REFERENCE.fullmatch(text):
        return text
    line = _FOREIGN.sub(".", text.strip())
    if len(line) > 16:
        line = line[:15] + "+"
    if not line or line[0] in "/:-" or line[-1] == "/" or "//" in line:
        return "NONREF"
    return line


def folded(text: str, width: int, most: int) -> str:
    """Free text as lines of a field: at most ``most`` of ``width`` characters, words kept whole where they fit."""
    lines: list[str] = []
    for paragraph in text.replace("\r\n", "\n").split("\n")[: 4 * most]:
        line = ""
        for word in _plain(paragraph[: width * most * 2]).split():
            rest = word
            while rest:
                room = width - len(line) - (1 if line else 0)
                if len(rest) <= room:
                    line, rest = (f"{line} {rest}" if line else rest), ""
                elif line:
                    lines.append(line)
                    line = ""
                else:
                    lines.append(rest[:width])
                    rest = rest[width:]
        if line:
            lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: width - 1] + "+"]
    return "\n".join("." + line[1:] if line[0] in ":-" else line for line in lines) or "."


def _plain(text: str) -> str:
    """Set x: accents dropped, every other foreign character a full stop."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return _FOREIGN.sub(".", bare.replace("\t", " "))


def _line(text: str, width: int) -> str:
    if len(text) <= width and _WORD.fullmatch(text):
        return text
    return folded(text, width, 1)


def _amount(money: Money) -> str:
    """``amount_text``, in one step for currencies of two decimals and amounts that fit."""
    minor = money.minor
    if CURRENCIES[money.currency] == 2 and 100 <= minor < 10**14:
        digits = str(minor)
        return f"{digits[:-2]},{digits[-2:]}"
    return amount_text(money)


def _numbers(sequence: int) -> str:
    """Session and sequence of a header from one running number."""
    return str(sequence % 10_000_000_000).zfill(10)


@lru_cache(maxsize=10_000)
def _bic(text: str) -> str:
    """A BIC in eleven characters."""
    return BIC(text)


def _terminal_of(bic: str) -> str:
    eleven = _bic(bic)
    return f"{eleven[:8]}A{eleven[8:]}"


def _clock(at: str) -> tuple[str, str, str]:
    """YYMMDD, HHMM and both together of an ISO 8601 time: the messages of a minute share it."""
    return _minute(at[:16] if at[10:11] == "T" else at)


@lru_cache(maxsize=1_000)
def _minute(at: str) -> tuple[str, str, str]:
    moment = datetime.fromisoformat(at)
    return f"{moment:%y%m%d}", f"{moment:%H%M}", f"{moment:%y%m%d%H%M}"


@lru_cache(maxsize=1_000)
def day_text(value_date: str) -> str:
    """YYMMDD of an ISO 8601 date."""
    return f"{datetime.fromisoformat(value_date):%y%m%d}"


def output(message_type: str, sender: str, receiver: str, lines: list[str], at: str, sequence: int, user: str) -> bytes:
    """A message of lines ``:20:...`` in the output form; ``user`` is its block 3 or ""."""
    text = "\n".join(lines).replace("\n", "\r\n")
    return _framed(message_type, sender, receiver, text, at, sequence, user)


def _framed(message_type: str, sender: str, receiver: str, text: str, at: str, sequence: int, user: str) -> bytes:
    """A text whose lines end as they should, in the output form."""
    basic, application, end = _frame(message_type, sender, receiver, at[:16] if at[10:11] == "T" else at)
    numbers = _numbers(sequence)
    return f"{basic}{numbers}{application}{numbers}{end}{user}{{4:\r\n{text}\r\n-}}".encode("ascii")


@lru_cache(maxsize=10_000)
def _frame(message_type: str, sender: str, receiver: str, at: str) -> tuple[str, str, str]:
    """What stands before, between and behind the numbers of blocks 1 and 2: the same within a minute."""
    day, entered, left = _clock(at)
    return (
        f"{{1:F01{_terminal_of(receiver)}",
        f"}}{{2:O{message_type}{entered}{day}{_terminal_of(sender)}",
        f"{left}N}}",
    )
