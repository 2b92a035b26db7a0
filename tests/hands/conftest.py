"""Fixtures for tests of where handlers run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.databases import PrivateDatabase
from tests.ledger import Ledger
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, database_of: Callable[[str], PrivateDatabase]) -> PrivateDatabase:
    """Two of the four: a hand does not ask which database it is."""
    return database_of(request.param)


@pytest.fixture
def workers(sqlite: PrivateDatabase, recorder: Recorder) -> Workers:
    """Workers in this process."""
    return Workers(sqlite, recorder)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """What handlers write to."""
    return Ledger(tmp_path / "book")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Worker processes with tasks of `shop`; all are ended with the test."""
    fleet = Fleet(tmp_path, "tests.hands.program", forked=False)
    try:
        yield fleet
    finally:
        fleet.end()
