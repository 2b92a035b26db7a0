"""
Puts together the parts of a running worker; created anew at each start.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proletarian.connections.database import Database
from proletarian.connections.outage import Outage
from proletarian.events import Log, guarded, with_context
from proletarian.outcomes import FailedJob, Strategy
from proletarian.tasks import Tasks
from proletarian.worker.clock import DatabaseClock
from proletarian.worker.ending import Ending
from proletarian.worker.guard import Guard
from proletarian.worker.hands.elsewhere import FindSource, Hands, Served, count_of
from proletarian.worker.hands.hooks import Hooks
from proletarian.worker.hands.lifespan import Lived
from proletarian.worker.hands.loop import Loop
from proletarian.worker.health import Health, health_of
from proletarian.worker.held import Held
from proletarian.worker.keeping.keeper import Keeper
from proletarian.worker.keeping.membership import Care, Membership
from proletarian.worker.keeping.timekeeper import Timekeeper
from proletarian.worker.pump import Pump
from proletarian.worker.run import STOPPED, Run
from proletarian.worker.runner import Runner
from proletarian.worker.shrinking import wait_while_it_shrinks

CANCEL_GRACE = 0.5  # seconds for cancelled coroutines to clean up
CHILD_GRACE = 3.0  # seconds for coroutines in child processes, which takes longer on a busy machine
FIRST_WORDS = 5.0  # seconds that a start waits for a database that answers late, or not at all (an ALTER, say)
LAST_WORDS = 5.0  # seconds for the last acknowledgements and hooks
MOST_WORDS = 14.0  # the same, as long as less and less is left to cancel and give back


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
    host: str  # this machine, prefixed with the worker's name if it has one


class Engine:
    """The pump, the keeper, the slots and the hands of one worker, from its start to its stop."""

    def __init__(
        self,
        database: Database,
        tasks: Tasks,
        settings: Settings,
        queues: Mapping[str, Served],
        source: FindSource,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.queues = {queue: count_of(served) for queue, served in queues.items()}
        worker = f"{settings.host}:{os.getpid()}"
        self.log = with_context(guarded(settings.log), {"worker": worker})
        self.ending = Ending(self.log)
        self.waited = 0.0  # seconds for which the stop has waited for running jobs
        outage = Outage(self.log)
        self.runner = Runner(
            database.dialect, database.queue, tasks, log=self.log, clock=DatabaseClock(), worker=worker,
            retry=settings.retry, unknown_for=settings.unknown_for,
        )  # fmt: skip
        self.held = Held()
        self.loop = Loop(self.runner, self.held, loop)
        hands = Hands(queues, tasks, self.runner, self.held, self.loop, source)
        self.slots, self.elsewhere = hands.slots, hands.elsewhere
        self.hooks = Hooks(settings.failed_job, self.loop, self.runner)
        membership = Membership(settings.care)
        self.pump = Pump(
            database, self.runner, self.held, self.slots, self.loop, self.hooks, membership, self.ending,
            poll_interval=settings.poll_interval, on_error=settings.on_polling_error, outage=outage,
        )  # fmt: skip
        self._membership = membership
        self._hanging = hanging = threading.Event()
        self._is_stopping = False
        self.keeper = Keeper(
            database, self.runner, membership, self.pump, self.ending, host=settings.host,
            queues=" ".join(f"{queue}={count}" for queue, count in self.queues.items()),
            on_error=settings.on_polling_error, outage=outage, hanging=hanging,
            timekeeper=Timekeeper(database, tasks, self.log, self.pump.look),
        )  # fmt: skip
        self.guard = Guard(
            {"pump": self.pump, "keeper": self.keeper},
            lost_after=settings.care.lost_after,
            hanging=hanging,
            log=self.log,
        )
        self._lived = Lived(self.runner, self.loop)

    @property
    def ran(self) -> int:
        """How many runs have ended."""
        return self.pump.ran

    @property
    def health(self) -> Health:
        """The worker's current health."""
        return health_of(
            self.guard.signs(), hangs=self._hanging.is_set(), is_known=self._membership.identity is not None,
            is_stopping=self._is_stopping,
        )  # fmt: skip

    def start(self, lifespan: Any, *, drain: bool, wait: bool) -> None:
        """Start the threads; `wait` until the database knows about us, unless that takes too long."""
        self.loop.refuse_its_own_thread()
        try:
            self._lived.enter(lifespan)
        except BaseException:
            self.loop.close()
            raise
        self.guard.start()
        self.keeper.start()
        if wait:
            self.keeper.registered.wait(FIRST_WORDS)
        self.pump.start(drain=drain)
        self.log("worker.started", {"queues": dict(self.queues)})

    def stop(self, timeout: float, hurry: Callable[[], bool]) -> list[Run]:
        """Stop as `Worker.stop` says; returns the runs that had to be given back while they ran."""
        deadline = time.monotonic() + timeout
        self.log("worker.stopping", {"held": len(self.held), "timeout": timeout})
        self._is_stopping = True
        self.pump.stop()
        for run in self.held.under_way():
            run.tell(STOPPED)
        self._wait(deadline, hurry)
        self.waited = timeout - (deadline - time.monotonic())
        end = time.monotonic() + MOST_WORDS
        if left := self.held.under_way():
            self._end(set(left))
        left = self.held.under_way()
        self.pump.finish(LAST_WORDS, end)
        self.hooks.close(LAST_WORDS)
        self.keeper.close()  # last, because it proves that we live until nothing is left to lose
        self.guard.close()
        for elsewhere in self.elsewhere:
            elsewhere.close()  # before the threads that started them, because they would be killed with those
        for slots in self.slots.values():
            slots.close()
        if not left:  # otherwise jobs that still run may be using it
            self._lived.leave()
        self.loop.close()
        self.log("worker.stopped", {"ran": self.ran, "given_back": len(left)})
        return left

    def _end(self, left: set[Run]) -> None:
        """End what can be ended from outside: coroutines and child processes."""
        self.loop.cancel(left)
        for elsewhere in self.elsewhere:
            elsewhere.end(left)
        wait_while_it_shrinks(
            lambda: len(self.loop) + len(self.held), self._ended,
            patience=CHILD_GRACE if self._will_end() else CANCEL_GRACE, at_most=LAST_WORDS,
        )  # fmt: skip

    def _ended(self, seconds: float) -> bool:
        """Whether all of them have ended, or there is nobody to tell what became of them."""
        if self.pump.emptied.wait(seconds) or self.pump.is_cut_off:
            return True
        return not len(self.loop) and not self._will_end()

    def _will_end(self) -> int:
        return sum(elsewhere.will_end for elsewhere in self.elsewhere)

    def _wait(self, deadline: float, enough: Callable[[], bool]) -> None:
        while time.monotonic() < deadline and not enough():
            if self.pump.emptied.wait(0.02) or self.pump.is_cut_off:
                return
