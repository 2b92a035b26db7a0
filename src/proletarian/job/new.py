"""A job as it is enqueued, and the options that it can have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict

import msgspec

from proletarian.errors import ConfigurationError
from proletarian.job.names import A_NAME, is_name
from proletarian.times.durations import Duration, in_seconds
from proletarian.times.expiry import require_expiry
from proletarian.times.moments import checked_delay, checked_moment
from proletarian.unique import Unique, made


# These two are created for every job that is enqueued: msgspec takes a sixth of the time of dataclasses.
class Options(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    When and where a job runs; every option has a default.

    `process_at` is the earliest instant (an aware datetime; one in the past means now). `process_in`
    is seconds or a timedelta from now (negative means now). With both, `process_at` wins. Neither
    may be later than the beginning of the year 9999, because databases' calendars end there.
    A higher `priority` (-32768 to 32767) runs sooner within a queue. `headers` are short
    strings that travel with the job (trace context, tags). `job_id` is made by the queue's
    strategy unless you pass one. `unique` allows one such job at a time: a `Unique`, or its key as
    a string. `lane` puts it under a limit by name, as in `"smtp"` or `"smtp:example.org"`: the name,
    and after a colon what it is a limit for; see `Limit`. `expires_in` is seconds or a timedelta from now
    as well: a job that has not started by then is archived as cancelled, with the reason "expired".
    `after` are ids of jobs (or what `Flow.add` returns) that have to succeed before it may run, and `if_failed`
    says what happens to it when one of them does not: "cancel", the default, or "run".
    """

    queue: str | None = None
    process_at: datetime | None = None
    process_in: Duration | None = None
    priority: int | None = None
    job_id: Any = None
    headers: Mapping[str, str] | None = None
    unique: Unique | str | None = None
    lane: str | None = None
    expires_in: Duration | None = None
    after: Iterable[Any] | None = None
    if_failed: str | None = None

    def __post_init__(self) -> None:
        if self.queue is not None and not is_name(self.queue):
            raise ConfigurationError(f"queue is {A_NAME}, not {self.queue!r}")
        if self.process_at is not None:
            if not isinstance(self.process_at, datetime):
                raise ConfigurationError(f"process_at is a datetime, not {self.process_at!r}")
            if self.process_at.utcoffset() is None:
                raise ConfigurationError(
                    f"process_at={self.process_at!r} has no time zone; use datetime.now(timezone.utc), "
                    "or .astimezone() for local time"
                )
            checked_moment(self.process_at, "process_at")
        if self.process_in is not None:
            checked_delay(in_seconds(self.process_in, "process_in", negative=True), "process_in")
        if self.expires_in is not None:
            require_expiry(self.expires_in, None if self.process_at is not None else self.delay)
        if self.after is not None:
            msgspec.structs.force_setattr(self, "after", job_ids_of(self.after))
        if self.if_failed not in (None, "cancel", "run"):
            raise ConfigurationError(f"if_failed is 'cancel' or 'run', not {self.if_failed!r}")
        if self.after and self.unique is not None:
            raise ConfigurationError(
                "a unique job cannot wait for others, because an existing equal job might not wait for them"
            )
        if self.priority is not None:
            whole = isinstance(self.priority, int) and not isinstance(self.priority, bool)
            if not whole or not -32768 <= self.priority <= 32767:
                raise ConfigurationError(f"priority is a whole number of 16 bits, not {self.priority!r}")
        if self.lane is not None and not is_name(self.lane):
            raise ConfigurationError(f"lane is {A_NAME}, not {self.lane!r}")
        if self.headers is not None and not (
            isinstance(self.headers, Mapping)
            and all(isinstance(k, str) and isinstance(v, str) for k, v in self.headers.items())
        ):
            raise ConfigurationError(f"headers are a mapping of text to text, not {self.headers!r}")

    @property
    def delay(self) -> float | None:
        """`process_in` in seconds, at least 0."""
        if self.process_in is None:
            return None
        return max(0.0, in_seconds(self.process_in, "process_in", negative=True))


def job_ids_of(after: object) -> tuple[Any, ...] | None:
    """
    The ids of the jobs to wait for; None if there are none.

    >>> job_ids_of([7, 7, 8]), job_ids_of([])
    ((7, 8), None)
    """
    if isinstance(after, (str, bytes, Mapping)) or not isinstance(after, Iterable):
        raise ConfigurationError(f"after is a list of job ids, or of what Flow.add returned, not {after!r}")
    return tuple(dict.fromkeys(getattr(one, "job_id", one) for one in after)) or None


class EnqueueOptions(TypedDict, total=False):
    """The same as keyword arguments, for `enqueue` and `task.using`."""

    queue: str | None
    process_at: datetime | None
    process_in: Duration | None
    priority: int | None
    job_id: Any
    headers: Mapping[str, str] | None
    unique: Unique | str | None
    lane: str | None
    expires_in: Duration | None
    after: Iterable[Any] | None
    if_failed: str | None


class NewJob(Options, frozen=True, gc=False):
    """
    A job to enqueue, as a value: for `enqueue_many`.

    Options are those of `enqueue`: queue, process_at, process_in, priority, job_id, headers, unique, lane, after,
    if_failed, expires_in.

    >>> NewJob("send_welcome", {"account_id": 42}, queue="mail", process_in=60).delay
    60.0
    """

    job_type: str
    payload: Any = None

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        if not is_name(self.job_type):
            raise ConfigurationError(f"a job type is {A_NAME}, not {self.job_type!r}")
        if self.unique is not None:
            msgspec.structs.force_setattr(self, "unique", made(self.unique, self.job_type))
