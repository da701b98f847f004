"""Banking days and cut-offs.

Rule: a day is open when its calendar says so; the business date is the book's state, and the clock is passed in.
Sources: the financial calendars of the library ``holidays`` (XECB: TARGET closing days; XFED: Federal Reserve, K.8:
a Saturday holiday is not moved, a Sunday one moves to Monday), plus the operator's own closures.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

#: The calendar of a system that never closes.
ALWAYS_OPEN = "always open"
#: Calendars known by name.
CALENDARS = ("XECB", "XFED", ALWAYS_OPEN)

_DAY = timedelta(days=1)
#: No run of closed days is longer, short of a mistake in the closures.
_LONGEST_CLOSURE = 60


@lru_cache(maxsize=256)
def _holidays(name: str, year: int) -> frozenset[date]:
    # Imported here: the library takes 0.2 s to load, and only days need it.
    from holidays import financial_holidays

    return frozenset(day for day in financial_holidays(name, years=year) if day.year == year)


class Calendar:
    """Banking days of one named calendar, less ``closures`` (the operator's own)."""

    __slots__ = ("_closures", "_open", "name")

    def __init__(self, name: str, closures: Iterable[date] = ()) -> None:
        if name not in CALENDARS:
            raise ValueError(f"{name!r} is not a calendar: one of {', '.join(CALENDARS)}")
        self.name = name
        self._closures = frozenset(closures)
        self._open: dict[date, bool] = {}

    def is_open(self, day: date) -> bool:
        """Whether payments of that business date can settle."""
        known = self._open.get(day)
        if known is None:
            known = self._open[day] = self._decide(day)
        return known

    def _decide(self, day: date) -> bool:
        if day in self._closures:
            return False
        if self.name == ALWAYS_OPEN:
            return True
        return day.weekday() < 5 and day not in _holidays(self.name, day.year)

    def following(self, day: date) -> date:
        """The day itself when it is open, else the next open one."""
        return self._walk(day, _DAY)

    def next(self, day: date) -> date:
        """The next business day after ``day``."""
        return self._walk(day + _DAY, _DAY)

    def previous(self, day: date) -> date:
        """The last business day before ``day``."""
        return self._walk(day - _DAY, -_DAY)

    def _walk(self, day: date, step: timedelta) -> date:
        for _ in range(_LONGEST_CLOSURE):
            if self.is_open(day):
                return day
            day += step
        raise ValueError(f"{self.name}: closed for {_LONGEST_CLOSURE} days around {day}; check the closures")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(now: datetime, zone: str) -> datetime:
    """``now`` (aware) on the wall clock of ``zone`` (IANA name)."""
    if now.tzinfo is None:
        raise ValueError("a time without its zone says nothing: pass an aware datetime")
    return now.astimezone(_zone(zone))


def is_past(cut_off: time | None, business_date: date, now: datetime) -> bool:
    """Whether the cut-off of a business date has passed at ``now``, a local time of the scheme's zone.

    A system opens for a business date on the evening before; after midnight of the date itself all of it has passed.
    """
    if cut_off is None:
        return False
    return now.date() > business_date or (now.date() == business_date and now.time() >= cut_off)
