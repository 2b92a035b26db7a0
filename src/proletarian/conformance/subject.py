"""What is tested: a database by its URL, and a library's connections to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proletarian.errors import ConfigurationError

CAPABILITIES: Mapping[str, str] = {
    "skips_locked": "a statement can pass over rows that another transaction has locked",
    "notifies": "an idle worker is told of a new job",
    "session_locks": "a lock that goes with its session proves a worker's life",
    "savepoints": "part of a transaction can be rolled back",
    "own_microseconds": "the database's own clock is finer than a millisecond",
}


@dataclass(frozen=True)
class Library:
    """
    How connections of one library are opened and closed.

    Any of these may be a coroutine function, for an async library. `open` returns a connection
    that begins a transaction with its first statement, or `begin` does so; `execute` sends a
    statement without parameters. The other defaults are those of the DB-API.
    """

    open: Callable[[], Any]
    begin: Callable[[Any], Any] = lambda connection: None
    commit: Callable[[Any], Any] = lambda connection: connection.commit()
    rollback: Callable[[Any], Any] = lambda connection: connection.rollback()
    close: Callable[[Any], Any] = lambda connection: connection.close()
    execute: Callable[[Any, str], Any] = lambda connection, sql: connection.cursor().execute(sql)


@dataclass(frozen=True)
class Subject:
    """
    A database, and for the checks of a driver the library that connects to it.

    `lacks` names capabilities that it does not have. `other_time_zone` is a statement that
    sets a session's time zone to one other than UTC, where sessions have one.
    """

    url: str
    library: Library | None = None
    lacks: frozenset[str] = frozenset()
    other_time_zone: str | None = None

    def __post_init__(self) -> None:
        if unknown := self.lacks - CAPABILITIES.keys():
            raise ConfigurationError(f"{min(unknown)!r} is not a capability; there are: {', '.join(CAPABILITIES)}")
