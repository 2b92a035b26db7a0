"""
The fixtures that all tests share: above all, databases.

`sqlite`, `postgresql`, `mariadb` and `mysql` are each a `PrivateDatabase` with empty
tables; `database` is all four in turn. `new_database("mysql")` makes one more, without
tables, on a product's shared server.

A server that cannot be had skips its tests, and the summary at the end says so aloud.
Where CI is set that fails instead, except for those that come from a moving suite.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from proletarian import Tasks
from tests.authorities import trust_none
from tests.cli.terminal import ROOT, Terminal, terminal
from tests.databases import MOVING, PRODUCTS, PrivateDatabase, Servers, create_database
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers

# Databases and busy machines take their time; what counts is the answer.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
trust_none()

servers = Servers()
_numbers = itertools.count(1)
_migrated: dict[str, PrivateDatabase] = {}  # one of each product, with tables, for all tests of this process
_folders = contextlib.ExitStack()

DatabaseOf = Callable[[str], PrivateDatabase]

pytest.register_assert_rewrite("proletarian.conformance")


def pytest_configure(config: pytest.Config) -> None:
    """Have the servers before the first test, where several processes share them."""
    # Ignored under nohup, and in the background of a script: then all programs that are started here would ignore them.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if told := getattr(config, "workerinput", None):
        servers.urls, servers.missing = told["urls"], told["missing"]
    elif getattr(config.option, "numprocesses", None):
        servers.start_all()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process that runs tests where the servers are."""
    node.workerinput |= {"urls": servers.urls, "missing": servers.missing}


def pytest_unconfigure() -> None:
    """The servers end with the run."""
    servers.close()
    _folders.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say aloud what was not tried."""
    for product, reason in servers.missing.items():
        terminalreporter.section(f"NOT TESTED: {product}", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"{product} cannot be had here: {reason}")


def server_url(product: str) -> str:
    """Where a product's shared server is; skips the test, or fails it, if it cannot be had."""
    url = servers.url(product)
    if url is None:
        reason = f"{product} cannot be had here: {servers.missing[product]}"
        if os.environ.get("CI") and product not in MOVING:
            pytest.fail(reason)
        pytest.skip(reason)
    return url


@pytest.fixture
def new_database(tmp_path: Path) -> DatabaseOf:
    """Makes a database without tables: `new_database("mariadb")`."""

    def make(product: str) -> PrivateDatabase:
        number = next(_numbers)
        if product == "sqlite":
            return PrivateDatabase(product, f"sqlite:///{tmp_path}/jobs-{number}.db")
        return create_database(product, server_url(product), f"extra_{number}")

    return make


def migrated(product: str) -> PrivateDatabase:
    """The database with tables of this process, with whatever the last test has left in it."""
    if product not in _migrated:
        if product == "sqlite":
            folder = _folders.enter_context(TemporaryDirectory(prefix="proletarian-tests-"))
            database = PrivateDatabase(product, f"sqlite:///{folder}/jobs.db")
        else:
            database = create_database(product, server_url(product), "tests")
        database.migrate()
        _migrated[product] = database
    return _migrated[product]


def fresh(product: str, folder: Path) -> PrivateDatabase:
    """A database with empty tables; on SQLite a file of its own."""
    if product == "sqlite":
        return migrated(product).copy(folder / "jobs.db")
    migrated(product).empty()
    return migrated(product)


@pytest.fixture
def tables_of(tmp_path: Path) -> DatabaseOf:
    """Gives a product's database with tables, for checks that empty them: `tables_of("mariadb")`."""
    return lambda product: fresh(product, tmp_path) if product == "sqlite" else migrated(product)


@pytest.fixture
def database_of(tmp_path: Path) -> DatabaseOf:
    """Gives a product's database with empty tables: `database_of("mariadb")`."""
    return lambda product: fresh(product, tmp_path)


@pytest.fixture(params=PRODUCTS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> PrivateDatabase:
    """Each of the four databases in turn, with empty tables."""
    return fresh(request.param, tmp_path)


@pytest.fixture
def sqlite(tmp_path: Path) -> PrivateDatabase:
    """A SQLite database with empty tables."""
    return fresh("sqlite", tmp_path)


@pytest.fixture
def postgresql(tmp_path: Path) -> PrivateDatabase:
    """A PostgreSQL database with empty tables."""
    return fresh("postgresql", tmp_path)


@pytest.fixture
def mariadb(tmp_path: Path) -> PrivateDatabase:
    """A MariaDB database with empty tables."""
    return fresh("mariadb", tmp_path)


@pytest.fixture
def mysql(tmp_path: Path) -> PrivateDatabase:
    """A MySQL database with empty tables."""
    return fresh("mysql", tmp_path)


@pytest.fixture
def recorder() -> Recorder:
    """A log that keeps what happened."""
    return Recorder()


@pytest.fixture
def shell(database: PrivateDatabase, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in the project's folder that knows the database."""
    with terminal(ROOT, tmp_path, PROLETARIAN_DATABASE=database.url) as opened:
        yield opened


@pytest.fixture
def tasks() -> Tasks:
    """An empty registry."""
    return Tasks()


@pytest.fixture
def workers(database: PrivateDatabase, recorder: Recorder) -> Workers:
    """Workers in this process, on each of the four databases."""
    return Workers(database, recorder)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Worker processes; all are ended with the test."""
    fleet = Fleet(tmp_path)
    try:
        yield fleet
    finally:
        fleet.end()
