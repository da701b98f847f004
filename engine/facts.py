"""What stages and writers know of reference data, read from Postgres and renewed when its version changes.

Rule: a version is looked up at most once a second, and facts are replaced as a whole between batches, never inside
one. Postgres being away is an operating fault: the last facts stay in use only until the next look.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.bus.port import OperatingFaultError
from engine.compliance.decision import ComplianceFacts
from engine.compliance.limits import Limit, Limits
from engine.compliance.screening import GoodGuy, Screener
from engine.compliance.watchlist import WatchList, decode, synthetic_list
from engine.errors import ServiceUnavailable
from engine.processors.parsing import ParsingFacts
from engine.processors.stages import Facts
from engine.routing.decision import RoutingFacts
from engine.routing.directory import Directory
from engine.store import good_guys, keys, reference
from engine.store.connection import OPERATING_ERRORS, Connection
from payments import Money
from settlement.schemes import SCHEMES

#: New reference data is gone by after this time at most; an import waits it out before it says done.
LOOK_SECONDS = 0.25


class DirectorySource:
    """The participants of the newest version; ``current`` is what writers are given."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        clock: Callable[[], float] = time.monotonic,
        every: float = LOOK_SECONDS,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._every = every
        self._looked = float("-inf")
        self._directory = Directory(*reference.newest(connection()))

    def current(self) -> Directory:
        """The same object until the version changes."""
        now = self._clock()
        if now - self._looked >= self._every:
            self._looked = now
            connection = self._connection()
            if reference.newest_version(connection) != self._directory.version:
                self._directory = Directory(*reference.newest(connection))
        return self._directory


@dataclass(frozen=True, slots=True)
class StageTerms:
    """What the settings say about the stages."""

    operator: str
    signatures: bool
    sanctions_list: Path | None
    sources: Mapping[tuple[str, int], int]


class StoredFacts:
    """Facts of the stages: directory, keys, lists, limits, good guys."""

    def __init__(
        self,
        connection: Callable[[], Connection],
        terms: StageTerms,
        today: Callable[[], date],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._terms = terms
        self._today = today
        self._clock = clock
        self._directory = DirectorySource(connection, clock, every=0.0)
        self._watchlist = read_watchlist(terms.sanctions_list)
        self._good_guys: tuple[GoodGuy, ...] | None = None
        self._screener: Screener | None = None
        self._looked = float("-inf")
        self._facts = self._load()

    def current(self) -> Facts:
        """Today's facts, at most LOOK_SECONDS old."""
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            try:
                self._facts = self._load()
            except (*OPERATING_ERRORS, ServiceUnavailable) as problem:
                raise OperatingFaultError(f"Postgres does not answer: {problem}") from problem
        return self._facts

    def _load(self) -> Facts:
        directory = self._directory.current()
        trusted = good_guys.in_force(self._connection())
        if self._screener is None or trusted != self._good_guys:
            self._good_guys, self._screener = trusted, Screener(self._watchlist, good_guys=trusted)
        terms = self._terms
        return Facts(
            ParsingFacts(directory, keys.active_keys(self._connection()), terms.signatures, terms.sources),
            ComplianceFacts(self._screener, limits_of(directory), today=self._today().isoformat()),
            RoutingFacts(directory, terms.operator),
        )


def read_watchlist(path: Path | None) -> WatchList:
    """The list in force: the file of the settings, else the synthetic one that ships."""
    return synthetic_list() if path is None else decode(path.read_bytes())


def limits_of(directory: Directory) -> Limits:
    """Limits per payment that participants have asked for."""
    found = []
    for participant in directory.reference.participants:
        for name, limits in participant.limits.items():
            scheme = SCHEMES.get(name)
            if limits.per_payment is not None and scheme is not None:
                maximum = Money.parse(limits.per_payment, scheme.currency).minor
                found.append(
                    Limit(currency=scheme.currency, maximum=maximum, scheme=scheme.name, participant=participant.id)
                )
    return Limits(tuple(found))
