"""The clock that a loop lives by, and its patience with outages.

Rule: time and chance are handed in, so that tests and the simulator own them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from engine.bus.port import DeliveryFailedError, OperatingFaultError

_T = TypeVar("_T")


class Clock(Protocol):
    """Seconds that never go back, and waiting."""

    def monotonic(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Patience:
    """Bounded retries: waits double from ``first`` to ``most`` seconds, with jitter, for ``total`` seconds in all."""

    def __init__(
        self,
        clock: Clock,
        *,
        first: float,
        most: float,
        total: float,
        chance: Callable[[], float] = random.random,
        told: Callable[[str, OperatingFaultError], None] = lambda *_: None,
        give_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._first = first
        self._most = most
        self._total = total
        self._chance = chance
        self._told = told
        self._give_up = give_up

    def run(self, doing: str, action: Callable[[], _T]) -> _T:
        """Do it, again and again through an outage; then raise OperatingFaultError that says for how long it lasted."""
        try:
            return action()
        except DeliveryFailedError:  # for good: trying again would forget what was lost
            raise
        except OperatingFaultError as fault:
            return self._again(doing, action, fault)

    def _again(self, doing: str, action: Callable[[], _T], fault: OperatingFaultError) -> _T:
        began = self._clock.monotonic()
        wait = self._first
        while True:
            self._told(doing, fault)
            waited = self._clock.monotonic() - began
            if waited >= self._total or self._give_up():
                raise OperatingFaultError(f"{doing} failed for {waited:.0f} s: {fault}") from fault
            self._clock.sleep(wait * (0.5 + self._chance() / 2))
            wait = min(self._most, wait * 2)
            try:
                return action()
            except DeliveryFailedError:
                raise
            except OperatingFaultError as again:
                fault = again
