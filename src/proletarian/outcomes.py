"""
What becomes of a run: decisions, no database.

A handler ends by returning or by raising. `Snooze`, `Cancel` and `RetryAfter` are ways
to say what should happen; anything else that is raised is a failure, and the task's
retry strategy decides. The result is an `Outcome`: where the job goes and what its
row contains then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from proletarian.errors import ConfigurationError, PayloadError
from proletarian.job import Job
from proletarian.kept_errors import errors_in
from proletarian.payloads.plain import to_shown
from proletarian.retries import Retry
from proletarian.serializers import Serializer
from proletarian.sizes import Sizes
from proletarian.times.durations import Duration, in_seconds
from proletarian.times.moments import within_reach

Strategy = Retry | Callable[[Job, BaseException], Retry | None]
FailedJob = Callable[[Job, BaseException], Any]  # called once for each job that has failed for good


class Signal(Exception):
    """Raised by a handler to say what should happen to its job."""


class Snooze(Signal):
    """
    Raise this to run the job again after some seconds; this run is not counted.

    >>> raise Snooze(60)
    Traceback (most recent call last):
    proletarian.outcomes.Snooze: 60
    """

    def __init__(self, seconds: Duration) -> None:
        super().__init__(seconds)
        self.seconds = in_seconds(seconds, "Snooze")


class RetryAfter(Signal):
    """
    Raise this when the run failed and you know when to try again (an HTTP Retry-After).

    It counts as a failure. The task's `Retry` still limits how often; without one the job
    is tried again as often as this is raised.

    >>> RetryAfter(30).seconds
    30.0
    """

    def __init__(self, seconds: Duration, reason: str = "") -> None:
        super().__init__(seconds, reason)  # as they were passed: unpickling creates it from these again
        self.seconds = in_seconds(seconds, "RetryAfter")

    def __str__(self) -> str:
        return str(self.args[1] or f"retry after {self.args[0]}")


class Cancel(Signal):
    """
    Raise this when the job has become pointless: it is archived as cancelled, and not retried.

    >>> Cancel("the account is gone").reason
    'the account is gone'
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class AwaitedFailed(Cancel):
    """
    What the row of a job keeps if it has waited for another one in vain.

    >>> AwaitedFailed.ended('[{"type": "ValueError"}, {"type": "AwaitedFailed"}]'), AwaitedFailed.ended(None)
    (True, False)
    """

    @classmethod
    def ended(cls, errors: str | None) -> bool:
        """Whether this is the last of a row's errors."""
        kept = errors_in(errors)
        return bool(kept) and kept[-1].get("type") == cls.__name__


def cancel_note(by: str, reason: str) -> Cancel:
    """
    What a job's row keeps when people cancel it.

    >>> cancel_note("ann", "sent twice"), cancel_note("", "")
    (Cancel('sent twice (by ann)'), Cancel('cancelled'))
    """
    if reason and by:
        return Cancel(f"{reason} (by {by})")
    return Cancel(reason or (f"by {by}" if by else "cancelled"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    Where the job of one run goes: to the archive with `status`, or back to wait for `delay`.

    `delay=None` keeps its former place in the queue. `errors=None` keeps the errors that it has. `asked_for`
    is the requested delay in seconds, if no calendar can hold it. `suspect` is how many workers died while
    holding the job since it last finished a run: 0 after one that ended. `new_id` is the id under which the
    job goes on, if its own was given to another job too. The functions below make all possible outcomes.
    """

    event: str
    status: str | None = None
    attempts: int = 0
    lost: int = 0
    delay: float | None = None
    errors: str | None = None
    result: str | None = None
    error: BaseException | None = None
    asked_for: float | None = None
    new_id: Any = None
    suspect: int = 0
    then: tuple[Any, ...] = ()  # rows of jobs that are enqueued together with the archiving of this one
    is_plain: bool = field(default=False, init=False)  # a success with nothing to add; `replace` never keeps this


def released(
    attempts: int, lost: int, suspect: int, *, delay: float | None = None, errors: str | None = None,
    error: BaseException | None = None,
) -> Outcome:  # fmt: skip
    """Back to its former place in the queue, or to wait for `delay` seconds; this run does not count."""
    return Outcome("job.released", None, attempts, lost, delay, errors, error=error, suspect=suspect)


def snoozed(
    attempts: int, lost: int, delay: float, *, suspect: int = 0, errors: str | None = None,
    error: BaseException | None = None,
) -> Outcome:  # fmt: skip
    """Back to wait for `delay` seconds; this run does not count."""
    reach = within_reach(delay)
    asked_for = delay if reach < delay else None
    return Outcome(
        "job.snoozed", None, attempts, lost, reach, errors, error=error, asked_for=asked_for, suspect=suspect
    )


def retrying(attempts: int, lost: int, delay: float, *, errors: str, error: BaseException) -> Outcome:
    """
    Failed, and will be retried after `delay` seconds.

    >>> retrying(1, 0, 1e15, errors="[]", error=ValueError()).asked_for
    1000000000000000.0
    """
    reach = within_reach(delay)
    asked_for = delay if reach < delay else None
    return Outcome("job.retrying", None, attempts, lost, reach, errors, error=error, asked_for=asked_for)


def given_up(attempts: int, lost: int, *, errors: str, error: BaseException) -> Outcome:
    """Failed for good."""
    return Outcome("job.given_up", "failure", attempts, lost, errors=errors, error=error)


def cancelled(attempts: int, lost: int, *, errors: str, error: BaseException) -> Outcome:
    """Cancelled by its handler as pointless."""
    return Outcome("job.cancelled", "cancelled", attempts, lost, errors=errors, error=error)


@lru_cache(maxsize=1024)
def succeeded(attempts: int, lost: int) -> Outcome:
    """The outcome of a run that succeeded, with nothing to add; one value serves many runs."""
    outcome = Outcome("job.succeeded", "success", attempts, lost)
    object.__setattr__(outcome, "is_plain", True)
    return outcome


def succeeded_with(attempts: int, lost: int, result: Any, serializer: Serializer, sizes: Sizes) -> Outcome:
    """
    The same with a result to keep, as text from the queue's serializer; secrets in it are masked.

    Raises `PayloadError` for a result that cannot be serialized, or is too large.
    """
    if result is None:
        return succeeded(attempts, lost)
    try:
        text = serializer.encode(to_shown(result))
    except Exception as error:  # the application's serializer may raise anything
        raise PayloadError(f"the result of the handler cannot be stored: {error}") from error
    sizes.checked_result(text)
    return Outcome("job.succeeded", "success", attempts, lost, result=text)


def followed(outcome: Outcome, then: tuple[Any, ...]) -> Outcome:
    """The same with jobs that are enqueued together with the archiving of this one."""
    return replace(outcome, then=then) if then else outcome


def retry_for(strategy: Strategy | None, job: Job, error: BaseException) -> Retry | None:
    """Ask the strategy; raises `ConfigurationError` if it does not return a `Retry`."""
    chosen: object = strategy
    if strategy is not None and not isinstance(strategy, Retry):
        chosen = strategy(job, error)
    if chosen is None or isinstance(chosen, Retry):
        return chosen
    raise ConfigurationError(f"the retry strategy of {job.job_type!r} must return a Retry or None, not {chosen!r}")


def after_failure(strategy: Strategy | None, job: Job, error: BaseException) -> tuple[float | None, BaseException]:
    """
    How long to wait before the next try, or None to give up, and the error to keep.

    If the strategy raises, or returns nonsense, the job is given up, and its error says both.
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
