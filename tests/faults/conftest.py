"""Fixtures for faults on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proletarian import Tasks
from tests.databases import PrivateDatabase
from tests.faults.books import Books
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Fleet]:
    """Worker processes that keep the books; all are ended with the test."""
    fleet = Fleet(tmp_path, "tests.faults.member")
    try:
        yield fleet
    finally:
        fleet.end()


@pytest.fixture
def books(database: PrivateDatabase) -> Books:
    """Empty books on each of the four databases."""
    return Books(database).open()


@pytest.fixture
def recorder() -> Recorder:
    """A log that keeps what happened."""
    return Recorder()


@pytest.fixture
def tasks() -> Tasks:
    """An empty registry."""
    return Tasks()


@pytest.fixture
def workers(database: PrivateDatabase, recorder: Recorder) -> Workers:
    """Workers in this process, on each of the four databases."""
    return Workers(database, recorder)
