"""A test's own connection, rolled back at its end, and an application's tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from proletarian import Tasks
from tests.databases import PrivateDatabase
from tests.testing.application import Application


@pytest.fixture
def connection(database: PrivateDatabase) -> Iterator[Any]:
    """On each of the four databases in turn; what a test does on it is rolled back."""
    with database.connection() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def application(tasks: Tasks) -> Application:
    """Tasks that do a little of everything."""
    return Application(tasks)
