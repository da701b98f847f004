"""What all writers share: redeliveries and business duplicates, decided against what is committed and what is at hand.

Rule: a payment that the inbox has is dropped silently; a repetition of the same content is answered with the first
answer; other content under a taken reference is refused. The database's constraints have the last word: the memory
here only spares them the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine import ids
from engine.processors.batch import Batch
from engine.wire import Envelope, Rejection


class Seen:
    """Payment attempts decided lately, in two generations, so that memory stays bounded."""

    def __init__(self, generation: int = 100_000) -> None:
        self._young: set[tuple[bytes, int]] = set()
        self._old: set[tuple[bytes, int]] = set()
        self._generation = generation

    def __contains__(self, attempt: tuple[bytes, int]) -> bool:
        return attempt in self._young or attempt in self._old

    def add(self, attempts: Iterable[tuple[bytes, int]]) -> None:
        """Remember what was committed."""
        self._young.update(attempts)
        if len(self._young) > self._generation:
            self._old, self._young = self._young, set()


@dataclass(frozen=True, slots=True)
class Repetition:
    """A payment whose reference is taken: by which message, and whether it says the same."""

    original: bytes
    same: bool

    def rejection(self) -> Rejection:
        """The refusal of other content under a taken reference."""
        return Rejection(
            "AM05",
            f"the reference is taken by message {ids.shown(self.original)} with other content",
            "duplicate",
        )


class Claims:
    """The claims of a batch on top of those committed."""

    def __init__(self, committed: dict[str, tuple[bytes, bytes]]) -> None:
        self._taken = committed

    def look(self, envelope: Envelope) -> Repetition | None:
        """Whose an envelope's references are, if somebody else's; takes nothing."""
        return self._look(envelope, ids.payment_id(envelope.source, envelope.offset, 0))

    def _look(self, envelope: Envelope, message: bytes) -> Repetition | None:
        for name, digest in envelope.claims:
            found = self._taken.get(name)
            if found is not None and found[0] != message:
                return Repetition(found[0], found[1] == bytes.fromhex(digest))
        return None

    def take(self, envelope: Envelope, batch: Batch) -> Repetition | None:
        """Take an envelope's references, or say whose they are."""
        message = ids.payment_id(envelope.source, envelope.offset, 0)
        repetition = self._look(envelope, message)
        if repetition is not None:
            return repetition
        for name, digest in envelope.claims:
            if name not in self._taken:
                self._taken[name] = (message, bytes.fromhex(digest))
                batch.claim(name, digest, message)
        return None


def names(envelopes: Sequence[Envelope]) -> list[str]:
    """All claims that a batch will ask for."""
    return sorted({name for envelope in envelopes for name, _ in envelope.claims})


def original_payment(repetition: Repetition, envelope: Envelope) -> bytes:
    """The payment of the original message at the same index."""
    return repetition.original[:12] + envelope.payment_id[12:]
