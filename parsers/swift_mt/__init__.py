"""SWIFT MT: FIN messages in and out. Formats and rules are tables; this page is all that other packages use.

``read``, ``read_all`` and ``looks_like`` take bytes; the writers build bytes that the reader accepts in strict mode:
from values (``customer_transfer``, ``bank_transfer``, ``statement_pages``, ``confirmation``, ``answer``,
``acknowledgement``), from a row of fields of any type (``compose``) or from a message that was read (``forwarded``,
``singles``).
"""

from parsers.swift_mt.builder import Letterhead, bank_transfer, compose, customer_transfer
from parsers.swift_mt.demotion import checked
from parsers.swift_mt.envelope import looks_like
from parsers.swift_mt.reader import read, read_all
from parsers.swift_mt.singles import singles
from parsers.swift_mt.statement_builder import statement_pages
from parsers.swift_mt.to_payment import BATCHES, MOVING
from parsers.swift_mt.writer import acknowledgement, answer, confirmation, forwarded

__all__ = [
    "BATCHES",
    "MOVING",
    "Letterhead",
    "acknowledgement",
    "answer",
    "bank_transfer",
    "checked",
    "compose",
    "confirmation",
    "customer_transfer",
    "forwarded",
    "looks_like",
    "read",
    "read_all",
    "singles",
    "statement_pages",
]
