# mypy: ignore-errors
"""django-tasks-db, on any database that Django knows."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit

import django
from django.conf import settings

from benchmarks.programs.contestant import OPTIONS, URL, main, payload

where = urlsplit(URL)
if where.scheme == "mysql":
    import pymysql

    pymysql.install_as_MySQLdb()

settings.configure(
    INSTALLED_APPS=["django_tasks_db"],
    USE_TZ=True,
    SECRET_KEY="no secret",
    DATABASES={
        "default": {
            "ENGINE": f"django.db.backends.{where.scheme}", "NAME": where.path[1:], "USER": where.username,
            "PASSWORD": where.password, "HOST": where.hostname, "PORT": where.port, "CONN_MAX_AGE": None,
        }
    },
    TASKS={"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}},
    LOGGING_CONFIG=None,
)  # fmt: skip
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402

from benchmarks.programs import django_tasks_hit  # noqa: E402 (a task is found by its module, which needs the settings)


def setup() -> None:
    call_command("migrate", verbosity=0)


def worker() -> None:
    interval = OPTIONS.get("interval", 1.0)
    call_command("db_worker", verbosity=0, startup_delay=False, interval=interval, reload=False)


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    def put(number: int) -> None:
        django_tasks_hit.hit.enqueue(**payload(number))

    def put_many(numbers: list[int]) -> None:
        with transaction.atomic():
            for number in numbers:
                put(number)

    yield SimpleNamespace(put=put, put_many=put_many)


main(setup=setup, client=client, worker=worker)
