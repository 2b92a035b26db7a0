"""The Django example, as a project: its own tests on each database, and its pages over HTTP with a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from servers.port import unused_port
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase

PROJECT = Path(__file__).parents[2] / "examples" / "django_app"


def environment(database: PrivateDatabase) -> dict[str, str]:
    return {**os.environ, "DATABASE": database.url, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONUNBUFFERED": "1"}


def manage(database: PrivateDatabase, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env=environment(database), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def running(database: PrivateDatabase, *arguments: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env=environment(database), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
        except OSError:
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def ask(url: str, **form: str) -> Any:
    with urllib.request.urlopen(url, data=urlencode(form).encode() if form else None, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.parametrize("product", ["sqlite", "postgresql", "mariadb", "mysql"])
def test_the_project_passes_its_own_tests(product: str, new_database: DatabaseOf) -> None:
    if product in ("mariadb", "mysql"):
        pytest.importorskip("MySQLdb", reason="NOT TESTED: mysqlclient is not installed")
    database = new_database(product)

    assert "OK" in manage(database, "test", "--noinput")


def test_migrations_go_both_ways_and_nothing_is_missing(new_database: DatabaseOf) -> None:
    for product in ("sqlite", "postgresql"):
        database = new_database(product)
        assert "No changes detected" in manage(database, "makemigrations", "--check", "--dry-run")
        manage(database, "migrate", "-v0")
        assert database.count("job") == 0
        assert "no issues" in manage(database, "check")
        manage(database, "migrate", "-v0", "proletarian", "zero")
        manage(database, "migrate", "-v0")
        assert database.count("job") == 0


@pytest.mark.parametrize("product", ["sqlite", "postgresql"])
def test_an_order_over_http_is_confirmed_by_a_worker(product: str, new_database: DatabaseOf) -> None:
    database = new_database(product)
    manage(database, "migrate", "-v0")
    port = str(unused_port())
    page = f"http://127.0.0.1:{port}/orders"
    with running(database, "runserver", "--noreload", port), running(database, "proletarian", "worker"):
        order = wait_until(lambda: ask(page, email="ann@example.org"))
        done = wait_until(lambda: (found := ask(f"{page}/{order['id']}"))["confirmed"] and found["counted"] and found)

    assert done == {"email": "ann@example.org", "confirmed": True, "counted": 1}
    assert "0 workers alive" in manage(database, "proletarian", "status")
