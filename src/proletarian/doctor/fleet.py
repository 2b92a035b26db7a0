"""What the doctor says about the fleet: who works, what nobody serves, what is late, and undeclared schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from proletarian.doctor.finding import Finding, fine, notice, trouble
from proletarian.looking.surveys import QueueStats, WorkerRecord

LATE = 300.0  # seconds


def check_workers(workers: Sequence[WorkerRecord]) -> Iterator[Finding]:
    """
    Who works.

    >>> [finding.says for finding in check_workers([])]
    ['no worker is alive: nothing runs']
    """
    alive = sum(worker.is_alive for worker in workers)
    if not alive:
        yield trouble("workers", "no worker is alive: nothing runs", "start one: `proletarian worker …`")
    else:
        yield fine("workers", f"{alive} {'worker is' if alive == 1 else 'workers are'} alive")
    if dead := len(workers) - alive:
        what = "worker is dead, and its jobs were" if dead == 1 else "workers are dead, and their jobs were"
        yield notice("workers", f"{dead} {what} not taken back yet", "nothing: a live worker does it within seconds")


def check_queues(queues: Sequence[QueueStats]) -> Iterator[Finding]:
    """Queues whose due jobs are not claimed, or are claimed too late."""
    wrong = [finding for stats in queues if stats.due for finding in _check_queue(stats)]
    yield from wrong
    if not wrong:
        yield fine("queues", "every queue with due jobs is served, and none is late")


def _check_queue(stats: QueueStats) -> Iterator[Finding]:
    queue, pause = stats.queue, stats.pause
    jobs = f"{stats.due} due {'job waits' if stats.due == 1 else 'jobs wait'} in the queue {queue!r}"
    if pause is not None:
        told = f"{f' by {pause.by}' if pause.by else ''}{f': {pause.reason}' if pause.reason else ''}"
        yield notice(
            "queues",
            f"{jobs}, which has been paused since {pause.paused_at:%Y-%m-%d %H:%M} UTC{told}",
            f"resume it when it may continue: `proletarian queues resume {queue}`",
        )
    elif not stats.workers:
        yield trouble(
            "queues", f"{jobs}, which no live worker serves", f"start a worker that serves it: --queue {queue}"
        )
    elif stats.late is not None and stats.late > LATE:
        yield trouble(
            "queues",
            f"the oldest due job of the queue {queue!r} has been waiting for {stats.late / 60:.0f} min",
            "add slots or workers, or find out what they are busy with: `proletarian jobs list state:running`",
        )


def check_types(due_types: Mapping[str, Sequence[str]], workers: Sequence[WorkerRecord]) -> Iterator[Finding]:
    """Types of due jobs that no live worker of their queue has a handler for."""
    unknown = False
    for queue, types in due_types.items():
        serving = [worker for worker in workers if worker.is_alive and worker.serves(queue)]
        if not serving or any(worker.job_types is None for worker in serving):
            continue
        known = {job_type for worker in serving for job_type in worker.job_types or ()}
        for job_type in sorted(set(types) - known):
            unknown = True
            yield trouble(
                "job_types",
                f"due jobs of the type {job_type!r} wait in the queue {queue!r}, and no live worker there has a "
                "handler for it",
                "deploy a release that knows it, or correct the name where the job is enqueued",
            )
    if not unknown:
        yield fine("job_types", "no due job has a type that the live workers of its queue do not know")


def check_schedules(undeclared: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """
    Schedules that came from code and that no live release declares: they do not fire.

    >>> [finding.says for finding in check_schedules([("shop", "nightly")])]
    ["the schedule 'nightly' of the application 'shop' is not declared by any live release: it does not fire"]
    """
    for app, name in undeclared:
        whose = f" of the application {app!r}" if app else ""
        yield notice(
            "schedules",
            f"the schedule {name!r}{whose} is not declared by any live release: it does not fire",
            "start a worker of that application, or delete the schedule if it is no longer needed",
        )
