"""
The worker: claims jobs and runs them, in this process, until it is told to stop.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from proletarian.database import Database
from proletarian.errors import ConfigurationError, DatabaseUnavailable, StopTimeout
from proletarian.events import Log, to_logging
from proletarian.job import Job, Options
from proletarian.migration import check_schema
from proletarian.outcomes import Strategy
from proletarian.queue import Queue
from proletarian.tasks import Rules, Tasks
from proletarian.worker.engine import Engine, Settings
from proletarian.worker.hooks import FailedJob
from proletarian.worker.keeper import Care
from proletarian.worker.run import UNKNOWN_FOR
from proletarian.worker.signals import Signals

SLOTS = 10
LOOK = 0.1  # seconds between looks for a signal: its handler must not touch what the main thread waits on


class Worker:
    """
    Runs the jobs of some queues, with so many slots each, until it is told to stop.

    `database` is a URL (SQLAlchemy's too, and `django://alias`) or an SQLAlchemy Engine; the
    worker opens connections of its own to it. `handler` is a `Tasks`, or any callable of a
    `Job` (plain or async). `queues` maps names to
    slots: how many jobs of each run at a time. Everything else has a default that you can
    keep:

    - `queue`: the `Queue` value shared with the enqueuing side; that of the `Tasks` by default.
    - `retry`: the strategy for tasks that have none of their own.
    - `failed_job(job, error)`: called once when a job has failed for good and is archived.
    - `lifespan`: a function of the worker that gives a context manager (plain or async); what
      it yields, a mapping, is `job.state` for every handler of this process.
    - `log(event, data)`: what happens, as events; the default writes to `logging`.
    - `poll_interval`: seconds between looks at an empty queue, for what nobody notifies of.
    - `heartbeat`, `lost_after`: seconds between signs of life, and after which silence counts
      as death where no lock can show it.
    - `stop_timeout`: seconds that a stop waits for running jobs before it gives them back.
    - `unknown_for`: seconds that jobs of an unknown type wait for a release that knows them.
    - `keep_succeeded`, `keep_failed`: seconds after which archived jobs are deleted (None: never).
    - `on_polling_error(error)`: asked when the database says what time will not mend (a revoked
      right, say): True stops the worker, False (the default) has it try again with back-off.

    Raises `ConfigurationError` for options that cannot be.

    >>> Worker("sqlite:///jobs.db", print, queues={"default": 4, "mail": 2})
    <Worker default=4 mail=2>
    """

    def __init__(
        self,
        database: Any,
        handler: Tasks | Callable[[Job], Any],
        /,
        *,
        queues: Mapping[str, int] | None = None,
        queue: Queue | None = None,
        retry: Strategy | None = None,
        failed_job: FailedJob | None = None,
        lifespan: Callable[[Worker], Any] | None = None,
        log: Log = to_logging,
        poll_interval: float = 0.1,
        heartbeat: float = 15.0,
        lost_after: float = 60.0,
        stop_timeout: float = 10.0,
        unknown_for: float = UNKNOWN_FOR,
        keep_succeeded: float | None = None,
        keep_failed: float | None = None,
        on_polling_error: Callable[[Exception], bool] | None = None,
    ) -> None:
        if not callable(handler):
            raise ConfigurationError(f"a handler is a Tasks or a callable of a job, not {handler!r}")
        if isinstance(handler, Tasks) and not len(handler):
            raise ConfigurationError("this Tasks has no task: is the module that defines them imported?")
        if queue is not None and not isinstance(queue, Queue):
            raise ConfigurationError(f"queue is a Queue value; names go into queues={{name: slots}}, not {queue!r}")
        for name, value in {"poll_interval": poll_interval, "heartbeat": heartbeat, "lost_after": lost_after}.items():
            if not value > 0:
                raise ConfigurationError(f"{name} is seconds, more than 0, not {value!r}")
        if lost_after < 2 * heartbeat:
            raise ConfigurationError(
                f"lost_after={lost_after} must be at least twice heartbeat={heartbeat}: one late beat is no death"
            )
        Rules(retry=retry)
        if queue is None:
            queue = handler.queue if isinstance(handler, Tasks) else Queue()
        self.queues = {queue.default_queue: SLOTS} if queues is None else checked(queues)
        self.database = Database(database, queue)
        self.handler = handler
        self.stop_timeout = stop_timeout
        self.settings = Settings(
            log=log, retry=retry, failed_job=failed_job, poll_interval=poll_interval, unknown_for=unknown_for,
            care=Care(heartbeat, lost_after, keep_succeeded, keep_failed),
            on_polling_error=on_polling_error or (lambda error: False),
        )  # fmt: skip
        self._lifespan = lifespan
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
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._engine is not None

    def start(self) -> None:
        """
        Start in threads and return; a second call does nothing.

        Raises `SchemaOutOfDate` when the tables do not fit, and the driver's error when the
        database refuses us. When it cannot be reached at the moment, the worker starts all the
        same and begins as soon as it can.
        """
        self._start(drain=False)

    def stop(self, timeout: float | None = None) -> None:
        """
        Claim no more, let the running jobs end for up to `timeout` seconds, give back the rest.

        Handlers see `job.stopping`. After the time is over, coroutines are cancelled, and all
        jobs that still run go back to the queue, uncounted, where a colleague takes them at
        once; then `StopTimeout` is raised. A second call does nothing.
        """
        self._stop(self.stop_timeout if timeout is None else timeout)

    def run(self) -> None:
        """
        Run until SIGTERM or SIGINT, then stop; a second signal ends the wait for running jobs.

        Belongs in the main thread. Raises what ended the worker, if something did, and
        `StopTimeout` when jobs had to be given back.
        """
        with Signals() as signals:
            self._run(signals, drain=False)

    def drain(self) -> int:
        """
        Run what is due until nothing is, then return how many runs that were.

        For cron jobs, scripts and tests; jobs that wait for a later time are left waiting. In
        the main thread, signals break it off as they end `run()`.
        """
        if threading.current_thread() is not threading.main_thread():
            return self._run(None, drain=True)
        with Signals() as signals:
            return self._run(signals, drain=True)

    # How it is done.

    def _run(self, signals: Signals | None, *, drain: bool) -> int:
        self._start(drain=drain)
        engine = self._engine
        assert engine is not None  # noqa: S101
        while not engine.ended.wait(LOOK) and not (signals and signals.count):
            pass
        self._stop(self.stop_timeout, hurry=lambda: signals is not None and signals.count > 1)
        if engine.failure is not None:
            raise engine.failure
        return engine.ran

    def _start(self, *, drain: bool) -> None:
        with self._state_lock:
            if self._engine is not None:
                return
            reachable = self._check_database()
            engine = Engine(self.database, self.handler, self.settings, self.queues)
            engine.start(self._lifespan and self._lifespan(self), drain=drain, wait=reachable)
            self._engine = engine

    def _check_database(self) -> bool:
        """Refuse now what time will not mend; True if the database is there."""
        try:
            connection = self.database.connect()
        except DatabaseUnavailable as error:
            if not self.database.is_transient(error):
                raise
            return False
        try:
            check_schema(connection, self.database)
        finally:
            connection.close()
        return True

    def _stop(self, timeout: float, hurry: Callable[[], bool] = lambda: False) -> None:
        with self._state_lock:
            engine, self._engine = self._engine, None
        if engine is None:
            return
        left = engine.stop(timeout, hurry)
        if left:
            names = ", ".join(sorted({run.row.job_type for run in left}))
            were = "1 job was" if len(left) == 1 else f"{len(left)} jobs were"
            raise StopTimeout(f"{were} still running after {timeout} s and given back: {names}")


def checked(queues: Mapping[str, int]) -> dict[str, int]:
    """Queues and slots, or a clear error."""
    if not isinstance(queues, Mapping) or not queues:
        raise ConfigurationError(f"queues is a mapping of queue names to slots, as {{'mail': 2}}, not {queues!r}")
    for name, slots in queues.items():
        Options(queue=name)
        if isinstance(slots, bool) or not isinstance(slots, int) or slots < 1:
            raise ConfigurationError(f"queue {name!r} needs a number of slots, 1 or more, not {slots!r}")
    return dict(queues)
