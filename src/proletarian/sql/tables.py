"""The names of the tables; both sides of a queue must share them."""

from __future__ import annotations

import re

import msgspec

from proletarian.errors import ConfigurationError

NAMES = (
    "job", "running_job", "archived_job", "worker", "migration",
    "job_in_order", "archived_job_finished_at", "archived_job_failures",  # indexes
)  # fmt: skip
LONGEST = 63  # characters, with the schema: what PostgreSQL cuts off names and channels at (MySQL refuses 65)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")


class Tables(msgspec.Struct, frozen=True):
    """
    Where the jobs lie: a prefix for all tables, and names of your own for some.

    The default prefix is `proletarian.` (a schema) on PostgreSQL and `proletarian_` on
    MySQL, MariaDB and SQLite, inside your own database. `job` and `archived_job` may be
    named apart, for a table shared with an application in another language.

    >>> Tables(prefix="app.").name("job", "postgresql")
    'app.job'
    >>> Tables(archived_job="done").name("archived_job", "sqlite")
    'done'
    """

    prefix: str | None = None
    job: str | None = None
    archived_job: str | None = None

    def __post_init__(self) -> None:
        for given in (self.prefix and f"{self.prefix}job", self.job, self.archived_job):
            if given and not _NAME.fullmatch(given):
                raise ConfigurationError(
                    f"{given!r} cannot name a table here: letters, digits, _ and one dot between schema and table"
                )
        for given in (f"{self.prefix or ''}{max(NAMES, key=len)}", self.job, self.archived_job):
            if given and len(given) > LONGEST:
                raise ConfigurationError(f"{given!r} has {len(given)} characters, and {LONGEST} can name a table")

    def name(self, table: str, database: str) -> str:
        """The full name of one of our tables."""
        own = {"job": self.job, "archived_job": self.archived_job}.get(table)
        return own or (self.prefix or default_prefix(database)) + table

    def schema(self, database: str) -> str | None:
        """The schema that the prefix names, if it names one."""
        schema, dot, _ = (self.prefix or default_prefix(database)).partition(".")
        return schema if dot else None

    def rewrite(self, source: str, database: str) -> str:
        """
        SQL of ours with these names in it.

        Our files name the tables as they are by default, so that they can be read, and run
        by hand, as they stand.
        """
        prefix = default_prefix(database)
        known = "|".join(sorted(NAMES, key=len, reverse=True))
        source = re.sub(rf"\b{re.escape(prefix)}({known})\b", lambda match: self.name(match[1], database), source)
        if prefix.endswith("."):
            schema = self.schema(database)
            create = f"CREATE SCHEMA IF NOT EXISTS {prefix[:-1]};\n"
            source = source.replace(create, create.replace(prefix[:-1], schema) if schema else "")
        return source


def default_prefix(database: str) -> str:
    """What stands before every table's name unless the user says otherwise."""
    return "proletarian." if database == "postgresql" else "proletarian_"
