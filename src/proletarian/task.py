"""
A task: a function that runs as a job, with its own signature.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from msgspec.structs import asdict, force_setattr, replace

from proletarian.awaiting.results import PATIENCE
from proletarian.errors import ConfigurationError
from proletarian.job import EnqueueOptions, Job, NewJob, Options
from proletarian.limit import Limit
from proletarian.payloads.callables import is_coroutine_function
from proletarian.payloads.parameters import Parameters
from proletarian.queue import Queue
from proletarian.rules import Rules
from proletarian.times.durations import Duration
from proletarian.unique import Unique, made

P = ParamSpec("P")
R = TypeVar("R")


class Task(Generic[P, R]):
    """
    A function that runs as a job; created by `Tasks.task`.

    Call it and it runs here and now, like any function. `enqueue` enqueues a job instead, with arguments that type
    checkers check against the function's signature.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str,
        options: Options,
        rules: Rules,
        queue: Queue,
        limit: Limit | None = None,
        of_queues: Mapping[str, Limit] | None = None,
    ) -> None:
        self.function = function
        self.name = name
        self.rules = rules
        self.is_async = is_coroutine_function(function)
        self.parameters = Parameters(name, function)
        self.limit = limit
        self._of_queues = of_queues or {}
        self._queue = queue
        self._first: Task[P, R] = self  # the decorated one; `using` derives others from it
        self._prepare(NewJob(name, **asdict(options)))  # refuses a name that no row can hold
        functools.update_wrapper(self, function)

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """By its name, as functions are pickled, so that it can be passed to a pool of processes."""
        if self is self._first:
            return str(getattr(self, "__qualname__", self.name))  # its name in its module
        return _once_more, (self._first, self.options)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now, with a job without a queue if it asks for one."""
        if self.parameters.takes_job and not (args and isinstance(args[0], Job)):
            args = cast(Any, (Job(job_type=self.name, payload=dict(kwargs)), *args))
        return cast(R, self.function(*args, **kwargs))

    def using(self, **options: Unpack[EnqueueOptions]) -> Task[P, R]:
        """
        The same task with other options for its next jobs; options that are not named stay the same.

        `queue`, `process_at` (an aware datetime; it wins over `process_in`), `process_in` (seconds or a timedelta),
        `priority`, `job_id`, `headers`, `lane`: see `Options`. `unique` is a `Unique`, or the key of the next jobs as a
        string, under the rules of the task's own `Unique` if it has one. A job that has not started within `expires_in`
        (seconds or a timedelta) of its enqueue is archived as cancelled, reason "expired".
        """
        if unknown := options.keys() - EnqueueOptions.__annotations__.keys():
            raise TypeError(f"using() got an unexpected keyword argument {min(unknown)!r}")
        given = {name: value for name, value in options.items() if value is not None}
        if "unique" in given:
            given["unique"] = made(options.get("unique"), self.name, self._blank.unique)
        return self._with(replace(self._blank, **given))

    def with_options(self, options: Options) -> Task[P, R]:
        """The same task with these options for its next jobs."""
        return self._with(replace(self._blank, **{name: getattr(options, name) for name in Options.__struct_fields__}))

    def _with(self, blank: NewJob) -> Task[P, R]:
        # All that was read from the function is shared, so that this costs little more than a job.
        other: Task[P, R] = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._prepare(blank)
        return other

    def _prepare(self, blank: NewJob) -> None:
        if isinstance(blank.unique, Unique):
            self.parameters.require(blank.unique.names, "is unique by")
        self._lane = self._lane_of(blank)
        self._blank = blank
        # Another instance, without checks; `copy` would call this method too, and take three times as long.
        self._new: Callable[[], NewJob] = cast(Any, blank).__copy__

    def _lane_of(self, blank: NewJob) -> Callable[..., str] | None:
        """The function that makes a job's lane from its payload; None if there is no limit, or the lane was passed."""
        queue = self._queue.default_queue if blank.queue is None else blank.queue
        limit, owner = (self.limit, self.name) if self.limit is not None else (self._of_queues.get(queue), queue)
        if limit is None or blank.lane is not None:
            return None
        if limit.ordered and blank.priority:
            raise ConfigurationError(
                f"{self.name!r} is ordered by its limit, and a priority would change the order: leave one of them out"
            )
        if isinstance(limit.per, str):
            self.parameters.require((limit.per,), "is limited per")
        return partial(limit.lane, owner)

    @property
    def options(self) -> Options:
        """When and where its jobs run by default."""
        return self._blank

    def job(self, /, *args: P.args, **kwargs: P.kwargs) -> NewJob:
        """One job of this task as a value, for `enqueue_many`."""
        job = self._new()
        payload = self.parameters.pack(args, kwargs)
        force_setattr(job, "payload", payload)
        if isinstance(job.unique, Unique):
            force_setattr(job, "unique", job.unique.keyed(self.name, payload, self.parameters.defaults))
        if self._lane is not None:
            force_setattr(job, "lane", self._lane(payload, self.parameters.defaults))
        return job

    def enqueue(self, connection: object, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """
        Enqueue a job on your connection, inside its open transaction; returns the job id.

        Never commits. Raises `PayloadError` when the arguments do not fit the function,
        `WrongCall` for an async connection, `UnknownConnection` for anything else.
        """
        return self._queue.enqueue_job(connection, self.job(*args, **kwargs))

    async def aenqueue(self, connection: object, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Enqueue a job on your async connection; otherwise like `enqueue`."""
        return await self._queue.aenqueue_job(connection, self.job(*args, **kwargs))

    def wait_for(self, where: Any, job_id: Any, timeout: Duration | None = PATIENCE) -> R:
        """Wait for a job of this task to end, and return its result in the annotated type; see `Tasks.wait_for`."""
        return cast(R, self._queue.wait_for(where, job_id, timeout, task=self))

    async def await_for(self, where: Any, job_id: Any, timeout: Duration | None = PATIENCE) -> R:
        """Wait for a job of this task in a coroutine, on an async connection or by a URL; otherwise like `wait_for`."""
        return cast(R, await self._queue.await_for(where, job_id, timeout, task=self))

    @property
    def keeps_result(self) -> bool:
        """Whether the result of the function is kept in the archive."""
        return self.rules.keep_result

    @property
    def returns(self) -> Any:
        """What the function is annotated to return."""
        return self.parameters.returns

    def _shared(self) -> Queue:
        return self._queue

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


def _once_more(task: Task[..., Any], options: Options) -> Task[..., Any]:
    """The task with these options: for `pickle`."""
    return task.with_options(options)


class TaskDecorator(Protocol):
    """What `tasks.task(queue=…)` returns: it turns a function into a task of the same signature."""

    @overload
    def __call__(self, function: Callable[Concatenate[Job, P], Awaitable[R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, Awaitable[R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Job, P], R], /) -> Task[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R]: ...
