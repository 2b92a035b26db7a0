"""
What every database offers: the plans of enqueue, claim, acknowledge and recover.

`Dialect` is the contract, with the plans that are alike everywhere. `postgresql.py` and
`stepwise.py` (MySQL, MariaDB, SQLite) fill in those that differ; the SQL itself is in the
`.sql` files. A plan that needs several statements in one transaction says `begin` and
`commit` itself, for a connection of the worker's own; `joined` takes the two out again for a
transaction that is open already, above all the application's.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from proletarian.ids import Kind
from proletarian.sql.rows import Claimed, Colleague, Ended, Marks, NewRow, Orphan
from proletarian.sql.statements import Plan, Row, Rows, Statement, Text, blocks, read
from proletarian.sql.tables import Tables

T = TypeVar("T")

FOREVER = 1e9  # seconds


class Dialect(ABC):
    """The plans for one kind of database, one set of tables and one kind of job id."""

    name: ClassVar[str]
    file: ClassVar[str]
    types: ClassVar[Mapping[Kind, Mapping[str, str]]]
    copies: ClassVar[bool] = False

    def __init__(self, tables: Tables, kind: Kind) -> None:
        self.tables = tables
        self.kind: Kind = kind
        self.sql = {name: Text(self.fitted(source)) for name, source in blocks(read(self.file)).items()}

    def fitted(self, source: str) -> str:
        """SQL of ours with this queue's table names and type of job ids."""
        types = self.types[self.kind]
        source = re.sub(r"/\*(\w+)\*/ [A-Z]+(\(\d+\))?(?![A-Z(])", lambda match: types[match[1]], source)
        return self.tables.rewrite(source, self.name)

    # How values look in the database.

    def stored_id(self, job_id: UUID | int | str | None) -> Any:
        """A job id, as the strategy encodes it, in the type that the driver wants."""
        return job_id

    def loaded_id(self, stored: Any) -> Any:
        """The reverse."""
        return stored

    def stored_worker(self, worker_id: UUID) -> Any:
        """A worker id in the type that the driver wants."""
        return worker_id

    def loaded_worker(self, stored: Any) -> Any:
        """A worker id as `stored_worker` gives it, whatever the driver has made of it."""
        return stored

    def loaded_time(self, stored: Any) -> datetime:
        """A timestamp as an aware datetime, in UTC."""
        moment: datetime = stored
        return moment.astimezone(UTC)

    def stored_time(self, moment: datetime | None) -> Any:
        """A timestamp in the type that the driver wants."""
        return moment

    @abstractmethod
    def lock_of(self, worker_id: UUID) -> Any:
        """The lock that proves this worker's life."""

    # Plans for the application's connection.

    @abstractmethod
    def enqueue(self, row: NewRow, now: datetime | None) -> Plan[Any]:
        """Put one job in; gives its id as stored."""

    @abstractmethod
    def enqueue_many(self, rows: Iterable[NewRow], now: datetime | None, *, copy: bool) -> Plan[list[Any]]:
        """Put many jobs in; gives their ids as stored, in order."""

    @abstractmethod
    def settle(self, worker_id: Any, worker: str, ended: Sequence[Ended], now: datetime | None) -> Plan[set[int]]:
        """Acknowledge runs of one worker; gives the run ids that were still its own."""

    # Plans for the worker's connections.

    @abstractmethod
    def claim(
        self,
        worker_id: Any,
        wants: Mapping[str, int],
        first_run: int,
        now: datetime | None,
        marks: Marks | None,
    ) -> Plan[list[Claimed]]:
        """
        Take due jobs: up to so many of each queue, with run ids above `first_run`, in order.

        With `marks`, only from these levels and onward from these times.
        """

    def register(self, worker_id: Any, host: str, pid: int, queues: str, lock: Any, lost_after: float) -> Plan[Row]:
        """Enter a worker; gives the database's time and the number of workers."""
        parameters = {"worker_id": worker_id, "host": host, "pid": pid, "queues": queues, "lock": lock,
                      "lost_after": lost_after}  # fmt: skip
        rows = yield self._say("register", **parameters)
        return rows[0]

    def beat(self, worker_id: Any) -> Plan[Row | None]:
        """Be seen; gives the database's time and the number of workers, or None if declared dead."""
        rows = yield self._say("beat", worker_id=worker_id)
        return rows[0] if rows else None

    def unregister(self, worker_id: Any) -> Plan[None]:
        """Leave."""
        yield self._say("unregister", worker_id=worker_id)

    def colleagues(self) -> Plan[list[Colleague]]:
        """Every worker that has a row."""
        rows = yield self._say("colleagues")
        return [Colleague(self.loaded_worker(row[0]), row[1], bool(row[2]), bool(row[3])) for row in rows]

    @abstractmethod
    def bury(self, lock_free: Sequence[Any], in_touch: float) -> Plan[dict[Any, str]]:
        """
        Declare workers dead: these, and those with a late heartbeat. Gives who they were (host and pid) by worker id.

        A heartbeat may be late because nobody could reach the database. Only who has been `in_touch`
        for half of the time after which a worker counts as lost, in seconds, may judge it.
        """

    def orphans(self) -> Plan[list[Orphan]]:
        """Runs of workers that are not there."""
        rows = yield self._say("orphans")
        return [Orphan(self.loaded_worker(row[0]), Claimed(*row[1:])) for row in rows]

    def hold(self, lock: Any) -> Plan[bool]:
        """Take the lock that proves a worker's life, for as long as this session lives."""
        rows = yield self._say("hold", lock=lock)
        return bool(rows[0][0])

    def held(self, lock: Any, session: int) -> Plan[bool]:
        """Whether that session holds the lock, as seen from this one."""
        rows = yield self._say("held", lock=lock, session=session)
        return bool(rows[0][0])

    def listen(self) -> Plan[None]:
        """Be sent the notifications of these tables, where the database has any."""
        yield from ()

    def lie_down(self, queues: Sequence[str]) -> Plan[None]:
        """Ask enqueues on these queues to notify."""
        yield from ()

    def get_up(self, queues: Sequence[str]) -> Plan[None]:
        """Spare them that while we are awake."""
        yield from ()

    def mine(self, worker_id: Any) -> Plan[list[Claimed]]:
        """The runs that are this worker's own, as the database knows them."""
        rows = yield self._say("mine", worker_id=worker_id)
        return [Claimed(*row) for row in rows]

    def begin(self) -> Plan[None]:
        """Open a transaction on the worker's connection."""
        yield self._say("begin")

    def commit(self) -> Plan[None]:
        """Close it."""
        yield self._say("commit")

    @abstractmethod
    def undecided(self, worker_id: Any, run_ids: Sequence[int]) -> Plan[tuple[set[int], set[int]]]:
        """
        Of runs completed in a transaction of their handler's: those still here, and those free.

        Still here and not free: that transaction is open. Free: it was rolled back.
        """

    @abstractmethod
    def note_progress(self, worker_id: Any, notes: Mapping[int, str]) -> Plan[None]:
        """Write how far runs are: a text for each run id."""

    def prune(self, older_than: float, succeeded: bool, most: int) -> Plan[int]:
        """Delete up to `most` archived jobs that ended so many seconds ago; gives how many."""
        rows = yield self._say("prune", older_than=older_than, succeeded=succeeded, most=most)
        return len(rows)

    def joined(self, plan: Plan[T]) -> Plan[T]:
        """The same plan in a transaction that is open already: without its begin and commit."""
        ends = self.sql["begin"], self.sql["commit"]
        try:
            step = next(plan)
            while True:
                rows: Rows = [] if isinstance(step, Statement) and step.text in ends else (yield step)
                step = plan.send(rows)
        except StopIteration as end:
            result: T = end.value
            return result

    def id_type(self) -> Plan[str | None]:
        """The type of the column that holds job ids, as the database calls it."""
        schema, _, table = self.tables.name("job", self.name).rpartition(".")
        rows = yield self._say("id_type", schema=schema or None, table=table)
        return str(rows[0][0]) if rows else None

    # Plans for people who look.

    def status(self, most: int) -> Plan[tuple[list[Row], list[Row]]]:
        """
        (queue, waiting, due, running, failed, oldest due age in seconds) of each queue; and the workers.

        Counts stop at `most`.
        """
        waiting = {}
        for (queue,) in list((yield self._say("queues"))):
            rows = yield self._say("waiting_in", queue=queue, most=most)
            waiting[queue] = rows[0]
        running: dict[str, int] = dict(cast(Any, (yield self._say("running"))))
        failed: dict[str, int] = dict(cast(Any, (yield self._say("failed", most=most))))
        workers = list((yield self._say("workers")))
        queues: list[Row] = []
        for queue in sorted({*waiting, *running, *failed}):
            count, due, age = waiting.get(queue, (0, 0, None))
            seconds = None if age is None else float(age)
            queues.append((queue, count, due, running.get(queue, 0), failed.get(queue, 0), seconds))
        return queues, workers

    def _say(self, name: str, /, **parameters: Any) -> Statement:
        return Statement(self.sql[name], parameters)
