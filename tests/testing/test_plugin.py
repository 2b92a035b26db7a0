"""The fixtures, in a project of a user's with an application and a conftest of its own."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SHOP = """
import sqlite3
from datetime import timedelta

from proletarian import Tasks

tasks = Tasks()
sent = []


@tasks.task(queue="mail")
def send_welcome(email: str) -> None:
    if "@" not in email:
        raise ValueError(f"{email} is no address")
    sent.append(email)


def sign_up(connection, email):
    connection.execute("INSERT INTO account VALUES (?)", [email])
    send_welcome.enqueue(connection, email=email)
    send_welcome.using(process_in=timedelta(days=7)).enqueue(connection, email=email)
"""
CONFTEST = """
import pytest

import shop


@pytest.fixture
def proletarian_tasks():
    shop.sent.clear()
    return shop.tasks
"""
OWN_CONNECTION = """
import sqlite3

from proletarian.testing import create_tables


@pytest.fixture
def proletarian_connection():
    connection = sqlite3.connect(":memory:")
    create_tables(connection)
    connection.execute("CREATE TABLE account (email TEXT)")
    yield connection
    connection.close()
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """The project, with strict settings; its tests run in a process of their own."""
    pytester.makepyprojecttoml('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\naddopts = "--strict-markers"\n')
    pytester.makepyfile(shop=SHOP)
    pytester.makeconftest(CONFTEST)
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:cacheprovider", *options, timeout=60)


def test_pytest_finds_the_plugin_by_itself() -> None:
    [found] = [plugin for plugin in entry_points(group="pytest11") if plugin.name == "proletarian"]

    assert found.value == "proletarian.testing.plugin"
    assert Path(found.load().__file__ or "").name == "plugin.py"


def test_the_fixtures_in_a_project(project: pytest.Pytester) -> None:
    project.makeconftest(CONFTEST + OWN_CONNECTION)
    project.makepyfile("""
        import pytest

        import shop


        def test_looking_and_draining(proletarian_connection, proletarian_jobs):
            shop.sign_up(proletarian_connection, "ann@example.org")
            proletarian_jobs.assert_enqueued(shop.send_welcome.job(email="ann@example.org"), count=2)
            assert len(proletarian_jobs.enqueued(queue_name="mail")) == 2
            assert [run.outcome for run in proletarian_jobs.drain()] == ["succeeded"]
            assert shop.sent == ["ann@example.org"]


        def test_the_clock(proletarian_connection, proletarian_jobs, proletarian_clock):
            shop.sign_up(proletarian_connection, "bob@example.org")
            proletarian_clock.advance(days=8)
            proletarian_jobs.drain()
            assert shop.sent == ["bob@example.org"] * 2


        def test_inline(proletarian_connection, proletarian_inline, proletarian_jobs):
            shop.sign_up(proletarian_connection, "eve@example.org")
            assert shop.sent == ["eve@example.org"]
            assert [run.job_type for run in proletarian_inline] == ["send_welcome"]
            assert len(proletarian_jobs.enqueued()) == 1


        def test_nothing_is_left_of_them():
            assert shop.tasks.queue.now() is None
            assert "enqueue_job" not in vars(shop.tasks.queue)
    """)

    run(project).assert_outcomes(passed=4)


def test_without_a_connection_of_its_own_there_is_one_in_memory(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import shop


        def test_it(proletarian_connection, proletarian_jobs):
            shop.send_welcome.enqueue(proletarian_connection, email="ann@example.org")
            proletarian_jobs.drain()
            assert shop.sent == ["ann@example.org"]


        def test_it_is_empty_again(proletarian_jobs):
            proletarian_jobs.assert_not_enqueued(shop.send_welcome)
            assert proletarian_jobs.drain() == []
    """)

    run(project).assert_outcomes(passed=2)


def test_what_a_failure_looks_like(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import shop


        def test_the_message(proletarian_connection, proletarian_jobs):
            shop.send_welcome.enqueue(proletarian_connection, email="ann@example.org")
            proletarian_jobs.assert_enqueued(shop.send_welcome, {"email": "bob@example.org"})


        def test_the_error_of_a_handler(proletarian_connection, proletarian_inline):
            shop.send_welcome.enqueue(proletarian_connection, email="nonsense")
    """)

    result = run(project)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines_random([
        "E*AssertionError: no waiting job is send_welcome {'email': 'bob@example.org'}; waiting are:",
        "E*send_welcome {'email': 'ann@example.org'} in queue 'mail'",
        "test_what_a_failure_looks_like.py:6: AssertionError",
        "E*ValueError: nonsense is no address",
        "E*raised by the job 'send_welcome' (*) in its run 1, which a test drained; the job is given up",
    ])  # fmt: skip


def test_a_project_that_has_not_said_its_tasks_is_told_how(project: pytest.Pytester) -> None:
    project.makeconftest("")
    project.makepyfile("def test_it(proletarian_jobs): ...")

    result = run(project)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*define in your conftest.py*", "*def proletarian_tasks():*"])


def test_it_costs_nothing_where_it_is_not_used(project: pytest.Pytester) -> None:
    project.makeconftest("")
    project.makepyfile("""
        import sys


        def test_it():
            ours = {name for name in sys.modules if name.startswith("proletarian")}
            assert ours == {"proletarian", "proletarian.testing", "proletarian.testing.plugin"}
            assert not {"msgspec", "click", "psycopg", "pymysql", "sqlalchemy", "django"} & set(sys.modules)
    """)

    run(project).assert_outcomes(passed=1)
