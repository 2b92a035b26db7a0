"""A job's row as the result of a Django task."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from proletarian.contrib.django import configuration
from proletarian.contrib.django.compat import base, exceptions
from proletarian.job import headers_in
from proletarian.kept_errors import errors_in

Status = base.TaskResultStatus
UNKNOWN = "unknown"
BACKEND = "django_backend"  # the header that names the backend, where it is not the default one
RUN_AFTER = "django_run_after"  # the header that keeps the requested time: the row has the time when it is really due
STATES = {"success": Status.SUCCESSFUL}


def task_of(path: str) -> Any | None:
    """
    The Django task with this module path; None if there is none.

    The path comes from the database, so only installed apps and modules that are already imported are searched.
    """
    if path.rpartition(".")[0] not in sys.modules and apps.get_containing_app_config(path) is None:
        return None
    try:
        found = import_string(path)
    except ImportError:
        return None
    return found if isinstance(found, base.Task) else None


def headers(backend: str, run_after: datetime | None) -> dict[str, str] | None:
    """The headers that a job's row needs; None for most jobs."""
    said = {} if backend == "default" else {BACKEND: backend}
    if run_after is not None:
        said[RUN_AFTER] = run_after.isoformat()
    return said or None


def as_django_has_it(moment: str | datetime) -> datetime:
    """A moment in the form that Django uses in this project: aware, or naive in its time zone."""
    aware = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return aware if settings.USE_TZ else timezone.make_naive(aware)


def find(result_id: str, backend: str) -> Any:
    """The result of a job; raises `TaskResultDoesNotExist` if there is no such job."""
    # Not above: models need the apps, and a task may be defined while an app's own module is imported.
    from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob

    try:
        job_id = UUID(result_id)
    except ValueError:
        raise exceptions.TaskResultDoesNotExist(result_id) from None
    # A job may move from one table to the next while we look, so we look at the first one twice.
    for model in (Job, RunningJob, ArchivedJob, Job):
        row = model.objects.using(configuration.alias()).filter(pk=job_id).first()
        if row is not None:
            break
    task = None if row is None else task_of(row.job_type)
    if row is None or task is None:
        raise exceptions.TaskResultDoesNotExist(result_id)
    return of_row(row, task, backend)


def of_row(row: Any, task: Any, backend: str) -> Any:
    """The result in a row."""
    from proletarian.contrib.django.models import ArchivedJob, RunningJob, Worker

    failures = errors_in(row.errors)
    payload = json.loads(row.payload)
    said = headers_in(row.headers) or {}
    status, attempts, worker, started, finished = Status.READY, row.attempts, None, None, None
    if isinstance(row, RunningJob):
        status, attempts, started = Status.RUNNING, row.attempts + 1, row.started_at
        worker = Worker.objects.using(configuration.alias()).filter(pk=row.worker_id).first() or UNKNOWN
    elif isinstance(row, ArchivedJob):
        status, started, finished = STATES.get(row.status, Status.FAILED), row.started_at, row.finished_at
        worker = None if row.status == "failure" else row.worker  # a failure names the worker that it happened to
    last = started or (as_django_has_it(failures[-1]["at"]) if failures else None)
    found = result(
        as_enqueued(task, said.get(BACKEND, backend), row.queue, row.priority, said),
        str(row.job_id), status, payload, enqueued_at=row.enqueued_at, started_at=started, finished_at=finished,
        last_attempted_at=last, errors=[error_of(failure) for failure in failures],
        worker_ids=worker_ids(failures, attempts, worker),
    )  # fmt: skip
    if status == Status.SUCCESSFUL and row.result is not None:
        object.__setattr__(found, "_return_value", json.loads(row.result))
    return found


def as_enqueued(task: Any, backend: str, queue: str, priority: int, headers: Mapping[str, str]) -> Any:
    """The task as `using(…)` made it."""
    said = headers.get(RUN_AFTER)
    return task.using(
        backend=backend, queue_name=queue, run_after=None if said is None else as_django_has_it(said),
        priority=max(base.TASK_MIN_PRIORITY, min(priority, base.TASK_MAX_PRIORITY)),  # ours has no such limits
    )  # fmt: skip


def worker_ids(failures: list[dict[str, Any]], attempts: int, last: object = None) -> list[str]:
    """
    Who made each of these attempts, as host:pid, the last of them if that is known.

    A row keeps its latest ten failures; who made an attempt before them is unknown.
    """
    known = {failure["attempt"]: str(failure.get("worker")) for failure in failures if is_of_a_run(failure)}
    if attempts and last is not None:
        known[attempts] = str(last)
    return [known.get(number, UNKNOWN) for number in range(1, max([attempts, *known]) + 1)]


def is_of_a_run(failure: dict[str, Any]) -> bool:
    """Whether a run has failed; what a row keeps of a cancellation names who asked for it, and was never raised."""
    by_hand = failure.get("type") == "Cancel" and not failure.get("traceback")
    return isinstance(failure.get("attempt"), int) and not by_hand


def result(task: Any, job_id: str, status: Any, payload: Any, **known: Any) -> Any:
    """A `TaskResult`; what is not known yet is empty."""
    empty: dict[str, Any] = {
        "started_at": None,
        "finished_at": None,
        "last_attempted_at": None,
        "errors": [],
        "worker_ids": [],
    }
    return base.TaskResult(
        task=task, id=job_id, status=status, args=payload["args"], kwargs=payload["kwargs"], backend=task.backend,
        **{**empty, **known},
    )  # fmt: skip


def error_of(failure: dict[str, Any]) -> Any:
    """One of our errors as Django's; the library's own, such as that of a job cancelled by hand, have no traceback."""
    return base.TaskError(
        exception_class_path=f"{failure.get('module', 'builtins')}.{failure.get('type', 'Exception')}",
        traceback=str(failure.get("traceback", "")),
    )
