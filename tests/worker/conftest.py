"""Fixtures for tests of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.fleet import Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Worker processes; all are ended with the test."""
    fleet = Fleet(tmp_path)
    try:
        yield fleet
    finally:
        fleet.end()
