"""An application in a folder of its own, and a terminal there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.inside import inside
from tests.cli.terminal import Terminal, terminal
from tests.databases import PrivateDatabase

JOBS = '''
"""The jobs of a shop."""

import time

from proletarian import Job, Tasks, Worker

tasks = Tasks()


@tasks.task
def greet(name: str) -> None:
    print(f"hello, {name}", flush=True)


@tasks.task
def fail() -> None:
    raise ValueError("no luck")


@tasks.task
def sleep(seconds: float) -> None:
    print("asleep", flush=True)
    time.sleep(seconds)


def handle(job: Job) -> None:
    print(f"handled {job.job_type} {job.payload}", flush=True)


@tasks.task(queue="mail", priority=3)
def welcome(name: str) -> None:
    print(f"welcome, {name}", flush=True)


ready = Worker("sqlite:///own.db", tasks, queues={"mail": 2})


class Lazy:
    """A client that connects when it is first used; asking for its class is a use."""

    @property
    def __class__(self):
        raise ConnectionError("nobody wanted this")


search = Lazy()
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the package `shop` in it."""
    shop = tmp_path / "app" / "shop"
    shop.mkdir(parents=True)
    (shop / "__init__.py").write_text("")
    (shop / "jobs.py").write_text(JOBS)
    (shop / "broken.py").write_text("def price():\n    return undefined\n\n\nprice()\n")
    (shop / "needy.py").write_text("import a_library_that_is_not_there\n")
    (shop / "scribbled.py").write_text("def (:\n")
    return tmp_path / "app"


@pytest.fixture
def shell(folder: Path, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in that folder."""
    with terminal(folder, tmp_path) as opened:
        yield opened


@pytest.fixture
def inner_shell(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """The same, within the process of the tests as far as that makes no difference."""
    monkeypatch.chdir(folder)
    with inside(folder, tmp_path) as opened:
        yield opened


@pytest.fixture
def here(folder: Path, tmp_path: Path, database: PrivateDatabase) -> Iterator[Terminal]:
    """A terminal in that folder that knows the database, each of the four in turn."""
    with inside(folder, tmp_path, PROLETARIAN_DATABASE=database.url) as opened:
        yield opened


@pytest.fixture
def there(folder: Path, tmp_path: Path, sqlite: PrivateDatabase) -> Iterator[Terminal]:
    """A terminal that knows an SQLite database: for what does not depend on it."""
    with inside(folder, tmp_path, PROLETARIAN_DATABASE=sqlite.url) as opened:
        yield opened
