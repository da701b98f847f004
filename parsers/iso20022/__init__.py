"""ISO 20022 messages: hardened reading, schema verdict, rules, payments, and the answers a payment system writes.

Rule: bytes in, messages with findings out, no exception; the schema is chosen by the namespace alone. Names are those
of the ISO 20022 message definitions.
"""

from parsers.iso20022.envelope import MAX_BYTES
from parsers.iso20022.messages import MESSAGE_TYPES
from parsers.iso20022.reader import looks_like, read, read_all
from parsers.iso20022.schemes import ADDRESS_DATES
from parsers.iso20022.single import singles
from parsers.iso20022.writer import (
    RESOLUTION_VERSIONS,
    STATUS_REPORT_VERSIONS,
    Header,
    References,
    app_header,
    forwarded,
    resolution,
    status_report,
)

__all__ = [
    "ADDRESS_DATES",
    "MAX_BYTES",
    "MESSAGE_TYPES",
    "RESOLUTION_VERSIONS",
    "STATUS_REPORT_VERSIONS",
    "Header",
    "References",
    "app_header",
    "forwarded",
    "looks_like",
    "read",
    "read_all",
    "resolution",
    "singles",
    "status_report",
]
