"""
What an application declares: functions that are tasks, and schedules.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, overload

from proletarian.errors import ConfigurationError
from proletarian.job import Job, NewJob, Options, is_name
from proletarian.limit import Limit, require_limit
from proletarian.middleware import Middleware, require_fit
from proletarian.outcomes import Strategy
from proletarian.payloads.callables import is_generator_function
from proletarian.queue import Queue
from proletarian.retention import Keep, kept
from proletarian.rules import LOST_LIMIT, Rules
from proletarian.task import P, R, Task, TaskDecorator
from proletarian.times.durations import Duration, in_seconds
from proletarian.unique import Unique

if TYPE_CHECKING:
    from proletarian.schedule import Missed, Schedule


class Declaring(Mapping[str, Task[..., Any]]):
    """A mapping from job type to task, and the schedules beside it."""

    def __init__(self, queue: Queue, retry: Strategy | None, limits: Mapping[str, Limit] | None = None) -> None:
        self.queue = queue
        self._limits: dict[str, Limit] = {}  # by name
        self._of_queues: dict[str, Limit] = {}
        if limits is not None and not isinstance(limits, Mapping):
            raise ConfigurationError(
                f"limits are a mapping from queue to Limit, as {{'mail': Limit(20)}}, not {limits!r}"
            )
        for name, limit in (limits or {}).items():
            if not is_name(name):
                raise ConfigurationError(f"limits are Limit values by the names of queues, not by {name!r}")
            self._of_queues[name] = self._known(name, require_limit(limit, f"the limit of queue {name!r} is a Limit"))
        self._rules = Rules(retry=retry)
        self._tasks: dict[str, Task[..., Any]] = {}
        self._schedules: dict[str, Schedule] = {}
        self._middleware: list[Middleware] = []  # what each task has to fit

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
        time_limit: Duration | None = ...,
        lost_limit: int = ...,
        keep_result: bool = ...,
        process: bool = ...,
        unique: Unique | None = ...,
        limit: Limit | None = ...,
        keep: Keep | Duration | None = ...,
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
        time_limit: Duration | None = None,
        lost_limit: int = LOST_LIMIT,
        keep_result: bool = False,
        process: bool = False,
        unique: Unique | None = None,
        limit: Limit | None = None,
        keep: Keep | Duration | None = None,
    ) -> Any:
        """
        Make a function a task, as a decorator without or with options.

        `name` is the job type, by default the function's name; keep it when you rename the function, because waiting
        jobs carry it. `queue` and `priority` are the defaults for its jobs. `retry` says how often to try again (not at
        all by default, unless `Tasks(retry=…)` says otherwise). `time_limit` is seconds or a timedelta: an `async def`
        is then cancelled, a plain function is told by `job.stopping`. After `lost_limit` workers have died while
        running one job and nothing else, it is archived as failed. `keep_result` stores what the function returns in
        the archive. `process` runs it in a child process of the worker, whatever its queue: for work that keeps a CPU
        busy, or whose time limit has to be enforced; see `Processes`. `unique` allows one such job at a time; see
        `Unique`. `limit` is how many of them may run at a time in the whole fleet, or start in some time; see `Limit`.
        `keep` says how long the archive keeps its jobs: seconds, a timedelta, or a `Keep`; by default as long as
        `Tasks(keep=…)` says.

        Raises `ConfigurationError` for a name that is taken or an invalid option.
        """
        if unique is not None and not isinstance(unique, Unique):
            raise ConfigurationError(f"unique is a Unique, as in task(unique=Unique('account_id')), not {unique!r}")
        if limit is not None:
            require_limit(limit, "limit is a Limit, as in task(limit=Limit(2, per='account_id'))")
        options = Options(queue=queue, priority=priority, unique=unique)
        retry = self._rules.retry if retry is None else retry
        longest = None if time_limit is None else in_seconds(time_limit, "time_limit", zero=False)
        rules = Rules(retry, longest, lost_limit, keep_result, process, kept(keep))
        if function is None:
            return lambda function: self._add(function, name, options, rules, limit)
        return self._add(function, name, options, rules, limit)

    def _add(
        self, function: Callable[..., Any], name: str | None, options: Options, rules: Rules, limit: Limit | None
    ) -> Task[..., Any]:
        if not callable(function):
            raise ConfigurationError(f"a task is a function, not {function!r}")
        if is_generator_function(function):
            raise ConfigurationError(
                f"{function!r} has a `yield` in it, so calling it would only make a generator and not run any of "
                f"its code; a task does its work and returns"
            )
        name = name or getattr(function, "__name__", None)
        if not name or name == "<lambda>":
            raise ConfigurationError(f"{function!r} has no name; give it one with task(name=…)")
        if name in self._tasks:
            raise ConfigurationError(
                f"two tasks are named {name!r}: {self._tasks[name].function!r} and {function!r}; "
                "give one of them another with task(name=…)"
            )
        task: Task[..., Any] = Task(
            function, name=name, options=options, rules=rules, queue=self.queue, limit=limit, of_queues=self._of_queues
        )
        task.parameters.check_names()
        for middleware in self._middleware:
            require_fit(middleware, task)
        if limit is not None:
            self._known(name, limit)
        self._tasks[name] = task
        return task

    def _known(self, owner: str, limit: Limit) -> Limit:
        """Record a limit by its name; there can be only one of each name."""
        name = limit.named(owner)
        other = self._limits.setdefault(name, limit)
        if other.rule != limit.rule:
            raise ConfigurationError(
                f"two limits are named {name!r}: {other} and {limit}; give one of them another, with Limit(…, name=…)"
            )
        return limit

    @property
    def declared_limits(self) -> Mapping[str, Limit]:
        """The limits of tasks and queues, by name."""
        return self._limits

    def limit_of(self, job_type: str, queue: str) -> tuple[str, Limit] | None:
        """The limit of such a job, and its owner: the task, or else the queue."""
        task = self.find(job_type)
        if task is not None and task.limit is not None:
            return task.name, task.limit
        limit = self._of_queues.get(queue)
        return None if limit is None else (queue, limit)

    def schedule(
        self,
        when: str | Duration,
        job: NewJob,
        *,
        name: str | None = None,
        tz: str | None = None,
        missed: Missed = "once",
    ) -> Schedule:
        """
        Enqueue a job on a schedule, by any worker of these tasks: exactly once per tick, even if workers die.

        `when` is a cron expression with five fields (minute hour day month weekday), one of @hourly, @daily, @weekly,
        @monthly and @yearly, or an interval: a timedelta or seconds. `tz` is the time zone of a cron expression, UTC
        by default. `name` is the job type by default; keep it, because it identifies the schedule in the database.
        `missed` says what becomes of ticks that came while no worker was running: "once" (the default) enqueues one job
        for the latest, "skip" none if that is over a minute old, "all" one for each of the latest hundred. The job's
        `process_at` and `job.tick` are the tick.

        Workers store it in the database when they start, and delete it when a release no longer declares it.
        Returns the `Schedule`. Raises `ConfigurationError` for a name that is taken, a cron expression that is invalid
        or never matches, a zone that this machine does not know, or another invalid value; `PayloadError` as an enqueue
        does.

        >>> from datetime import UTC, datetime
        >>> from proletarian import Tasks
        >>> tasks = Tasks()
        >>> @tasks.task
        ... def report(month: str) -> None: ...
        >>> monthly = tasks.schedule("0 6 1 * *", report.job(month="last"), name="monthly report", tz="Europe/Berlin")
        >>> [str(tick) for tick in monthly.next(2, after=datetime(2026, 3, 5, tzinfo=UTC))]
        ['2026-04-01 04:00:00+00:00', '2026-05-01 04:00:00+00:00']
        """
        from proletarian.schedule import schedule  # it imports calendars, which few applications need

        made = schedule(when, job, name=name, tz=tz, missed=missed)
        if made.name in self._schedules:
            raise ConfigurationError(f"two schedules are named {made.name!r}; give one of them another name")
        self.queue.row(made.job, self.queue.dialect("sqlite"))  # for its checks: they are the same everywhere
        self._schedules[made.name] = made
        return made

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """The declared schedules, by name."""
        return self._schedules

    def queue_names(self) -> set[str]:
        """
        The queues that tasks and schedules name, and the default one: a worker serves them by default.

        >>> from proletarian import Tasks
        >>> tasks = Tasks()
        >>> @tasks.task(queue="mail")
        ... def send_welcome(account_id: int) -> None: ...
        >>> schedule = tasks.schedule(3600, send_welcome.using(queue="night").job(account_id=1))
        >>> sorted(tasks.queue_names())
        ['default', 'mail', 'night']
        """
        named = {task.options.queue for task in self.values()} | {made.job.queue for made in self.schedules.values()}
        return {self.queue.default_queue} | {name for name in named if name is not None}

    def find(self, job_type: str) -> Task[..., Any] | None:
        """The task with this job type, if there is one."""
        return self._tasks.get(job_type)

    def job_types(self) -> list[str] | None:
        """The job types that have handlers; None if they cannot be listed."""
        return sorted(self)

    def __getitem__(self, job_type: str) -> Task[..., Any]:
        if (task := self.find(job_type)) is None:
            raise KeyError(job_type)
        return task

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def __bool__(self) -> bool:
        return True  # a registry without tasks is still true
