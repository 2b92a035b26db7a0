"""
A schedule: a job, when to enqueue it, and what to do about missed ticks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from proletarian.errors import ConfigurationError
from proletarian.job import A_NAME, NewJob, is_name
from proletarian.times.durations import Duration
from proletarian.times.ticks import MICROSECOND, Timing, timing
from proletarian.unique import made

Missed = Literal["skip", "once", "all"]
MOST = 100  # ticks that are made up for under missed="all"
FRESH = timedelta(seconds=60)  # an older tick counts as missed, under missed="skip"
COUNTED = 1000  # counting the ticks that were left out stops here


class Schedule(msgspec.Struct, frozen=True):
    """
    A job that is enqueued regularly, under a name; `tasks.schedule` makes one.

    >>> from datetime import UTC
    >>> sync = schedule(timedelta(minutes=5), NewJob("sync"), name="sync")
    >>> [str(tick) for tick in sync.next(2, after=datetime(2026, 11, 28, 12, 3, tzinfo=UTC))]
    ['2026-11-28 12:05:00+00:00', '2026-11-28 12:10:00+00:00']
    """

    name: str
    timing: Timing
    job: NewJob
    missed: Missed = "once"

    def next(self, count: int = 1, *, after: datetime) -> list[datetime]:
        """The first `count` ticks after an aware datetime, in UTC; needs no database."""
        return list(islice(self.timing.after(after), count))


def schedule(
    when: str | Duration, job: NewJob, *, name: str | None = None, tz: str | None = None, missed: Missed = "once"
) -> Schedule:
    """
    A schedule as a value, named after its job type unless it is given a name.

    Raises `ConfigurationError` for invalid values: see `Tasks.schedule`.

    >>> schedule("@daily", NewJob("tidy"), missed="twice")
    Traceback (most recent call last):
    proletarian.errors.ConfigurationError: missed is 'skip', 'once' or 'all', not 'twice'
    """
    if not isinstance(job, NewJob):
        raise ConfigurationError(f"a schedule enqueues a NewJob (task.job(…) makes one), not {job!r}")
    name = job.job_type if name is None else name
    if not is_name(name):
        raise ConfigurationError(f"a schedule has {A_NAME}, not {name!r}")
    if missed not in get_args(Missed):
        raise ConfigurationError(f"missed is 'skip', 'once' or 'all', not {missed!r}")
    for option in ("process_at", "process_in", "job_id", "after"):
        if getattr(job, option) is not None:
            raise ConfigurationError(f"the schedule {name!r} says when its jobs run; its job cannot have {option}")
    unique = made(job.unique, job.job_type)
    if unique is not None:
        if unique.on_conflict == "raise":
            raise ConfigurationError(
                f"the schedule {name!r} enqueues a unique job with on_conflict='raise', but at a tick there is "
                f"nobody to catch the error: let it keep or replace the existing job"
            )
        job = msgspec.structs.replace(job, unique=unique.keyed(job.job_type, job.payload))
    return Schedule(name, timing(when, tz), job, missed)


def options_of(job: NewJob) -> dict[str, Any]:
    """
    The options of a scheduled job that have no column of their own, as plain values.

    >>> options_of(NewJob("sync", queue="slow", priority=5))
    {'priority': 5}
    """
    own = ("job_type", "payload", "queue")
    given = ((name, getattr(job, name)) for name in NewJob.__struct_fields__ if name not in own)
    return {name: msgspec.to_builtins(value) for name, value in given if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """
    A schedule as it is stored in the database.

    `cron` or `every` (a timedelta) says when, in the time zone `tz`. `next_at` is the next tick, `last_at` the last one
    that fired, `paused_at` when it was paused, if it is. `declared` says whether it is declared in the code of the
    application `app`, or was made at run time. A payload that cannot be read is None.
    """

    name: str
    app: str
    cron: str | None
    every: timedelta | None
    tz: str
    missed: str
    job_type: str
    queue: str
    payload: Any
    options: Mapping[str, Any]
    declared: bool
    next_at: datetime
    last_at: datetime | None
    paused_at: datetime | None

    def next(self, count: int = 1, *, after: datetime | None = None) -> list[datetime]:
        """
        The next `count` ticks from `next_at` on, or after an aware datetime; none while it is paused.

        Raises `ConfigurationError` for a time zone that this machine does not know.
        """
        if self.paused_at is not None:
            return []
        ticks = Timing(self.cron, self.every, self.tz).after(self.next_at - MICROSECOND if after is None else after)
        return list(islice(ticks, count))


class Due(NamedTuple):
    """What to do about a schedule whose time has come."""

    ticks: list[datetime]  # a job for each
    dropped: int  # missed ticks that are not made up for; counting stops at `COUNTED`
    last: datetime  # the latest tick that has passed
    next_at: datetime


def due(timing: Timing, missed: str, tick: datetime, now: datetime) -> Due:
    """
    What to fire at `now`, if `tick` is the first that has not fired yet.

    Everything starts from the stored tick, and the clock only says how far. So nothing fires twice if the clock jumps.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 28, 12, tzinfo=UTC)
    >>> [due(Timing(every=timedelta(hours=1)), missed, noon, noon + timedelta(hours=2.5))[:2] for missed in ("skip", "all")]
    [([], 3), ([datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2026, 11, 28, 13, 0, tzinfo=datetime.timezone.utc), datetime.datetime(2026, 11, 28, 14, 0, tzinfo=datetime.timezone.utc)], 0)]
    """  # noqa: E501
    most = MOST if missed == "all" else 1
    ticks = timing.latest(tick, now, most)
    if len(ticks) < most:
        ticks = [tick, *ticks]
    last = ticks[-1]
    if missed == "skip" and now - last > FRESH:
        ticks = []
    passed = 1 + timing.count(tick, now, COUNTED)
    return Due(ticks, max(0, min(passed, COUNTED) - len(ticks)), last, timing.next_after(last))
