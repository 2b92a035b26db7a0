"""Runs jobs for a worker in another process: the handler is called here, and what follows is decided there."""

from __future__ import annotations

import itertools
import pickle
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from proletarian.errors import (
    ConfigurationError,
    JobIdTaken,
    LeaseLost,
    PayloadError,
    ProletarianError,
    UnknownJobType,
)
from proletarian.events import silent
from proletarian.outcomes import Outcome, succeeded_with
from proletarian.serializers import JsonSerializer
from proletarian.sql import rows
from proletarian.worker.clock import DatabaseClock
from proletarian.worker.ends import Ends
from proletarian.worker.hands.lifespan import Lived
from proletarian.worker.hands.loop import Loop
from proletarian.worker.hands.messages import Answer, Completing, Ended, Noted, Order, Said, Wanted
from proletarian.worker.hands.raised import packed
from proletarian.worker.hands.source import Found, Source
from proletarian.worker.held import Held
from proletarian.worker.progress import Progress
from proletarian.worker.run import OVERDUE, Origin, Run
from proletarian.worker.runner import Runner

Say = Callable[[Said], None]
PLAIN = JsonSerializer()  # between the processes; the queue's own serializer writes to the database
RETURNED, RAISED, REFUSED = "job.returned", "job.raised", "job.result_refused"


class Performer:
    """
    Calls handlers; `say` receives what the worker needs to know while they run.

    `keeps_time`: nothing else tells a plain handler that it has exceeded its time limit.
    """

    def __init__(self, source: Source, say: Say, *, keeps_time: bool = False) -> None:
        found = source.load()
        self._say = say
        self._keeps_time = keeps_time
        self._runner = Elsewhere(source, found, say)
        self._asked = Asked(say)
        if not keeps_time:  # there is a worker to ask
            self._runner.origin.store_of = lambda run: self._asked
            self._runner.origin.results_of = lambda run: self._asked.results()
        self._loop = Loop(self._runner, Held())
        self._lived = Lived(self._runner, self._loop)
        self._lived.enter(found.lifespan and found.lifespan(found.worker))

    def accept(self, order: Order) -> Run:
        """The run that a worker has asked for."""
        known = self._runner.claimed(order.row, order.worker_id, time.monotonic())
        return Borrowed(*(getattr(known, name) for name in known.__struct_fields__), say=self._say)

    def perform(self, run: Run) -> Ended:
        """Run it; never raises."""
        began = time.monotonic()
        outcome = self._runner.context.copy().run(self._outcome, run)
        run.ended_at = time.monotonic()
        heard = run.job is not None and run.job.stopping.was_heard
        error = None if outcome.error is None else packed(outcome.error)
        ran = run.ended_at - began
        then = pickle.dumps(run.next) if run.next else None
        overdue = run.told == OVERDUE
        return Ended(outcome.result, error, outcome.event == REFUSED, heard, run.completed, ran, then, overdue)

    def _outcome(self, run: Run) -> Outcome:
        try:
            if self._keeps_time and run.rules.time_limit is not None:
                self._loop.limit(run, run.rules.time_limit)
            outcome = self._runner.execute(run)
            return outcome if isinstance(outcome, Outcome) else self._loop.finish(run, outcome)
        except BaseException as error:  # noqa: BLE001 (no thread can be started for the loop, say)
            return self._runner.ends.after(run, error)

    def stop(self, run: Run, why: str, *, cancel: bool) -> None:
        """End a run; called by another thread."""
        run.tell(why)
        if cancel:
            self._loop.cancel({run})

    def answer(self, answer: Answer) -> None:
        """Pass on what a handler waits for; called by another thread."""
        self._asked.answer(answer)

    def close(self) -> None:
        """Leave the lifespan."""
        self._lived.leave()
        self._loop.close()


class Elsewhere(Runner):
    """A runner that only reports what the handler did, and its progress."""

    def __init__(self, source: Source, found: Found, say: Say) -> None:
        dialect = found.queue.dialect(source.kind)
        super().__init__(
            dialect, found.queue, found.tasks, log=silent, clock=DatabaseClock(), worker=source.worker, retry=None
        )  # fmt: skip
        self.progress = Reported(say)
        self.ends = SaidEnds(
            found.tasks, self.jobs, log=silent, clock=self.clock, worker=source.worker, retry=None,
            unknown_for=0.0,
        )  # fmt: skip
        self.origin = Origin(found.queue, source.worker, self.progress, self.jobs.for_people, dialect, self.jobs.known)


class SaidEnds(Ends):
    """How the handler ended, and no more: the worker decides what follows."""

    def well(self, run: Run, result: object) -> Outcome:
        """The handler has returned."""
        if result is None or not (run.rules.keep_result or run.row.awaited is not None):
            return Outcome(RETURNED)
        try:
            return Outcome(RETURNED, result=succeeded_with(0, 0, result, PLAIN, run.origin.queue.sizes).result)
        except PayloadError as error:
            if not run.rules.keep_result:
                return Outcome(RETURNED)
            return Outcome(REFUSED, error=error)

    def expired(self, run: Run) -> None:
        """Return None: this was checked before the run came here."""

    def after(self, run: Run, error: BaseException) -> Outcome:
        """The handler has raised."""
        if isinstance(error, UnknownJobType) and run.row.job_type not in self.tasks:
            error = ConfigurationError(
                f"the child process does not know the task {run.row.job_type!r}, although its worker does: "
                f"importing the modules of the tasks does not define it"
            )
        return Outcome(RAISED, error=error)


class Reported(Progress):
    """Progress that is reported to the worker, which writes it down."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def note(self, worker_id: Any, run_id: int, text: str) -> None:
        """Report it."""
        self._say(Noted(run_id, text))


class Asked:
    """Where the steps of a run are kept and results are read: by the worker, on request."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._waiting: dict[int, Future[Any]] = {}
        self._numbers = itertools.count(1)

    def load(self) -> Future[Any]:
        """The steps that earlier runs kept."""
        return self._ask(None, "")

    def keep(self, name: str, text: str) -> Future[Any]:
        """Keep another step."""
        return self._ask(name, text)

    def results(self) -> Future[Any]:
        """The results of the jobs that it waited for."""
        return self._ask(None, "", "results")

    def _ask(self, name: str | None, text: str, kind: str = "steps") -> Future[Any]:
        number, future = next(self._numbers), Future[Any]()
        self._waiting[number] = future
        self._say(Wanted(number, name, text, kind))
        return future

    def answer(self, answer: Answer) -> None:
        """The worker has answered."""
        future = self._waiting.pop(answer.number)
        if not future.set_running_or_notify_cancel():
            return
        if answer.lost is not None:
            future.set_exception(LeaseLost(answer.lost))
        elif answer.error is not None:
            future.set_exception(ProletarianError(answer.error))
        else:
            future.set_result(answer.found)


class Borrowed(Run, eq=False, kw_only=True):
    """A run of a worker elsewhere, which must know whether the run's row may be gone, in case we die."""

    say: Say

    @contextmanager
    def completing(self, result: Any) -> Iterator[rows.Ended]:
        self.say(Completing(True))
        try:
            with super().completing(result) as ended:
                yield ended
        except (JobIdTaken, LeaseLost):
            self.say(Completing(self.completed))
            raise
