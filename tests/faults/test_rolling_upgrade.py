"""
A rolling upgrade: workers of this release and of a later one side by side, under load.

The later release is a copy of this one with a version of its own and one migration more: new
columns in all tables of jobs, an index, a table. That is all that a release may do to tables
which workers of the release before are using; see docs/operate/deploy.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import proletarian
from proletarian.sql.tables import TABLES
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet, WorkerProcess

CARE: dict[str, Any] = {"queues": {"default": 4}, "heartbeat": 0.5, "lost_after": 10.0}
PREFIX = {"postgresql": "proletarian.", "mysql": "proletarian_", "sqlite": "proletarian_"}


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """Where a later release lies, as a folder for PYTHONPATH."""
    here = Path(proletarian.__file__).parent
    package = tmp_path / "later" / "proletarian"
    shutil.copytree(here, package, ignore=shutil.ignore_patterns("__pycache__"))
    source = (package / "__init__.py").read_text()
    (package / "__init__.py").write_text(source.replace(f'"{proletarian.__version__}"', '"999.0"'))
    for database, prefix in PREFIX.items():
        tables = [f"{prefix}{name}" for name in TABLES if name != "migration"]
        statements = [f"ALTER TABLE {table} ADD COLUMN tenant VARCHAR(40);" for table in tables]
        statements += [
            f"CREATE INDEX job_by_tenant ON {tables[0]} (tenant);",
            f"CREATE TABLE {prefix}tenant (name VARCHAR(40) NOT NULL PRIMARY KEY);",
        ]
        (package / "sql/migrations" / database / "9999_tenants.sql").write_text("\n".join(statements) + "\n")
    return package.parent


def proletarian_of(release: Path, *arguments: str) -> str:
    """What the command line of a release says."""
    command = [sys.executable, "-m", "proletarian", *arguments]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(release)}, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def has_run_one_more(worker: WorkerProcess, database: PrivateDatabase) -> None:
    """Wait until a worker has archived more jobs than it had."""

    def count() -> int:
        sql = f"SELECT count(*) FROM {database.table('archived_job')} WHERE worker LIKE %s"
        [(count,)] = database.rows(sql, [f"%:{worker.pid}"])
        return int(count)

    before = count()
    wait_until(lambda: count() > before, 30, what=f"another job of worker {worker.pid}")


def test_an_upgrade_rolls_through_the_fleet_and_back_and_the_books_balance(
    crew: Fleet, database: PrivateDatabase, new_database: DatabaseOf, later: Path
) -> None:
    database = new_database(database.product)  # one that no other test sees: its tables change
    database.migrate()
    books = Books(database).open()
    assert "999.0" in proletarian_of(later, "--version")
    old = [crew.start(database, **CARE) for _ in range(2)]

    with books.load():
        assert "tenants" in proletarian_of(later, "migrate", database.url)
        new = crew.start(database, release=later, **CARE)
        for worker in (*old, new):
            has_run_one_more(worker, database)

        old[0].tell()  # replaced by one of the later release
        assert old[0].wait() == 0
        newer = crew.start(database, release=later, **CARE)
        has_run_one_more(newer, database)

        newer.tell()  # the upgrade is undone: this release starts on the later one's tables
        assert newer.wait() == 0
        back = crew.start(database, **CARE)
        for worker in (old[1], new, back):
            has_run_one_more(worker, database)

    wait_until(lambda: books.done, 30, what="the end of all jobs")
    books.balance(losses=False, told=crew.ledger)
