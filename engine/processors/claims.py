"""Claims: which business reference a message takes, and the digest of what it says under it.

Rule: unique by (sender, scheme's family, kind of reference, period, reference). The digest leaves out what changes
from one sending to the next (session numbers, possible-duplicate flags, header times), so that a repetition is
recognised as one and another content under the same reference is not. The period is the calendar year of arrival.
A message refused for its format claims only its bytes; an ACH file claims as a file (Nacha operating rules, appendix 2
section 2.3: origin, date, time, modifier).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from engine.wire import Envelope
from payments import Payment

_encoder = msgspec.json.Encoder()


@lru_cache(maxsize=4_096)
def moment(unix_ms: int) -> str:
    """ISO 8601 time of a Kafka timestamp, UTC."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_year_cache: tuple[int, int, str] = (0, 0, "")


def period(unix_ms: int) -> str:
    """Calendar year in UTC; references have to be unique within it."""
    global _year_cache
    first, last, name = _year_cache
    if not first <= unix_ms < last:
        year = datetime.fromtimestamp(unix_ms // 1000, UTC).year
        bounds = [int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) * 1000 for y in (year, year + 1)]
        first, last, name = _year_cache = (bounds[0], bounds[1], str(year))
    return name


def of(envelope: Envelope, payment: Payment) -> tuple[tuple[str, str], ...]:
    """The claims of a payment, each with the digest of what was said."""
    year = period(envelope.received_ms)
    if envelope.format == "ach":
        return ((f"{envelope.sender}|ach|file|{year}|{envelope.reference}", envelope.digest),)
    kind, reference = _reference(envelope, payment)
    return ((f"{envelope.sender}|{envelope.format}|{kind}|{year}|{reference}", content_digest(payment)),)


def _reference(envelope: Envelope, payment: Payment) -> tuple[str, str]:
    """The sender's own reference of the payment, by what the format has."""
    if envelope.format == "swift-mt":
        whole = payment.details.get("message_id")
        if whole is not None:  # one of several transactions: its reference is its own within the message
            return "20/21", f"{whole}/{payment.instruction_id or payment.index}"
        return "20", payment.instruction_id or envelope.reference or ""
    if payment.transaction_id is not None:
        return "TxId", payment.transaction_id
    if payment.instruction_id is not None:
        return "InstrId", payment.instruction_id
    return "MsgId", f"{envelope.reference}/{payment.end_to_end_id or payment.uetr or payment.index}"


def of_bytes(envelope: Envelope) -> str:
    """The claim of a message that is taken as a whole: refused for its format, or without payments."""
    return f"{envelope.sender or '?'}|bytes|{envelope.digest}"


def content_digest(payment: Payment) -> str:
    """128 bits over the business content, in hex."""
    content = (
        payment.kind,
        payment.amount,
        payment.value_date,
        payment.instruction_id,
        payment.end_to_end_id,
        payment.transaction_id,
        payment.uetr,
        payment.charge_bearer,
        payment.debtor,
        payment.debtor_agent,
        payment.creditor,
        payment.creditor_agent,
        payment.intermediaries,
        payment.remittance,
        payment.purpose,
        payment.original,
    )
    return hashlib.blake2b(_encoder.encode(content), digest_size=16).hexdigest()
