"""What a kind of broken input is: its name, how it is made from a good message, what has to become of it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.testbed.samples import Sample, Writer

Mutator = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True, slots=True)
class Expected:
    """State of the message's outcome and its reasons: one of ``codes``. None: no reason at all."""

    state: str
    codes: frozenset[str | None]

    def __str__(self) -> str:
        return f"{self.state} {' '.join(sorted(code or '-' for code in self.codes))}"


def rejected(*codes: str) -> Expected:
    """Refused, with one of these codes."""
    return Expected("REJECTED", frozenset(codes))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``answered``: whether the sender hears of it (nobody is answered whose signature is not believed)."""

    name: str
    good: Callable[[Writer], Sample]
    mutate: Mutator
    expected: Expected
    answered: bool = True
    signed: bool = True

    def make(self, writer: Writer) -> Sample:
        """A broken sample."""
        sample = self.good(writer)
        return replace(sample, value=self.mutate(sample.value, writer.chance), kind=self.name)


class MutatorError(AssertionError):
    """A mutator found nothing to break: the sample has changed."""


def swap(old: bytes, new: bytes) -> Mutator:
    """Replace the first occurrence of some bytes."""

    def mutate(value: bytes, chance: random.Random) -> bytes:
        del chance
        if old not in value:
            raise MutatorError(f"{old!r} is not in the sample")
        return value.replace(old, new, 1)

    return mutate


def change(pattern: bytes, new: bytes | Callable[[re.Match[bytes], random.Random], bytes]) -> Mutator:
    """Replace the first match of a pattern; a function is given the match and the chance."""
    compiled = re.compile(pattern, re.DOTALL)

    def mutate(value: bytes, chance: random.Random) -> bytes:
        match = compiled.search(value)
        if match is None:
            raise MutatorError(f"{pattern!r} is not in the sample")
        made = match.expand(new) if isinstance(new, bytes) else new(match, chance)
        return value[: match.start()] + made + value[match.end() :]

    return mutate


def garbage(value: bytes, chance: random.Random) -> bytes:
    """Bytes that are nothing at all."""
    del value
    return chance.randbytes(chance.randrange(1, 4_000))


def blank(value: bytes, chance: random.Random) -> bytes:
    """White space alone; never the same, for the same bytes again are a repetition."""
    del value
    return bytes(chance.choice(b" \r\n\t") for _ in range(chance.randrange(20, 400)))
