"""
Tasks: functions that run as jobs, in a registry from job type to handler.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from msgspec.structs import asdict, force_setattr, replace

from proletarian.errors import ConfigurationError, UnknownJobType
from proletarian.job import Job, NewJob, Options
from proletarian.outcomes import Strategy
from proletarian.payloads import Parameters
from proletarian.queue import Queue
from proletarian.retry import Retry

P = ParamSpec("P")
R = TypeVar("R")

Handler = Callable[[Job], Any]
Middleware = Callable[[Job, Callable[[Job], Any]], Any]

LOST_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """How a worker treats the jobs of one task."""

    retry: Strategy | None = None
    time_limit: float | None = None
    lost_limit: int = LOST_LIMIT
    keep_result: bool = False

    def __post_init__(self) -> None:
        if self.retry is not None and not isinstance(self.retry, Retry) and not callable(self.retry):
            raise ConfigurationError(
                f"retry is a Retry, or a function of (job, error) that gives one or None, not {self.retry!r}"
            )
        if self.time_limit is not None and not self.time_limit > 0:
            raise ConfigurationError(f"time_limit is seconds, more than 0, not {self.time_limit!r}")
        if not (isinstance(self.lost_limit, int) and self.lost_limit >= 1):
            raise ConfigurationError(f"lost_limit is a whole number, 1 or more, not {self.lost_limit!r}")


class Task(Generic[P, R]):
    """
    A function that runs as a job; made by `Tasks.task`.

    Call it and it runs here and now, as any function. `enqueue` puts a job in instead,
    with arguments that type checkers hold to the function's signature.
    """

    def __init__(
        self, function: Callable[..., Any], *, name: str, options: Options, rules: Rules, queue: Queue
    ) -> None:
        self.function = function
        self.name = name
        self.options = options
        self.rules = rules
        self.is_async = inspect.iscoroutinefunction(function)
        self.parameters = Parameters(name, function)
        self._queue = queue
        blank = NewJob(name, **asdict(options))  # refuses a name that no row could hold
        # One more of it, without checks; `copy` would ask for this method too, and take three times as long.
        self._new: Callable[[], NewJob] = cast(Any, blank).__copy__
        functools.update_wrapper(self, function)

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now, with a job of no queue if it asks for one."""
        if self.parameters.takes_job and not (args and isinstance(args[0], Job)):
            args = cast(Any, (Job(job_type=self.name, payload=dict(kwargs)), *args))
        return cast(R, self.function(*args, **kwargs))

    def using(
        self,
        *,
        queue: str | None = None,
        process_at: datetime | None = None,
        process_in: float | timedelta | None = None,
        priority: int | None = None,
        job_id: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Task[P, R]:
        """
        The same task with other options for its next jobs; those not named stay.

        `process_at` (an aware datetime) wins over `process_in` (seconds or a timedelta).
        """
        given: dict[str, Any] = {
            "queue": queue, "process_at": process_at, "process_in": process_in,
            "priority": priority, "job_id": job_id, "headers": headers,
        }  # fmt: skip
        options = replace(self.options, **{name: value for name, value in given.items() if value is not None})
        return Task(self.function, name=self.name, options=options, rules=self.rules, queue=self._queue)

    def job(self, /, *args: P.args, **kwargs: P.kwargs) -> NewJob:
        """One job of this task as a value, for `enqueue_many`."""
        job = self._new()
        force_setattr(job, "payload", self.parameters.pack(args, kwargs))
        return job

    def enqueue(self, connection: object, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """
        Put a job in on your connection, inside its open transaction; gives the job id.

        Never commits. Raises `PayloadError` when the arguments do not fit the function,
        `WrongCall` for an async connection, `UnknownConnection` for anything else.
        """
        return self._queue.enqueue_job(connection, self.job(*args, **kwargs))

    async def aenqueue(self, connection: object, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Put a job in on your async connection; as `enqueue` otherwise."""
        return await self._queue.aenqueue_job(connection, self.job(*args, **kwargs))

    def run(self, job: Job) -> Any:
        """Call the function with the job, if it asks for it, and the arguments that its payload holds."""
        if not self.parameters.takes_job:
            return self.run_with(job.payload)
        args, kwargs = self.parameters.unpack(job.payload)
        return self.function(job, *args, **kwargs)

    def run_with(self, payload: Any) -> Any:
        """Call the function with the arguments that a payload holds."""
        args, kwargs = self.parameters.unpack(payload)
        return self.function(*args, **kwargs)


class TaskDecorator(Protocol):
    """What `tasks.task(queue=…)` gives: it turns a function into a task of the same signature."""

    @overload
    def __call__(self, function: Callable[Concatenate[Job, P], Awaitable[R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, Awaitable[R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Job, P], R], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...


class Tasks(Mapping[str, Task[..., Any]]):
    """
    The tasks of an application: a mapping from job type to task, and a handler for a `Worker`.

    `queue` is the `Queue` value that tasks enqueue to and workers read from (table names,
    serializer, job ids); its default is `Queue()`. `retry` is for tasks that name none.

    >>> tasks = Tasks(retry=Retry(2, delays=[1]))
    >>> @tasks.task(queue="mail")
    ... def send_welcome(account_id: int) -> str:
    ...     return f"welcome, {account_id}"
    >>> send_welcome(42)
    'welcome, 42'
    >>> send_welcome.job(account_id=42).payload
    {'account_id': 42}
    """

    def __init__(self, *, queue: Queue | None = None, retry: Strategy | None = None) -> None:
        if queue is not None and not isinstance(queue, Queue):
            raise ConfigurationError(f"queue is a Queue value, not {queue!r}; name a task's queue in task(queue=…)")
        self.queue = queue or Queue()
        self._rules = Rules(retry=retry)
        self._tasks: dict[str, Task[..., Any]] = {}
        self._middleware: list[Middleware] = []
        self._chains: dict[str, Handler] = {}
        self._directs: dict[str, Callable[[Any], Any] | None] = {}

    @overload
    def task(self, function: Callable[Concatenate[Job, P], Awaitable[R]], /) -> Task[P, R]: ...
    @overload
    def task(self, function: Callable[P, Awaitable[R]], /) -> Task[P, R]: ...
    @overload
    def task(self, function: Callable[Concatenate[Job, P], R], /) -> Task[P, R]: ...
    @overload
    def task(self, function: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def task(
        self,
        /,
        *,
        name: str | None = ...,
        queue: str | None = ...,
        priority: int | None = ...,
        retry: Strategy | None = ...,
        time_limit: float | None = ...,
        lost_limit: int = ...,
        keep_result: bool = ...,
    ) -> TaskDecorator: ...

    def task(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        retry: Strategy | None = None,
        time_limit: float | None = None,
        lost_limit: int = LOST_LIMIT,
        keep_result: bool = False,
    ) -> Any:
        """
        Make a function a task: bare, or with options.

        `name` is the job type, by default the function's name; keep it when you rename the
        function, for waiting jobs know it. `queue` and `priority` are where its jobs go
        unless told otherwise. `retry` says how often to try again (none unless asked for,
        here or for all in `Tasks(retry=…)`). `time_limit` is seconds: an `async def` is then
        cancelled, a plain function is told by `job.stopping`. After `lost_limit` workers have
        died under one job it is archived as failed. `keep_result` stores what the function
        returns in the archive.

        Raises `ConfigurationError` for a name that is taken or an option that cannot be.
        """
        options = Options(queue=queue, priority=priority)
        retry = self._rules.retry if retry is None else retry
        rules = Rules(retry, time_limit, lost_limit, keep_result)
        if function is None:
            return lambda function: self._add(function, name, options, rules)
        return self._add(function, name, options, rules)

    def _add(self, function: Callable[..., Any], name: str | None, options: Options, rules: Rules) -> Task[..., Any]:
        if not callable(function):
            raise ConfigurationError(f"a task is a function, not {function!r}")
        name = name or getattr(function, "__name__", None)
        if not name or name == "<lambda>":
            raise ConfigurationError(f"{function!r} has no name of its own; give one with task(name=…)")
        if name in self._tasks:
            raise ConfigurationError(
                f"two tasks are named {name!r}: {self._tasks[name].function!r} and {function!r}; "
                "give one of them another with task(name=…)"
            )
        task: Task[..., Any] = Task(function, name=name, options=options, rules=rules, queue=self.queue)
        self._tasks[name] = task
        return task

    def use(self, middleware: Middleware) -> Middleware:
        """
        Run `middleware(job, call_next)` around every job; it returns what `call_next(job)` does.

        The first one used is the outermost. A plain function works around plain handlers and
        coroutines alike, as long as it hands on what `call_next` returned; an `async def` only
        around `async def` handlers. Usable as a decorator.
        """
        if not callable(middleware):
            raise ConfigurationError(f"a middleware is a function of (job, call_next), not {middleware!r}")
        self._middleware.append(middleware)
        self._chains, self._directs = {}, {}
        return middleware

    def direct(self, job_type: str) -> Callable[[Any], Any] | None:
        """
        The function of this job type as one of the payload alone, if that is all it needs.

        None where the job itself is looked at, by the function or by a middleware: then a job has
        to be made.
        """
        known = self._directs  # `use` puts another one in its place
        if job_type not in known:
            task = self._tasks.get(job_type)
            if task is None:
                return None
            known[job_type] = None if self._middleware or task.parameters.takes_job else task.run_with
        return known[job_type]

    def handler(self, job_type: str) -> Handler:
        """The task of this job type within its middleware; raises `UnknownJobType`."""
        if chain := self._chains.get(job_type):
            return chain
        task = self._tasks.get(job_type)
        if task is None:
            known = ", ".join(sorted(self._tasks)) or "no job type at all"
            raise UnknownJobType(f"no handler for job type {job_type!r}; this worker knows: {known}")
        chain = task.run
        for middleware in reversed(self._middleware):
            if inspect.iscoroutinefunction(middleware) and not task.is_async:
                raise ConfigurationError(
                    f"the middleware {middleware!r} is an async def and cannot run around the plain handler "
                    f"{job_type!r}"
                )
            chain = _around(middleware, chain)
        self._chains[job_type] = chain
        return chain

    def __call__(self, job: Job) -> Any:
        """Run the handler of this job; for an `async def` handler, gives what to await."""
        return self.handler(job.job_type)(job)

    def find(self, job_type: str) -> Task[..., Any] | None:
        """The task of this job type, if there is one."""
        return self._tasks.get(job_type)

    def __getitem__(self, job_type: str) -> Task[..., Any]:
        return self._tasks[job_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def __bool__(self) -> bool:
        return True  # a registry without tasks is still one


def _around(middleware: Middleware, call_next: Handler) -> Handler:
    return lambda job: middleware(job, call_next)
