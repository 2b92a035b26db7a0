"""A clock that a test sets: what is due next week runs now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from proletarian.errors import ConfigurationError
from proletarian.queue import Queue
from proletarian.tasks import Tasks
from proletarian.testing.changed import changed, queue_of
from proletarian.times.durations import Duration, in_seconds


class Clock:
    """
    A clock that stands still until you move it, for `Queue(clock=…)`.

    `start` is an aware datetime, by default the time now, rounded up to the millisecond: SQLite rounds
    delays to milliseconds, and a job that is due in a minute should be due after a minute. `set_clock` sets such a
    clock for an existing application.

    >>> clock = Clock(datetime(2026, 11, 24, 9, tzinfo=UTC))
    >>> clock.advance(days=8)
    datetime.datetime(2026, 12, 2, 9, 0, tzinfo=datetime.timezone.utc)
    >>> clock() == clock.now
    True
    """

    def __init__(self, start: datetime | None = None) -> None:
        self.now = next_millisecond() if start is None else aware(start)

    def __call__(self) -> datetime:
        """The time, as a `Queue` asks for it."""
        return self.now

    def __repr__(self) -> str:
        return f"Clock({self.now!r})"

    def set(self, moment: datetime) -> datetime:
        """Set the clock to an aware datetime, earlier or later; returns it."""
        self.now = aware(moment)
        return self.now

    def advance(self, seconds: Duration = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
        """Move the clock forward, by the sum of the arguments; returns the new time."""
        more = timedelta(seconds=in_seconds(seconds, "seconds", negative=True))
        return self.set(self.now + more + timedelta(minutes=minutes, hours=hours, days=days))


def next_millisecond() -> datetime:
    """The time now, or up to a millisecond later."""
    now = datetime.now(UTC)
    return now + timedelta(microseconds=-now.microsecond % 1000)


def aware(moment: datetime) -> datetime:
    """The moment, if it has a time zone; raises `ConfigurationError`."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ConfigurationError(f"a clock is set to an aware datetime, as datetime.now(timezone.utc), not {moment!r}")
    return moment


@contextmanager
def set_clock(tasks: Tasks | Queue, start: datetime | None = None) -> Iterator[Clock]:
    """
    Run jobs that are due next week now: replaces the database's clock until the block ends.

    `tasks` is the application's `Tasks`, or its `Queue`. The clock starts at `start` (an aware datetime; by default the
    time now) and stands still: `advance` and `set` move it. Enqueues, `drain`, `process_next_job` and workers of this
    process use it. Raises `ConfigurationError` for a datetime without a time zone.

        with set_clock(tasks) as clock:
            remind.using(process_in=timedelta(days=7)).enqueue(connection, email="ann@example.org")
            clock.advance(days=8)
            drain(connection, tasks)
    """
    clock = Clock(start)
    with changed(queue_of(tasks), clock=clock):
        yield clock
