"""
Databases that cannot move rows in one statement: MySQL, MariaDB and SQLite.

An operation is a transaction of several statements with decisions in between. Batches
travel as one JSON parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed, Ended, Level, Marks, NewRow, as_json, bites, dump
from proletarian.sql.statements import Plan, Row

BATCH = 1000
BEGINNING = "1000-01-01 00:00:00.000000"  # before every process_at


class Stepwise(Dialect):
    """The plans that MySQL, MariaDB and SQLite share."""

    def json_id(self, stored: Any) -> Any:
        """A stored job id or worker id, as it travels in JSON."""
        return stored

    def enqueue(self, row: NewRow, now: datetime | None) -> Plan[Any]:
        """Put one job in."""
        parameters = asdict(row) | {
            "now": self.stored_time(now),
            "process_at": self.stored_time(row.process_at),
        }
        yield self._say("enqueue", **parameters)
        return row.job_id if row.job_id is not None else (yield from self._made_id())

    def _made_id(self) -> Plan[Any]:
        rows = yield self._say("made_id")
        return rows[0][0]

    def enqueue_many(self, rows: Iterable[NewRow], now: datetime | None, *, copy: bool) -> Plan[list[Any]]:
        """Put many jobs in: a thousand a statement, or one by one where the database makes the ids."""
        rows = list(rows)
        if any(row.job_id is None for row in rows):
            job_ids = []
            for row in rows:
                job_ids.append((yield from self.enqueue(row, now)))  # noqa: PERF401 (no comprehension can)
            return job_ids
        for start in range(0, len(rows), BATCH):
            jobs = [
                (
                    self.json_id(row.job_id),
                    *(row.queue, row.job_type, row.payload, row.priority, row.headers),
                    row.process_at and str(self.stored_time(row.process_at)),
                    row.delay,
                )
                for row in rows[start : start + BATCH]
            ]
            yield self._say("enqueue_many", jobs=dump(jobs), now=self.stored_time(now))
        return [row.job_id for row in rows]

    def claim(
        self,
        worker_id: Any,
        wants: Mapping[str, int],
        first_run: int,
        now: datetime | None,
        marks: Marks | None,
    ) -> Plan[list[Claimed]]:
        """Take due jobs: find the levels that have some, then pick from each what is still wanted."""
        now = self.stored_time(now)
        levels: Sequence[Level] = list(marks or ())
        if marks is None:
            levels = yield from self._levels(list(wants), now)
        if not levels:
            return []
        yield self._say("begin")
        left = dict(wants)
        claimed: list[Claimed] = []
        for queue, priority in sorted(levels, key=lambda level: -level[1]):
            if not left[queue]:
                continue
            mark = BEGINNING if marks is None else marks[queue, priority]
            rows = yield self._say(
                "pick", worker_id=worker_id, queue=queue, priority=priority, mark=mark, most=left[queue], now=now
            )
            left[queue] -= len(rows)
            start = first_run + len(claimed) + 1
            claimed += [Claimed(*[*row, start + n]) for n, row in enumerate(rows)]
        if claimed:
            picked = dump([(self.json_id(run.job_id), run.run_id) for run in claimed])
            yield self._say("take", picked=picked, worker_id=worker_id)
            yield self._say("remove", picked=picked)
        yield self._say("commit")
        return claimed

    def _levels(self, queues: Sequence[str], now: Any) -> Plan[list[Level]]:
        """Which priorities these queues have that have due jobs."""
        rows = yield self._say("levels", queues=dump(queues), now=now)
        return [(queue, priority) for queue, priority in rows]

    def settle(self, worker_id: Any, worker: str, ended: Sequence[Ended], now: datetime | None) -> Plan[set[int]]:
        """Acknowledge runs: lock those that are still ours, copy them to where they go, remove them."""
        yield self._say("begin")
        run_ids = dump([{"run_id": end.run_id} for end in ended])
        ours = {row[0] for row in (yield self._say("ours", ended=run_ids, worker_id=worker_id))}
        now = self.stored_time(now)
        for bite in bites([end for end in ended if end.run_id in ours]):
            said = [{"run_id": end.run_id, **as_json(end)} for end in bite]
            where = {"ended": dump(said), "worker_id": worker_id}
            if any("status" in end for end in said):
                yield self._say("archive", worker=worker, now=now, **where)
            if any("status" not in end for end in said):
                yield self._say("put_back", now=now, **where)
        if ours:
            yield self._say("end", ended=run_ids, worker_id=worker_id)
        yield self._say("commit")
        return ours

    def register(self, worker_id: Any, host: str, pid: int, queues: str, lock: Any, lost_after: float) -> Plan[Row]:
        """Enter a worker; gives the database's time and the number of workers."""
        parameters = {"host": host, "pid": pid, "queues": queues, "lock": lock, "lost_after": lost_after}
        yield self._say("register", worker_id=worker_id, **parameters)
        rows = yield self._say("seen", worker_id=worker_id)
        return rows[0]

    def beat(self, worker_id: Any) -> Plan[Row | None]:
        """Be seen; gives the database's time and the number of workers, or None if declared dead."""
        yield self._say("beat", worker_id=worker_id)
        rows = yield self._say("seen", worker_id=worker_id)
        return rows[0] if rows else None

    def bury(self, lock_free: Sequence[Any], in_touch: float) -> Plan[dict[Any, str]]:
        """Declare workers dead; gives who they were by worker id."""
        free = ",".join(str(self.json_id(worker_id)) for worker_id in lock_free)
        rows = yield self._say("dying", lock_free=free, in_touch=in_touch)
        for worker_id, _, _ in rows:
            yield self._say("unregister", worker_id=worker_id)
        return {worker_id: f"{host}:{pid}" for worker_id, host, pid in rows}

    def undecided(self, worker_id: Any, run_ids: Sequence[int]) -> Plan[tuple[set[int], set[int]]]:
        """Of runs completed in a transaction of their handler's: those still here, and those free."""
        ended = dump([{"run_id": run_id} for run_id in run_ids])
        free = {row[0] for row in (yield self._say("rolled_back", ended=ended, worker_id=worker_id))}
        here = {row[0] for row in (yield self._say("undecided", ended=ended, worker_id=worker_id))}
        return here, free & here

    def note_progress(self, worker_id: Any, notes: Mapping[int, str]) -> Plan[None]:
        """Write how far runs are."""
        yield self._say("progress", notes=dump(list(notes.items())), worker_id=worker_id)

    def prune(self, older_than: float, succeeded: bool, most: int) -> Plan[int]:
        """Delete up to `most` archived jobs that ended so many seconds ago; gives how many."""
        yield self._say("prune", older_than=older_than, succeeded=succeeded, most=most)
        rows = yield self._say("changed")
        return int(rows[0][0])
