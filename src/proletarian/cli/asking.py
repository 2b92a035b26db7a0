"""Asks before many jobs are changed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from proletarian.cli.failures import wrong_usage

F = TypeVar("F", bound=Callable[..., Any])


def changes(command: F) -> F:
    """`--yes` and `--dry-run`, for a command that may change many jobs."""
    yes = click.option("--yes", "-y", is_flag=True, help="Do not ask before changing more than one job.")
    return dry_run(yes(command))


def dry_run(command: F) -> F:
    """`--dry-run`, for a command that changes something."""
    return click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")(command)


def agreed(what: str, number: int, *, yes: bool) -> None:
    """Ask whether to do this to that many jobs, unless it is one or none; ends the program if the answer is no."""
    if number <= 1 or yes:
        return
    if not sys.stdin.isatty():
        raise wrong_usage(f"this would {what}; there is no terminal to ask on; give --yes if that is what you want")
    click.confirm(what[0].upper() + what[1:] + "?", abort=True, err=True)
