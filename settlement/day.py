"""The business day: its phases, the commands that move it, and what each of them makes the writer do.

Rule: the business date is state of the book and moves by command only, never by the wall clock: a payment that comes
after midnight of a day that has not closed belongs to that day. Phases are a table; an order that does not fit the
phase is refused with the reason, and nothing happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from settlement.calendar import Calendar


class Phase(StrEnum):
    """Where a business day is. CUT_OFF: customer payments are over, interbank ones still settle."""

    OPEN = "open"
    CUT_OFF = "cut-off"
    CLOSING = "closing"
    CLOSED = "closed"


class Command(StrEnum):
    """What an operator, or the timetable, asks for."""

    CUT_OFF = "cut-off"
    REOPEN = "reopen"
    CLOSE = "close"
    FINISH = "finish"
    OPEN = "open"


class Duty(StrEnum):
    """What the writer does in the transaction that moves the day, in the order given."""

    RELEASE_QUEUE = "release-queue"
    REJECT_QUEUE = "reject-queue"
    MAKE_STATEMENTS = "make-statements"
    CARRY_BALANCES = "carry-balances"
    ROLL_DATE = "roll-date"
    RESET_USAGE = "reset-usage"
    RELEASE_WAREHOUSE = "release-warehouse"


_CLOSE = (Duty.RELEASE_QUEUE, Duty.REJECT_QUEUE)
_FINISH = (Duty.MAKE_STATEMENTS, Duty.CARRY_BALANCES)
_OPEN = (Duty.ROLL_DATE, Duty.RESET_USAGE, Duty.RELEASE_WAREHOUSE)

#: (phase, command) -> (phase after it, duties).
PHASES: dict[tuple[Phase, Command], tuple[Phase, tuple[Duty, ...]]] = {
    (Phase.OPEN, Command.CUT_OFF): (Phase.CUT_OFF, ()),
    (Phase.CUT_OFF, Command.REOPEN): (Phase.OPEN, ()),
    (Phase.OPEN, Command.CLOSE): (Phase.CLOSING, _CLOSE),
    (Phase.CUT_OFF, Command.CLOSE): (Phase.CLOSING, _CLOSE),
    (Phase.CLOSING, Command.FINISH): (Phase.CLOSED, _FINISH),
    (Phase.CLOSED, Command.OPEN): (Phase.OPEN, _OPEN),
}


@dataclass(frozen=True, slots=True)
class BusinessDay:
    """State of a book: which business date, in which phase."""

    day: date
    phase: Phase = Phase.OPEN


@dataclass(frozen=True, slots=True)
class Turn:
    """The day after a command, and the duties to carry out; ``refusal`` says why nothing happened."""

    after: BusinessDay
    duties: tuple[Duty, ...] = ()
    refusal: str | None = None


def turn(before: BusinessDay, command: Command, calendar: Calendar) -> Turn:
    """Apply one command.

    >>> friday = BusinessDay(date(2027, 3, 19), Phase.CLOSED)
    >>> turn(friday, Command.OPEN, Calendar("XECB")).after
    BusinessDay(day=datetime.date(2027, 3, 22), phase=<Phase.OPEN: 'open'>)
    """
    row = PHASES.get((before.phase, command))
    if row is None:
        allowed = ", ".join(order for phase, order in PHASES if phase == before.phase)
        return Turn(before, refusal=f"{before.day} is {before.phase}: it can be told {allowed}, not {command}")
    phase, duties = row
    day = calendar.next(before.day) if Duty.ROLL_DATE in duties else before.day
    return Turn(BusinessDay(day, phase), duties)


def turn_over(before: BusinessDay, calendar: Calendar) -> Turn:
    """Close, finish and open the next day in one step: a system that never closes changes its date so."""
    duties: list[Duty] = []
    day = before
    for command in (Command.CLOSE, Command.FINISH, Command.OPEN):
        step = turn(day, command, calendar)
        if step.refusal is not None:
            return Turn(before, refusal=step.refusal)
        duties += step.duties
        day = step.after
    return Turn(day, tuple(duties))
