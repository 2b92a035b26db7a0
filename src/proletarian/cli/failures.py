"""Errors as the command line tells them: one clear line, and an exit code."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

import click

from proletarian.cli import exit_codes
from proletarian.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    PayloadError,
    ProletarianError,
    SchemaOutOfDate,
    StopTimeout,
)

CODES: dict[type[ProletarianError], int] = {
    ConfigurationError: exit_codes.USAGE,
    PayloadError: exit_codes.USAGE,
    DatabaseUnavailable: exit_codes.DATABASE,
    SchemaOutOfDate: exit_codes.DATABASE,
    StopTimeout: exit_codes.GIVEN_BACK,
}

# Where the errors come from that a database raises when it refuses a statement.
DRIVERS = ("psycopg", "pymysql", "sqlite3")


class Failure(click.ClickException):
    """Ends the command with a line on stderr and this exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@contextlib.contextmanager
def ending_in_words() -> Iterator[None]:
    """Turn what is raised inside into a `Failure`; what nobody expected keeps its traceback."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except Exception as error:
        code = code_of(error)
        if code == exit_codes.BUG:
            traceback.print_exception(error)
            raise Failure(
                "this is a bug in Proletarian, and should not happen: please report it with the lines above", code
            ) from error
        raise Failure(in_one_line(error), code) from error


def code_of(error: Exception) -> int:
    """The exit code that this error ends a command with."""
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return code
    return exit_codes.DATABASE if comes_from_a_driver(error) else exit_codes.BUG


def comes_from_a_driver(error: Exception) -> bool:
    """Whether the database said this, and not our code."""
    return any(
        kind.__name__ == "Error" and kind.__module__.partition(".")[0] in DRIVERS for kind in type(error).__mro__
    )


def in_one_line(error: Exception) -> str:
    """What an error says, on one line."""
    said = " ".join(str(error).split()) or type(error).__name__
    return f"the database says: {said}" if comes_from_a_driver(error) else said
