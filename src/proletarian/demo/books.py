"""What the database says: is there room for the demo, which jobs are open, what became of them."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any, NamedTuple

from proletarian.database import Database
from proletarian.demo.connection import connect, placeholder
from proletarian.demo.signup import addresses, make_table
from proletarian.demo.tasks import QUEUE
from proletarian.drivers.registry import redacted
from proletarian.errors import ConfigurationError


class Finished(NamedTuple):
    """One archived job."""

    address: str
    status: str
    lost: int


class Books:
    """Looks into one database; every look has a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url)

    def prepare(self) -> None:
        """Refuse to run beside other jobs; then remove what an earlier demo has left."""
        queues, workers = self.database.run(self.database.dialect.status(1000))
        for name, waiting, _, running, *_ in queues:
            if name != QUEUE and (waiting or running):
                raise ConfigurationError(
                    f"{redacted(self.url)} has other jobs ({waiting} waiting and {running} running in queue {name!r}): "
                    "give the demo a database where nothing is going on"
                )
        for _, host, pid, served, *_ in workers:
            if QUEUE in served:
                raise ConfigurationError(f"another demo runs there, or has left a worker behind: {host}, process {pid}")
        with closing(connect(self.url)) as connection:
            for table in ("job", "running_job", "archived_job"):
                self._execute(connection, f"DELETE FROM {self._table(table)} WHERE queue = {{}}", QUEUE)
            connection.commit()
            make_table(connection)

    def held_by(self, pid: int) -> int:
        """How many jobs the worker of this process has in its hands."""
        sql = (
            f"SELECT count(*) FROM {self._table('running_job')} AS running "
            f"JOIN {self._table('worker')} AS worker ON worker.worker_id = running.worker_id WHERE worker.pid = {{}}"
        )
        return int(self._rows(sql, pid)[0][0])

    def open(self) -> int:
        """How many jobs of the demo wait or are being run."""
        counts = (self._rows(f"SELECT count(*) FROM {self._table(name)} WHERE queue = {{}}", QUEUE)
                  for name in ("job", "running_job"))  # fmt: skip
        return sum(int(count) for [(count,)] in counts)

    def finished(self) -> list[Finished]:
        """What became of the demo's jobs."""
        rows = self._rows(f"SELECT payload, status, lost FROM {self._table('archived_job')} WHERE queue = {{}}", QUEUE)
        return [Finished(json.loads(payload)["address"], status, lost) for payload, status, lost in rows]

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
