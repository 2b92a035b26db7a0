"""Servers whose clock can be put forward and back while they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path

import pytest

from servers import MariaDB, MySQL, PostgreSQL, Server, Unavailable, debian
from tests.databases import MORE, PrivateDatabase

STILL_RIGHT = {"DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def libfaketime() -> str:
    """A library that tells a program another time; skips the test if it cannot be had."""
    try:
        root = debian.unpacked("bookworm", "faketime")
    except Unavailable as error:
        pytest.skip(f"NO CLOCK CAN BE WRONG HERE: {error}")
    return str(next(root.rglob("libfaketime.so.1")))


class Steerable(Server):
    """
    A server that is told the time by a file.

        with steerable("postgresql") as server:
            server.put(120)     # seconds from the right time; it takes a second
    """

    library = ""

    def put(self, seconds: int) -> None:
        """So far from the right time."""
        (self.folder / "clock").write_text(f"{seconds:+}")

    def _command(self) -> Sequence[str | Path]:
        """Under `env`, which is started as the user that the server runs as."""
        if not (self.folder / "clock").exists():
            self.put(0)
        told = {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"),
            "FAKETIME_CACHE_DURATION": "1",
            **STILL_RIGHT,
        }
        return ["env", *(f"{name}={value}" for name, value in told.items()), *super()._command()]  # type: ignore[safe-super]


class SteerablePostgreSQL(Steerable, PostgreSQL):
    """PostgreSQL."""


class SteerableMariaDB(Steerable, MariaDB):
    """MariaDB."""


class SteerableMySQL(Steerable, MySQL):
    """MySQL."""


PROGRAMS: Mapping[str, type[Steerable]] = {
    "postgresql": SteerablePostgreSQL,
    "mariadb": SteerableMariaDB,
    "mysql": SteerableMySQL,
}
QUESTION: Mapping[str, str] = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT utc_timestamp(6)"}


def steerable(product: str) -> Steerable:
    """A private server of that kind, not started yet."""
    program = PROGRAMS[product]
    server = program(settings={**program.UNSYNCED, **MORE[product]})
    server.library = libfaketime()
    return server


def clock_of(database: PrivateDatabase) -> float:
    """The time by the database's clock, as `time.time` says it."""
    [(moment,)] = database.rows(QUESTION[database.kind])
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
