"""Measuring: one module a bench, what they share beside them; ``qenex bench NAME`` runs one.

Rule: a figure names its conditions and its peer, measured in the same run on the same machine; a peer that cannot be
had is said, never assumed. Workloads come from seeds. What a bench starts, it stops, by process id, also when it is
interrupted. `BENCHES` is the whole list; a bench's module has ``run(terms, say)``, which yields figures as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Name on the command line -> module with ``run``.
BENCHES: Mapping[str, str] = MappingProxyType(
    {
        "parsers": "engine.bench.parsing",
        "pipeline": "engine.bench.pipeline",
        "ledger": "engine.bench.ledger",
        "settlement": "engine.bench.settlement",
        "anchor": "engine.bench.anchor",
        "screening": "engine.bench.screening",
    }
)
