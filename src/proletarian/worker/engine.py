"""
What a running worker is made of, put together; made anew at each start.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proletarian.database import Database
from proletarian.errors import ConfigurationError, WorkerLost
from proletarian.events import Log, guarded, with_context
from proletarian.job import Job
from proletarian.outcomes import Outcome, Strategy
from proletarian.tasks import Tasks
from proletarian.worker.clock import Clock
from proletarian.worker.hooks import FailedJob, Hooks
from proletarian.worker.keeper import Care, Keeper
from proletarian.worker.lane import Lane
from proletarian.worker.loop import Loop
from proletarian.worker.pump import Pump
from proletarian.worker.recovery import Recovered
from proletarian.worker.run import STOPPED, TAKEN, Run, Runner

CANCEL_GRACE = 0.5  # seconds that cancelled coroutines get to clean up
FIRST_WORDS = 5.0  # seconds that a start waits for a database that answers: it may hold us up (an ALTER, say)
LAST_WORDS = 5.0  # seconds that the last acknowledgements and hooks may take


@dataclass(frozen=True)
class Settings:
    """The options of a `Worker`, as its parts need them."""

    log: Log
    retry: Strategy | None
    failed_job: FailedJob | None
    poll_interval: float
    unknown_for: float
    care: Care
    on_polling_error: Callable[[Exception], bool]


class Engine:
    """The pump, the keeper, the lanes and the loop of one worker, from its start to its stop."""

    def __init__(
        self,
        database: Database,
        handler: Tasks | Callable[[Job], Any],
        settings: Settings,
        queues: Mapping[str, int],
    ) -> None:
        self.queues = queues
        self.failure: BaseException | None = None
        self.ended = threading.Event()  # by itself: drained, or by a failure
        name = f"{socket.gethostname()}:{os.getpid()}"
        self.log = with_context(guarded(settings.log), {"worker": name})
        clock = Clock()
        self.runner = Runner(
            database.dialect, database.queue, handler, log=self.log, clock=clock, worker=name, retry=settings.retry,
            note_progress=self._note_progress, unknown_for=settings.unknown_for,
        )  # fmt: skip
        self.loop = Loop(self.runner, self._run_ended)
        self.hooks = Hooks(settings.failed_job, self.loop, self.log)
        self.keeper = Keeper(
            database, queues=" ".join(f"{queue}={slots}" for queue, slots in queues.items()), care=settings.care,
            log=self.log, clock=clock, decide=self.runner.lost, recovered=self._recovered,
            declared_dead=self._declared_dead, failed=self._failed, on_error=settings.on_polling_error,
        )  # fmt: skip
        self.lanes = {
            queue: Lane(queue, slots, run_plain=self._run_plain, poke_loop=self.loop.poke)
            for queue, slots in queues.items()
        }
        self.pump = Pump(
            database, self.runner, self.keeper, self.lanes, log=self.log, poll_interval=settings.poll_interval,
            given_up=self._given_up, failed=self._failed, drained=self.ended.set, on_error=settings.on_polling_error,
        )  # fmt: skip
        self._lifespan = contextlib.ExitStack()

    @property
    def ran(self) -> int:
        """How many runs have ended."""
        return self.pump.ran

    def start(self, lifespan: Any, *, drain: bool, wait: bool) -> None:
        """Start the threads; `wait` until the database knows us, unless it takes too long."""
        try:
            self._enter(lifespan)
        except BaseException:
            self.loop.close()
            raise
        self.keeper.start()
        if wait:
            self.keeper.registered.wait(FIRST_WORDS)
        self.pump.start(drain=drain)
        self.log("worker.started", {"queues": dict(self.queues)})

    def stop(self, timeout: float, hurry: Callable[[], bool]) -> list[Run]:
        """Stop as `Worker.stop` says; gives the runs that had to be given back while they ran."""
        deadline = time.monotonic() + timeout
        self.log("worker.stopping", {"held": self.pump.held, "timeout": timeout})
        self.pump.stop()
        self._tell(STOPPED)
        self._wait(deadline, hurry)
        if left := self._running():
            self.loop.cancel(set(left))
            self._wait(time.monotonic() + CANCEL_GRACE, lambda: not any(run.is_async for run in self._running()))
        left = self._running()
        self.pump.finish(LAST_WORDS)
        self.hooks.close(LAST_WORDS)
        self.keeper.close()  # last: it proves that we live until nothing is left to lose
        for lane in self.lanes.values():
            lane.close()
        self._leave(len(left))
        self.log("worker.stopped", {"ran": self.ran, "given_back": len(left)})
        return left

    def _wait(self, deadline: float, enough: Callable[[], bool]) -> None:
        while time.monotonic() < deadline and not enough():
            if self.pump.emptied.wait(0.02) or self.pump.is_cut_off:
                return

    def _running(self) -> list[Run]:
        return [run for lane in self.lanes.values() for run in lane.runs()]

    # The lifespan: what all handlers of this process share.

    def _enter(self, lifespan: Any) -> None:
        if lifespan is None:
            return
        if hasattr(lifespan, "__aenter__"):
            state = self.loop.call(lifespan.__aenter__())
            self._lifespan.callback(lambda: self.loop.call(lifespan.__aexit__(None, None, None)))
        elif hasattr(lifespan, "__enter__"):
            state = self._lifespan.enter_context(lifespan)
        else:
            raise ConfigurationError(f"lifespan(worker) gives a context manager, plain or async, not {lifespan!r}")
        self.runner.state = {} if state is None else state

    def _leave(self, running: int) -> None:
        if not running:  # jobs that still run may be using it
            self._lifespan.close()
        self.loop.close()

    # What the parts tell each other.

    def _run_plain(self, run: Run) -> None:
        if run.rules.time_limit is not None:
            self.loop.limit(run, run.rules.time_limit)
        self.pump.ended(run, self.runner.execute(run))

    def _run_ended(self, run: Run, outcome: Outcome) -> None:
        self.pump.ended(run, outcome)

    def _note_progress(self, run: Run, text: str) -> None:
        self.keeper.note_progress(run.worker_id, run.row.run_id, text)

    def _given_up(self, run: Run, error: BaseException) -> None:
        self.hooks.failed(self.runner.job_for_people(run), error)

    def _recovered(self, done: Recovered) -> None:
        for who in done.buried.values():
            count = sum(1 for worker, _, _ in done.runs if worker == who)
            self.log("jobs.recovered", {"from": who, "count": count})
        for who, row, outcome in done.runs:
            run = self.runner.claimed(row, None, time.monotonic())
            self.log(
                outcome.event, {**self.runner.known(run), "from": who, "error": outcome.error, "lost": outcome.lost}
            )
            if outcome.status is not None and isinstance(outcome.error, WorkerLost):
                self._given_up(run, outcome.error)
        self.pump.look()

    def _declared_dead(self) -> None:
        """Our runs were taken back: do not start the others, and tell those that are under way."""
        for lane in self.lanes.values():
            for run in lane.unstarted(all_of_them=True):
                self.log("job.lease_lost", self.runner.known(run))
        self._tell(TAKEN)

    def _tell(self, why: str) -> None:
        for run in self._running():
            run.tell(why)

    def _failed(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self.log("worker.failed", {"error": error})
        self.ended.set()
