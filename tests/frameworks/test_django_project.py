"""Django projects of other shapes than the example: lazy globals, a prefix, roles, SQLite in memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proletarian import NewJob
from tests.cli.terminal import ROOT, terminal
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.doors.layers import django_settings
from tests.waiting import wait_until

OURS = "proletarian.contrib.django.TaskBackend"
START = """
import sys, types
import django
from django.conf import settings
from proletarian.retries import Retry
OURS = "proletarian.contrib.django.TaskBackend"
settings.configure(**{{"SECRET_KEY": "x", "USE_TZ": True, "TASKS": {{"default": {{"BACKEND": OURS}}}},
    "INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.auth", "proletarian.contrib.django"],
    **{settings}}})
django.setup()
from django.core.management import execute_from_command_line
def manage(*arguments):
    execute_from_command_line(["manage.py", *arguments])
"""


def project(code: str, database: Any, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run a program in a project with this database and these settings."""
    start = START.format(settings=repr({"DATABASES": {"default": database}, **settings}))
    return subprocess.run(
        [sys.executable, "-c", start + code], env={**os.environ}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def said(code: str, database: Any, **settings: Any) -> str:
    """What a program prints, if all goes well."""
    done = project(code, database, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_nothing_is_asked_of_a_global_that_is_no_task(sqlite: PrivateDatabase) -> None:
    """A lazy object loads what it stands for as soon as somebody asks for its class; a lazy module, for its globals."""
    code = """
import importlib.util
from django.utils.functional import SimpleLazyObject
from proletarian.contrib.django.compat import base
shop = types.ModuleType("shop")
shop.search = SimpleLazyObject(lambda: 1 / 0)
sys.modules["shop"] = shop
spec = importlib.util.find_spec("antigravity")
lazy = importlib.util.module_from_spec(spec)
sys.modules["lazy"] = lazy
importlib.util.LazyLoader(spec.loader).exec_module(lazy)
def greet(): ...
greet.__module__, greet.__qualname__ = "shop", "greet"
shop.greet = base.task(greet)
from proletarian.contrib.django.running import project_worker
print(list(project_worker().tasks), "webbrowser" in sys.modules)
"""
    assert said(code, django_settings(sqlite)) == "['shop.greet'] False\n"


def test_a_web_process_loads_nothing_of_the_worker(sqlite: PrivateDatabase) -> None:
    code = """
from proletarian.contrib.django.compat import task_backends
assert type(task_backends["default"]).__name__ == "TaskBackend"
from proletarian.contrib.django import results
print([name for name in sys.modules if name.startswith("proletarian.worker")])
"""
    assert said(code, django_settings(sqlite)) == "[]\n"


def test_a_task_may_be_defined_where_an_app_is(
    new_database: DatabaseOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "early.py").write_text(
        "from django.apps import AppConfig\nfrom proletarian.contrib.django.compat import base\n"
        "@base.task\ndef greet(): return 'hello'\n"
        "class Early(AppConfig):\n    name = 'early'\n    path = '.'\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    apps = ["early.Early", "django.contrib.contenttypes", "django.contrib.auth", "proletarian.contrib.django"]
    code = """
manage("migrate", "-v0")
from early import greet
from proletarian.contrib.django.running import project_worker
result = greet.enqueue()
project_worker().drain()
result.refresh()
print(result.return_value)
"""
    assert said(code, django_settings(new_database("sqlite")), INSTALLED_APPS=apps) == "hello\n"


def test_an_app_that_is_not_installed_is_missed_by_a_check(sqlite: PrivateDatabase) -> None:
    code = """
from proletarian.contrib.django.compat import task_backends
for message in task_backends["default"].check():
    print(message.id)
"""
    assert said(code, django_settings(sqlite), INSTALLED_APPS=[]) == "proletarian.E005\n"


def test_a_task_that_no_worker_finds_is_refused(sqlite: PrivateDatabase) -> None:
    code = """
from proletarian.contrib.django.compat import base, InvalidTask
shop = sys.modules["shop"] = types.ModuleType("shop")
def greet(): ...
greet.__module__, greet.__qualname__ = "shop", "greet"
shop.greet, shop.welcome = greet, base.task(greet)
try:
    shop.welcome.enqueue()
except InvalidTask as error:
    print(error)
"""
    assert "but shop.greet is not this task: keep" in said(code, django_settings(sqlite))


def test_a_task_outside_the_apps_is_warned_of(sqlite: PrivateDatabase) -> None:
    code = """
from proletarian.contrib.django.compat import base
shop = sys.modules["shop"] = types.ModuleType("shop")
def greet(): ...
greet.__module__, greet.__qualname__ = "shop", "greet"
shop.greet = base.task(greet)
manage("check")
"""
    done = project(code, django_settings(sqlite))

    assert "(proletarian.W004) the task shop.greet is in no installed app" in done.stderr


def test_the_backends_are_checked_although_nothing_has_imported_a_task(sqlite: PrivateDatabase) -> None:
    wrong = {"default": {"BACKEND": OURS, "OPTIONS": {"RETRYS": 3}}}
    done = project("manage('check')", django_settings(sqlite), TASKS=wrong)

    assert done.returncode == 1
    assert "(proletarian.E008) TASKS['default']: OPTIONS has no 'RETRYS'" in done.stderr


@pytest.mark.parametrize("product", ["sqlite", "postgresql"])
def test_the_sql_of_the_migration_can_be_printed(product: str, new_database: DatabaseOf) -> None:
    database = new_database(product)
    code = "manage('sqlmigrate', 'proletarian', '0001'); manage('sqlmigrate', 'proletarian', '0001', '--backwards')"
    printed = said(code, django_settings(database))

    assert f"CREATE TABLE IF NOT EXISTS {database.table('running_job')}" in printed
    assert f"DROP TABLE IF EXISTS {database.table('archived_job')}" in printed
    assert "CANNOT BE WRITTEN" not in printed


@pytest.mark.parametrize("product", ["sqlite", "postgresql", "mariadb"])
def test_the_other_commands_take_database_and_prefix_from_the_settings(product: str, new_database: DatabaseOf) -> None:
    database = new_database(product)
    settings = {"PROLETARIAN": {"PREFIX": "work_"}}

    def command(*arguments: str) -> tuple[int, str]:
        done = project(f"manage('proletarian', *{arguments!r})", django_settings(database), **settings)
        return done.returncode, done.stdout + done.stderr

    assert command("migrate", "--check")[0] == 1
    assert command("migrate") == (0, "applied 0001 tables\n")
    assert command("status") == (0, "no jobs\n\n0 workers alive\n")
    assert "is not for `manage.py proletarian`" in command("status", "--database", "sqlite:///other.db")[1]
    assert database.rows("SELECT count(*) FROM work_job") == [(0,)]
    if product != "sqlite":
        assert "work_job" in command("roles", "--worker", "shop_worker")[1]


@pytest.mark.parametrize("product", ["sqlite", "postgresql", "mariadb", "memory"])
def test_tables_are_made_without_migrations_too(product: str, new_database: DatabaseOf) -> None:
    """As by pytest --nomigrations, with a database that is kept."""
    code = """
from django.db import connection, transaction
from proletarian import Queue, NewJob, Tasks
from proletarian.testing import drain
for _ in range(2):
    manage("migrate", "--run-syncdb", "-v0")
tasks = Tasks()
@tasks.task
def greet(): ...
with transaction.atomic():
    Queue().enqueue(connection, "greet", {})
    print(drain(connection, tasks)[0].outcome)
"""
    memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings = memory if product == "memory" else django_settings(new_database(product))
    assert said(code, settings, MIGRATION_MODULES={"proletarian": None}) == "succeeded\n"


@pytest.mark.parametrize("product", ["sqlite", "postgresql", "mariadb"])
def test_who_misses_the_tables_is_told_djangos_command(product: str, new_database: DatabaseOf) -> None:
    code = """
from django.db import connection
from proletarian import Queue, NewJob, SchemaOutOfDate
from proletarian.contrib.django.running import project_worker
for use in (lambda: project_worker().drain(), lambda: Queue().enqueue(connection, "greet")):
    try:
        use()
    except SchemaOutOfDate as error:
        print(str(error).splitlines()[-1])
"""
    for line in (lines := said(code, django_settings(new_database(product))).splitlines()):
        assert line.endswith("run `manage.py migrate`")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--drain"], 3, "has no tables of Proletarian; run `manage.py migrate`"),
        (["--queue", "a=b"], 2, "--queue a=b: name a queue, or a queue and its slots"),
        (["--queue", "a=b", "--max-jobs", "1"], 2, "--queue a=b: name a queue, or a queue and its slots"),
    ],
)
def test_a_worker_that_cannot_start_says_so_in_a_line(
    arguments: list[str], code: int, says: str, new_database: DatabaseOf
) -> None:
    settings = django_settings(new_database("postgresql"))
    done = project(f"manage('proletarian', 'worker', *{arguments!r})", settings)

    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


def test_a_worker_that_gives_back_a_job_says_so_in_a_line(new_database: DatabaseOf, tmp_path: Path) -> None:
    database = new_database("postgresql")
    with terminal(ROOT / "examples/django_app", tmp_path, DATABASE=database.url, PYTHONUNBUFFERED="1") as shell:
        shell.run("python manage.py migrate -v0")
        shell.run('python manage.py proletarian enqueue shop.tasks.keep_on \'{"args": [20], "kwargs": {}}\'')
        worker = shell.start("python manage.py proletarian worker")
        wait_until(lambda: database.count("running_job") == 1, 60)
        worker.send(signal.SIGINT)
        worker.wait_for("worker.stopping")  # two signals at once would be one
        worker.send(signal.SIGINT)
        ended = worker.ends()

    assert ended == 4, worker.text
    assert "Traceback" not in worker.text
    assert "CommandError: 1 job was still running after" in worker.text


@pytest.mark.parametrize(
    "command",
    [
        "status --settings=settings -v0",
        "--settings settings --no-color status --traceback",
        "worker --drain --settings settings --verbosity 2 --skip-checks",
        "worker --drain --max-jobs 1 --pythonpath . --force-color",
    ],
)
def test_djangos_own_options_may_come_anywhere(command: str, new_database: DatabaseOf, tmp_path: Path) -> None:
    database = new_database("sqlite")
    with terminal(ROOT / "examples/django_app", tmp_path, DATABASE=database.url) as shell:
        shell.run("python manage.py migrate -v0")
        done = shell.run(f"python manage.py proletarian {command}")

    assert done.code == 0, done.err


def test_the_traceback_of_an_error_is_shown_to_those_who_ask(new_database: DatabaseOf) -> None:
    code = "manage('proletarian', {command!r}, '--traceback')"
    for command in ("worker", "status"):
        done = project(code.format(command=command), django_settings(new_database("sqlite")))

        assert done.returncode == 3 if command == "status" else done.returncode != 0
        assert "Traceback" in done.stderr
        assert "SchemaOutOfDate: " in done.stderr


def test_other_code_calls_the_commands(new_database: DatabaseOf) -> None:
    code = """
from io import StringIO
from django.core.management import CommandError, call_command
said = StringIO()
call_command("migrate", verbosity=0)
call_command("proletarian", "status", stdout=said)
call_command("proletarian", "worker", drain=True, stdout=said)
call_command("proletarian", "worker", "--drain", "--queue=default=1", "--no-color", stdout=said)
try:
    call_command("proletarian", "worker", "--queue", "a=b")
except CommandError as error:
    print(error.returncode)
print(said.getvalue().split())
"""
    printed = said(code, {**django_settings(new_database("sqlite")), "OPTIONS": {"transaction_mode": "IMMEDIATE"}})

    assert printed == f"2\n{['no', 'jobs', '0', 'workers', 'alive', '0', 'jobs', 'run', '0', 'jobs', 'run']}\n"


def test_a_worker_takes_the_role_that_django_takes(new_database: DatabaseOf) -> None:
    database = new_database("postgresql")
    name = f"shop_{urlsplit(database.url).path.lstrip('/')}"
    database.rows(f"CREATE ROLE {name}")
    try:
        database.rows(f"GRANT ALL ON DATABASE {urlsplit(database.url).path.lstrip('/')} TO {name}")
        database.rows(f"GRANT ALL ON SCHEMA public TO {name}")
        settings = {**django_settings(database), "OPTIONS": {"assume_role": name}}
        code = """
manage("migrate", "-v0")
from proletarian.connections.database import Database
from proletarian.sql.statements import Statement, Text
connection = Database("django://default").connect()
print(connection.execute(Statement(Text("SELECT current_user")))[0][0])
"""
        assert said(code, settings) == f"{name}\n"
    finally:
        database.rows(f"DROP OWNED BY {name}")
        database.rows(f"DROP ROLE {name}")


def test_sqlite_in_memory_is_refused_in_words() -> None:
    for path in (":memory:", "file:memorydb_default?mode=memory&cache=shared", "file:shop.db?mode=ro"):
        settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
        done = project("from proletarian.connections.database import Database; Database('django://default')", settings)

        assert done.returncode != 0
        assert "DATABASES['default']['TEST'] = {'NAME': 'test.sqlite3'}" in done.stderr


def test_a_path_is_taken_as_it_is(tmp_path: Any) -> None:
    for name in ("a%20b.sqlite3", "what?.sqlite3", "a#b.sqlite3"):
        settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / name)}
        code = """
from django.db import connection
connection.cursor().execute("SELECT 1")
manage("migrate", "-v0")
from proletarian.connections.database import Database
Database("django://default").connect()
"""
        said(code, settings)
    assert {path.name for path in tmp_path.iterdir()} == {"a%20b.sqlite3", "what?.sqlite3", "a#b.sqlite3"}


def test_a_worker_starts_anew_when_code_changes(new_database: DatabaseOf, tmp_path: Path) -> None:
    """And what it runs at that moment may end: a change of code is a stop, and no death."""
    database = new_database("postgresql")
    code = "import time; from proletarian import Tasks; tasks = Tasks()\n@tasks.task\ndef greet():\n    {}\n"
    (tmp_path / "jobs.py").write_text(code.format("time.sleep(2); return 1"))
    settings = {"PROLETARIAN": {"TASKS": "jobs.tasks"}}
    said("manage('migrate', '-v0')", django_settings(database))
    manage = tmp_path / "manage.py"
    configured = START.format(settings=repr({"DATABASES": {"default": django_settings(database)}, **settings}))
    manage.write_text(f"{configured}\nexecute_from_command_line(sys.argv)\n")
    with terminal(tmp_path, tmp_path, PYTHONUNBUFFERED="1") as shell:
        worker = shell.start("python manage.py proletarian worker --reload --stop-timeout 30")
        worker.wait_for("restarting when code changes")
        database.put(NewJob("greet"))
        wait_until(lambda: database.count("running_job") == 1, 60)
        (tmp_path / "jobs.py").write_text(code.format("return 2"))
        wait_until(lambda: worker.text.count("restarting when code changes") == 2, 60, what="the second start")
        database.put(NewJob("greet"))
        wait_until(lambda: database.count("archived_job") == 2, 60, what="the second job")
        lost = database.rows(f"SELECT attempts, lost FROM {database.table('archived_job')}")
        worker.send(signal.SIGINT)
        ended = worker.ends()

    assert (lost, ended) == ([(1, 0), (1, 0)], 0)


def test_jobs_of_a_project_run_in_child_processes(new_database: DatabaseOf, tmp_path: Path) -> None:
    """Its own tasks and Django's: a child reads the settings first, and has connections of its own."""
    database = new_database("postgresql")
    with terminal(ROOT / "examples/django_app", tmp_path, DATABASE=database.url) as shell:
        shell.run("python manage.py migrate -v0")
        shell.run("python manage.py proletarian enqueue confirm '{\"order_id\": 1}'")
        shell.run(
            'python manage.py proletarian enqueue shop.tasks.greet \'{"args": ["Ada"], "kwargs": {}}\' --queue mail'
        )
        done = shell.run("python manage.py proletarian worker --queue default=processes:1,mail=processes:1 --drain")

    assert done.code == 0, done.err
    assert sorted(database.archive("job_type", "status", "result")) == [
        ("confirm", "success", None), ("shop.tasks.greet", "success", '"hello, Ada"')
    ]  # fmt: skip
