"""Texts of exceptions without what they may quote of a message.

Rule: where a defect happened is for who mends it, what a customer has written is not: of each line that Python says of
an exception, quoted values, account numbers and long runs of digits are left out; the stack's own lines stay.
"""

from __future__ import annotations

import re

_QUOTED = re.compile(r"""(?<![\w])(b?)('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{8,30}\b|\b\d{7,}\b")
_LEFT_OUT = "(left out)"


def redacted(text: str) -> str:
    """The text with values left out.

    >>> redacted("ValueError: the account 'Ada' of DE89370400440532013000 is closed")
    'ValueError: the account (left out) of (left out) is closed'
    """
    return "\n".join(line if line.startswith("  ") else _values_left_out(line) for line in text.split("\n"))


def _values_left_out(line: str) -> str:
    return _ACCOUNT.sub(_LEFT_OUT, _QUOTED.sub(_LEFT_OUT, line))
