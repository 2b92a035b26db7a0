"""The Django example, as a project: its own tests on each database, and its pages over HTTP with a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from servers.port import unused_port
from tests.cli.terminal import terminal
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.examples.page import Page
from tests.frameworks.web import Web
from tests.waiting import wait_until

PROJECT = Path(__file__).parents[2] / "examples" / "django_app"

MIGRATE = "python manage.py migrate -v 0"
SERVE = "python manage.py runserver"
STATUS = "python manage.py proletarian status"
WORK = "python manage.py proletarian worker"
TEST = "python manage.py test"
ORDER = "curl -d email=ann@example.org localhost:8000/orders"
REGRET = "curl -d email=bob@example.org -d regret=yes localhost:8000/orders"
LOOK = "curl localhost:8000/orders/1"


def environment(database: PrivateDatabase) -> dict[str, str]:
    return {"DATABASE": database.url, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONUNBUFFERED": "1"}


def manage(database: PrivateDatabase, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT, env={**os.environ, **environment(database)}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def send(web: Web, path: str, **form: str) -> tuple[int, str]:
    """The status and the text that a form is answered with."""
    try:
        with urlopen(web.address + path, data=urlencode(form).encode(), timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


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
def test_the_page(product: str, new_database: DatabaseOf, tmp_path: Path) -> None:
    page = Page(PROJECT / "README.md")
    database = new_database(product)
    web = Web(port := unused_port())
    with terminal(PROJECT, tmp_path, **environment(database)) as shell:
        page.check(MIGRATE, shell.run(MIGRATE).text)
        server = shell.start(f"{SERVE} --noreload {port}")
        web.wait_for("/orders/1", server)
        ordered, ordered_text = send(web, "/orders", email="ann@example.org")
        regretted, regretted_text = send(web, "/orders", email="bob@example.org", regret="yes")
        status = shell.run(STATUS)
        worker = shell.start(WORK)
        wait_until(lambda: database.count("archived_job") == 2, 60, what="the end of two jobs")
        worker.wait_for("worker.started")
        worker.send(signal.SIGINT)
        ended = worker.ends()
        shown = web.get("/orders/1")
        _, shown_text = web.ask("GET", "/orders/1")

    assert (ordered, regretted, ended) == (201, 409, 0)
    assert shown == {"email": "ann@example.org", "confirmed": True, "counted": 1}
    assert sorted(database.archive("job_type", "status")) == [("confirm", "success"), ("shop.tasks.count", "success")]
    for command, output in (
        (ORDER, ordered_text),
        (REGRET, regretted_text),
        (STATUS, status.text),
        (WORK, worker.text),
        (LOOK, shown_text),
    ):
        page.check(command, output)
    assert page.unchecked() == {"cd examples/django_app", "export DATABASE=sqlite:///shop.db", SERVE, TEST}
