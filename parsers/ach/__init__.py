"""Nacha files (US ACH): bytes to messages and payments, and back.

Rule: ``read`` never raises and gives one Message for one input. The verdict is that of every Message: rejected exactly
when a finding is an error. What falls with an error is said by its level:

- *file*, *batch*: totals, structure or direction do not hold, so nothing of the file may be settled;
- *entry*: that entry alone goes back to its sender with the return code in ``details["reject"]`` of its Payment (and
  as the finding's code). A file whose only errors are of level entry is still ``rejected`` as a message, but the
  engine may settle its other entries: ``payments`` always holds every entry that could be read, refused ones included.

Strict mode (the default, because these files move money) enforces every rule; lenient mode turns the rules that the
operator would let pass into warnings, never amounts, totals, hash, direction against service class, or duplicates.
Source: Nacha Operating Rules, Appendices One to Four.
"""

from __future__ import annotations

import re

from parsers.ach.acknowledgement import acknowledgement, acknowledgement_of
from parsers.ach.file import AchFile, read_file
from parsers.ach.payment import agent_of
from parsers.ach.rules import Report
from parsers.ach.writer import write_file
from parsers.message import Message, Mode

__all__ = ["AchFile", "acknowledgement", "acknowledgement_of", "looks_like", "read", "write_file"]

#: What an input that starts like a Nacha file starts with: a file header, or another record with plausible codes.
_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:101[ 0-9]"
    rb"|1[ -~]{20,45}094101"
    rb"|5(?:200|220|225|280)[\x20-\x7e]{76}"
    rb"|6[2-8][0-9][0-9 ]{8}[\x20-\x7e]{70}"
    rb"|7(?:02|05|1[0-8]|98|99)[\x20-\x7e]{77}"
    rb"|8(?:200|220|225|280)[0-9]{40}"
    rb"|9[0-9]{54}(?:\s|[\x20-\x7e]{39}))"
)


def looks_like(head: bytes) -> bool:
    """Whether the beginning of an input is that of a Nacha file, or of a part of one."""
    return _START.match(head[:4096]) is not None


def read(data: bytes, *, mode: Mode | None = None) -> list[Message]:
    """One Message for the file in ``data``; type ``NACHA``; ``mode`` is strict unless lenient is asked for."""
    report = Report(mode or "strict")
    parsed, payments = read_file(data, report)
    sender, receiver, reference = _identity(parsed) if parsed is not None else (None, None, None)
    return [
        Message(
            index=0,
            format="ach",
            type="NACHA",
            raw=data,
            findings=report.finish(),
            sender=sender,
            receiver=receiver,
            reference=reference,
            payments=payments,
            parsed=parsed,
        )
    ]


def _identity(parsed: AchFile) -> tuple[str | None, str | None, str | None]:
    """Sender, receiver and the key under which a second file is a duplicate (Appendix Two 2.3): immediate origin,
    creation date, creation time (blank is part of the key) and file ID modifier, columns 14 to 34.
    """
    header = parsed.header
    first = next(parsed.batch_headers(), None)
    odfi = agent_of(first[79:87]).clearing_id if first is not None else None
    if header is None:
        return odfi, None, None
    origin = header[13:23].strip()
    sender = origin if len(origin) == 9 and origin.isdecimal() else odfi
    return sender, header[3:13].strip() or None, header[13:34].strip() or None
