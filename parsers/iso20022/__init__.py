"""ISO 20022 messages: hardened reading, schema verdict, rules, payments, and the answers a payment system writes.

Rule: bytes in, messages with findings out, no exception; the schema is chosen by the namespace alone. Names are those
of the ISO 20022 message definitions.
"""

from parsers.iso20022.envelope import MAX_BYTES
from parsers.iso20022.reader import looks_like, read
from parsers.iso20022.schemes import ADDRESS_DATES

__all__ = ["ADDRESS_DATES", "MAX_BYTES", "looks_like", "read"]
