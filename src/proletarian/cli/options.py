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
        envvar="PROLETARIAN_DATABASE",
        show_envvar=True,
        metavar="URL",
        help=f"Where the jobs are: {URLS}.",
    )(command)


def app(command: F) -> F:
    """`--app MODULE:ATTRIBUTE`."""
    return click.option(
        "--app",
        envvar="PROLETARIAN_APP",
        show_envvar=True,
        metavar="MODULE[:ATTRIBUTE]",
        help="The application: its Tasks, as in shop.jobs:tasks. They also determine the names of the tables.",
    )(command)


def app_dir(command: F) -> F:
    """`--app-dir FOLDER`."""
    return click.option(
        "--app-dir",
        type=click.Path(exists=True, file_okay=False),
        default=".",
        show_default=True,
        envvar="PROLETARIAN_APP_DIR",
        show_envvar=True,
        help="The folder from which MODULE is imported.",
    )(command)


def prefix(command: F) -> F:
    """`--prefix TEXT`, for tables without the default names."""
    return click.option(
        "--prefix",
        envvar="PROLETARIAN_PREFIX",
        show_envvar=True,
        metavar="TEXT",
        help="The prefix of the table names, as in Tables(prefix=…). "
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
        help="The column type of job ids, as for your Queue(job_ids=…).",
    )(command)


def queue_of(prefix: str | None, job_ids: str) -> Queue:
    """The `Queue` value that these options describe."""
    from proletarian.ids import UUID7, DatabaseGenerated
    from proletarian.queue import Queue
    from proletarian.sql.tables import Tables

    strategies: dict[str, Callable[[], JobIds]] = {"uuid": UUID7, "bigint": DatabaseGenerated, "text": text_ids}
    return Queue(tables=Tables(prefix=prefix), job_ids=strategies[job_ids]())


def text_ids() -> JobIds:
    """Ids for a text column: UUIDs in their text form."""
    from proletarian.ids import UUID7

    class Written(UUID7):
        """New ids are UUIDs as text; an id that is passed may be any text."""

        def encode(self, job_id: Any) -> Any:
            """The id as text."""
            return str(job_id)

        def decode(self, stored: Any) -> Any:
            """The text itself."""
            return stored

    return Written()


def kind_named(database: str) -> str:
    """Which kind of database a URL or a bare name (`postgresql`) means, without connecting."""
    from proletarian.drivers.places import place_of
    from proletarian.drivers.registry import FAMILIES

    if "://" in database:
        return place_of(database).database
    for kind, family in FAMILIES.items():
        if database in family.schemes:
            return kind
    raise wrong_usage(f"{database!r} is not a database: name one of {', '.join(FAMILIES)}, or give a URL")
