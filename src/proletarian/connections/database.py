"""
A database by its URL, for code that opens its own connections: workers and commands.
"""

from __future__ import annotations

from typing import Any, TypeVar

from proletarian.drivers.driver import FIRST_ANSWERS, OwnConnection, cut_after
from proletarian.drivers.places import DJANGO, place_of
from proletarian.drivers.registry import FAMILIES, redacted
from proletarian.errors import DatabaseUnavailable, LookTookTooLong, ProletarianError, SchemaOutOfDate
from proletarian.queue import Queue
from proletarian.sql.statements import Plan

T = TypeVar("T")


class Database:
    """
    Where a queue's tables are: by a URL, an SQLAlchemy Engine, or `django://alias`.

    >>> Database("sqlite:///jobs.db").kind
    'sqlite'
    """

    def __init__(self, where: Any, queue: Queue | None = None) -> None:
        place = place_of(where)
        self.url = place.url
        self.queue = queue or Queue()
        self.kind, self.family = place.database, FAMILIES[place.database]
        self._connect, self.create = place.connect, place.create
        self.dialect = self.queue.dialect(self.kind)

    def __repr__(self) -> str:
        return f"<Database {redacted(self.url)}>"

    @property
    def migrate_command(self) -> str:
        """The command that creates its tables, or brings them up to date."""
        shown = redacted(self.url)
        if shown.startswith(DJANGO):
            return "manage.py migrate"
        prefix, kind = self.queue.tables.prefix, self.queue.kind
        more = (f" --prefix {prefix}" if prefix else "") + (f" --job-ids {kind}" if kind != "uuid" else "")
        return f"proletarian migrate {shown}{more}"

    def connect(self) -> OwnConnection:
        """Open a connection; raises a readable `DatabaseUnavailable`, with the driver's error as its cause."""
        try:
            return self._connect()
        except SchemaOutOfDate as error:
            raise error.advising(self.migrate_command) from error.__cause__
        except Exception as error:
            if self.family.is_error(error):
                raise DatabaseUnavailable(f"{redacted(self.url)} cannot be reached: {first_line(error)}") from error
            raise

    def run(self, plan: Plan[T]) -> T:
        """Carry out one plan on its own connection."""
        connection = self.connect()
        try:
            return connection.run(plan)
        except Exception as error:
            raise self.explained(error) from error
        finally:
            connection.close()

    def look(self, plan: Plan[T], *, at_most: float = 15.0) -> T:
        """
        Carry out a read-only plan, for commands and pages: a statement is cancelled after `at_most` seconds.

        Then it raises `LookTookTooLong`, and ten seconds later, if nothing has answered at all, `DatabaseUnavailable`.
        Behind a PostgreSQL pooler only the latter, because other clients would inherit a limit.
        """
        connection = self.connect()
        try:
            with cut_after(at_most + FIRST_ANSWERS, connection):
                connection.end_after(at_most)
                return connection.run(plan)
        except Exception as error:
            raise self.look_explained(error, at_most) from error
        finally:
            connection.close()

    def look_explained(self, error: Exception, at_most: float) -> Exception:
        """The error of a look, or a clearer one: `LookTookTooLong` if it was cancelled."""
        if not self.family.is_ended(error):
            return self.answer_explained(error)
        return LookTookTooLong(
            f"this query of {redacted(self.url)} took longer than {at_most:g} s, and was cancelled ("
            f"{first_line(error)}): ask for less, or when the database is less busy"
        )

    def answer_explained(self, error: Exception) -> Exception:
        """The error of a statement, or a clearer one: `DatabaseUnavailable` if there was no answer."""
        if self.is_transient(error) and not self.family.is_contended(error):
            return DatabaseUnavailable(f"{redacted(self.url)} does not answer any more: {first_line(error)}")
        return self.explained(error)

    def is_transient(self, error: BaseException) -> bool:
        """Whether it makes sense to wait and try again."""
        cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
        return isinstance(cause, Exception) and self.family.is_transient(cause)

    def explained(self, error: Exception) -> Exception:
        """The error, or a clearer one."""
        if isinstance(error, ProletarianError):
            return error
        better = self.family.explain(error) or error
        return better.advising(self.migrate_command) if isinstance(better, SchemaOutOfDate) else better


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def require_schema(database: Database, version: int | None, newest: int) -> None:
    """Raise `SchemaOutOfDate` unless the tables are as new as the code; newer ones are fine."""
    shown = redacted(database.url)
    command = database.migrate_command
    if version is None:
        raise SchemaOutOfDate(f"{shown} has no tables of Proletarian; run `{command}`")
    if version < newest:
        raise SchemaOutOfDate(
            f"the tables in {shown} are at version {version}, this release needs {newest}; run `{command}`"
        )
