"""The backend for `django.tasks`: `task.enqueue()` inserts a job in the transaction that is open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils import timezone

from proletarian.contrib.django import configuration, results
from proletarian.contrib.django.compat import BaseTaskBackend, InvalidTask, normalize_json, signals
from proletarian.job import A_NAME, is_name
from proletarian.retries import Retry


class TaskBackend(BaseTaskBackend):  # type: ignore[misc]
    """
    Runs Django's tasks as jobs.

    The row is inserted inside the same `atomic()` as your models; no `on_commit` is needed. A task
    may be deferred, have a priority, or be a coroutine function; its result is kept. `OPTIONS` may
    contain `RETRY`, a `Retry` for the tasks of this backend.

        TASKS = {"default": {"BACKEND": "proletarian.contrib.django.TaskBackend",
                             "QUEUES": ["default", "mail"],
                             "OPTIONS": {"RETRY": Retry(3, delays=[1, 10])}}}
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    option_names = frozenset({"RETRY"})  # a subclass may have more

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        given = {**params, "OPTIONS": params.get("OPTIONS") or {}}
        wrong = [(text, "E009") for text in wrong_queues(given.get("QUEUES", []))]
        if wrong:
            del given["QUEUES"]  # it is reported; nothing else has to trip over it first
        super().__init__(alias, given)
        self.wrong = [*wrong, *self._wrong()]

    def _wrong(self) -> Iterable[tuple[str, str]]:
        """What is invalid in OPTIONS, and the number of the check that reports it."""
        if self.retry is not None and not isinstance(self.retry, Retry):
            yield f"OPTIONS['RETRY'] is a Retry, not {self.retry!r}", "E006"
        known = ", ".join(sorted(self.option_names))
        for name in sorted(set(self.options) - self.option_names):
            yield f"OPTIONS has no {name!r}; it has: {known}", "E008"

    @property
    def retry(self) -> Retry | None:
        """How often a failed task is tried again; None: never."""
        strategy: Retry | None = self.options.get("RETRY")
        return strategy

    def validate_task(self, task: Any) -> None:
        """Raise `InvalidTask` for a task that cannot run, `ImproperlyConfigured` for invalid settings."""
        if self.wrong:
            raise ImproperlyConfigured(f"TASKS[{self.alias!r}]: {self.wrong[0][0]}")
        super().validate_task(task)

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Insert the task's job; returns its pending result."""
        self.validate_task(task)
        named = results.task_of(task.module_path)
        if named is None or named.func is not task.func:
            raise InvalidTask(
                f"a worker finds a task by the module and name of its function, but {task.module_path} is not this "
                f"task: keep the task under the name of its function"
            )
        payload = {"args": normalize_json(list(args)), "kwargs": normalize_json(dict(kwargs))}
        after = task.run_after
        if after is not None and timezone.is_naive(after):
            after = timezone.make_aware(after)
        job_id = configuration.queue().enqueue(
            connections[configuration.alias()], task.module_path, payload,
            queue=task.queue_name, priority=int(task.priority), process_at=after,
            headers=results.headers(self.alias, after),
        )  # fmt: skip
        found = results.result(task, str(job_id), results.Status.READY, payload, enqueued_at=timezone.now())
        signals.task_enqueued.send(type(self), task_result=found)
        return found

    def get_result(self, result_id: str) -> Any:
        """The result of a task by its id; raises `TaskResultDoesNotExist` if there is none."""
        return results.find(result_id, self.alias)

    def check(self, **kwargs: Any) -> Iterable[CheckMessage]:
        """System checks."""
        from django.apps import apps

        yield from super().check(**kwargs)
        if not apps.is_installed("proletarian.contrib.django"):
            yield Error("add 'proletarian.contrib.django' to INSTALLED_APPS: it provides the tables",
                        id="proletarian.E005")  # fmt: skip
        for what, number in self.wrong:
            yield Error(f"TASKS[{self.alias!r}]: {what}", id=f"proletarian.{number}")


def wrong_queues(names: Any) -> Iterable[str]:
    """What is invalid in QUEUES."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        yield f"QUEUES is a list of names, not {'the text ' if isinstance(names, str) else ''}{names!r}"
    else:
        yield from (f"QUEUES has {name!r}, but a queue has {A_NAME}" for name in names if not is_name(name))
