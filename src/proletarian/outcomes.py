"""
What becomes of a run: the decisions, without a database.

A handler ends by returning or by raising. `Snooze`, `Cancel` and `RetryAfter` are ways
to say what should happen; anything else that is raised is a failure, and the task's
retry strategy is asked. The answer is an `Outcome`: where the job goes and what its
row says then.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from proletarian.errors import ConfigurationError, PayloadError, WorkerLost
from proletarian.job import Job
from proletarian.limits import Limits
from proletarian.retry import Retry
from proletarian.serializers import to_plain

Strategy = Retry | Callable[[Job, BaseException], Retry | None]

ERRORS_KEPT = 10
TRACEBACK_KEPT = 8_000  # characters, from the end, where the cause is
MESSAGE_KEPT = 2_000


class Signal(Exception):
    """Raised by a handler to say what should happen to its job."""


class Snooze(Signal):
    """
    Raise it to run the job again after some seconds; this run is not counted.

    >>> raise Snooze(60)
    Traceback (most recent call last):
    proletarian.outcomes.Snooze: 60
    """

    def __init__(self, seconds: float | timedelta) -> None:
        super().__init__(seconds)
        self.seconds = in_seconds(seconds, "Snooze")


class RetryAfter(Signal):
    """
    Raise it when the run failed and you know when to try again (an HTTP Retry-After).

    It counts as a failure. The task's `Retry` still says how often; without one the job
    is tried again as often as this is raised.

    >>> RetryAfter(30).seconds
    30.0
    """

    def __init__(self, seconds: float | timedelta, reason: str = "") -> None:
        super().__init__(reason or f"retry after {seconds}")
        self.seconds = in_seconds(seconds, "RetryAfter")


class Cancel(Signal):
    """
    Raise it when the job has become pointless: archived as cancelled, without a retry.

    >>> Cancel("the account is gone").reason
    'the account is gone'
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


def in_seconds(value: float | timedelta, name: str) -> float:
    """Seconds from seconds or a timedelta, 0 or more."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if not 0 <= seconds < float("inf"):
        raise ConfigurationError(f"{name} takes seconds, 0 or more, not {value!r}")
    return seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    Where the job of one run goes: to the archive with `status`, or back to wait for `delay`.

    `delay=None` keeps its former place in the queue. `errors=None` keeps those it has.
    """

    event: str
    status: str | None = None
    attempts: int = 0
    lost: int = 0
    delay: float | None = None
    errors: str | None = None
    result: str | None = None
    error: BaseException | None = None


@lru_cache(maxsize=1024)
def succeeded(attempts: int, lost: int) -> Outcome:
    """The outcome of a run that ended well and has nothing more to say; one value serves many runs."""
    return Outcome("job.succeeded", "success", attempts, lost)


def succeeded_with(attempts: int, lost: int, result: Any, limits: Limits) -> Outcome:
    """
    The same with a result to keep, as JSON text.

    Raises `PayloadError` for a result that has no such form, or is too large.
    """
    if result is None:
        return succeeded(attempts, lost)
    try:
        text = json.dumps(to_plain(result), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(f"what the handler returned cannot be kept as JSON: {error}") from error
    limits.checked_result(text)
    return Outcome("job.succeeded", "success", attempts, lost, result=text)


def with_error(errors: str | None, error: BaseException, *, attempt: int, worker: str, at: datetime) -> str:
    """The row's list of errors with one more, as JSON; the oldest go when there are too many."""
    kept = errors_in(errors)
    trace = "".join(traceback.format_exception(error)) if error.__traceback__ else ""
    kept.append(
        {
            "attempt": attempt,
            "at": at.isoformat(),
            "worker": worker,
            "type": storable(type(error).__qualname__)[:MESSAGE_KEPT],
            "message": storable(message_of(error))[:MESSAGE_KEPT],
            "traceback": storable(trace)[-TRACEBACK_KEPT:],
        }
    )
    return json.dumps(kept[-ERRORS_KEPT:])


def errors_in(text: str | None) -> list[dict[str, Any]]:
    """
    The errors that a row keeps; what another hand wrote there and is none is left out.

    >>> errors_in('[{"attempt": 1}, 2]'), errors_in("garbage"), errors_in(None)
    ([{'attempt': 1}], [], [])
    """
    try:
        kept = json.loads(text) if text else []
    except (TypeError, ValueError, RecursionError):
        return []
    return [entry for entry in kept if isinstance(entry, dict)] if isinstance(kept, list) else []


def message_of(error: BaseException) -> str:
    """The error's own words, even if its `__str__` is broken."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 (a user's __str__ may raise anything; the job must still end)
        return f"<its message cannot be had: {type(broken).__name__}>"


def storable(text: str) -> str:
    """Text without what databases refuse: NUL and lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def retry_for(strategy: Strategy | None, job: Job, error: BaseException) -> Retry | None:
    """Ask the strategy; raises `ConfigurationError` if what it says is no `Retry`."""
    chosen: object = strategy
    if strategy is not None and not isinstance(strategy, Retry):
        chosen = strategy(job, error)
    if chosen is None or isinstance(chosen, Retry):
        return chosen
    raise ConfigurationError(f"the retry strategy of {job.job_type!r} must give a Retry or None, not {chosen!r}")


def after_failure(strategy: Strategy | None, job: Job, error: BaseException) -> tuple[float | None, BaseException]:
    """
    How long to wait before the next try, or None to give up, and the error to keep.

    A strategy that raises, or gives nonsense, is the last word on its job: it is given up,
    and its error says both.
    """
    try:
        retry = retry_for(strategy, job, error)
    except BaseException as broken:  # noqa: BLE001 (a user's function: whatever it raises costs only this job)
        broken.__cause__ = broken.__cause__ or error
        return None, broken
    delay = retry.after(failures=job.attempts) if retry else None
    if isinstance(error, RetryAfter) and (strategy is None or delay is not None):
        delay = error.seconds
    return delay, error


def after_loss(lost: int, limit: int, worker: str) -> WorkerLost | None:
    """The error that ends a job whose worker died under it, or None: it runs again."""
    if lost < limit:
        return None
    return WorkerLost(
        f"its worker died under this job {lost} times, the last one being {worker}; "
        "it is not tried again, for it may be what kills them"
    )
