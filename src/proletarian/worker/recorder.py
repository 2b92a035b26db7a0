"""
Writes down how runs ended, under the fence, and only then reports it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from proletarian.connections.database import Database
from proletarian.connections.session import Refused, Session
from proletarian.errors import ProletarianError, WorkerLost
from proletarian.events import is_wanted
from proletarian.outcomes import Outcome, succeeded
from proletarian.sql.fates import written
from proletarian.sql.keys import Mark
from proletarian.sql.namesakes import told_apart
from proletarian.sql.rows import Claimed, Ended, as_text
from proletarian.sql.settling import settle, succeed, undecided
from proletarian.sql.statements import Plan
from proletarian.sql.transactions import begin, commit, joined
from proletarian.worker.claiming.lanes import Lanes
from proletarian.worker.claiming.rhythm import Rhythm
from proletarian.worker.hands.hooks import Hooks
from proletarian.worker.held import RUN, End, Held
from proletarian.worker.keeping.recovery import Recovered
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner

BATCH = 1000  # runs in one acknowledgement


def plain_ids(batch: Sequence[End]) -> list[int]:
    """The ids of these runs, if all have succeeded with nothing to add and nothing depends on it; otherwise none."""
    found: list[int] = []
    for run, outcome in batch:
        row = run.row
        if not outcome.is_plain or row.lane or row.flow or run.completed:
            return []
        found.append(row.run_id)
    return found


class Recorder:
    """Acknowledges runs in batches, and logs which outcomes counted and which did not."""

    def __init__(
        self,
        session: Session,
        database: Database,
        runner: Runner,
        held: Held,
        rhythm: Rhythm,
        lanes: Lanes,
        hooks: Hooks,
    ) -> None:
        self.freed = False  # other jobs wait for one that has ended since this was last checked
        self.undecided: list[End] = []  # runs that their handlers completed in transactions that are still open
        self._session = session
        self._queue = database.queue
        self._dialect = database.dialect
        self._runner = runner
        self._held = held
        self._rhythm = rhythm
        self._lanes = lanes
        self._hooks = hooks
        self._log = runner.log

    def record(self, batch: Iterable[End]) -> int:
        """Write outcomes, including those that were undecided before; returns how many are done."""
        again, self.undecided = self.undecided, []
        entries = [*again, *batch]
        # All have the same worker id, except those from before we were declared dead. (Comparing UUIDs is slow.)
        worker_ids = [run.worker_id for run, _ in entries]
        if len(set(map(id, worker_ids))) == 1:
            self._record(worker_ids[0], entries)
        else:
            for _, group in groupby(entries, key=lambda end: id(end[0].worker_id)):
                ended = list(group)
                self._record(ended[0][0].worker_id, ended)
        return len(entries) - len(self.undecided)

    def give_back(self, runs: Sequence[Run], delay: float | None = None) -> None:
        """Put runs back in their places in their queues, or for `delay` seconds; they do not count."""
        for worker_id in {run.worker_id for run in runs}:
            theirs = [run for run in runs if run.worker_id == worker_id]
            for start in range(0, len(theirs), BATCH):
                bite = theirs[start : start + BATCH]
                self._record(worker_id, [(run, self._runner.ends.given_back(run, delay)) for run in bite])

    def _record(self, worker_id: Any, batch: list[End]) -> None:
        if self._dialect.moves_rows and (plain := plain_ids(batch)):
            self._record_plain(worker_id, batch, plain)
            return
        batch = self._decided(worker_id, batch)
        if not batch:
            return
        before = self._session.troubles
        missed: list[Mark] = []
        try:
            ours = self._session.offer(self._settled, worker_id, batch, missed)
        except Refused as refused:
            self._narrow(worker_id, batch, refused.__cause__ or refused)
        else:
            self._runner.keys.note(missed)
            self._written(batch, ours, before)

    def _record_plain(self, worker_id: Any, batch: list[End], run_ids: list[int]) -> None:
        """The usual case, in which there is little to write and nothing to report."""
        before = self._session.troubles
        try:
            ours = self._session.offer(self._succeeded, worker_id, run_ids)
        except Refused as refused:
            self._narrow(worker_id, batch, refused.__cause__ or refused)
            return
        if len(ours) == len(batch) and not is_wanted(self._log, "job.succeeded"):
            self._held.strike(map(RUN, batch))
        else:
            self._written(batch, ours, before)

    def _succeeded(self, worker_id: Any, run_ids: list[int]) -> Plan[set[int]]:
        return succeed(self._dialect, worker_id, self._runner.worker, run_ids, self._queue.now())

    def _settled(self, worker_id: Any, batch: list[End], missed: list[Mark] | None = None) -> Plan[set[int]]:
        with_more = self._runner.limits.ended
        ended = [
            with_more(row, outcome) if (row := run.row).lane or row.flow else Ended(row.run_id, outcome)
            for run, outcome in batch
        ]
        return settle(self._dialect, worker_id, self._runner.worker, ended, self._queue.now(), missed)

    # One row that cannot be written must not hold up the others: an id that was given to two jobs, a value that does
    # not fit its column, a constraint or trigger that somebody has added.

    def _narrow(self, worker_id: Any, batch: list[End], error: BaseException) -> None:
        """Halve a batch that the database refuses, down to the row that it refuses, and settle that one separately."""
        half = len(batch) // 2
        if half:
            for part in (batch[:half], batch[half:]):
                self._record(worker_id, part)
            return
        [(run, outcome)] = batch
        before = self._session.troubles
        for last in (outcome, self._refused(run, outcome, error)):
            try:
                written, ours = self._session.offer(self._apart, worker_id, run, last)
            except Refused:
                continue
            if last is not outcome:
                self._log("job.unrecordable", {**self._runner.jobs.known(run), "error": error, "ended": outcome.event})
            self._written([(run, written)], ours, before)
            return
        # Not even as failed: it is not this row that is refused (a right was revoked, say), so try again later.
        self._written(batch, self._session.insist(self._settled, worker_id, batch), before)

    def _apart(self, worker_id: Any, run: Run, outcome: Outcome) -> Plan[tuple[Outcome, set[int]]]:
        dialect, worker, now = self._dialect, self._runner.worker, self._queue.now()
        yield from begin(dialect)
        [outcome] = yield from told_apart(dialect, worker_id, worker, [(run.row, outcome)], now)
        ended = [self._runner.limits.ended(run.row, outcome)]
        ours = yield from joined(dialect, settle(dialect, worker_id, worker, ended, now))
        yield from commit(dialect)
        return outcome, ours

    def _refused(self, run: Run, outcome: Outcome, error: BaseException) -> Outcome:
        said = ProletarianError(f"the database refuses to store how this run ended ({outcome.event}): {error}")
        said.__cause__ = error
        return self._runner.ends.failed_for_good(run, said)

    def _written(self, batch: list[End], ours: set[int], before: int) -> None:
        """Report the outcomes that are in the database, and those that did not count any more."""
        if len(ours) < len(batch) and self._session.troubles > before:
            # After a lost answer, the first attempt may have been carried out; then the second one finds nothing.
            ours = ours | self._found([(run.row, outcome) for run, outcome in batch if run.row.run_id not in ours])
        hushed = {event for event in ("job.succeeded", "job.released") if not is_wanted(self._log, event)}
        self._held.strike(map(RUN, batch))
        if "job.succeeded" in hushed and len(ours) == len(batch):  # then there is little to report
            batch = [end for end in batch if not end[1].is_plain or end[0].row.lane or end[0].row.flow]
        for run, outcome in batch:
            row = run.row
            if row.lane or row.flow or run.next:
                self._release(run, outcome)
            if row.run_id not in ours:
                self._log("job.lease_lost", self._runner.jobs.known(run))
                continue
            if outcome.event not in hushed:
                self._tell(run, outcome)
            if outcome.status is None:
                self._rhythm.put_back(row.queue, outcome.delay, time.monotonic())

    def _release(self, run: Run, outcome: Outcome) -> None:
        """Let other jobs proceed, now that this run has ended."""
        self.freed |= run.row.awaited is not None and outcome.status is not None
        if outcome.then:
            self._rhythm.anything(time.monotonic())
        if run.row.lane:
            self._lanes.freed(run.row.queue, run.row.lane)

    def _found(self, ended: Sequence[tuple[Claimed, Outcome]]) -> set[int]:
        """Those that are in the database as we wrote them: nobody is told of an end that may be another worker's."""
        return self._session.insist(written, self._dialect, self._runner.worker, ended)

    def _decided(self, worker_id: Any, batch: list[End]) -> list[End]:
        """
        The batch without the runs that were completed in their handler's transaction.

        If it was committed, the row is gone, and the archive has it from us. (If not, the run was taken back.) If it is
        still open, the run is checked again. If it was rolled back, the handler's word is not enough, because its work
        is undone: the run has failed.
        """
        completed = [run.row.run_id for run, _ in batch if run.completed]
        if not completed:
            return batch
        here, free = self._session.insist(undecided, self._dialect, worker_id, completed)
        decided: list[End] = []
        gone: list[End] = []
        for run, outcome in batch:
            if not run.completed:
                decided.append((run, outcome))
            elif run.row.run_id in free:
                decided.append((run, self._undone(run, outcome)))
            elif run.row.run_id in here:
                self.undecided.append((run, outcome))
            else:
                gone.append((run, succeeded(run.row.attempts + 1, run.row.lost)))
        if gone:
            self._written(gone, self._found([(run.row, outcome) for run, outcome in gone]), self._session.troubles)
        return decided

    def _undone(self, run: Run, outcome: Outcome) -> Outcome:
        if outcome.status != "success":
            return outcome
        error = ProletarianError("job.complete() was called, but its transaction was not committed")
        return self._runner.ends.after(run, error)

    def _tell(self, run: Run, outcome: Outcome) -> None:
        self._runner.tell(run, outcome)
        if outcome.event == "job.given_up" and outcome.error is not None:
            self._hooks.failed(run, outcome.error)

    def recovered(self, done: Recovered) -> None:
        """Log what became of the runs of dead workers; called by the keeper's thread."""
        for who in done.buried.values():
            rows = [row for worker, row, _ in done.runs if worker == who]
            blamed = next((self._runner.jobs.id_of(row) for row in rows if (who, row.run_id) in done.blamed), None)
            self._log("jobs.recovered", {"from": who, "count": len(rows), "blamed": blamed})
        for who, row, outcome in done.runs:
            run = self._runner.claimed(row, None, time.monotonic())
            self._runner.tell(run, outcome, **{"from": who, "lost": outcome.lost, "suspect": outcome.suspect})
            if outcome.status is not None and isinstance(outcome.error, WorkerLost):
                self._hooks.failed(run, outcome.error)
        for (job_id, _, queue, job_type), request in done.cancelled:
            said = {"queue": as_text(queue), "job_id": self._runner.jobs.decoded(job_id), "job_type": as_text(job_type)}
            self._log("job.cancelled", {**said, "by": request.by, "reason": request.reason})
