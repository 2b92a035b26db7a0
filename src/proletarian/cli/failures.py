"""Errors as the command line reports them: one clear line, and an exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click

from proletarian.cli import exit_codes
from proletarian.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    FilterError,
    LookTookTooLong,
    PayloadError,
    ProletarianError,
    SchemaOutOfDate,
    StopTimeout,
    UnknownSchedule,
    WrongState,
)

CODES: dict[type[ProletarianError], int] = {
    WrongState: exit_codes.FAILED_CHECK,
    UnknownSchedule: exit_codes.FAILED_CHECK,
    ConfigurationError: exit_codes.USAGE,
    PayloadError: exit_codes.USAGE,
    DatabaseUnavailable: exit_codes.DATABASE,
    SchemaOutOfDate: exit_codes.DATABASE,
    LookTookTooLong: exit_codes.DATABASE,
    StopTimeout: exit_codes.GIVEN_BACK,
}

# The modules of the errors that drivers raise when a database refuses a statement.
DRIVERS = ("psycopg", "pymysql", "MySQLdb", "sqlite3")


class Failure(Exception):
    """Ends the command with a line on stderr and this exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def wrong_usage(message: str) -> Failure:
    """The command was given something invalid."""
    return Failure(message, exit_codes.USAGE)


@contextlib.contextmanager
def ending_in_words(*, tracebacks: bool = False) -> Iterator[None]:
    """End the program with a line and an exit code for what is raised inside; a bug always shows its traceback."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise  # click knows what to do
    except Exception as error:
        code = code_of(error)
        if code == exit_codes.BUG or tracebacks:
            import traceback

            traceback.print_exception(error)
        if code == exit_codes.BUG:
            said = "this is a bug in Proletarian: please report it, with the lines above"
        else:
            said = in_one_line(error)
        click.echo(f"Error: {said}", err=True)
        raise click.exceptions.Exit(code) from error


def code_of(error: Exception) -> int:
    """The exit code that this error ends a command with."""
    if isinstance(error, Failure):
        return error.exit_code
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return code
    return exit_codes.DATABASE if comes_from_a_driver(error) else exit_codes.BUG


def comes_from_a_driver(error: Exception) -> bool:
    """Whether the database raised this, and not our code."""
    return any(
        kind.__name__ == "Error" and kind.__module__.partition(".")[0] in DRIVERS for kind in type(error).__mro__
    )


def in_one_line(error: Exception) -> str:
    """An error's message on one line; for a filter, with the wrong word below it."""
    if isinstance(error, FilterError):
        return str(error)  # with lines that point at the word
    said = " ".join(str(error).split()) or type(error).__name__
    return f"the database says: {said}" if comes_from_a_driver(error) else said
