"""
The worker: claims jobs and runs them, in this process, until it is told to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from proletarian.connections.database import Database
from proletarian.drivers.driver import cut_after
from proletarian.drivers.registry import redacted
from proletarian.errors import ConfigurationError, StopTimeout
from proletarian.events import Log, to_logging
from proletarian.job import Job
from proletarian.migration import check_schema
from proletarian.outcomes import FailedJob, Strategy
from proletarian.queue import Queue
from proletarian.rules import Rules
from proletarian.task import Task
from proletarian.tasks import Lifespan, Tasks
from proletarian.times.durations import Duration, in_seconds
from proletarian.untraced import untraced
from proletarian.worker.ends import UNKNOWN_FOR
from proletarian.worker.engine import FIRST_WORDS, Engine, Settings
from proletarian.worker.handlers import tasks_of
from proletarian.worker.hands.elsewhere import Served, count_of
from proletarian.worker.health import Health
from proletarian.worker.keeping.membership import care_for
from proletarian.worker.last_resort import LastResort
from proletarian.worker.serving import checked, left_out, queues_of
from proletarian.worker.signals import Signals
from proletarian.worker.span import Span, host_of
from proletarian.worker.twins import require_one

if TYPE_CHECKING:
    from proletarian.worker.hands.source import Source

LAST_RESORT = 20.0  # seconds beyond `stop_timeout` after which `run` ends the process, whatever hangs
SIGNAL_LOOK = 0.1  # seconds between checks for a signal, whose handler must not touch what the main thread waits on


class Worker:
    """
    Runs the jobs of some queues, with a number of slots for each, until it is told to stop.

    `database` is a URL (SQLAlchemy's too, and `django://alias`) or an SQLAlchemy Engine; the worker opens its own
    connections to it. `handler` is a `Tasks`, or any callable that takes a `Job` (plain or async). `queues` maps names
    to slots: how many jobs of each run at the same time, or `Processes(4)` to run four in child processes, or an
    `Executor` that runs them; by default the worker serves every queue that the `Tasks` name, and the default one, with
    ten slots each. Everything else has a default that you can keep (times are seconds or timedeltas):

    - `queue`: the `Queue` value shared with the enqueueing side; that of the `Tasks` by default.
    - `retry`: the strategy for tasks that have none of their own.
    - `failed_job(job, error)`: called once when a job has failed for good and is archived; that of the `Tasks` by
      default.
    - `lifespan`: a function of the worker that returns a context manager (plain or async); what it yields, a mapping,
      is `job.state` for every handler of this process. That of the `Tasks` by default.
    - `log(event, data)`: called with each event; that of the `Tasks` by default, or else `logging`.
    - `poll_interval`: seconds between polls of an empty queue, for jobs that come without a notification.
    - `heartbeat`, `lost_after`: seconds between heartbeats, and seconds of silence after which the worker counts as
      dead where no lock can show it.
    - `stop_timeout`: seconds that a stopping worker waits for running jobs before it returns them to the queue.
    - `unknown_for`: seconds that jobs of an unknown type wait for a release that knows them.
    - `keep_succeeded`, `keep_failed`: seconds after which archived jobs are deleted (None: never), whatever their type;
      by default what `Tasks(keep=…)` says. The `keep` of a task takes precedence.
    - `name`: a name for people, shown before host and process id: `mail@web1:4711`.
    - `max_jobs`, `max_lifetime`: `run()` stops by itself, as on a signal, after this many runs, or after this many
      seconds (minus up to a tenth, so that a fleet does not stop all at once). Use it against growing memory, with
      something that restarts the worker.
    - `on_polling_error(error)`: called for permanent errors of the database (a revoked privilege, say): True stops the
      worker, False (the default) makes it try again with back-off.

    Raises `ConfigurationError` for invalid options.

    >>> Worker("sqlite:///jobs.db", print, queues={"default": 4, "mail": 2})
    <Worker default=4 mail=2>
    """

    def __init__(
        self,
        database: Any,
        handler: Tasks | Callable[[Job], Any],
        /,
        *,
        queues: Mapping[str, Served] | None = None,
        queue: Queue | None = None,
        retry: Strategy | None = None,
        failed_job: FailedJob | None = None,
        lifespan: Lifespan | None = None,
        log: Log | None = None,
        poll_interval: Duration = 0.1,
        heartbeat: Duration = 15.0,
        lost_after: Duration = 60.0,
        stop_timeout: Duration = 10.0,
        unknown_for: Duration = UNKNOWN_FOR,
        keep_succeeded: Duration | UnsetType | None = UNSET,
        keep_failed: Duration | UnsetType | None = UNSET,
        name: str = "",
        max_jobs: int | None = None,
        max_lifetime: Duration | None = None,
        on_polling_error: Callable[[Exception], bool] | None = None,
    ) -> None:
        self.tasks = tasks_of(handler)
        require_one(self.tasks)
        if self.tasks.job_types() == []:
            raise ConfigurationError("this Tasks has no task: is the module that defines them imported?")
        if queue is not None and not isinstance(queue, Queue):
            raise ConfigurationError(
                f"queue is a Queue value; queue names go into queues={{name: slots}}, not {queue!r}"
            )
        Rules(retry=retry)
        if queue is None:
            queue = self.tasks.queue
        self._given_queues = None if queues is None else checked(queues)
        self.database = Database(database, queue)
        self.stop_timeout = in_seconds(stop_timeout, "stop_timeout")
        self.settings = Settings(
            log=log or self.tasks.log or to_logging, retry=retry, failed_job=failed_job or self.tasks.failed_job,
            poll_interval=in_seconds(poll_interval, "poll_interval", zero=False),
            unknown_for=in_seconds(unknown_for, "unknown_for"),
            care=care_for(heartbeat, lost_after, keep_succeeded, keep_failed),
            on_polling_error=on_polling_error or (lambda error: False), host=host_of(name),
        )  # fmt: skip
        self._span = Span.made(max_jobs, max_lifetime)
        self._decides = on_polling_error is not None
        self._lifespan = lifespan or self.tasks.lifespan
        self._state_lock = threading.Lock()
        self._engine: Engine | None = None

    def __repr__(self) -> str:
        return f"<Worker {' '.join(f'{name}={slots}' for name, slots in self.queues.items())}>"

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(StopTimeout) if kind else contextlib.nullcontext():
            self.stop()

    @property
    def queues(self) -> dict[str, Served]:
        """The queues that it serves, with their slots; a task that is added before the start may add another."""
        given = self._given_queues
        return dict(queues_of(self.tasks, self.database.queue) if given is None else given)

    @property
    def is_running(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._engine is not None

    @property
    def health(self) -> Health | None:
        """
        Its health, for probes: whether it is live and ready, and what each of its parts does; None unless it runs.

        >>> Worker("sqlite:///jobs.db", print).health is None
        True
        """
        engine = self._engine
        return None if engine is None else engine.health

    def start(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """
        Start in threads and return; a second call does nothing.

        `async def` handlers run on a separate event loop, in another thread. With `loop` they run on yours, and may use
        what belongs to it, such as the `AsyncEngine` of your web pages; start and stop the worker from another thread
        then, because both wait for coroutines:

            await asyncio.to_thread(worker.start, loop=asyncio.get_running_loop())

        Raises `SchemaOutOfDate` when the tables do not fit, and the driver's error when the database refuses us. If the
        database cannot be reached at the moment, the worker starts anyway and begins as soon as it can.
        """
        self._start(drain=False, loop=loop)

    def stop(self, timeout: Duration | None = None) -> None:
        """
        Claim no more jobs, wait up to `timeout` for the running ones, and give back the rest.

        Handlers see `job.stopping`. When the time is over, coroutines are cancelled, and all jobs that are still
        running go back to the queue, where another worker takes them at once; the run does not count. Then
        `StopTimeout` is raised. A second call does nothing.
        """
        self._stop(self.stop_timeout if timeout is None else in_seconds(timeout, "timeout"))

    def run(self) -> None:
        """
        Run until SIGTERM, SIGINT or SIGHUP (unless that is ignored, as under nohup), then stop; a second
        signal ends the wait for running jobs.

        Call it in the main thread. Raises the error that ended the worker, if there was one, and `StopTimeout` when
        jobs had to be given back. A stop that hangs (in a log that nobody reads, say) ends the process 20 seconds after
        `stop_timeout`, with exit code 71; other workers take its jobs.
        """
        with Signals() as signals:
            self._run(signals, drain=False)

    def drain(self) -> int:
        """
        Run the jobs that are due until there are none, and return the number of runs.

        For cron jobs, scripts and tests; jobs for a later time are left waiting. In the main thread, signals stop it as
        they do `run()`. Raises permanent errors of the database, unless `on_polling_error` says to continue.
        """
        if threading.current_thread() is not threading.main_thread():
            return self._run(None, drain=True)
        with Signals() as signals:
            return self._run(signals, drain=True)

    # Implementation.

    def _run(self, signals: Signals | None, *, drain: bool) -> int:
        self._start(drain=drain)
        engine = self._engine
        assert engine is not None  # noqa: S101
        over = self._span.begun()
        spent = None
        while not engine.ending.came.wait(SIGNAL_LOOK) and not (signals and signals.count):
            if not drain and (spent := over(engine.ran)):
                engine.log("worker.spent", {"ran": engine.ran, "reached": spent})
                break
        with LastResort(self.stop_timeout + LAST_RESORT) if spent or (signals and signals.count) else nullcontext():
            try:
                self._stop(self.stop_timeout, hurry=lambda: signals is not None and signals.count > 1)
            except StopTimeout:
                if engine.ending.failure is None:  # otherwise, what ended the worker says more
                    raise
        if engine.ending.failure is not None:
            raise engine.ending.failure
        return engine.ran

    def _start(self, *, drain: bool, loop: asyncio.AbstractEventLoop | None = None) -> None:
        with self._state_lock:
            if self._engine is not None:
                return
            require_one(self.tasks)
            reachable = self._check_database()
            settings = self.settings
            if drain and not self._decides:
                settings = replace(settings, on_polling_error=lambda error: True)
            engine = Engine(self.database, self.tasks, settings, self.queues, self._source, loop)
            engine.start(self._lifespan and self._lifespan(self), drain=drain, wait=reachable)
            self._engine = engine
            if not drain and (waiting := left_out(self.tasks, self.database.queue, engine.queues)):
                engine.log("tasks.left_out", {"queues": waiting})

    def _source(self, needed: list[Task[..., Any]], is_far: bool) -> Source:
        from proletarian.worker.hands.source import source_of  # imports what starts processes

        queues = {queue: count_of(served) for queue, served in self.queues.items()}
        url = redacted(self.database.url) if is_far else self.database.url
        queue = replace(self.database.queue, around=())  # over there, modules say what runs around their enqueues
        made = (Worker, url, self.tasks, {"queue": queue, "queues": queues})
        return source_of(made, self.database.kind, self._lifespan, needed, is_far=is_far)

    @untraced()
    def _check_database(self) -> bool:
        """Refuse permanent errors now; returns True if the database is available, and answers soon."""
        try:
            connection = self.database.connect()
            try:
                with cut_after(FIRST_WORDS, connection):
                    check_schema(connection, self.database)
            finally:
                connection.close()
        except Exception as error:
            if not self.database.is_transient(error):
                raise
            return False
        return True

    def _stop(self, timeout: float, hurry: Callable[[], bool] = lambda: False) -> None:
        with self._state_lock:
            if self._engine is not None:
                self._engine.loop.refuse_its_own_thread()
            engine, self._engine = self._engine, None
        if engine is None:
            return
        left = engine.stop(timeout, hurry)
        if left:
            names = ", ".join(sorted({run.row.job_type for run in left}))
            were = "1 job was" if len(left) == 1 else f"{len(left)} jobs were"
            cut = f" (a second signal ended the {timeout:g} s)" if hurry() else ""
            raise StopTimeout(
                f"{were} still running after {engine.waited:.1f} s{cut} and went back to the queue: {names}"
            )
