"""Who does something on the command line: `--by`, and an entry in the audit, in the transaction of the act itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from proletarian.sql.dialect import Dialect
    from proletarian.sql.statements import Plan

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def by(command: F) -> F:
    """`--by NAME`, for a command that changes something."""
    return click.option(
        "--by",
        metavar="NAME",
        callback=lambda _context, _option, name: login() if name is None else name,
        help="Who does it; the audit says so. [default: your login]",
    )(command)


def login() -> str:
    """Who called the program, as far as the operating system knows."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name for this number
        return ""


@dataclass(frozen=True)
class Deed:
    """What somebody does, in the words of the audit; the dashboard uses the same words for the same things."""

    by: str
    action: str
    target: str
    detail: str = ""


def audited(dialect: Dialect, deed: Deed, plan: Plan[T], jobs: Callable[[T], int | None] | None = None) -> Plan[T]:
    """Carry out a plan and record who did it; `jobs` says how many it changed, and if none, nothing is recorded."""
    from proletarian.sql.auditing import note

    done = yield from plan
    number = None if jobs is None else jobs(done)
    if number != 0:
        yield from note(dialect, deed.by, deed.action, deed.target, deed.detail, number)
    return done
