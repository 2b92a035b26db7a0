"""
When a schedule ticks: a cron expression in a time zone, or an interval. Instants go in and come out, in UTC.

Every question is answered from the instant that is passed, without a memory: a sequence that is resumed
after any tick is the same as one that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import islice, takewhile

import msgspec

from proletarian.errors import ConfigurationError
from proletarian.times.durations import Duration, in_seconds
from proletarian.times.moments import EARLIEST, LATEST

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
SHORTEST = 0.1  # seconds
MICROSECOND = timedelta(microseconds=1)
# How far back to look for the latest ticks: these are tried in turn until one contains enough.
WINDOWS = [timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=367), timedelta(days=9 * 366)]


class Timing(msgspec.Struct, frozen=True):
    """
    The instants at which a schedule ticks: those of a cron expression in a zone, or one every `every`.

    An interval counts from 1970: one of five minutes ticks at :00, :05 and so on, no matter who computes it and
    when the worker was started.

    >>> five_minutes = timing(timedelta(minutes=5))
    >>> print(five_minutes.next_after(datetime(2026, 11, 28, 12, 3, tzinfo=UTC)))
    2026-11-28 12:05:00+00:00
    """

    cron: str | None = None
    every: timedelta | None = None
    tz: str = "UTC"

    def __str__(self) -> str:
        return f"every {self.every}" if self.every is not None else f"{self.cron} ({self.tz})"

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Every tick after this instant, in order."""
        if self.every is not None:
            return _of_interval(self.every, moment)
        assert self.cron is not None  # noqa: S101
        return _of_cron(self.cron, zone(self.tz), moment)

    def next_after(self, moment: datetime) -> datetime:
        """The first tick after this instant."""
        return next(self.after(moment))

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The ticks after one instant, up to and with another, in order."""
        return takewhile(lambda tick: tick <= until, self.after(after))

    def latest(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """
        The last ticks in that time, at most `most`; fast, however long the time is.

        >>> start = datetime(2026, 1, 1, tzinfo=UTC)
        >>> [tick.minute for tick in timing(30).latest(start, start + timedelta(days=9000, seconds=100), 3)]
        [0, 1, 1]
        """
        found: list[datetime] = []
        for window in WINDOWS:
            if until - after <= window:
                break
            found = list(self.between(until - window, until))
            if len(found) >= most:
                return found[-most:]
        return list(self.between(after, until))[-most:]

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many ticks there are in that time; counting stops at `most`."""
        return sum(1 for _ in islice(self.between(after, until), most))


def timing(when: str | Duration, tz: str | None = None) -> Timing:
    """
    The timing for a cron expression with five fields, a name such as `@daily`, a timedelta or seconds.

    Raises `ConfigurationError` for an invalid value, or a cron expression that never matches.

    >>> timing(300)
    Timing(cron=None, every=datetime.timedelta(seconds=300), tz='UTC')
    >>> timing("@reboot")
    Traceback (most recent call last):
    proletarian.errors.ConfigurationError: '@reboot' is not a schedule: there are @hourly, @daily, @weekly, @monthly, @yearly
    """  # noqa: E501
    if not isinstance(when, str):
        if tz is not None:
            raise ConfigurationError(f"an interval has no time zone: leave out tz={tz!r}, or use a cron expression")
        seconds = in_seconds(when, "the interval of a schedule", zero=False)
        if not SHORTEST <= seconds <= (LATEST - EARLIEST).total_seconds() / 100:
            raise ConfigurationError(f"the interval of a schedule is {SHORTEST} seconds to 80 years, not {when!r}")
        return Timing(every=timedelta(seconds=seconds))
    text = " ".join(when.split())
    if text.startswith("@"):
        if text not in NAMED:
            raise ConfigurationError(f"{text!r} is not a schedule: there are {', '.join(NAMED)}")
        text = NAMED[text]
    require_fields(text)
    made = Timing(cron=text, tz="UTC" if tz is None else tz)
    zone(made.tz)
    require_ticks(made)
    return made


def require_fields(text: str) -> None:
    """Refuse a cron expression that does not have five fields."""
    count = len(text.split())
    if count == 6:
        raise ConfigurationError(
            f"{text!r} has six fields; a cron expression has five: minute hour day month weekday. For seconds use "
            f"an interval:"
            " timedelta(seconds=30)"
        )
    if count != 5:
        raise ConfigurationError(
            f"{text!r} is not a cron expression, which has five fields: minute hour day month weekday"
        )


def require_ticks(made: Timing) -> None:
    """Refuse a cron expression that is invalid, or that never matches."""
    from cronsim import CronSimError

    try:
        next(made.after(datetime.now(UTC)))
    except CronSimError as error:
        raise ConfigurationError(
            f"{made.cron!r} is not a cron expression: {str(error).lower()} (invalid, out of range, or a day that "
            f"its months do not have)"
        ) from error
    except StopIteration:
        raise ConfigurationError(f"{made.cron!r} never fires: there is no such day in the next fifty years") from None


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """The time zone with this name; raises `ConfigurationError` if this machine does not know it."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise ConfigurationError(
            f"tz={name!r} is not a time zone that this machine knows; give a name such as 'Europe/Berlin'. If the "
            f"system has no time zones"
            " (Windows, slim containers): pip install tzdata"
        ) from error


def _of_interval(every: timedelta, moment: datetime) -> Iterator[datetime]:
    count = (moment - EARLIEST) // every
    while True:
        count += 1
        yield EARLIEST + count * every


def _of_cron(cron: str, tz: tzinfo, moment: datetime) -> Iterator[datetime]:
    """
    The ticks according to cronsim, which does what Debian's cron does when clocks change.

    It knows local time but no fold: the second time through an hour that occurs twice, it returns ticks of the first.
    """
    from cronsim import CronSim

    last = moment
    for local in CronSim(cron, moment.astimezone(tz)):
        tick: datetime = local.astimezone(UTC)
        if tick > last:
            last = tick
            yield tick
