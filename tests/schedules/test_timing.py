"""When a schedule ticks: over changes of the clock, resumed anywhere, and what cannot be is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proletarian.errors import ConfigurationError
from proletarian.times.ticks import Timing, timing

ZONES = [
    "Europe/Warsaw", "America/St_Johns", "Africa/Casablanca", "Asia/Kathmandu", "Australia/Lord_Howe",
    "America/Havana", "Africa/Cairo", "UTC",
]  # fmt: skip
FIXED = ["30 2 * * *", "0 2,3 * * *", "15 0 * * *", "0 6 1 * *", "45 1 * * 0", "59 23 28-31 * *"]
FLOWING = ["*/15 * * * *", "*/7 2 * * *", "20 * * * *", "*/30 */2 * * 0,6"]
YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def wall(local: datetime) -> tuple[int, ...]:
    return local.year, local.month, local.day, local.hour, local.minute


@cache
def first_shown(zone: str) -> dict[tuple[int, ...], datetime]:
    """Every minute that a clock on the wall shows in that year, and when it does so first."""
    first: dict[tuple[int, ...], datetime] = {}
    moment, end = YEAR
    while moment <= end:
        first.setdefault(wall(moment.astimezone(ZoneInfo(zone))), moment)
        moment += timedelta(minutes=1)
    return first


def ticks(expression: str, zone: str) -> list[datetime]:
    return list(timing(expression, zone).between(*YEAR))


@pytest.mark.parametrize("zone", ZONES)
def test_a_quarter_hourly_schedule_ticks_at_every_quarter_on_the_wall_clock(zone: str) -> None:
    """The hour that comes twice has eight of them. (All zones here are whole quarters from UTC.)"""
    found = ticks("*/15 * * * *", zone)

    assert {later - tick for tick, later in pairwise(found)} == {timedelta(minutes=15)}
    assert len(found) == 365 * 96


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("time", ["02:30", "00:15", "01:45", "03:00"])
def test_a_time_of_day_comes_once_a_day_whatever_the_clock_does(time: str, zone: str) -> None:
    """In a night that skips it, when the clock has jumped; in one that has it twice, the first time."""
    first = first_shown(zone)
    hour, minute = map(int, time.split(":"))
    expected = []
    for day in range(-1, 367):
        wanted = datetime(2026, 1, 1, hour, minute, tzinfo=UTC) + timedelta(days=day)  # as a wall shows it
        shown = (wall(wanted + timedelta(minutes=late)) for late in range(121))
        expected += [first[minute] for minute in shown if minute in first][:1]

    assert ticks(f"{minute} {hour} * * *", zone) == [moment for moment in expected if moment > YEAR[0]]


def changes(zone: str) -> list[datetime]:
    """The days of the year on which the clock is changed there, and an ordinary one."""
    days = [YEAR[0] + timedelta(days=day) for day in range(365)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [
        days[100],
        *(day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after),
    ]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", FIXED + FLOWING)
def test_resumed_from_each_tick_it_is_the_sequence_that_was_never_interrupted(expression: str, zone: str) -> None:
    schedule = timing(expression, zone)
    for day in changes(zone):
        whole = list(schedule.between(day - timedelta(days=1), day + timedelta(days=3)))
        resumed = [tick for before, tick in zip([day - timedelta(days=1), *whole], whole, strict=False)
                   if schedule.next_after(before) == tick]  # fmt: skip

        assert resumed == whole == sorted(set(whole))


EXPRESSIONS = st.sampled_from(FIXED + FLOWING)
MOMENTS = st.integers(0, 365 * 86400).map(lambda seconds: YEAR[0] + timedelta(seconds=seconds))


@given(EXPRESSIONS, st.sampled_from(ZONES), st.data())
def test_asked_anywhere_it_goes_on_with_that_sequence(expression: str, zone: str, data: st.DataObject) -> None:
    """Above all within an hour that comes twice."""
    day = data.draw(st.sampled_from(changes(zone)))
    moment = day + timedelta(minutes=data.draw(st.integers(0, 2 * 1440)))
    schedule = timing(expression, zone)
    found = [tick for tick in schedule.between(day - timedelta(days=1), day + timedelta(days=4)) if tick > moment]

    assert list(islice(schedule.after(moment), 3))[: len(found)] == found[:3]


@settings(max_examples=30)
@given(EXPRESSIONS, st.sampled_from(ZONES), MOMENTS, st.integers(0, 400), st.sampled_from([1, 3, 100]))
def test_the_latest_are_the_last_of_all(expression: str, zone: str, moment: datetime, days: int, most: int) -> None:
    schedule = timing(expression, zone)
    until = moment + timedelta(days=days / 4)

    assert schedule.latest(moment, until, most) == list(schedule.between(moment, until))[-most:]


@given(st.timedeltas(timedelta(seconds=0.1), timedelta(days=40)), MOMENTS)
def test_an_interval_ticks_evenly_and_the_same_for_everybody(every: timedelta, moment: datetime) -> None:
    first, second, third = islice(timing(every).after(moment), 3)

    assert moment < first <= moment + every
    assert second - first == third - second == every
    assert timing(every).next_after(first) == second
    assert timing(every).next_after(first - timedelta(microseconds=1)) == first


def test_years_are_crossed_quickly_and_in_no_flood() -> None:
    each_minute = timing("* * * * *", "Europe/Warsaw")
    found = each_minute.latest(datetime(1990, 1, 1, tzinfo=UTC), YEAR[0], 100)

    assert (len(found), found[-1]) == (100, YEAR[0])
    assert each_minute.count(datetime(1990, 1, 1, tzinfo=UTC), YEAR[0], 1000) == 1000
    assert len(timing("@yearly").latest(datetime(1990, 1, 1, tzinfo=UTC), YEAR[0], 100)) == 36


@pytest.mark.parametrize(
    ("name", "text"), [("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@yearly", "0 0 1 1 *")]
)
def test_names_stand_for_cron_texts(name: str, text: str) -> None:
    assert timing(name, "Asia/Kathmandu") == Timing(cron=text, tz="Asia/Kathmandu")
    assert timing(f"  {text.replace(' ', '  ')} ") == timing(text)


@pytest.mark.parametrize(
    ("when", "tz", "told"),
    [
        ("@reboot", None, "there are @hourly, @daily, @weekly, @monthly, @yearly"),
        ("0 0 0 * * *", None, r"has six fields.*timedelta\(seconds=30\)"),
        ("0 0 *", None, "minute hour day month weekday"),
        ("", None, "minute hour day month weekday"),
        ("61 * * * *", None, "bad minute"),
        ("0 0 30 2 *", None, "bad day-of-month"),
        ("0 0 31 4,6 *", None, "a day that its months do not have"),
        ("0 0 * * NEVER", None, "bad day-of-week"),
        ("@daily", "Mars/Olympus", "pip install tzdata"),
        ("@daily", "../../etc/passwd", "not a time zone"),
        ("@daily", "Europe", "not a time zone"),
        ("@daily", "", "not a time zone"),
        (timedelta(minutes=5), "Europe/Warsaw", "an interval has no time zone"),
        (timedelta(0), None, "more than 0"),
        (timedelta(milliseconds=1), None, "0.1 seconds to 80 years"),
        (timedelta(days=36500), None, "0.1 seconds to 80 years"),
        (True, None, "seconds or a timedelta"),
        (None, None, "seconds or a timedelta"),
    ],
)
def test_what_cannot_be_is_refused_at_once(when: str | timedelta, tz: str | None, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        timing(when, tz)
