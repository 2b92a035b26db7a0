"""
The child processes of one queue, each with at most one job; started when they are first needed.

A thread of the queue takes a child, orders the run, and listens until it has ended, so slots, stopping and giving back
work as they do for threads. A child that died, was ended, or is due for replacement is replaced for the next job.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import Any

from proletarian.errors import ConfigurationError, LeaseLost
from proletarian.events import error_in_words
from proletarian.outcomes import Outcome
from proletarian.worker.hands import records
from proletarian.worker.hands.ended import outcome_of
from proletarian.worker.hands.messages import (
    Answer,
    Begun,
    Completing,
    Ended,
    Logged,
    Noted,
    Order,
    Ready,
    Stop,
    Unfit,
    Wanted,
)
from proletarian.worker.hands.processes import Processes
from proletarian.worker.hands.raised import unpacked
from proletarian.worker.hands.source import Source
from proletarian.worker.hands.spawned import Spawned
from proletarian.worker.hands.vigil import Vigil
from proletarian.worker.run import TAKEN, Run
from proletarian.worker.runner import Runner

RUN_LOOK = 0.1  # seconds between checks of a running job: was it told to end, is it over its limits?
TRIES = 3  # children that may die with a job before they start it, until it is put back
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds until another child is started, after one that failed to start
PUT_BACK = 5.0  # seconds for which a job is put back if no child could be started for it


class Children:
    """Runs jobs in child processes."""

    def __init__(self, queue: str, processes: Processes, takes_all: bool, runner: Runner, source: Source) -> None:
        self.takes_all = takes_all
        self._running: set[Run] = set()
        self._queue = queue
        self._processes = processes
        self._runner = runner
        self._source = source
        self._idle: list[Spawned] = []
        self._changing = threading.Lock()
        self._leaving: set[threading.Thread] = set()
        self._last_call: set[Run] = set()
        self._failures = 0
        self._not_before = 0.0
        self._is_closed = False

    def run(self, run: Run) -> Outcome:
        """Run one job in a child; the job already has a slot."""
        if self._runner.tasks.find(run.row.job_type) is None:
            return self._runner.unknown(run)
        self._running.add(run)
        try:
            for _ in range(TRIES):
                if run.told == TAKEN:
                    break
                if expired := self._runner.ends.expired(run):
                    return expired
                child = self._child(run)
                if child is None:
                    break
                outcome = self._listened(child, run)
                if outcome is not None:
                    return outcome
            return self._runner.ends.given_back(run, None if run.told else PUT_BACK)
        finally:
            self._running.discard(run)

    @property
    def will_end(self) -> int:
        """How many of its runs end when told to: all of them."""
        return len(self._running)

    def end(self, runs: set[Run]) -> None:
        """The stop timeout is over: end the processes that run these."""
        self._last_call |= runs

    def close(self) -> None:
        """End all idle children, and wait until they are gone."""
        with self._changing:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for child in idle:
            self._replace(child)
        for thread in list(self._leaving):
            thread.join()

    # Getting a child.

    def _child(self, run: Run) -> Spawned | None:
        """A child that is ready; None if there is none to be had at the moment."""
        while True:
            with self._changing:
                if not self._idle:
                    break
                child = self._idle.pop()
            if child.is_alive:
                return child
            child.end()  # it died while idle, which is nobody's fault
        while (wait := self._not_before - time.monotonic()) > 0:
            if run.told:
                return None
            time.sleep(min(wait, RUN_LOOK))
        started = time.monotonic()
        try:
            return self._new(run)
        except Exception as error:  # noqa: BLE001 (the application's modules and lifespan may raise anything)
            if started >= self._not_before:  # of several at the same time the first counts
                self._failures += 1
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (self._failures - 1))
            self._not_before = time.monotonic() + wait
            self._runner.log("process.failed", {"queue": self._queue, "error": error, "retry_in": wait})
            return None

    def _new(self, run: Run) -> Spawned | None:
        child = Spawned(self._source)
        try:
            while not run.told:
                match child.hear(RUN_LOOK):
                    case Ready():
                        self._failures = 0
                        return child
                    case Unfit(error):
                        cause = unpacked(error)
                        raise ConfigurationError(f"a child process could not start: {error_in_words(cause)}") from cause
                    case Logged(record):
                        records.handle(record)
        except EOFError:
            raise child.died() from None
        except BaseException:
            child.end()
            raise
        child.end()
        return None

    # Running a job.

    def _listened(self, child: Spawned, run: Run) -> Outcome | None:
        """How the run ended; None if the child died before it started the job."""
        try:
            return self._carried_out(child, run)
        except EOFError:
            died = child.died()
            return None if run.started_at is None else self._runner.ends.after(run, died)
        except BaseException:
            child.end()
            raise

    def _carried_out(self, child: Spawned, run: Run) -> Outcome:
        of = self._processes
        vigil = Vigil(limit=run.rules.time_limit, grace=of.patience, max_memory=of.max_memory)
        child.say(Order(run.row, run.worker_id))
        looked = 0.0
        while True:
            match child.hear(RUN_LOOK):
                case Begun():
                    self._runner.begun(run)
                case Noted(run_id, text) if run_id == run.row.run_id:
                    self._runner.progress.note(run.worker_id, run_id, text)
                case Completing(completed):
                    run.completed = completed
                case Wanted() as wanted:
                    self._ask(child, run, wanted)
                case Logged(record):
                    records.handle(record)
                case Ended() as ended:
                    self._free(child, vigil)
                    return outcome_of(self._runner, run, ended)
            now = time.monotonic()
            if run.started_at is not None and now >= looked + RUN_LOOK:
                looked = now
                self._look(child, run, vigil)
                if vigil.is_over(run.ran):
                    assert vigil.error is not None  # noqa: S101
                    child.end()
                    return self._runner.ends.after(run, vigil.error)

    def _ask(self, child: Spawned, run: Run, wanted: Wanted) -> None:
        """Have the child's request put to the database, and pass on the answer when it comes."""
        origin = self._runner.origin
        assert origin.store_of is not None  # noqa: S101 (set by what runs the jobs)
        assert origin.results_of is not None  # noqa: S101 (as above)
        asked: Any
        if wanted.kind == "results":
            asked = origin.results_of(run)
        else:
            store = origin.store_of(run)
            asked = store.load() if wanted.name is None else store.keep(wanted.name, wanted.text)

        def answer(future: Future[Any]) -> None:  # called by the pump, which must not wait for a child
            error = future.exception()
            if isinstance(error, LeaseLost):
                run.tell(TAKEN)
                child.say_soon(Answer(wanted.number, {}, lost=str(error)))
            elif error is not None:
                child.say_soon(Answer(wanted.number, {}, error=str(error)))
            else:
                child.say_soon(Answer(wanted.number, dict(future.result() or {})))

        asked.add_done_callback(answer)

    def _look(self, child: Spawned, run: Run, vigil: Vigil) -> None:
        if vigil.is_overdue(run.ran):
            self._runner.overdue(run)
        is_last = run in self._last_call
        if word := vigil.word(run.ran, run.told, cancelled=run.request is not None, is_last=is_last):
            child.say_soon(Stop(run.row.run_id, *word))
        if self._processes.max_memory is not None:
            vigil.weigh(run.ran, child.memory)

    def _free(self, child: Spawned, vigil: Vigil) -> None:
        """The child has ended its job: keep it for the next one, unless it is due for replacement."""
        child.jobs += 1
        had_its_time = child.jobs == self._processes.max_jobs or vigil.is_too_much(child.memory)
        with self._changing:
            if not had_its_time and not self._is_closed:
                self._idle.append(child)
                return
        self._replace(child)

    def _replace(self, child: Spawned) -> None:
        """Let the child leave its lifespan, without holding up others."""

        def leave() -> None:
            child.end_in_time()
            self._leaving.discard(thread)

        child.leave()
        thread = threading.Thread(target=leave, name=f"proletarian {self._queue} leaving", daemon=True)
        self._leaving.add(thread)
        thread.start()
