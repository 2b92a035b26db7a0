"""A terminal in the project's folder, on a database with tables."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import ROOT, Terminal, terminal
from tests.databases import PrivateDatabase


@pytest.fixture
def shell(database: PrivateDatabase, tmp_path: Path) -> Iterator[Terminal]:
    """Each of the four databases in turn."""
    with terminal(ROOT, tmp_path, PROLETARIAN_DATABASE=database.url) as opened:
        yield opened


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
