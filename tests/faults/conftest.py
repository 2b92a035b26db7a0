"""Fixtures for faults on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import PrivateDatabase
from tests.faults.books import Books
from tests.worker.fleet import Fleet


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
