"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proletarian.cli.failures import wrong_usage

if TYPE_CHECKING:
    from proletarian.ids import JobIds
    from proletarian.queue import Queue

F = TypeVar("F", bound=Callable[..., Any])

URLS = "postgresql://…, mysql://… or sqlite:///file.db"


def database(command: F) -> F:
    """`--database URL`."""
    return click.option(
        "--database",
        "url",
        required=True,
        envvar="PROLETARIAN_DATABASE",
        show_envvar=True,
        metavar="URL",
        help=f"Where the jobs are: {URLS}.",
    )(command)


def prefix(command: F) -> F:
    """`--prefix TEXT`, for tables that are named otherwise than by default."""
    return click.option(
        "--prefix",
        envvar="PROLETARIAN_PREFIX",
        show_envvar=True,
        metavar="TEXT",
        help="What the names of the tables begin with, as in Tables(prefix=…). "
        "[default: proletarian. (a schema) on PostgreSQL, else proletarian_]",
    )(command)


def job_ids(command: F) -> F:
    """`--job-ids KIND`, for queues whose ids are not the default UUIDs."""
    return click.option(
        "--job-ids",
        type=click.Choice(["uuid", "bigint", "text"]),
        default="uuid",
        show_default=True,
        envvar="PROLETARIAN_JOB_IDS",
        show_envvar=True,
        help="The column type of job ids: as your Queue(job_ids=…) makes them.",
    )(command)


def queue_of(prefix: str | None, job_ids: str) -> Queue:
    """The `Queue` value that these options describe."""
    from proletarian.ids import UUID7, DatabaseGenerated
    from proletarian.queue import Queue
    from proletarian.sql.tables import Tables

    strategies: dict[str, Callable[[], JobIds]] = {"uuid": UUID7, "bigint": DatabaseGenerated, "text": text_ids}
    return Queue(tables=Tables(prefix=prefix), job_ids=strategies[job_ids]())


def text_ids() -> JobIds:
    """Ids for a column of text: UUIDs, written out."""
    from proletarian.ids import UUID7

    class Written(UUID7):
        """A UUID as text; an id that is given may be any text."""

        def encode(self, job_id: Any) -> Any:
            """The id as text."""
            return str(job_id)

        def decode(self, stored: Any) -> Any:
            """The text itself."""
            return stored

    return Written()


def kind_named(database: str) -> str:
    """Which database a URL or a bare name (`postgresql`) means; without a connection."""
    from proletarian.drivers.registry import FAMILIES, family_of

    if "://" in database:
        return family_of(database)[0]
    for kind, family in FAMILIES.items():
        if database in family.schemes:
            return kind
    raise wrong_usage(f"{database!r} is no database: name one of {', '.join(FAMILIES)}, or give a URL")
