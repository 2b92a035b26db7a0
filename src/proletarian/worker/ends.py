"""
How runs end: from what a handler did to an outcome. Decisions, no database.

Whatever a handler does, its run ends with an outcome: a broken payload, a SystemExit, a strategy that raises or an
error that cannot be shown affects only its own job.
"""

from __future__ import annotations

from asyncio import CancelledError
from datetime import datetime, timedelta

from proletarian.errors import (
    JobIdTaken,
    PayloadError,
    ProcessDied,
    StepNotKept,
    UnknownJobType,
    UnreadablePayload,
)
from proletarian.events import Log
from proletarian.job import headers_in
from proletarian.kept_errors import errors_in, with_error
from proletarian.outcomes import (
    Cancel,
    Outcome,
    Signal,
    Snooze,
    Strategy,
    after_failure,
    cancel_note,
    cancelled,
    followed,
    given_up,
    released,
    retrying,
    snoozed,
    succeeded,
    succeeded_with,
)
from proletarian.rules import Rules
from proletarian.sql.rows import Claimed
from proletarian.tasks import Tasks
from proletarian.times.expiry import HEADER, REASON, deadline, is_expired
from proletarian.worker.blame import Evidence, judge, wording
from proletarian.worker.clock import DatabaseClock
from proletarian.worker.jobs import Jobs
from proletarian.worker.run import STOPPED, TAKEN, Run

UNKNOWN_FOR = 3600.0  # seconds for which a job of unknown type waits for a release that knows it
UNKNOWN_DELAY = 5.0  # seconds until it is tried again
NO_RULES = Rules()  # the rules of an unknown task


class Ends:
    """Decides what becomes of a run."""

    def __init__(
        self,
        tasks: Tasks,
        jobs: Jobs,
        *,
        log: Log,
        clock: DatabaseClock,
        worker: str,
        retry: Strategy | None,
        unknown_for: float,
    ) -> None:
        self.tasks = tasks
        self.jobs = jobs
        self.log = log
        self.clock = clock
        self.worker = worker
        self.retry = retry
        self.unknown_for = unknown_for

    def well(self, run: Run, result: object) -> Outcome:
        """The handler has returned."""
        if run.request is not None and run.job is not None and run.job.stopping.was_heard:
            return self.cancelled(run)
        row = run.row
        outcome = succeeded(row.attempts + 1, row.lost)
        if result is not None and (run.rules.keep_result or row.awaited is not None):
            try:
                queue = run.origin.queue
                outcome = succeeded_with(row.attempts + 1, row.lost, result, queue.serializer, queue.sizes)
            except PayloadError as error:
                if run.rules.keep_result:  # otherwise kept only for jobs that wait for it, if possible
                    return self.failed(run, error, final=True)
        return followed(outcome, run.next) if run.next else outcome

    def after(self, run: Run, error: BaseException) -> Outcome:
        """The handler raised, or could not be called; this never raises."""
        try:
            return self._after(run, error)
        except BaseException as broken:  # noqa: BLE001 (an unforeseen row: the job ends, the thread continues)
            return self.failed_for_good(run, broken)

    def failed_for_good(self, run: Run, error: BaseException) -> Outcome:
        """An end that asks nobody and keeps nothing that the row held, for when everything else has failed."""
        row = run.row
        errors = with_error(None, error, attempt=row.attempts + 1, worker=self.worker, at=self.clock.now())
        return given_up(row.attempts + 1, row.lost, errors=errors, error=error)

    def _after(self, run: Run, error: BaseException) -> Outcome:
        row = run.row
        if run.request is not None:
            return self.cancelled(run, error)
        if isinstance(error, UnknownJobType) and row.job_type not in self.tasks:
            return self._unknown(run, error)
        if isinstance(error, Snooze):
            return snoozed(row.attempts, row.lost, error.seconds)
        if isinstance(error, Cancel):
            return cancelled(row.attempts + 1, row.lost, errors=self._noted(run, error), error=error)
        if run.told in (STOPPED, TAKEN) and not isinstance(error, ProcessDied):
            return released(row.attempts, row.lost, row.suspect, error=error)
        return self.failed(run, error, final=isinstance(error, (JobIdTaken, StepNotKept, UnreadablePayload)))

    def failed(self, run: Run, error: BaseException, *, final: bool) -> Outcome:
        """The run has failed, and counts; `final`: do not retry it."""
        row, lost = run.row, run.row.lost
        if isinstance(error, ProcessDied):  # as when a worker dies, except that no other job can be to blame
            lost += 1
            final = final or lost >= run.rules.lost_limit
        self.log("job.failed", {**self.jobs.known(run), "error": error, "ran": round(run.ran, 6)})
        delay = None
        if not final:
            delay, error = after_failure(run.rules.retry or self.retry, self.jobs.for_people(run), error)
        errors = self._noted(run, error)
        if delay is None:
            return given_up(row.attempts + 1, lost, errors=errors, error=error)
        return retrying(row.attempts + 1, lost, delay, errors=errors, error=error)

    def _unknown(self, run: Run, error: BaseException) -> Outcome:
        """A newer release may know this job type: let the job wait, and give it up visibly in the end."""
        row = run.row
        seen = [entry for entry in errors_in(row.errors) if entry.get("type") == "UnknownJobType"]
        errors = None
        if not seen:
            errors = self._noted(run, error)
        elif self.clock.now() - datetime.fromisoformat(str(seen[0].get("at"))) >= timedelta(seconds=self.unknown_for):
            return self.failed(run, error, final=True)
        return snoozed(row.attempts, row.lost, UNKNOWN_DELAY, suspect=row.suspect, errors=errors, error=error)

    def lost(self, row: Claimed, worker: str, found: Evidence) -> Outcome:
        """What becomes of a run that a dead worker held."""
        task = self.tasks.find(row.job_type)
        verdict = judge(row.lost, row.suspect, (task.rules if task else NO_RULES).lost_limit, found)
        if found is Evidence.WAITING:
            return released(row.attempts, row.lost, row.suspect)
        error = wording(verdict, found, worker)
        errors = with_error(row.errors, error, attempt=row.attempts + 1, worker=worker, at=self.clock.now())
        if verdict.is_guilty:
            return given_up(row.attempts, verdict.lost, errors=errors, error=error)
        return released(row.attempts, verdict.lost, verdict.suspect, errors=errors, error=error)

    def cancelled(self, run: Run, error: BaseException | None = None) -> Outcome:
        """The end of a run whose job was cancelled; it keeps what the handler raised, if that says more."""
        assert run.request is not None  # noqa: S101
        row, note = run.row, cancel_note(run.request.by, run.request.reason)
        attempts = row.attempts + (run.started_at is not None)
        errors = row.errors
        if error is not None and not isinstance(error, (CancelledError, Signal)):
            errors = self._noted(run, error)
        by = run.request.by or self.worker
        errors = with_error(errors, note, attempt=attempts, worker=by, at=self.clock.now())
        return cancelled(attempts, row.lost, errors=errors, error=note)

    def expired(self, run: Run) -> Outcome | None:
        """The end of a run whose job expired before it started; None if it may start."""
        row = run.row
        if not row.headers or HEADER not in row.headers or row.attempts or row.lost or row.suspect:
            return None
        until = deadline(headers_in(row.headers) or {}, self.jobs.time(row.enqueued_at))
        if until is None or not is_expired(until, self.jobs.time(row.process_at), self.clock.now()):
            return None
        error = Cancel(REASON)
        return cancelled(row.attempts, row.lost, errors=self._noted(run, error), error=error)

    def given_back(self, run: Run, delay: float | None = None) -> Outcome:
        """The end of a run that goes back as it came, for `delay` seconds, unless somebody has cancelled its job."""
        if run.request is not None:
            return self.cancelled(run)
        return released(run.row.attempts, run.row.lost, run.row.suspect, delay=delay)

    def _noted(self, run: Run, error: BaseException) -> str:
        row, at = run.row, self.clock.now()
        ran = None if run.started_at is None else run.ran
        return with_error(row.errors, error, attempt=row.attempts + 1, worker=self.worker, at=at, ran=ran)
