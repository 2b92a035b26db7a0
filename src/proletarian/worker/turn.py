"""
One job on one connection, from claim to acknowledgement: for `process_next_job`, and for tests.

A worker does the same with the same `Runner` for many jobs at once: see `pump.py` and
`recorder.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from inspect import isawaitable
from typing import Any

from proletarian.outcomes import FailedJob, Outcome, released
from proletarian.sql.claiming import claim
from proletarian.sql.flows.edges import HAS_WAITED
from proletarian.sql.flows.late import look_late
from proletarian.sql.flows.looking import results_of
from proletarian.sql.flows.releasing import Released, release
from proletarian.sql.lanes.claiming import One, claim_one
from proletarian.sql.lanes.entering import enter
from proletarian.sql.namesakes import told_apart
from proletarian.sql.orders import changes
from proletarian.sql.pausing import pauses
from proletarian.sql.present import present
from proletarian.sql.progress import set_apart
from proletarian.sql.rows import Claimed, Ended
from proletarian.sql.settling import settle
from proletarian.sql.statements import Plan
from proletarian.sql.steps import Kept, keep_steps, load_steps
from proletarian.worker.blame import ALONE, SUSPECT
from proletarian.worker.calls import Call, Pause, Turns
from proletarian.worker.desk import Ask, lost
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner

PACE = 0.01  # seconds until lanes are tried again that another had at that moment
PATIENCE = 1.0  # seconds after which one that has not let go is taken to have the only job


def alone(plan: Plan[Any]) -> Plan[Any]:
    """A plan for our own connection: it begins and commits by itself."""
    return plan


@dataclass(frozen=True)
class Turn:
    """
    What one job goes through; `fit` adapts the plans to a connection whose transaction is the application's.

    `carry_out` carries out a plan on that connection while a handler runs; what it returns may have to be awaited.
    """

    runner: Runner
    worker_id: Any
    fit: Callable[[Plan[Any]], Plan[Any]]
    failed_job: FailedJob | None
    carry_out: Callable[[Plan[Any]], Any]
    kept: list[Kept] = field(default_factory=list)  # the steps of the run that is under way

    def __post_init__(self) -> None:
        self.runner.origin.store_of = partial(InTurn, self)

    def claimed(self, queue_name: str, first_run: int = 0) -> Turns[Run | None]:
        """Claim one due job of a queue, if there is one and the queue is not paused."""
        runner, now = self.runner, self.runner.queue.now()
        if now is not None:
            runner.clock.set(now)
        if any(pause.queue == queue_name for pause in (yield from self.fit(pauses(runner.dialect)))):
            return None
        rows = yield from self._claimed(queue_name, first_run, now)
        if not rows:
            return None
        run = runner.claimed(rows[0], self.worker_id, time.monotonic())
        self.kept.clear()
        if run.row.flow and run.row.flow & HAS_WAITED:  # now, because a handler could not await it
            run.found = run.decoded((yield from self.fit(results_of(runner.dialect, run.row.job_id))))
        if run.row.suspect >= SUSPECT:  # it is alone by nature: say so
            yield from self.fit(set_apart(runner.dialect, self.worker_id, run.row.run_id, ALONE))
        return run

    def _claimed(self, queue_name: str, first_run: int, now: datetime | None) -> Turns[list[Claimed]]:
        """A job under no limit, or from a lane that has room; a job that should have a lane is put into it first."""
        dialect, limits = self.runner.dialect, self.runner.limits
        rows: list[Claimed]
        while True:
            rows = yield from self.fit(claim(dialect, self.worker_id, {queue_name: 1}, first_run, now, None))
            lane = limits.lane_of(rows[0]) if rows else None
            if lane is None:
                break
            ended = [Ended(row.run_id, released(row.attempts, row.lost, row.suspect)) for row in rows]
            yield from self.fit(enter(dialect, self.worker_id, ended, [lane], now))
        if rows or queue_name not in (yield from present(dialect, [queue_name])):
            return rows
        limits.change((yield from changes(dialect)))
        give_up_at = time.monotonic() + PATIENCE
        while True:
            one: One = yield from self.fit(claim_one(dialect, self.worker_id, queue_name, limits.rules, first_run, now))
            if one.rows or not one.passed_by or time.monotonic() > give_up_at:
                return one.rows
            yield Pause(time.sleep, (PACE,))

    def executed(self, run: Run) -> Turns[Outcome]:
        """Call its handler."""
        outcome: Outcome = yield Call(self.runner.execute, (run,), run.is_async)
        run.ended_at = time.monotonic()
        return outcome

    def acknowledged(self, run: Run, outcome: Outcome) -> Turns[Outcome | None]:
        """Write down how it ended; returns that, or None if the job was no longer ours."""
        runner, now = self.runner, self.runner.queue.now()
        alike = [(run.row, outcome)]
        [outcome] = yield from self.fit(told_apart(runner.dialect, self.worker_id, runner.worker, alike, now))
        ended = [runner.limits.ended(run.row, outcome)]
        ours = yield from self.fit(settle(runner.dialect, self.worker_id, runner.worker, ended, now))
        if run.row.awaited is not None:
            yield from self.released()
        return outcome if ours or run.completed else None

    def released(self) -> Turns[bool]:
        """Let jobs run that have waited for what has ended; returns whether there were any."""
        dialect, moved, after = self.runner.dialect, False, 0
        while True:
            done: Released = yield from self.fit(release(dialect, self.runner.queue.now()))
            moved |= bool(done)
            self.runner.tell_cancelled(done.cancelled)
            if done.more:
                continue
            ended, after = yield from self.fit(look_late(dialect, after))
            if not ended and not after:
                return moved

    def kept_again(self) -> Turns[None]:
        """Keep the steps of this run again, after a rollback that a worker's own connection would not have seen."""
        if self.kept:
            yield from self.fit(keep_steps(self.runner.dialect, self.worker_id, self.kept))

    def told(self, run: Run, outcome: Outcome) -> Turns[None]:
        """Tell the log and, if the job has failed for good, the application."""
        self.runner.tell(run, outcome)
        if outcome.event == "job.given_up" and self.failed_job is not None and outcome.error is not None:
            yield Call(self.failed_job, (self.runner.jobs.for_people(run), outcome.error))


class InTurn:
    """Where the steps of one run are kept: on the connection of its turn."""

    def __init__(self, turn: Turn, run: Run) -> None:
        self._turn = turn
        self._run = run

    def load(self) -> Any:
        """The steps that earlier runs kept."""
        return answered(self._turn.carry_out(self._turn.fit(self._loaded())))

    def keep(self, name: str, text: str) -> Any:
        """Keep another step."""
        return answered(self._turn.carry_out(self._turn.fit(self._kept(name, text))))

    def _loaded(self) -> Plan[Mapping[str, str]]:
        run_id = self._run.row.run_id
        return (yield from load_steps(self._turn.runner.dialect, self._turn.worker_id, [run_id]))[run_id]

    def _kept(self, name: str, text: str) -> Plan[None]:
        step = Kept(self._run.row.run_id, name, text)
        kept, _ = yield from keep_steps(self._turn.runner.dialect, self._turn.worker_id, [step])
        if not kept:
            raise lost(Ask(self._run, name))
        self._turn.kept.append(step)


def answered(said: Any) -> Any:
    """A plan's result, or the awaitable that returns it, in the form that a step waits for."""
    if isawaitable(said):
        return said
    future: Future[Any] = Future()
    future.set_result(said)
    return future
