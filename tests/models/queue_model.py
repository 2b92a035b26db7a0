"""The queue as it should be, in memory: small enough to be believed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

TRIES = 3  # how often a worker may die under a job

Run = tuple[Hashable, int]  # worker, run id


@dataclass
class ModelJob:
    """One job: where it is, and what its row should say."""

    priority: int
    due: int
    place: str = "job"
    attempts: int = 0
    lost: int = 0
    status: str | None = None
    run: Run | None = None
    locked: bool = False  # by a transaction that is still open, and moves it

    def wait(self, due: int | None = None) -> None:
        """Back to the queue."""
        self.place, self.run, self.locked = "job", None, False
        self.due = self.due if due is None else due

    def end(self, status: str) -> None:
        """Into the archive."""
        self.place, self.run, self.locked, self.status = "archived_job", None, False, status


@dataclass
class QueueModel:
    """All jobs by their ids, and the workers that have a row."""

    now: int = 0
    jobs: dict[Hashable, ModelJob] = field(default_factory=dict)
    workers: set[Hashable] = field(default_factory=set)

    def enqueue(self, job_id: Hashable, priority: int, due: int) -> None:
        """A job was committed."""
        self.jobs[job_id] = ModelJob(priority, due)

    def claimable(self, marks: Mapping[int, int] | None = None) -> list[ModelJob]:
        """What a claim may bring, in its order; with marks, of these priorities from these times on."""
        due = [
            job
            for job in self.jobs.values()
            if job.place == "job"
            and not job.locked
            and job.due <= self.now
            and (marks is None or marks.get(job.priority, job.due + 1) <= job.due)
        ]
        return sorted(due, key=lambda job: (-job.priority, job.due))

    def claim(self, job_id: Hashable, run: Run) -> None:
        """A worker has taken a job."""
        job = self.jobs[job_id]
        job.place, job.run = "running_job", run

    def owned(self, run: Run) -> ModelJob | None:
        """The job that this run still is, if it is one: the fence."""
        return next((job for job in self.jobs.values() if job.run == run), None)

    def acknowledge(self, job: ModelJob, how: str, delay: int | None) -> None:
        """A run has ended, and it is still its worker's own."""
        if how == "released":
            job.wait()
            return
        job.attempts += 1
        if how == "retried":
            job.wait(self.now + (delay or 0))
        else:
            job.end(how)

    def recover(self, dead: Iterable[Hashable]) -> list[ModelJob]:
        """Bury workers; every run without a worker is taken back. Gives those that were."""
        self.workers -= set(dead)
        taken = [job for job in self.jobs.values() if job.run and job.run[0] not in self.workers and not job.locked]
        for job in taken:
            job.lost += 1
            if job.lost >= TRIES:
                job.end("failure")
            else:
                job.wait()
        return taken
