"""System checks: problems are reported before they bite."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from proletarian.contrib.django import configuration
from proletarian.contrib.django.discovery import imported_tasks, named_queues, our_backends, queues
from proletarian.errors import ConfigurationError

VENDORS = ("postgresql", "mysql", "sqlite")


def check_worker() -> None:
    """Raise `ConfigurationError` if the settings contain options that no worker can have."""
    from proletarian.worker.serving import checked
    from proletarian.worker.worker import Worker

    options = configuration.setting("WORKER") or {}
    known = inspect.signature(Worker.__init__).parameters.values()
    names = {parameter.name for parameter in known if parameter.kind is inspect.Parameter.KEYWORD_ONLY} - {"queues"}
    if not isinstance(options, Mapping) or (set(options) - names):
        raise ConfigurationError(f"'WORKER' has options of Worker ({', '.join(sorted(names))}), not {options!r}")
    Worker("sqlite:///unused.db", print, queues=checked(queues()), **options)


def check_backends(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """The backends' own checks: Django 6 runs them itself, the backport only where it is an installed app."""
    from django.apps import apps

    if importlib.util.find_spec("django.tasks") is not None or apps.is_installed("django_tasks"):
        return []
    if not hasattr(settings, "TASKS") or importlib.util.find_spec("django_tasks") is None:
        return []
    from proletarian.contrib.django.compat import task_backends

    return [message for backend in task_backends.all() for message in backend.check()]


def check_tasks(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Whether workers will find the tasks of our backends, as far as their modules are imported by now."""
    from django.apps import apps

    if not our_backends():
        return []
    return [
        Warning(
            f"the task {path} is in no installed app: a worker runs it only if its module happens to be imported there",
            hint="move it into an app, or import its module in the `tasks` module of one",
            id="proletarian.W004",
        )
        for path in (task.module_path for task in imported_tasks())
        if apps.get_containing_app_config(path) is None
    ]


def check_settings(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Whether the PROLETARIAN setting is valid."""
    from django.db import connections

    try:
        alias = configuration.alias()
        own = configuration.own_tasks()
        prefix = configuration.setting("PREFIX")
    except (ImproperlyConfigured, ImportError) as error:
        return [Error(str(error), id="proletarian.E001")]
    if alias not in connections:
        return [Error(f"PROLETARIAN['DATABASE'] is {alias!r}, but DATABASES has no such entry",
                      id="proletarian.E002")]  # fmt: skip
    found: list[CheckMessage] = []
    if connections[alias].vendor not in VENDORS:
        found.append(Error(f"{alias!r} is {connections[alias].vendor}; jobs need PostgreSQL, MySQL or SQLite",
                           id="proletarian.E003"))  # fmt: skip
    if own is not None and own.queue.tables.prefix != prefix:
        found.append(Error("the Tasks in PROLETARIAN['TASKS'] have tables of another prefix than PROLETARIAN['PREFIX']",
                           id="proletarian.E004"))  # fmt: skip
    if alias != "default":
        found.append(
            Warning(
                f"jobs are in the database {alias!r}, your models in another one: enqueues are not part of their "
                f"transactions",
                hint="enqueue with transaction.on_commit(…); a crash between the two commits loses the job",
                id="proletarian.W001",
            )
        )
    try:
        check_worker()
        unserved = sorted(named_queues() - set(queues()))
    except (ConfigurationError, TypeError, ValueError) as error:
        found.append(Error(f"PROLETARIAN['QUEUES'] or ['WORKER'] cannot be: {error}", id="proletarian.E007"))
        unserved = []
    if unserved:
        found.append(
            Warning(
                f"no worker serves {', '.join(map(repr, unserved))} by default: PROLETARIAN['QUEUES'] does not name it",
                hint="name it there, with its slots, or start a worker with `manage.py proletarian worker --queue …`",
                id="proletarian.W003",
            )
        )
    if deferred(connections[alias]):
        found.append(
            Warning(
                f"{alias!r} is SQLite without 'transaction_mode': a transaction that reads before it writes fails with "
                "'database is locked' while a worker, or another request, writes",
                hint=f"DATABASES[{alias!r}]['OPTIONS'] = {{'transaction_mode': 'IMMEDIATE', 'timeout': 20}}",
                id="proletarian.W002",
            )
        )
    return found


def deferred(connection: Any) -> bool:
    """Whether it is an SQLite file whose transactions find out late that somebody else is writing."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():
        return False
    mode = connection.settings_dict["OPTIONS"].get("transaction_mode") or "DEFERRED"
    return str(mode).upper() == "DEFERRED"
