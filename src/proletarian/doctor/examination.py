"""The examination: separate looks, one after another, so that one that is refused does not stop the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar
from uuid import uuid4

from proletarian.connections.database import Database, first_line
from proletarian.doctor import fleet, server, tables
from proletarian.doctor.finding import Finding, fine, notice, trouble
from proletarian.drivers.driver import OwnConnection
from proletarian.errors import ConfigurationError, SchemaOutOfDate
from proletarian.looking.surveying import list_workers, queue_stats
from proletarian.migration import check_schema
from proletarian.sql import examining, finding
from proletarian.sql.statements import Plan

T = TypeVar("T")
AT_MOST = 10.0  # seconds that one look may take
MOST = 100_000  # counting stops here
TYPES = 10  # of so many that may be counted, the type of one is looked at


def examine(database: Database, *, most: int = MOST) -> list[Finding]:
    """
    Find out all that can be known about a database and its fleet, on one connection.

    The due jobs of a queue are counted up to `most`; a lower number takes less time. What cannot be looked at is a
    finding too. Raises `DatabaseUnavailable` if it cannot connect.
    """
    connection = database.connect()
    try:
        connection.end_after(AT_MOST)
        return list(Examination(database, connection, most).findings())
    finally:
        connection.close()


class Examination:
    """The looks, on one connection."""

    def __init__(self, database: Database, connection: OwnConnection, most: int) -> None:
        self._database = database
        self._most = most
        self._dialect = database.dialect
        self._connection = connection

    def findings(self) -> Iterator[Finding]:
        """The findings of each check, in the order in which people should read them."""
        for name, look in self._looks():
            try:
                yield from look()
            except (SchemaOutOfDate, ConfigurationError) as error:
                yield trouble(name, str(error), "")
                return  # nothing else can be looked at
            except Exception as error:  # noqa: BLE001 (a right that is lacking, a look that took too long)
                said = first_line(self._database.explained(error))
                yield notice(name, f"this could not be checked: {said}", "grant this role the privilege to read it")
                self._connection.recover(error)

    def _looks(self) -> Iterable[tuple[str, Callable[[], Iterable[Finding]]]]:
        return (
            ("schema", self._schema),
            ("settings", self._server),
            ("rights", self._rights),
            ("clock", self._clock),
            ("liveness", self._liveness),
            ("old_transactions", self._old_transactions),
            ("sizes", self._sizes),
            ("workers", self._fleet),
            ("schedules", lambda: fleet.check_schedules(self._run(examining.undeclared(self._dialect)))),
        )

    def _run(self, plan: Plan[T]) -> T:
        return self._connection.run(plan)

    def _schema(self) -> Iterator[Finding]:
        check_schema(self._connection, self._database)
        yield fine("schema", "the tables fit this release")

    def _server(self) -> Iterator[Finding]:
        settings = self._run(examining.settings(self._dialect))
        yield from server.check_version(self._product(settings), settings)
        yield from server.check_durability(settings)
        yield from server.check_settings(settings)

    def _product(self, settings: Mapping[str, str]) -> str:
        return "mariadb" if "mariadb" in settings.get("version", "").lower() else self._dialect.name

    def _rights(self) -> Iterable[Finding]:
        if self._dialect.name != "postgresql":
            return ()
        return server.check_rights(self._run(examining.refused_rights(self._dialect)))

    def _clock(self) -> Iterable[Finding]:
        if self._dialect.name == "sqlite":
            return ()  # it is this machine's
        before = time.time()
        theirs = self._run(finding.time(self._dialect, None)).timestamp()
        return server.check_clock(theirs - (before + time.time()) / 2)

    def _liveness(self) -> Iterable[Finding]:
        lock = self._dialect.lock_of(uuid4())
        if self._dialect.name == "sqlite":
            return ()  # a file lock, which the operating system releases with its process
        proved = self._connection.hold(self._dialect, lock)
        if proved:
            other = self._database.connect()
            try:
                proved = other.held(self._dialect, lock, self._connection)
            finally:
                other.close()
        return server.check_liveness(proved, self._dialect.name)

    def _old_transactions(self) -> Iterable[Finding]:
        return tables.check_old_transactions(self._run(examining.oldest(self._dialect)))

    def _sizes(self) -> Iterable[Finding]:
        if self._dialect.name == "sqlite":
            return tables.check_file(self._run(examining.settings(self._dialect)))
        return tables.check_sizes(self._run(examining.sizes(self._dialect)))

    def _fleet(self) -> Iterator[Finding]:
        queue, kind, free = self._database.queue, self._database.kind, self._connection.free
        workers = self._run(list_workers(queue, kind, free=free))
        yield from fleet.check_workers(workers)
        queues = self._run(queue_stats(queue, kind, most=self._most, free=free))
        yield from fleet.check_queues(queues)
        served = [stats.queue for stats in queues if stats.due and stats.workers]
        types = {name: self._run(examining.due_types(self._dialect, name, self._most // TYPES)) for name in served}
        yield from fleet.check_types(types, workers)
