"""What a worker of a Django project runs: the project's own `Tasks`, and Django's tasks by their module path."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.module_loading import autodiscover_modules

from proletarian.contrib.django import configuration
from proletarian.job import Job
from proletarian.outcomes import Cancel
from proletarian.tasks import Handler, Task, Tasks
from proletarian.worker import Worker


class DjangoTasks(Tasks):
    """
    The tasks of a Django project.

    `tasks` modules of installed apps are imported. Connections that are too old or broken are
    closed before and after each job, as Django does around a request.
    """

    def __init__(self, own: Tasks | None = None) -> None:
        super().__init__(queue=configuration.queue())
        self.own = own
        autodiscover_modules("tasks")
        for path in django_tasks():
            self.find(path)

    def find(self, job_type: str) -> Task[..., Any] | None:
        """The project's own task of this name, or Django's of this path."""
        own = None if self.own is None else self.own.find(job_type)
        return own or super().find(job_type) or self._learn(job_type)

    def _learn(self, path: str) -> Task[..., Any] | None:
        if "." not in path or django_package() is None:
            return None
        from proletarian.contrib.django.results import task_of

        task = task_of(path)
        if task is None:
            return None
        self.task(name=path, retry=backend_of(task).retry, keep_result=True)(runs(task))
        return super().find(path)

    def direct(self, job_type: str) -> Callable[[Any], Any] | None:
        """Never: there is something to do around every job."""
        return None

    def handler(self, job_type: str) -> Handler:
        """The task within its middleware, and within fresh connections."""
        self.find(job_type)
        if self.own is not None and self.own.find(job_type):
            call_next = self.own.handler(job_type)
        else:
            call_next = super().handler(job_type)
        return lambda job: with_fresh_connections(job, call_next)

    def __getitem__(self, job_type: str) -> Task[..., Any]:
        if (task := self.find(job_type)) is None:
            raise KeyError(job_type)
        return task

    def __iter__(self) -> Iterator[str]:
        return iter({**self._tasks, **dict.fromkeys(self.own or ())})

    def __len__(self) -> int:
        return len(list(iter(self)))


def close_old_connections() -> None:
    """As Django's own, but for a connection in `atomic()`: a test that runs jobs on its own is inside one."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def with_fresh_connections(job: Job, call_next: Handler) -> Any:
    """Run a job as Django runs a request; a coroutine's connections are those of Django's own thread."""
    close_old_connections()
    result: Any = None
    try:
        result = call_next(job)
    finally:
        close_old_connections()
    return _awaited(result) if hasattr(result, "__await__") else result


async def _awaited(coming: Any) -> Any:
    close = sync_to_async(close_old_connections)
    await close()
    try:
        return await coming
    finally:
        await close()


def django_package() -> str | None:
    """Which `django.tasks` there is; None if there is none."""
    try:
        from proletarian.contrib.django.compat import PACKAGE
    except ImproperlyConfigured:
        return None
    return PACKAGE


def django_tasks() -> list[str]:
    """The module paths of Django's tasks that have been imported."""
    if django_package() is None:
        return []
    from proletarian.contrib.django.backend import TaskBackend
    from proletarian.contrib.django.compat import base

    found = set()
    for module in list(sys.modules.values()):
        for value in list(getattr(module, "__dict__", {}).values()):
            if isinstance(value, base.Task) and isinstance(value.get_backend(), TaskBackend):
                found.add(value.module_path)
    return sorted(found)


def runs(task: Any) -> Callable[..., Any]:
    """A handler that runs a Django task, with its context and signals."""

    def run(job: Job, args: list[Any], kwargs: dict[str, Any]) -> Any:
        from proletarian.contrib.django.compat import base, normalize_json, signals
        from proletarian.contrib.django.results import Status

        backend = backend_of(task, job)
        result = running(task, job)
        signals.task_started.send(type(backend), task_result=result)
        first = (base.TaskContext(task_result=result),) if task.takes_context else ()
        try:
            value = normalize_json(task.call(*first, *args, **kwargs))
        except Cancel as error:
            finished_badly(task, job, error)
            raise
        done = {"status": Status.SUCCESSFUL, "finished_at": datetime.now(UTC), "_return_value": value}
        for name, known in done.items():
            object.__setattr__(result, name, known)
        signals.task_finished.send(type(backend), task_result=result)
        return value

    run.__name__ = task.func.__name__
    return run


def running(task: Any, job: Job) -> Any:
    """The result of a task while it runs."""
    from proletarian.contrib.django.results import Status, result

    now = datetime.now(UTC)
    enqueued = task.using(backend=backend_of(task, job).alias, queue_name=job.queue)
    return result(
        enqueued, str(job.job_id), Status.RUNNING, job.payload, enqueued_at=job.enqueued_at, started_at=now,
        last_attempted_at=now, worker_ids=[f"attempt {n}" for n in range(1, job.attempts + 1)],
    )  # fmt: skip


def failed(job: Job, error: BaseException) -> None:
    """Tell Django that a task of its has failed for good."""
    from proletarian.contrib.django.results import task_of

    task = task_of(job.job_type) if "." in job.job_type else None
    if task is not None:
        finished_badly(task, job, error)


def finished_badly(task: Any, job: Job, error: BaseException) -> None:
    """Signal that a task has not succeeded, and will not."""
    from proletarian.contrib.django.compat import base, signals
    from proletarian.contrib.django.results import Status

    result = running(task, job)
    path = f"{type(error).__module__}.{type(error).__qualname__}"
    known = {"status": Status.FAILED, "finished_at": datetime.now(UTC),
             "errors": [base.TaskError(exception_class_path=path, traceback="")]}  # fmt: skip
    for name, value in known.items():
        object.__setattr__(result, name, value)
    try:
        raise error  # so that receivers which log the exception have it
    except BaseException:  # noqa: BLE001 (the one that was just raised)
        signals.task_finished.send(type(backend_of(task, job)), task_result=result)


def cancelled(job_id: Any) -> None:
    """Signal that a job was cancelled by hand, if it is a task of Django's."""
    if django_package() is None:
        return
    from proletarian.contrib.django.compat import exceptions, signals, task_backends
    from proletarian.contrib.django.results import find

    with contextlib.suppress(exceptions.TaskResultDoesNotExist):
        result = find(str(job_id), "default")
        signals.task_finished.send(type(task_backends[result.backend]), task_result=result)


def backend_of(task: Any, job: Job | None = None) -> Any:
    """Our backend that put the job in, or else the task's, or else the project's first one that is ours."""
    from proletarian.contrib.django.backend import TaskBackend
    from proletarian.contrib.django.compat import task_backends
    from proletarian.contrib.django.results import BACKEND

    named = [] if job is None else [job.headers.get(BACKEND, "default")]
    known = list(task_backends)
    for alias in (*named, task.backend, *known):
        if alias in known and isinstance(backend := task_backends[alias], TaskBackend):
            return backend
    raise ImproperlyConfigured(f"{task.module_path} is a job here, and no backend in TASKS is {TaskBackend.__name__}")


def project_tasks() -> DjangoTasks:
    """
    What a worker of this project runs, as one handler: for `drain` and `inline` in tests.

        drain(connection, project_tasks())
    """
    return DjangoTasks(configuration.own_tasks())


def project_worker(**options: Any) -> Worker:
    """
    A worker for this project; options are those of `Worker`.

    Tests may call its `drain()`, in a `TransactionTestCase`: a worker sees what is committed.
    """
    options = {"queues": configuration.queues(), **(configuration.setting("WORKER") or {}), **options}
    if django_package() is not None:
        options.setdefault("failed_job", failed)
    return Worker(f"django://{configuration.alias()}", project_tasks(), **options)
