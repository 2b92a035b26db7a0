"""
Any interleaving of what applications, workers and their peers do to the tables keeps the promises.

Hypothesis invents the interleavings: enqueues, claims, acknowledgements that come in time, late
or twice, handlers that complete their jobs themselves, plans that break off in the middle,
deaths, silences and recoveries. After each step the tables must say what the model says.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from proletarian.job import DEFAULT_QUEUE
from proletarian.sql.claiming import claim
from proletarian.sql.enqueueing import enqueue_many
from proletarian.sql.living import beat, bury
from proletarian.sql.rows import Ended, NewRow
from proletarian.sql.settling import settle
from proletarian.sql.statements import Plan, Statement, Text
from proletarian.sql.transactions import begin, commit
from proletarian.worker.keeping.recovery import recover
from tests.databases import PRODUCTS, PrivateDatabase
from tests.models.both_sides import REMEMBERED, BothSides, decide, outcome

LONG_AGO = "2001-01-01 00:00:00.000000"
# Always the same ones, unless more are asked for: new ones belong where somebody looks for bugs.
EXAMPLES = {"sqlite": 40, "postgresql": 25, "mariadb": 8, "mysql": 8}
MORE = int(os.environ.get("PROLETARIAN_EXAMPLES", "0"))

which = st.integers(0, 100)  # one of several, modulo how many there are
priorities = st.sampled_from([0, 5, -3])
seconds = st.sampled_from([0, 0, 0, 30, 60])
mostly = st.sampled_from([True, True, True, False])
endings = st.tuples(st.sampled_from(["success", "failure", "cancelled", "retried", "released"]), seconds)


class Fleet(BothSides):
    """Applications and workers, who do whatever Hypothesis thinks of."""

    def teardown(self) -> None:
        """Whatever happened: one more worker can bring every job to its end."""
        try:
            self.transaction_ends(committed=False)
            self.recover_from(set(self.model.workers))
            self.model.now += 10_000
            last = self.new_worker()
            while runs := last.claim(5, now=self.now):
                for run in runs:
                    self.model.claim(self.job_id(run), (last.worker_id, run.run_id))
                    self.settle(last, [(run, "success", None)])
            self.tables_say_what_the_model_says()
            assert {job.place for job in self.model.jobs.values()} <= {"archived_job"}
        finally:
            self.stack.close()

    # Applications.

    @rule(count=st.integers(1, 4), priority=priorities, delay=seconds, committed=mostly)
    def enqueue(self, count: int, priority: int, delay: int, committed: bool) -> None:
        job_ids = [self.trial.queue.job_ids.generate() for _ in range(count)]
        rows = [
            NewRow(self.dialect.stored_id(job_id), DEFAULT_QUEUE, "greet", "1", priority, None, None, float(delay))
            for job_id in job_ids
        ]
        connection = self.trial.connection
        connection.run(begin(self.dialect))
        connection.run(enqueue_many(self.dialect, rows, self.now, copy=False))
        if committed:
            connection.run(commit(self.dialect))
            for job_id in job_ids:
                self.model.enqueue(job_id, priority, self.model.now + delay)
        else:
            connection.execute(Statement(Text("ROLLBACK")))

    @rule(by=st.sampled_from([1, 30, 60]))
    def time_passes(self, by: int) -> None:
        self.model.now += by

    # Workers.

    @initialize(priority=priorities)
    def begin(self, priority: int) -> None:
        """Two workers with a job each, whose run ids are the same, and more to do."""
        self.enqueue(4, priority, 0, committed=True)
        for member in (self.new_worker(), self.new_worker()):
            self.claim_some(member, 1, None)

    @precondition(lambda self: len(self.model.workers) < 2)
    @rule()
    def worker_comes(self) -> None:
        self.new_worker()

    @rule(worker=which, limit=st.integers(1, 3))
    def claim(self, worker: int, limit: int) -> None:
        """A worker that was declared dead gets nothing, whether it knows or not."""
        self.claim_some(self.member(worker), limit, None)

    @rule(worker=which, limit=st.integers(1, 3), marks=st.dictionaries(priorities, seconds, min_size=1))
    def claim_onward(self, worker: int, limit: int, marks: dict[int, int]) -> None:
        """Of these priorities, from these times on."""
        self.claim_some(self.member(worker), limit, marks)

    @precondition(lambda self: self.told)
    @rule(worker=which, ends=st.lists(st.none() | endings, min_size=REMEMBERED, max_size=REMEMBERED))
    def acknowledge(self, worker: int, ends: list[tuple[str, int] | None]) -> None:
        """In time, late, or once more: only runs that their worker still holds count."""
        member = self.told[worker % len(self.told)][0]
        known = [run for who, run in self.told if who is member and run is not self.completed]
        self.settle(member, [(run, *end) for run, end in zip(known, ends, strict=False) if end])

    @precondition(lambda self: self.over())
    @rule(number=which, end=endings)
    def acknowledge_what_is_over(self, number: int, end: tuple[str, int]) -> None:
        """It was taken back from its worker, or its worker has said so before."""
        member, run = self.over()[number % len(self.over())]
        self.settle(member, [(run, *end)])

    # Transactions that stay open while others go on; each has a connection of its own.

    @precondition(lambda self: self.told and self.leaves_open and self.finish is None)
    @rule(number=which)
    def handler_completes(self, number: int) -> None:
        """With `job.complete`, in a transaction of its own."""
        member, run = self.told[number % len(self.told)]
        job = self.model.owned((member.worker_id, run.run_id))
        ended = [Ended(run.run_id, outcome(run, "success", None))]
        ours = self.in_transaction(settle(self.dialect, member.worker_id, "handler", ended, self.now))

        assert ours == ({run.run_id} if job else set())
        if job is None:
            self.other.execute(Statement(Text("ROLLBACK")))
            return
        locked = job
        locked.locked, self.completed = True, run

        def finish(committed: bool) -> None:
            locked.locked, self.completed = False, None
            if committed:
                self.model.acknowledge(locked, "success", None)

        self.finish = finish

    @precondition(lambda self: self.leaves_open and self.finish is None)
    @rule(worker=which, limit=st.integers(1, 3))
    def claim_takes_its_time(self, worker: int, limit: int) -> None:
        """It may be committed after its worker was declared dead: nobody's runs, until the next recovery."""
        member = self.member(worker)
        expected = self.claimable(member)[:limit]
        first, member.run_id = member.run_id, member.run_id + limit
        runs = self.in_transaction(claim(self.dialect, member.worker_id, {DEFAULT_QUEUE: limit}, first, self.now, None))
        jobs = [self.model.jobs[self.job_id(run)] for run in runs]
        for job in jobs:
            job.locked = True

        def finish(committed: bool) -> None:
            for job, run in zip(jobs, runs, strict=True):
                job.locked = False
                if committed:
                    self.model.claim(self.job_id(run), (member.worker_id, run.run_id))
                    self.told.append((member, run))

        self.finish = finish
        assert [(job.priority, job.due) for job in jobs] == expected

    @precondition(lambda self: self.finish)
    @rule(committed=st.booleans())
    def transaction_ends(self, committed: bool) -> None:
        if self.finish is not None:
            self.other.execute(self.commit if committed else Statement(Text("ROLLBACK")))
            self.finish(committed)
            self.finish = None

    # Deaths.

    @rule(worker=which)
    def worker_is_declared_dead(self, worker: int) -> None:
        """Rightly or wrongly: it may go on as if it lived. One that is dead already harms nobody."""
        self.recover_from({self.members[worker % len(self.members)].worker_id})

    @rule()
    def somebody_looks(self) -> None:
        """For orphans."""
        self.recover_from(set())

    @precondition(lambda self: self.model.workers)
    @rule(worker=which)
    def worker_is_judged_and_beats(self, worker: int) -> None:
        """Whoever judged it comes too late, and leaves it alone."""
        living = [member for member in self.members if member.worker_id in self.model.workers]
        member = living[worker % len(living)]
        sql = f"UPDATE {self.trial.table('worker')} SET seen_at = '{LONG_AGO}' WHERE worker_id = :worker_id"
        self.trial.say(sql, worker_id=member.worker_id)
        [judged] = self.judged({member.worker_id})
        member.connection.run(beat(self.dialect, member.worker_id))
        assert self.trial.connection.run(bury(self.dialect, [judged])) == {}

    @rule(worker=which)
    def worker_beats(self, worker: int) -> None:
        """And learns so whether it was declared dead."""
        member = self.members[worker % len(self.members)]
        row = member.connection.run(beat(self.dialect, member.worker_id))
        assert (row is not None) == (member.worker_id in self.model.workers)

    # Connections that break.

    @precondition(lambda self: self.finish is None)
    @rule(worker=which, steps=st.integers(1, 6), what=st.sampled_from(["claim", "acknowledge", "recover"]))
    def plan_breaks_off(self, worker: int, steps: int, what: str) -> None:
        """A connection is lost before the commit: nothing has happened."""
        member = self.member(worker)
        mine = [run for who, run in self.told if who is member]
        if what == "acknowledge" and not mine:
            return
        if what == "claim":
            plan: Plan[Any] = claim(self.dialect, member.worker_id, {DEFAULT_QUEUE: 3}, 10_000, self.now, None)
        elif what == "recover":
            plan = recover(self.dialect, self.judged({member.worker_id}), decide, self.now)
        else:
            ended = [Ended(run.run_id, outcome(run, "success", None)) for run in mine]
            plan = settle(self.dialect, member.worker_id, "broken", ended, self.now)
        connection = self.trial.connection
        step, begun = next(plan), False
        with contextlib.suppress(StopIteration):
            for _ in range(steps):
                assert isinstance(step, Statement)
                if step.text is self.dialect.sql["transactions.commit"] or (not begun and is_writing(step)):
                    break  # one statement is all or nothing by itself
                begun |= step.text is self.dialect.sql["transactions.begin"]
                step = plan.send(connection.execute(step))
        plan.close()
        if begun:
            connection.execute(Statement(Text("ROLLBACK")))


def is_writing(step: Statement) -> bool:
    """Whether a statement changes something."""
    return any(word in step.text.source for word in ("INSERT", "UPDATE", "DELETE"))


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_interleaving_keeps_the_promises(product: str, request: pytest.FixtureRequest) -> None:
    class FleetHere(Fleet):
        database: PrivateDatabase = request.getfixturevalue(product)

    run_state_machine_as_test(
        FleetHere,
        settings=settings(
            max_examples=MORE or EXAMPLES[product],
            stateful_step_count=30,
            derandomize=not MORE,
            suppress_health_check=list(HealthCheck),
        ),
    )
