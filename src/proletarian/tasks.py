"""
Tasks: functions that run as jobs, in a registry from job type to handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from proletarian.awaiting.results import Results
from proletarian.control.acting import Acting
from proletarian.control.limiting import Limiting
from proletarian.control.pausing import Pausing
from proletarian.control.scheduling import Scheduling
from proletarian.declaring import Declaring
from proletarian.enqueueing.around import Around
from proletarian.errors import ConfigurationError, UnknownJobType
from proletarian.events import Log
from proletarian.job import A_NAME, Job, is_name
from proletarian.limit import Limit
from proletarian.looking.jobs import Looking
from proletarian.looking.overview import Overview
from proletarian.middleware import Handler, Middleware, require_fit, wrapped
from proletarian.outcomes import FailedJob, Strategy
from proletarian.queue import Queue
from proletarian.retention import Keep, kept
from proletarian.standing import place_of, standing
from proletarian.task import Task
from proletarian.times.durations import Duration

if TYPE_CHECKING:
    from proletarian.schedule import Schedule

Lifespan = Callable[[Any], Any]  # called with the worker; returns a context manager, plain or async


def modules_of(tasks: Mapping[str, Task[..., Any]]) -> list[str]:
    """The modules that define these tasks, in the order of their first tasks."""
    named = (str(getattr(task.function, "__module__", None) or "") for task in tasks.values())
    return [name for name in dict.fromkeys(named) if name]


class Tasks(Looking, Overview, Acting, Pausing, Limiting, Scheduling, Results, Declaring):
    """
    The tasks of an application: a mapping from job type to task, and a handler for a `Worker`.

    `queue` is the `Queue` value that tasks enqueue to and workers read from (table names, serializer, job ids); its
    default is `Queue()`. `retry` is for tasks without their own. `lifespan`, `failed_job` and `log` are the defaults
    for each `Worker` of these tasks: set here what belongs to the application, and `proletarian worker` finds it. `app`
    names the application that the schedules belong to: two applications that share tables need two names. `limits` maps
    names of queues to limits for their jobs whose tasks have no limit of their own; see `Limit`. `keep` says how long
    the archive keeps jobs of tasks without their own `keep`: seconds, a timedelta, or a `Keep`; by default 7 days for
    those that succeeded, 90 days for the others, and forever in tables shared with Clojure.

    >>> from proletarian import Retry
    >>> tasks = Tasks(retry=Retry(2, delays=[1]))
    >>> @tasks.task(queue="mail")
    ... def send_welcome(account_id: int) -> str:
    ...     return f"welcome, {account_id}"
    >>> send_welcome(42)
    'welcome, 42'
    >>> send_welcome.job(account_id=42).payload
    {'account_id': 42}
    """

    def __init__(
        self,
        *,
        queue: Queue | None = None,
        retry: Strategy | None = None,
        lifespan: Lifespan | None = None,
        failed_job: FailedJob | None = None,
        log: Log | None = None,
        app: str = "",
        limits: Mapping[str, Limit] | None = None,
        keep: Keep | Duration | None = None,
    ) -> None:
        if app != "" and not is_name(app):
            raise ConfigurationError(f"app is {A_NAME}, not {app!r}")
        if queue is not None and not isinstance(queue, Queue):
            raise ConfigurationError(f"queue is a Queue value, not {queue!r}; name a task's queue in task(queue=…)")
        for name, given in (("lifespan", lifespan), ("failed_job", failed_job), ("log", log)):
            if given is not None and not callable(given):
                raise ConfigurationError(f"{name} is a function, not {given!r}")
        super().__init__(queue or Queue(), retry, limits)
        self.lifespan, self.failed_job, self.log = lifespan, failed_job, log
        self.app = app
        self.keep = kept(keep)
        self._chains: dict[str, Handler] = {}
        self._directs: dict[str, Callable[[Any], Any] | None] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """By its name, as functions are pickled, so that another process can import it."""
        return standing, place_of(self, modules_of(self))

    def _shared(self) -> Queue:
        return self.queue

    def _task_of(self, job_type: str) -> Task[..., Any] | None:
        return self.find(job_type)

    def use(self, middleware: Middleware) -> Middleware:
        """
        Run `middleware(job, call_next)` around every job; it returns what `call_next(job)` does.

        The first one registered is the outermost. A plain function works around plain handlers and coroutines alike, as
        long as it returns what `call_next` returned; an `async def` works only around `async def` handlers, and around
        any other handler `ConfigurationError` is raised. Usable as a decorator.
        """
        if not callable(middleware):
            raise ConfigurationError(f"a middleware is a function of (job, call_next), not {middleware!r}")
        for task in self.values():
            require_fit(middleware, task)
        self._middleware.append(middleware)
        self._chains, self._directs = {}, {}
        return middleware

    def around_enqueue(self, function: Around) -> Around:
        """
        Run a generator function of `(connection, jobs)` around every enqueue to the queue of these tasks.

        It yields the jobs to enqueue (those that it was given, or as many others) and is sent their ids; by then the
        rows are inserted, and your transaction is still open. To refuse the jobs it raises an exception. `connection`
        is the application's, `jobs` are `NewJob` values; change one with `msgspec.structs.replace`, for example to add
        a header. The function registered first is the outermost. On an async connection it may also yield an awaitable.
        Enqueues without an application, such as those of `proletarian enqueue`, bypass it. Usable as a decorator.
        Raises `ConfigurationError` for anything but a generator function.

        >>> import sqlite3
        >>> from msgspec.structs import replace
        >>> from proletarian.testing import create_tables, enqueued
        >>> tasks = Tasks()
        >>> @tasks.task
        ... def greet(name: str) -> None: ...
        >>> @tasks.around_enqueue
        ... def tagged(connection, jobs):
        ...     yield [replace(job, headers={**(job.headers or {}), "tenant": "acme"}) for job in jobs]
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> job_id = greet.enqueue(connection, name="Ada")
        >>> enqueued(connection)
        [greet {'name': 'Ada'} in queue 'default', headers {'tenant': 'acme'}]
        >>> connection.close()
        """
        self.queue.around_enqueue(function)
        return function

    def direct(self, job_type: str) -> Callable[[Any], Any] | None:
        """
        The function of this job type as a function of the payload alone, if that is all it needs.

        None if the function, a middleware, or a subclass with its own `handler` needs the job itself. Then a `Job` must
        be made.
        """
        known = self._directs  # `use` replaces it
        if job_type not in known:
            task = self.find(job_type)
            if task is None:
                return None
            looks = self._middleware or task.parameters.takes_job or type(self).handler is not Tasks.handler
            known[job_type] = None if looks else task.run_with
        return known[job_type]

    def handler(self, job_type: str) -> Handler:
        """The task of this job type within its middleware; raises `UnknownJobType`."""
        chains = self._chains  # as in `direct`
        if chain := chains.get(job_type):
            return chain
        task = self.find(job_type)
        if task is None:
            known = ", ".join(sorted(self)) or "no job type at all"
            raise UnknownJobType(f"no handler for job type {job_type!r}; this worker knows: {known}")
        chain = chains[job_type] = wrapped(task.run, task, self._middleware)
        return chain

    def within(self, middleware: Middleware, *others: Tasks) -> Tasks:
        """
        Run `middleware(job, call_next)` around everything that these tasks already have around them.

        Returns a view, for a worker: this `Tasks` stays as it is, and what is added to it later is in the view too.
        `others` are further registries whose tasks the view contains, each with its own middleware inside; of two tasks
        with the same name the first is used.

        >>> tasks = Tasks()
        >>> @tasks.task
        ... def greet(name: str) -> str:
        ...     return f"hello, {name}"
        >>> polite = tasks.within(lambda job, call_next: call_next(job) + ", please")
        >>> polite(Job(job_type="greet", payload={"name": "Ada"}))
        'hello, Ada, please'
        """
        return _View(self, *others, middleware=middleware)

    def __call__(self, job: Job) -> Any:
        """Run the handler of this job; for an `async def` handler, returns the awaitable."""
        return self.handler(job.job_type)(job)


class _View(Tasks):
    """The tasks of some registries, within middleware that runs around each registry's own."""

    def __init__(self, *registries: Tasks, middleware: Middleware) -> None:
        first = registries[0]
        super().__init__(queue=first.queue, lifespan=first.lifespan, failed_job=first.failed_job, log=first.log)
        self._registries = registries
        self._tasks = registries[0]._tasks  # a task that is added to the view belongs to the first registry
        self.app, self.keep = first.app, first.keep
        self.use(middleware)

    def __reduce__(self) -> tuple[Any, ...]:
        first, *others = self._registries
        return first.within, (self._middleware[0], *others)

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """Those of all its registries; of two with one name the first is taken."""
        return {name: made for registry in reversed(self._registries) for name, made in registry.schedules.items()}

    @property
    def declared_limits(self) -> Mapping[str, Limit]:
        """Those of all its registries; of two with one name the first is taken."""
        return {
            name: limit for registry in reversed(self._registries) for name, limit in registry.declared_limits.items()
        }

    def limit_of(self, job_type: str, queue: str) -> tuple[str, Limit] | None:
        found = (registry.limit_of(job_type, queue) for registry in self._registries)
        return next((limit for limit in found if limit is not None), None)

    def find(self, job_type: str) -> Task[..., Any] | None:
        found = (registry.find(job_type) for registry in self._registries)
        return next((task for task in found if task is not None), None)

    def job_types(self) -> list[str] | None:
        known = [registry.job_types() for registry in self._registries]
        return None if None in known else sorted({name for names in known if names for name in names})

    def handler(self, job_type: str) -> Handler:
        # Nothing is cached: a registry may get more middleware after the view was made.
        for registry in self._registries:
            if (task := registry.find(job_type)) is not None:
                return wrapped(registry.handler(job_type), task, self._middleware)
        return super().handler(job_type)

    def __iter__(self) -> Iterator[str]:
        return iter({job_type: None for registry in self._registries for job_type in registry})

    def __len__(self) -> int:
        return len(list(iter(self)))
