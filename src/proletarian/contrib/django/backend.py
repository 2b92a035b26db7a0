"""The backend for `django.tasks`: `task.enqueue()` inserts a job in the transaction that is open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections
from django.utils import timezone

from proletarian.contrib.django import configuration, results
from proletarian.contrib.django.compat import BaseTaskBackend, normalize_json, signals
from proletarian.retry import Retry


class TaskBackend(BaseTaskBackend):  # type: ignore[misc]
    """
    Runs Django's tasks as jobs.

    The row goes in inside the same `atomic()` as your models; no `on_commit` is needed. A task
    may be deferred, have a priority, be a coroutine function; its result is kept. `OPTIONS` may
    have `RETRY`, a `Retry` for the tasks of this backend.

        TASKS = {"default": {"BACKEND": "proletarian.contrib.django.TaskBackend",
                             "QUEUES": ["default", "mail"],
                             "OPTIONS": {"RETRY": Retry(3, delays=[1, 10])}}}
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    @property
    def retry(self) -> Retry | None:
        """How often a failed task is tried again; None: never."""
        strategy: Retry | None = self.options.get("RETRY")
        return strategy

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Put a task in; gives its result, still to come."""
        self.validate_task(task)
        payload = {"args": normalize_json(list(args)), "kwargs": normalize_json(dict(kwargs))}
        after = task.run_after
        if after is not None and timezone.is_naive(after):
            after = timezone.make_aware(after)
        job_id = configuration.queue().enqueue(
            connections[configuration.alias()], task.module_path, payload,
            queue=task.queue_name, priority=task.priority, process_at=after,
            headers=None if self.alias == "default" else {results.BACKEND: self.alias},
        )  # fmt: skip
        found = results.result(task, str(job_id), results.Status.READY, payload, enqueued_at=timezone.now())
        signals.task_enqueued.send(type(self), task_result=found)
        return found

    def get_result(self, result_id: str) -> Any:
        """The result of a task by its id; raises `TaskResultDoesNotExist`."""
        return results.find(result_id, self.alias)

    def check(self, **kwargs: Any) -> Iterable[CheckMessage]:
        """System checks."""
        from django.apps import apps

        yield from super().check(**kwargs)
        if not apps.is_installed("proletarian.contrib.django"):
            yield Error("add 'proletarian.contrib.django' to INSTALLED_APPS: it brings the tables",
                        id="proletarian.E005")  # fmt: skip
        if self.retry is not None and not isinstance(self.retry, Retry):
            yield Error(f"OPTIONS['RETRY'] is a Retry, not {self.retry!r}", id="proletarian.E006")
