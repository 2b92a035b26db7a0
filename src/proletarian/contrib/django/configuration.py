"""
What a project configures in its settings.

    PROLETARIAN = {
        "DATABASE": "default",            # the alias of the database that holds the jobs
        "TASKS": "shop.jobs.tasks",       # a Tasks of yours, if you have one
        "QUEUES": {"default": 10},        # what `manage.py proletarian worker` serves
        "WORKER": {"keep_succeeded": 7 * 86400},    # other options of the Worker
        "PREFIX": None,                   # what the tables' names begin with
    }
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from proletarian.queue import Queue
from proletarian.sql.tables import Tables
from proletarian.tasks import Tasks

DEFAULTS: Mapping[str, Any] = {"DATABASE": "default", "TASKS": None, "QUEUES": None, "WORKER": None, "PREFIX": None}


def setting(name: str) -> Any:
    """One of the settings, or its default."""
    given = getattr(settings, "PROLETARIAN", {})
    if unknown := set(given) - set(DEFAULTS):
        raise ImproperlyConfigured(f"PROLETARIAN has no setting {min(unknown)!r}; it has: {', '.join(DEFAULTS)}")
    return given.get(name, DEFAULTS[name])


def alias() -> str:
    """The database that holds the jobs."""
    name: str = setting("DATABASE")
    return name


def queue() -> Queue:
    """The `Queue` value of this project: that of its `Tasks` if it has one; always the same value."""
    own = own_tasks()
    return _queue(setting("PREFIX")) if own is None else own.queue


@lru_cache(maxsize=8)
def _queue(prefix: str | None) -> Queue:
    return Queue(tables=Tables(prefix=prefix))


def own_tasks() -> Tasks | None:
    """The project's own `Tasks`, if it has one."""
    path = setting("TASKS")
    if path is None:
        return None
    found = import_string(path)
    if not isinstance(found, Tasks):
        raise ImproperlyConfigured(f"PROLETARIAN['TASKS'] = {path!r} is no Tasks but a {type(found).__name__}")
    return found


def table(name: str) -> str:
    """A table's name, quoted where Django would not understand its dot."""
    from django.db import connections

    vendor = connections[alias()].vendor
    full = Tables(prefix=setting("PREFIX")).name(name, vendor)
    return '"{}"'.format(full.replace(".", '"."')) if "." in full else full
