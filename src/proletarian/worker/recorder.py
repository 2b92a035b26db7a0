"""
Writing down how runs ended: under the fence, and only then telling anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from proletarian.database import Database, Session
from proletarian.errors import ProletarianError
from proletarian.events import Log, is_wanted
from proletarian.outcomes import Outcome
from proletarian.sql.rows import Ended
from proletarian.worker.run import Run, Runner

End = tuple[Run, Outcome]


class Recorder:
    """Acknowledges runs in batches, and logs what counted and what did not."""

    def __init__(
        self,
        session: Session,
        database: Database,
        runner: Runner,
        *,
        log: Log,
        given_up: Callable[[Run, BaseException], None],
        put_back: Callable[[Run, Outcome], None],
    ) -> None:
        self.undecided: list[End] = []  # completed by their handlers, in transactions that are still open
        self._session = session
        self._queue = database.queue
        self._dialect = database.dialect
        self._runner = runner
        self._log = log
        self._given_up = given_up
        self._put_back = put_back

    def record(self, batch: Iterable[End]) -> int:
        """Write outcomes, and those that were undecided before; gives how many are through."""
        again, self.undecided = self.undecided, []
        entries = [*again, *batch]
        # All have one id, but for those of before we were declared dead. (A UUID is slow to compare.)
        for _, group in groupby(entries, key=lambda entry: id(entry[0].worker_id)):
            ended = list(group)
            self._record(ended[0][0].worker_id, ended)
        return len(entries) - len(self.undecided)

    def give_back(self, runs: Sequence[Run]) -> None:
        """Put runs back to where they were in their queues; they do not count."""
        for worker_id in {run.worker_id for run in runs}:
            self._record(worker_id, [(run, released(run)) for run in runs if run.worker_id == worker_id])

    def _record(self, worker_id: Any, batch: list[End]) -> None:
        batch = self._decided(worker_id, batch)
        if not batch:
            return
        ended = [Ended(run.row.run_id, outcome) for run, outcome in batch]
        before = self._session.troubles
        ours = self._session.run(self._dialect.settle, worker_id, self._runner.worker, ended, self._queue.now())
        # After a lost answer the first try may have been carried out; then the second finds nothing.
        unsure = self._session.troubles > before
        hushed = None if is_wanted(self._log, "job.succeeded") else "job.succeeded"
        for run, outcome in batch:
            run.is_over = True
            if run.row.run_id not in ours and not unsure:
                self._log("job.lease_lost", self._runner.known(run))
            elif outcome.event != hushed:
                self._tell(run, outcome)
                if outcome.status is None:
                    self._put_back(run, outcome)

    def _decided(self, worker_id: Any, batch: list[End]) -> list[End]:
        """
        Without the runs that were completed in a transaction of their handler's.

        Committed: the row is gone, and that is that. Still open: it is asked again. Rolled back:
        the handler's word is not enough, its work is undone; the run has failed.
        """
        completed = [run.row.run_id for run, _ in batch if run.completed]
        if not completed:
            return batch
        here, free = self._session.run(self._dialect.undecided, worker_id, completed)
        decided = []
        for run, outcome in batch:
            if not run.completed:
                decided.append((run, outcome))
            elif run.row.run_id in free:
                decided.append((run, self._undone(run, outcome)))
            elif run.row.run_id in here:
                self.undecided.append((run, outcome))
            else:
                run.is_over = True
                self._tell(run, Outcome("job.succeeded", "success", run.row.attempts + 1, run.row.lost))
        return decided

    def _undone(self, run: Run, outcome: Outcome) -> Outcome:
        if outcome.status != "success":
            return outcome
        error = ProletarianError("job.complete() was called, but its transaction was not committed")
        return self._runner.after(run, error)

    def _tell(self, run: Run, outcome: Outcome) -> None:
        data = self._runner.known(run)
        if outcome.event == "job.succeeded":
            data["ran"] = round(run.ran, 6)
        else:
            data |= {"error": outcome.error, "failures": outcome.attempts, "retry_in": outcome.delay}
        self._log(outcome.event, data)
        if outcome.event == "job.given_up" and outcome.error is not None:
            self._given_up(run, outcome.error)


def released(run: Run) -> Outcome:
    """Back to where it was in its queue; the run does not count."""
    return Outcome("job.released", attempts=run.row.attempts, lost=run.row.lost)
