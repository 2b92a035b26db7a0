"""A job as its handler sees it, and what the handler can do with it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from proletarian.errors import ConfigurationError
from proletarian.job.names import DEFAULT_QUEUE
from proletarian.job.new import NewJob
from proletarian.job.stopping import Stopping

P = ParamSpec("P")
R = TypeVar("R")


class Lease(Protocol):
    """What a worker lends to a job while it runs: the row that belongs to it."""

    def results(self) -> Mapping[Any, Any]:
        """The results of the jobs that it waited for."""

    def then(self, job: NewJob) -> Any:
        """Enqueue another job in the statement or transaction that archives this one."""

    def complete(self, job: Job, connection: Any, result: Any) -> None:
        """Archive it on the handler's connection."""

    async def acomplete(self, job: Job, connection: Any, result: Any) -> None:
        """Archive it on the handler's async connection."""

    def progress(self, done: float, total: float | None) -> None:
        """Record how far it has got."""

    def step(self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Do a part of its work once."""

    async def astep(
        self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """The same in a coroutine."""


@dataclass(slots=True, eq=False)
class Job:
    """
    What a handler knows about the job that it runs.

    `attempts` includes this run: it is 1 in the first run. `lost` is how many workers died while running the job;
    `suspect` is how many died while holding it, whether or not it had begun, since it last finished a run. If either is
    above 0, the job may have run before. `state` is what the worker's lifespan made. `stopping` tells the handler when
    to stop.

    >>> job = Job(job_id=41, job_type="send_welcome", payload={"account_id": 42})
    >>> job.attempts, job.stopping.is_set()
    (1, False)
    """

    job_id: Any = None
    queue: str = DEFAULT_QUEUE
    job_type: str = ""
    payload: Any = None
    attempts: int = 1
    enqueued_at: datetime | None = None
    process_at: datetime | None = None
    priority: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: int = 0
    suspect: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)
    stopping: Stopping = field(default_factory=Stopping)
    _lease: Lease | None = field(default=None, repr=False)

    @property
    def tick(self) -> datetime | None:
        """
        The time that a schedule enqueued this job for, in UTC; None for a job without a schedule.

        Use this instead of the current time, because a job may start late, or run again.

        >>> Job(headers={"schedule": "nightly", "schedule_tick": "2026-03-05T04:00:00+00:00"}).tick
        datetime.datetime(2026, 3, 5, 4, 0, tzinfo=datetime.timezone.utc)
        """
        text = self.headers.get("schedule_tick")
        return None if text is None else datetime.fromisoformat(text)

    def complete(self, connection: Any, /, *, result: Any = None) -> None:
        """
        Archive the job in your own transaction: its effect happens exactly once.

        Write your data and call this on the same connection, then commit. Either both are there or neither is. Raises
        `LeaseLost` if the job was taken back from this run; do not catch it, so that your transaction rolls back. Never
        commits.

        Call it last: what the handler returns or raises afterwards no longer matters once
        the transaction has committed.
        """
        self._own().complete(self, connection, result)

    async def acomplete(self, connection: Any, /, *, result: Any = None) -> None:
        """Archive the job in your own transaction on an async connection; see `complete`."""
        await self._own().acomplete(self, connection, result)

    def progress(self, done: float, total: float | None = None) -> None:
        """
        Record how far the job has got, for people who watch; written within a second or so.

        Cheap to call often: only the latest of several is written.
        """
        self._own().progress(done, total)

    @property
    def results(self) -> Mapping[Any, Any]:
        """
        The results of the jobs that this one has waited for (`after`), by their ids.

        Contains the jobs that succeeded, in the order of their ids; None for one that returned nothing, or nothing that
        JSON can represent. The results of awaited jobs are kept for this, without `keep_result`. They are read on first
        use; a large batch means many results. Empty for a job that did not wait for others, and for one that is not run
        by a worker.

        >>> Job().results
        {}
        """
        return {} if self._lease is None else self._lease.results()

    def then(self, job: NewJob) -> Any:
        """
        Enqueue another job if this one succeeds, in the same transaction that archives it; returns its id.

        Both happen or neither: nothing is enqueued by a run that fails, snoozes, is cancelled, or has lost its job.
        With `complete`, the other job is enqueued in your transaction. `job` is what `task.job(…)` returns; you may
        call this several times. Raises `PayloadError` for a payload that does not fit, `ConfigurationError` for a
        unique job or one with `after`, and for a job that is not run by a worker.

        >>> def charge(job: Job, order_id: int) -> None:
        ...     job.then(NewJob("send_receipt", {"order_id": order_id}))
        """
        return self._own().then(job)

    def step(self, name: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """
        Do a part of the work only once: call `function` with the arguments, and store its result.

        A later run of the job (a retry, after a Snooze, after its worker has died) gets the stored result, and does not
        call the function. The result is converted by the function's return annotation, through the queue's serializer;
        None is a result too. Steps are identified by their names (1 to 191 characters): each step of a run needs its
        own, and a renamed step is done again. Results are kept for as long as the job is, in the archive too.

        If a worker dies after the call and before the result is stored, the next run calls the function again: pass
        `f"{job.job_id} charge"` as an idempotency key, or use `complete` for effects in your own database. What the
        function raises is raised here, and nothing is stored. Raises `LeaseLost` if the job was taken back from this
        run: do not catch it. Raises `StepNotKept` if the result cannot be stored, `UnreadablePayload` if the stored
        result no longer fits the annotation (both fail the job for good), `WrongCall` inside a coroutine, and
        `ConfigurationError` for a name that was already used in this run, or a function whose annotation cannot be read
        back. In a job that is not run by a worker, it just calls the function.

        >>> def charge(order_id: int) -> str:
        ...     return f"charge for {order_id}"
        >>> def ship(job: Job, order_id: int) -> None:
        ...     receipt = job.step("charge", charge, order_id)
        ...     print(receipt)
        >>> ship(Job(), 7)
        charge for 7
        """
        if self._lease is None:
            return function(*args, **kwargs)
        return cast(R, self._lease.step(name, function, args, kwargs))

    @overload
    async def astep(
        self, name: str, function: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> R: ...
    @overload
    async def astep(self, name: str, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R: ...

    async def astep(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Do a part of the work only once, in a coroutine; like `step`, but awaits what the function returns."""
        if self._lease is not None:
            return await self._lease.astep(name, function, args, kwargs)
        value = function(*args, **kwargs)
        return await value if inspect.isawaitable(value) else value

    def _own(self) -> Lease:
        if self._lease is None:
            raise ConfigurationError(
                "this job is not run by a worker: it has no row to complete or to record progress in"
            )
        return self._lease


def headers_in(text: str | None) -> Mapping[str, str] | None:
    """
    The headers in a row, or None if the text does not hold headers.

    >>> headers_in('{"tenant": "a"}'), headers_in(None), headers_in("garbage")
    ({'tenant': 'a'}, {}, None)
    """
    if not text:
        return {}
    try:
        headers = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return headers if isinstance(headers, dict) and all(isinstance(value, str) for value in headers.values()) else None
