"""What travels between stages: one envelope a payment (or a message without one), as JSON with a version number.

Rule: a reader accepts its own version and the one before; values were validated once, by the parser; never pickle.
Each stage fills in its part: parsing the payment, compliance the clearance, routing the route; ``state`` says where
the envelope goes next.
"""

from __future__ import annotations

import msgspec

from engine import ids
from engine.compliance.decision import Clearance
from payments import Finding, Payment

VERSION = 1
ACCEPTED_VERSIONS = frozenset({VERSION})


class WireError(ValueError):
    """Bytes on one of our own topics that no version of ours has written."""


class Route(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Where a payment settles: the book, whose account pays, whose receives; ``reference`` is the data's version."""

    book: str
    debit: str
    credit: str
    reference: int
    priority: str = "normal"
    no_wait: bool = False


class Rejection(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Why a payment or message is refused: ``code`` is what the counterparty receives; ``stage`` who refused."""

    code: str
    text: str
    stage: str
    line: int | None = None


class Release(msgspec.Struct, frozen=True, gc=False):
    """The decision of two persons that sends a held payment on; ``hits`` are the keys of what they saw and released."""

    case_id: int
    proposed_by: str
    approved_by: str
    reason: str
    hits: tuple[str, ...] = ()


class Envelope(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """A payment on its way. ``digest``: first 128 bits of the SHA-256 of the message as received, in hex.

    ``claims`` are (claim, digest) pairs for the business duplicate check; ``forward`` is what the receiver will be
    delivered; ``reply`` holds what an answer to the sender must quote.
    """

    v: int = VERSION
    source: int
    offset: int
    index: int = 0
    count: int = 1
    attempt: int = 0
    received_ms: int
    digest: str
    state: str
    format: str | None = None
    type: str | None = None
    sender: str | None = None
    receiver: str | None = None
    reference: str | None = None
    scheme: str | None = None
    payment: Payment | None = None
    findings: tuple[Finding, ...] = ()
    clearance: Clearance | None = None
    route: Route | None = None
    rejection: Rejection | None = None
    claims: tuple[tuple[str, str], ...] = ()
    forward: str | None = None
    reply: dict[str, str] = {}
    release: Release | None = None
    crash: str | None = None

    @property
    def payment_id(self) -> bytes:
        """Sixteen bytes, see ``engine.ids``."""
        return ids.payment_id(self.source, self.offset, self.index)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)

encode = _encoder.encode


def decode(value: bytes) -> Envelope:
    """Read an envelope; WireError when it is none or of a version this build does not know."""
    try:
        envelope = _decoder.decode(value)
    except msgspec.MsgspecError as problem:
        raise WireError(f"not an envelope: {problem}") from problem
    if envelope.v not in ACCEPTED_VERSIONS:
        raise WireError(f"envelope of version {envelope.v}; this build reads {sorted(ACCEPTED_VERSIONS)}")
    return envelope
