"""The business day moves by command, through its phases and over weekends, and refuses what does not fit."""

from datetime import date
from itertools import product

import pytest

from settlement.calendar import ALWAYS_OPEN, Calendar
from settlement.day import PHASES, BusinessDay, Command, Duty, Phase, turn, turn_over

TARGET = Calendar("XECB")
THURSDAY = date(2027, 3, 25)  # before Easter


def test_a_whole_day():
    day, duties = BusinessDay(THURSDAY), []
    for command in (Command.CUT_OFF, Command.CLOSE, Command.FINISH, Command.OPEN):
        step = turn(day, command, TARGET)
        assert step.refusal is None
        day = step.after
        duties += step.duties
    assert day == BusinessDay(date(2027, 3, 30), Phase.OPEN)
    assert duties == [
        Duty.RELEASE_QUEUE,
        Duty.REJECT_QUEUE,
        Duty.MAKE_STATEMENTS,
        Duty.CARRY_BALANCES,
        Duty.ROLL_DATE,
        Duty.RESET_USAGE,
        Duty.RELEASE_WAREHOUSE,
    ]


def test_a_cut_off_can_be_taken_back():
    step = turn(BusinessDay(THURSDAY, Phase.CUT_OFF), Command.REOPEN, TARGET)
    assert step.after == BusinessDay(THURSDAY, Phase.OPEN)


@pytest.mark.parametrize(("phase", "command"), [pair for pair in product(Phase, Command) if pair not in PHASES])
def test_what_does_not_fit_is_refused_and_changes_nothing(phase, command):
    day = BusinessDay(THURSDAY, phase)
    step = turn(day, command, TARGET)
    assert (step.after, step.duties) == (day, ())
    assert step.refusal is not None
    assert phase.value in step.refusal


def test_a_system_that_never_closes_turns_over_at_once():
    step = turn_over(BusinessDay(date(2027, 12, 24)), Calendar(ALWAYS_OPEN))
    assert step.after == BusinessDay(date(2027, 12, 25), Phase.OPEN)
    assert step.duties[0] is Duty.RELEASE_QUEUE
    assert step.duties[-1] is Duty.RELEASE_WAREHOUSE


def test_turning_over_a_closed_day_is_refused():
    day = BusinessDay(date(2027, 12, 24), Phase.CLOSED)
    assert turn_over(day, Calendar(ALWAYS_OPEN)).after == day
    assert turn_over(day, Calendar(ALWAYS_OPEN)).refusal
