"""Fixtures for tests of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proletarian import Tasks
from tests.databases import PrivateDatabase
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Worker processes; all are ended with the test."""
    fleet = Fleet(tmp_path)
    try:
        yield fleet
    finally:
        fleet.end()


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
