"""Banking days of TARGET and the Federal Reserve, own closures, and cut-offs on the scheme's wall clock."""

from datetime import UTC, date, datetime, time

import pytest

from settlement.calendar import ALWAYS_OPEN, Calendar, is_past, local


@pytest.mark.parametrize(
    ("name", "day", "is_open"),
    [
        ("XECB", date(2027, 3, 26), False),  # Good Friday
        ("XECB", date(2027, 3, 29), False),  # Easter Monday
        ("XECB", date(2027, 3, 30), True),
        ("XECB", date(2027, 5, 6), True),  # Ascension Day: TARGET is open
        ("XECB", date(2028, 5, 1), False),
        ("XECB", date(2027, 3, 27), False),  # a Saturday
        ("XFED", date(2027, 3, 26), True),  # Good Friday: Fedwire is open
        ("XFED", date(2026, 7, 3), True),  # 4 July on a Saturday is not moved to Friday
        ("XFED", date(2027, 7, 5), False),  # 4 July on a Sunday moves to Monday
        ("XFED", date(2027, 12, 31), True),  # New Year of 2028 is a Saturday
        ("XFED", date(2027, 11, 25), False),
        (ALWAYS_OPEN, date(2027, 12, 25), True),
    ],
)
def test_open_days(name, day, is_open):
    assert Calendar(name).is_open(day) is is_open


def test_walking_over_easter():
    calendar = Calendar("XECB")
    thursday, tuesday = date(2027, 3, 25), date(2027, 3, 30)
    assert calendar.next(thursday) == tuesday
    assert calendar.previous(tuesday) == thursday
    assert calendar.following(thursday) == thursday
    assert calendar.following(date(2027, 3, 26)) == tuesday


def test_own_closures_come_on_top():
    monday = date(2027, 6, 14)
    for name in ("XECB", ALWAYS_OPEN):
        calendar = Calendar(name, [monday])
        assert not calendar.is_open(monday)
        assert calendar.following(monday) == date(2027, 6, 15)


def test_mistakes_are_said():
    with pytest.raises(ValueError, match="XNYS"):
        Calendar("XNYS")
    with pytest.raises(ValueError, match="zone"):
        local(datetime(2027, 6, 14, 12), "Europe/Berlin")  # noqa: DTZ001
    days = [date.fromordinal(date(2027, 1, 1).toordinal() + n) for n in range(200)]
    with pytest.raises(ValueError, match="closures"):
        Calendar("XECB", days).next(days[0])


@pytest.mark.parametrize(
    ("now", "past"),
    [
        (datetime(2027, 7, 14, 14, 59, tzinfo=UTC), False),  # 16:59 in Berlin, summer
        (datetime(2027, 7, 14, 15, 0, tzinfo=UTC), True),
        (datetime(2027, 7, 13, 20, 0, tzinfo=UTC), False),  # the evening before, already open for the 14th
        (datetime(2027, 7, 14, 23, 0, tzinfo=UTC), True),  # after midnight in Berlin, the day has not been rolled
    ],
)
def test_cut_off(now, past):
    assert is_past(time(17, 0), date(2027, 7, 14), local(now, "Europe/Berlin")) is past


def test_cut_off_follows_winter_time():
    now = datetime(2027, 1, 14, 15, 30, tzinfo=UTC)  # 16:30 in Berlin
    assert not is_past(time(17, 0), date(2027, 1, 14), local(now, "Europe/Berlin"))


def test_no_cut_off_is_never_past():
    assert not is_past(None, date(2027, 1, 14), datetime(2028, 1, 1, tzinfo=UTC))
