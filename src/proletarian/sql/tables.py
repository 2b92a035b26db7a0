"""The names of the tables; both sides of a queue must use the same ones."""

from __future__ import annotations

import re

import msgspec

from proletarian.errors import ConfigurationError

# A new table or index is named here and created in the migrations; everything else uses these lists.
OF_JOBS = ("job", "running_job", "archived_job")
OTHERS = (
    "unique_job",
    "held_job",
    "dependency",
    "late_dependency",
    "wait_over",
    "step",
    "worker",
    "paused_queue",
    "cancel_request",
    "schedule",
    "schedule_release",
    "audit",
    "lane",
    "lane_limit",
    "migration",
)
TABLES = (*OF_JOBS, *OTHERS)
INDEXES = (
    "job_in_order",
    "running_job_lane",
    "archived_job_finished_at",
    "archived_job_failures",
    "dependency_waiting",
    "late_dependency_waiting",
    "late_dependency_awaited",
    "wait_over_waiting",
    "schedule_in_order",
)
NAMES = TABLES + INDEXES
LONGEST = 63  # characters, with the schema: PostgreSQL truncates longer names and channels (MySQL refuses 65)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")


class Tables(msgspec.Struct, frozen=True):
    """
    The names of the tables: a prefix for all of them, and your own names for some.

    The default prefix is `proletarian.` (a schema) on PostgreSQL and `proletarian_` on MySQL, MariaDB and SQLite,
    inside your own database. `job` and `archived_job` may be named separately, for a table shared with an application
    in another language.

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
        Our SQL with these names in it.

        Our files use the default names of the tables, so they can be read, and run by hand, as they are.
        """
        prefix = default_prefix(database)
        known = "|".join(sorted(NAMES, key=len, reverse=True))
        source = re.sub(rf"\b{re.escape(prefix)}({known})\b", lambda match: self.name(match[1], database), source)
        if prefix.endswith("."):
            schema = self.schema(database)
            source = source.replace(make_schema(prefix[:-1]) + "\n", make_schema(schema) + "\n" if schema else "")
        return source


def make_schema(schema: str) -> str:
    """
    SQL that creates a PostgreSQL schema unless it exists.

    `CREATE SCHEMA IF NOT EXISTS` requires the privilege to create one before it looks, and a DBA who has created the
    schema for us may not have granted us that.
    """
    return (
        f"DO $$ BEGIN IF to_regnamespace('{schema}') IS NULL THEN CREATE SCHEMA IF NOT EXISTS {schema}; END IF; END $$;"
    )


def default_prefix(database: str) -> str:
    """The prefix of every table's name unless the user sets another one."""
    return "proletarian." if database == "postgresql" else "proletarian_"
