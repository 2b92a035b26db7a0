"""Real tables and the model of them, side by side: whatever is done is done to both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from proletarian.conformance import Subject
from proletarian.conformance.member import Member
from proletarian.conformance.trial import Trial
from proletarian.job import DEFAULT_QUEUE
from proletarian.outcomes import Outcome
from proletarian.queue import Queue
from proletarian.sql.living import peers
from proletarian.sql.rows import Claimed, Judged
from proletarian.sql.statements import Plan
from proletarian.sql.transactions import begin, commit, joined
from proletarian.worker.blame import Evidence
from proletarian.worker.keeping.recovery import recover
from tests.databases import PrivateDatabase
from tests.models.queue_model import TRIES, QueueModel

T = TypeVar("T")

BEGINNING = datetime(2030, 1, 1, tzinfo=UTC)
PATIENCE = 10.0  # seconds: nobody has to wait for a transaction that is open
REMEMBERED = 12  # runs, the latest: their workers may speak of them once more


class BothSides(RuleBasedStateMachine):
    """What is done to the tables is done to the model, and the two are compared."""

    database: PrivateDatabase

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.trial = Trial(Subject(self.database.url), self.stack, Queue(clock=lambda: self.now))
        self.dialect = self.trial.dialect
        self.model = QueueModel()
        self.members: list[Member] = []
        self.told: list[tuple[Member, Claimed]] = []  # runs that workers know of, those included that are over
        self.finish: Callable[[bool], None] | None = None  # what a transaction that is open means, once it is not
        self.completed: Claimed | None = None  # the run that it completes
        self.other = self.trial.database.connect()
        self.stack.callback(self.other.close)
        self.trial.connection.wait_at_most(PATIENCE)
        self.commit = next(commit(self.dialect))
        self.leaves_open = self.database.kind != "sqlite"  # elsewhere a transaction that stays open stops nobody else

    # How the two are compared.

    @property
    def now(self) -> datetime:
        """The time of all that is done."""
        return BEGINNING + timedelta(seconds=self.model.now)

    def job_id(self, row: Claimed) -> Hashable:
        """A claimed job's id, as `put` gave it."""
        decoded: Hashable = self.trial.queue.job_ids.decode(self.dialect.loaded_id(row.job_id))
        return decoded

    @invariant()
    def tables_say_what_the_model_says(self) -> None:
        assert self.rows("job", "process_at") == {
            job_id: (job.attempts, job.lost, BEGINNING + timedelta(seconds=job.due))
            for job_id, job in self.model.jobs.items()
            if job.place == "job"
        }
        assert self.rows("running_job", "worker_id", "run_id") == {
            job_id: (job.attempts, job.lost, *(job.run or ()))
            for job_id, job in self.model.jobs.items()
            if job.place == "running_job"
        }
        assert self.rows("archived_job", "status") == {
            job_id: (job.attempts, job.lost, job.status)
            for job_id, job in self.model.jobs.items()
            if job.place == "archived_job"
        }

    def rows(self, table: str, *more: str) -> dict[Hashable, tuple[Any, ...]]:
        """What a table holds, by job id."""
        columns = ("attempts", "lost", *more)
        found = self.trial.say(f"SELECT job_id, {', '.join(columns)} FROM {self.trial.table(table)}")
        decode, loaded_id = self.trial.queue.job_ids.decode, self.dialect.loaded_id
        return {decode(loaded_id(job_id)): tuple(map(self.loaded, columns, values)) for job_id, *values in found}

    def loaded(self, column: str, value: Any) -> Any:
        if column == "worker_id":
            return self.dialect.loaded_worker(value)
        return self.dialect.loaded_time(value) if column == "process_at" else value

    # What is done to both.

    def new_worker(self) -> Member:
        """One more, or one that was declared dead and comes back under a new id."""
        member = self.trial.worker()
        member.connection.wait_at_most(PATIENCE)
        self.members.append(member)
        self.model.workers.add(member.worker_id)
        return member

    def member(self, worker: int) -> Member:
        """One of the workers: mostly one of those that live, and have a row, if there are any."""
        alive = [member for member in self.members if member.worker_id in self.model.workers]
        some = alive if alive and worker < 80 else self.members
        return some[worker % len(some)]

    def claim_some(self, member: Member, limit: int, marks: dict[int, int] | None) -> None:
        """Claim on both sides."""
        expected = self.claimable(member, marks)[:limit]
        levels = {
            (DEFAULT_QUEUE, priority): self.dialect.stored_time(BEGINNING + timedelta(seconds=mark))
            for priority, mark in (marks or {}).items()
        }
        runs = member.claim(limit, marks=levels or None, now=self.now)
        jobs = [self.model.jobs[self.job_id(run)] for run in runs]

        assert [(job.priority, job.due) for job in jobs] == expected
        assert all(job.place == "job" for job in jobs), "nobody else has it"
        for run in runs:
            self.model.claim(self.job_id(run), (member.worker_id, run.run_id))
            self.told.append((member, run))
        del self.told[:-REMEMBERED]

    def claimable(self, member: Member, marks: Mapping[int, int] | None = None) -> list[tuple[int, int]]:
        """Priority and time of what a claim of a worker may bring, in its order."""
        if member.worker_id not in self.model.workers:
            return []
        return [(job.priority, job.due) for job in self.model.claimable(marks)]

    def over(self) -> list[tuple[Member, Claimed]]:
        """The runs among those told that are their workers' no longer."""
        return [(who, run) for who, run in self.told if not self.model.owned((who.worker_id, run.run_id))]

    def settle(self, member: Member, ended: Sequence[tuple[Claimed, str, int | None]]) -> None:
        """Acknowledge on both sides."""
        if not ended:
            return
        ours = member.acknowledge(*[(run, outcome(run, how, delay)) for run, how, delay in ended], now=self.now)
        expected = set()
        for run, how, delay in ended:
            if job := self.model.owned((member.worker_id, run.run_id)):
                expected.add(run.run_id)
                self.model.acknowledge(job, how, delay)
        assert ours == expected

    def in_transaction(self, plan: Plan[T]) -> T:
        """Carry out a plan and leave its transaction open."""
        self.other.run(begin(self.dialect))
        return self.other.run(joined(self.dialect, plan))

    def judged(self, dead: Set[Hashable]) -> list[Judged]:
        """Those of them that are there, as they are seen now."""
        seen = self.trial.connection.run(peers(self.dialect))
        return [Judged(c.worker_id, c.seen_at) for c in seen if c.worker_id in dead]

    def recover_from(self, dead: Set[Hashable]) -> None:
        """Bury and take back on both sides."""
        done = self.trial.connection.run(recover(self.dialect, self.judged(dead), decide, self.now))
        assert set(done.buried) == dead & self.model.workers
        taken = self.model.recover(dead)
        assert len(done.runs) == len(taken)


def outcome(run: Claimed, how: str, delay: int | None) -> Outcome:
    """What a worker says of a run that ended so."""
    if how == "released":
        return Outcome("job.released", attempts=run.attempts, lost=run.lost)
    if how == "retried":
        return Outcome("job.retrying", None, run.attempts + 1, run.lost, delay=delay or 0)
    return Outcome("job.ended", how, run.attempts + 1, run.lost)


def decide(run: Claimed, _: str, found: Evidence) -> Outcome:
    """What becomes of a run whose worker has died."""
    lost = run.lost + 1
    return Outcome("job.released", "failure" if lost >= TRIES else None, run.attempts, lost)
