"""System checks: what would not work, said before it does not."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from proletarian.contrib.django import configuration

VENDORS = ("postgresql", "mysql", "sqlite")


def check_settings(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Whether PROLETARIAN can be what it says."""
    from django.db import connections

    try:
        alias = configuration.alias()
        own = configuration.own_tasks()
        prefix = configuration.setting("PREFIX")
    except (ImproperlyConfigured, ImportError) as error:
        return [Error(str(error), id="proletarian.E001")]
    if alias not in connections:
        return [Error(f"PROLETARIAN['DATABASE'] is {alias!r}, and DATABASES has none of that name",
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
                f"jobs lie in {alias!r}, another database than your models: they are not part of a transaction there",
                hint="enqueue with transaction.on_commit(…); a crash between the two commits loses the job",
                id="proletarian.W001",
            )
        )
    if not settings.USE_TZ:
        found.append(Warning("with USE_TZ = False the admin shows times of jobs in UTC", id="proletarian.W002"))
    return found
