"""SWIFT MT: FIN messages in and out. Formats and rules are tables; this page is all that other packages use.

``read`` and ``looks_like`` take bytes; the writers build bytes that the reader accepts in strict mode.
"""

from parsers.swift_mt.demotion import checked
from parsers.swift_mt.envelope import looks_like
from parsers.swift_mt.reader import read
from parsers.swift_mt.singles import singles
from parsers.swift_mt.to_payment import BATCHES, MOVING
from parsers.swift_mt.writer import acknowledgement, answer, confirmation, forwarded

__all__ = [
    "BATCHES",
    "MOVING",
    "acknowledgement",
    "answer",
    "checked",
    "confirmation",
    "forwarded",
    "looks_like",
    "read",
    "singles",
]
