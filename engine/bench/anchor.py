"""``qenex bench anchor``: not there yet, for there is no chain yet."""

from __future__ import annotations

from collections.abc import Iterator

from engine.bench.figures import Figure, Say, Terms
from engine.errors import UsageFault


def run(terms: Terms, say: Say) -> Iterator[Figure]:
    """Says so."""
    del terms, say
    raise UsageFault("bench anchor: there is no chain yet, so nothing is anchored and there is nothing to measure.")
