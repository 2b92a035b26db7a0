"""What the database says: whether the demo can run, which jobs are open, what became of them."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any, NamedTuple

from proletarian.connections.database import Database
from proletarian.demo.connection import connect, placeholder
from proletarian.demo.signup import addresses, make_table
from proletarian.demo.tasks import QUEUE
from proletarian.drivers.registry import redacted
from proletarian.errors import ConfigurationError
from proletarian.looking.surveying import list_workers, queue_stats
from proletarian.sql.tables import OF_JOBS


class Finished(NamedTuple):
    """One archived job."""

    address: str
    status: str
    lost: int


def losses(errors: str | None) -> int:
    """
    How many workers died while holding a job, according to its errors.

    `lost` counts only those that certainly died while running it.

    >>> losses('[{"type": "WorkerLost"}, {"type": "OSError"}]'), losses(None)
    (1, 0)
    """
    return sum(error["type"] == "WorkerLost" for error in json.loads(errors or "[]"))


class Books:
    """Looks into one database; every look opens its own connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url)

    def prepare(self) -> None:
        """Refuse to run if there are other jobs; then remove what an earlier demo left behind."""
        queue, kind = self.database.queue, self.database.kind
        for stats in self.database.run(queue_stats(queue, kind, most=1000)):
            if stats.queue != QUEUE and (stats.waiting or stats.running):
                raise ConfigurationError(
                    f"{redacted(self.url)} has other jobs ({stats.waiting} waiting and {stats.running} running in "
                    f"queue {stats.queue!r}): give the demo a database that nothing else uses"
                )
        for worker in self.database.run(list_workers(queue, kind)):
            if worker.serves(QUEUE):
                raise ConfigurationError(
                    f"another demo runs there, or has left a worker behind: {worker.host}, process {worker.pid}"
                )
        with closing(connect(self.url)) as connection:
            for table in OF_JOBS:
                self._execute(connection, f"DELETE FROM {self._table(table)} WHERE queue = {{}}", QUEUE)
            connection.commit()
            make_table(connection)

    def held_by(self, pid: int) -> int:
        """How many jobs the worker in this process holds."""
        sql = (
            f"SELECT count(*) FROM {self._table('running_job')} AS running "
            f"JOIN {self._table('worker')} AS worker ON worker.worker_id = running.worker_id WHERE worker.pid = {{}}"
        )
        return int(self._rows(sql, pid)[0][0])

    def open(self) -> int:
        """How many jobs of the demo are waiting or running."""
        counts = (self._rows(f"SELECT count(*) FROM {self._table(name)} WHERE queue = {{}}", QUEUE)
                  for name in ("job", "running_job"))  # fmt: skip
        return sum(int(count) for [(count,)] in counts)

    def finished(self) -> list[Finished]:
        """What became of the demo's jobs."""
        rows = self._rows(
            f"SELECT payload, status, errors FROM {self._table('archived_job')} WHERE queue = {{}}", QUEUE
        )
        return [Finished(json.loads(payload)["address"], status, losses(errors)) for payload, status, errors in rows]

    def accounts(self) -> set[str]:
        """Who has an account."""
        with closing(connect(self.url)) as connection:
            return addresses(connection)

    def _table(self, name: str) -> str:
        return self.database.queue.tables.name(name, self.database.kind)

    def _rows(self, sql: str, *parameters: Any) -> list[Any]:
        with closing(connect(self.url)) as connection:
            return list(self._execute(connection, sql, *parameters).fetchall())

    def _execute(self, connection: Any, sql: str, *parameters: Any) -> Any:
        cursor = connection.cursor()
        cursor.execute(sql.format(placeholder(self.url)), parameters)
        return cursor
