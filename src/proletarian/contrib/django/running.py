"""What a worker of a Django project runs: the project's own `Tasks`, and Django's tasks by their module path."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from inspect import isawaitable
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils import timezone

from proletarian.contrib.django import configuration
from proletarian.contrib.django.discovery import django_package, django_tasks, queues
from proletarian.errors import ConfigurationError
from proletarian.job import Job
from proletarian.kept_errors import errors_in, with_error
from proletarian.middleware import Handler
from proletarian.outcomes import Cancel, FailedJob
from proletarian.task import Task
from proletarian.tasks import Tasks
from proletarian.worker import Worker
from proletarian.worker.run import CANCELLED, Run


class DjangoTasks(Tasks):
    """
    Django's tasks, by their module path; one that is not imported yet is found when a job names it.

    `tasks` modules of installed apps are imported.
    """

    def __init__(self) -> None:
        super().__init__(queue=configuration.queue())
        for task in django_tasks():
            self.find(task.module_path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process finds the tasks itself."""
        return type(self), ()

    def find(self, job_type: str) -> Task[..., Any] | None:
        """The Django task with this path."""
        return super().find(job_type) or self._learn(job_type)

    def job_types(self) -> None:
        """Any type in Django's code, including modules that are not imported yet."""

    def _learn(self, path: str) -> Task[..., Any] | None:
        if "." not in path or django_package() is None:
            return None
        from proletarian.contrib.django.results import task_of

        task = task_of(path)
        if task is None:
            return None
        self.task(name=path, queue=task.queue_name, retry=backend_of(task).retry, keep_result=True)(runs(task))
        return super().find(path)


def close_old_connections() -> None:
    """Like Django's own, except for connections in `atomic()`: a test that runs jobs on its connection is in one."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def with_fresh_connections(job: Job, call_next: Handler) -> Any:
    """
    Middleware that runs a job as Django runs a request, without stale or broken connections.

    A coroutine's connections belong to Django's own thread.
    """
    close_old_connections()
    result: Any = None
    try:
        result = call_next(job)
    finally:
        close_old_connections()
    return _awaited(result) if isawaitable(result) else result


async def _awaited(coming: Any) -> Any:
    close = sync_to_async(close_old_connections)
    await close()
    try:
        return await coming
    finally:
        await close()


def runs(task: Any) -> Callable[..., Any]:
    """
    Make a handler that runs a Django task, with its context and signals.

    A receiver that raises makes no failure of a task that has done its work; Django logs what it raised.
    """

    def run(job: Job, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from proletarian.contrib.django.compat import base, normalize_json, signals
        from proletarian.contrib.django.results import Status

        backend = backend_of(task, job)
        result = running(task, job)
        signals.task_started.send_robust(type(backend), task_result=result)
        first = (base.TaskContext(task_result=result),) if task.takes_context else ()
        try:
            value = normalize_json(task.call(*first, *args, **kwargs))
        except BaseException as error:
            if isinstance(error, Cancel) or job.stopping.why == CANCELLED:  # other failures may be retried
                finished_badly(task, job, error)
            raise
        if job.stopping.was_heard and job.stopping.why == CANCELLED:  # so it is archived, whatever it has returned
            finished_badly(task, job, Cancel(CANCELLED))
            return value
        done = {"status": Status.SUCCESSFUL, "finished_at": timezone.now(), "_return_value": value}
        for name, known in done.items():
            object.__setattr__(result, name, known)
        signals.task_finished.send_robust(type(backend), task_result=result)
        return value

    run.__name__, run.__qualname__, run.__module__ = (  # where another process finds the task
        task.func.__name__, task.func.__qualname__, task.func.__module__,
    )  # fmt: skip
    return run


def running(task: Any, job: Job) -> Any:
    """The result of a task while it runs."""
    from proletarian.contrib.django.results import Status, as_django_has_it, as_enqueued, error_of, result, worker_ids

    kept, worker, ran = known_of(job)
    failures = errors_in(kept)
    enqueued_at = None if job.enqueued_at is None else as_django_has_it(job.enqueued_at)
    started_at = timezone.now() - timedelta(seconds=ran)
    return result(
        as_enqueued(task, backend_of(task, job).alias, job.queue, job.priority, job.headers),
        str(job.job_id), Status.RUNNING, job.payload, enqueued_at=enqueued_at, started_at=started_at,
        last_attempted_at=started_at, errors=[error_of(failure) for failure in failures],
        worker_ids=worker_ids(failures, job.attempts, worker),
    )  # fmt: skip


def known_of(job: Job) -> tuple[str | None, str, float]:
    """The errors that a job's row keeps from earlier runs, who runs it now, and for how many seconds so far."""
    from proletarian.contrib.django.results import UNKNOWN

    run = job._lease
    # A job that a test has made by hand is run by nobody.
    return (run.row.errors, run.origin.worker, run.ran) if isinstance(run, Run) else (None, UNKNOWN, 0.0)


def failed(job: Job, error: BaseException) -> None:
    """Tell Django that one of its tasks has failed for good."""
    from proletarian.contrib.django.results import task_of

    task = task_of(job.job_type) if "." in job.job_type else None
    if task is not None:
        finished_badly(task, job, error)


def finished_badly(task: Any, job: Job, error: BaseException) -> None:
    """Signal that a task has not succeeded, and will not succeed."""
    from proletarian.contrib.django.compat import signals
    from proletarian.contrib.django.results import Status, error_of

    result, now = running(task, job), timezone.now()
    kept, worker, _ = known_of(job)
    failures = errors_in(with_error(kept, error, attempt=job.attempts, worker=worker, at=now))
    known = {"status": Status.FAILED, "finished_at": now, "errors": [error_of(failure) for failure in failures]}
    for name, value in known.items():
        object.__setattr__(result, name, value)
    try:
        raise error  # so that receivers which log the exception have it
    except BaseException:  # noqa: BLE001 (the one that was just raised)
        signals.task_finished.send_robust(type(backend_of(task, job)), task_result=result)


def cancelled(job_id: Any) -> None:
    """Signal that a job was cancelled by hand, if it is a Django task."""
    if django_package() is None:
        return
    from proletarian.contrib.django.compat import exceptions, signals, task_backends
    from proletarian.contrib.django.results import find

    with contextlib.suppress(exceptions.TaskResultDoesNotExist):
        result = find(str(job_id), "default")
        signals.task_finished.send_robust(type(task_backends[result.backend]), task_result=result)


def backend_of(task: Any, job: Job | None = None) -> Any:
    """Our backend that enqueued the job, or else the task's, or else the project's first one that is ours."""
    from proletarian.contrib.django.backend import TaskBackend
    from proletarian.contrib.django.compat import task_backends
    from proletarian.contrib.django.results import BACKEND

    named = [] if job is None else [job.headers.get(BACKEND, "default")]
    known = list(task_backends)
    for alias in (*named, task.backend, *known):
        if alias in known and isinstance(backend := task_backends[alias], TaskBackend):
            return backend
    raise ImproperlyConfigured(f"{task.module_path} is a job here, and no backend in TASKS is {TaskBackend.__name__}")


def project_tasks() -> Tasks:
    """
    What a worker of this project runs, as one handler: for `drain` and `inline` in tests.

        drain(connection, project_tasks())
    """
    own = configuration.own_tasks()
    found = [DjangoTasks()] if own is None else [own, DjangoTasks()]
    return found[0].within(with_fresh_connections, *found[1:])


class ProjectWorker(Worker):
    """A worker that does not wait for a transaction which waits for the worker."""

    def _start(self, **how: Any) -> None:
        connection = connections[configuration.alias()]
        if connection.vendor == "sqlite" and connection.in_atomic_block:
            raise ConfigurationError(
                "this thread is inside atomic(), and on SQLite a worker would wait for it to end before it writes. In "
                "a TestCase, run jobs by drain(connection, project_tasks()) of proletarian.testing, or use a "
                "TransactionTestCase"
            )
        super()._start(**how)


def project_worker(**options: Any) -> Worker:
    """
    A worker for this project; options are those of `Worker`.

    Tests may call its `drain()`, in a `TransactionTestCase`: a worker sees what is committed.
    """
    options = {"queues": queues(), **(configuration.setting("WORKER") or {}), **options}
    tasks = project_tasks()
    if django_package() is not None:
        options["failed_job"] = after_signals(options.get("failed_job") or tasks.failed_job)
    return ProjectWorker(f"django://{configuration.alias()}", tasks, **options)


def after_signals(own: FailedJob | None) -> FailedJob:
    """The project's own hook, if it has one, once Django has been told."""

    def hook(job: Job, error: BaseException) -> Any:
        failed(job, error)
        return None if own is None else own(job, error)

    return hook
