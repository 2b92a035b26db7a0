"""
A hand whose jobs are run by an executor, on whatever machines it has.

One thread submits jobs and watches them; the executor reports when a job has ended. A running job cannot be reached: it
is told neither to stop nor that it was cancelled. Its outcome counts if it still belongs to this worker.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future

from proletarian.errors import ConfigurationError, ProcessDied
from proletarian.events import error_in_words
from proletarian.outcomes import Outcome
from proletarian.worker.hands.ended import outcome_of
from proletarian.worker.hands.executor import Executor
from proletarian.worker.hands.messages import Ended, Order, Unfit, ordered, read
from proletarian.worker.hands.raised import unpacked
from proletarian.worker.hands.remote import perform
from proletarian.worker.hands.slots import Slots
from proletarian.worker.hands.source import Source
from proletarian.worker.held import Held
from proletarian.worker.run import TAKEN, Run
from proletarian.worker.runner import Runner

LOOK = 0.25  # seconds between checks whether submitted jobs were cancelled
PUT_BACK = 5.0  # seconds for which a job is put back that the executor has refused or dropped
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds until the next job is submitted to an executor that refuses jobs


class Away(Slots):
    """The jobs of a queue, all of which go to one hand."""

    def __init__(self, queue: str, count: int, hand: Submitter) -> None:
        super().__init__(queue, count, plain=hand, coroutines=hand)

    def put(self, runs: Sequence[Run]) -> None:
        """Take in claimed jobs, and start running them; here it does not matter which are coroutines."""
        self.held += len(runs)
        self.coroutines.extend(runs)
        self.offer_coroutines()


class Submitter:
    """Submits the jobs of one queue."""

    will_end = 0  # how many of its runs will end when told to: unknown

    def __init__(self, queue: str, executor: Executor, runner: Runner, held: Held, source: Source) -> None:
        self._queue = queue
        self._executor = executor.executor
        self._runner = runner
        self._held = held
        self._source = pickle.dumps(source)
        self._submitted: dict[Run, Future[bytes]] = {}
        self._poked = threading.Event()
        self._is_closed = False
        self._failures = 0
        self._not_before = 0.0
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def poke(self, slots: Slots) -> None:
        """There are jobs to submit, or a slot for one."""
        with self._starting:
            if self._thread is None:
                name = f"proletarian {self._queue}"
                self._thread = threading.Thread(target=self._serve, args=[slots], name=name, daemon=True)
                self._thread.start()
        self._poked.set()

    def let_go(self) -> None:
        """Stop, without waiting for what was submitted."""
        self._is_closed = True
        self._poked.set()

    def end(self, runs: set[Run]) -> None:
        """Take back those that the executor has not started."""
        for run, future in list(self._submitted.items()):
            if run in runs:
                future.cancel()

    def close(self) -> None:
        """Do nothing: the executor belongs to the application, and continues."""

    # The thread.

    def _serve(self, slots: Slots) -> None:
        while not self._is_closed:
            self._poked.wait(LOOK if self._submitted or time.monotonic() < self._not_before else None)
            self._poked.clear()
            while time.monotonic() >= self._not_before and (run := slots.take_coroutine()):
                self._submit(slots, run)
            self.end({run for run in list(self._submitted) if run.request is not None or run.told == TAKEN})

    def _submit(self, slots: Slots, run: Run) -> None:
        if run.told == TAKEN:
            self._end(slots, run, self._runner.ends.given_back(run))
            return
        if expired := self._runner.ends.expired(run):
            self._end(slots, run, expired)
            return
        if self._runner.tasks.find(run.row.job_type) is None:
            self._end(slots, run, self._runner.unknown(run))
            return
        self._runner.begun(run)
        try:
            future = self._executor.submit(perform, self._source, ordered(Order(run.row, run.worker_id)))
        except Exception as error:  # noqa: BLE001 (an executor may raise anything)
            self._end(slots, run, self._failed(run, error))
            return
        self._submitted[run] = future
        future.add_done_callback(lambda done: self._done(slots, run, done))

    # In a thread of the executor.

    def _done(self, slots: Slots, run: Run, future: Future[bytes]) -> None:
        self._submitted.pop(run, None)
        try:
            outcome = self._outcome(run, future)
        except BaseException as error:  # noqa: BLE001 (no run may be left without an end)
            outcome = self._runner.ends.after(run, error)
        self._end(slots, run, outcome)
        self._poked.set()

    def _outcome(self, run: Run, future: Future[bytes]) -> Outcome:
        ends = self._runner.ends
        try:
            said = read(future.result())
        except (CancelledError, BrokenExecutor) as error:  # this is not the job's fault
            return ends.given_back(run) if run.told else self._failed(run, error)
        except Exception as error:  # noqa: BLE001 (an executor may raise anything)
            died = ProcessDied(f"the executor has lost it: {error_in_words(error)}")
            died.__cause__ = error
            return ends.after(run, died)
        if isinstance(said, Unfit):
            cause = unpacked(said.error)
            failed = ConfigurationError(f"the executor cannot run jobs: {error_in_words(cause)}")
            failed.__cause__ = cause
            return self._failed(run, failed)
        assert isinstance(said, Ended)  # noqa: S101 (nothing else is said)
        self._failures = 0
        run.started_at = time.monotonic() - said.ran
        return outcome_of(self._runner, run, said)

    def _failed(self, run: Run, error: BaseException) -> Outcome:
        """The executor takes no jobs: this does not count against any job, but all of them wait."""
        if run.started_at is None or run.started_at >= self._not_before:  # of several at the same time the first counts
            self._failures += 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures - 1, 10))
        self._not_before = time.monotonic() + wait
        self._runner.log("process.failed", {"queue": self._queue, "error": error, "retry_in": wait})
        return self._runner.ends.given_back(run, PUT_BACK)

    def _end(self, slots: Slots, run: Run, outcome: Outcome) -> None:
        self._held.end(run, outcome)
        slots.leave()
