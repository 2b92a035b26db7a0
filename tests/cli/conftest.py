"""An application in a folder of its own, and a terminal there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal, terminal

JOBS = '''
"""The jobs of a shop."""

import time

from proletarian import Job, Tasks

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
