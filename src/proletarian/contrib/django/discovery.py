"""What a project has to run: its `django.tasks` backends, its tasks, and the queues that they name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules

from proletarian.contrib.django import configuration


def django_package() -> str | None:
    """The `django.tasks` package that is installed; None if there is none."""
    try:
        from proletarian.contrib.django.compat import PACKAGE
    except ImproperlyConfigured:
        return None
    return PACKAGE


def our_backends() -> list[Any]:
    """The backends in TASKS that are ours, or derived from ours."""
    if not getattr(settings, "TASKS", None) or django_package() is None:
        return []
    from proletarian.contrib.django.backend import TaskBackend
    from proletarian.contrib.django.compat import task_backends

    return [backend for backend in task_backends.all() if isinstance(backend, TaskBackend)]


def django_tasks() -> list[Any]:
    """Django tasks of our backends in all imported modules, which include the `tasks` modules of installed apps."""
    autodiscover_modules("tasks")
    return [] if django_package() is None else imported_tasks()


def imported_tasks() -> list[Any]:
    """Those in the modules that are imported by now."""
    from proletarian.contrib.django.backend import TaskBackend

    found = {task.module_path: task for task in global_tasks() if isinstance(task.get_backend(), TaskBackend)}
    return [found[path] for path in sorted(found)]


def global_tasks() -> Iterator[Any]:
    """
    Each global that is a task.

    The globals themselves are not asked: `isinstance` asks a lazy object for its class, and that makes it load
    whatever it stands for. Asking a lazy module for its globals does the same.
    """
    from proletarian.contrib.django.compat import base

    for module in list(sys.modules.values()):
        try:
            names = object.__getattribute__(module, "__dict__")
        except AttributeError:
            continue
        for value in list(names.values()):
            if issubclass(type(value), base.Task):
                yield value


def queues() -> dict[str, int]:
    """What a worker serves, and with how many slots: as given, or else every queue that the project names."""
    from proletarian.worker.serving import all_queues  # a web process does not need the worker's modules

    given: Mapping[str, int] | None = configuration.setting("QUEUES")
    return all_queues(named_queues()) if given is None else dict(given)


def named_queues() -> set[str]:
    """The queues named in the project's settings and tasks; only `using(queue=…)` puts jobs into others."""
    own, backends = configuration.own_tasks(), our_backends()
    named = {configuration.queue().default_queue}
    if own is not None:
        named |= own.queue_names()
    for backend in backends:
        named |= backend.queues
    if not all(backend.queues for backend in backends):  # `"QUEUES": []` allows any queue: ask the tasks
        named |= {task.queue_name for task in django_tasks()}
    return named
