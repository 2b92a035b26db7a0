"""What is wrong, in sentences, for monitoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from proletarian.cli.printing import count, several, span
from proletarian.cli.queues import paused

if TYPE_CHECKING:
    from proletarian.looking.surveys import QueueStats, WorkerRecord


def problems(
    queues: Sequence[QueueStats], workers: Sequence[WorkerRecord], *, late: float | None, needed: int
) -> list[str]:
    """A sentence for each problem: too few workers, queues that nobody serves, jobs that are late."""
    found = []
    alive = sum(worker.is_alive for worker in workers)
    if alive < needed:
        found.append(f"{several(alive, 'worker')} {'is' if alive == 1 else 'are'} alive, and {needed} should be")
    for one in queues:
        is_late = late is not None and one.late is not None and one.late > late
        wait = "waits" if one.due == 1 else "wait"
        waits = f"{several(one.due, 'due job')} of it {wait}, the oldest for {span(one.late)}"
        if one.due and not one.workers:
            found.append(f"no live worker serves the queue {one.queue!r}; {waits}")
        elif is_late and one.pause is not None:
            found.append(f"the queue {one.queue!r} has been paused {paused(one.pause)}; {waits}")
        elif is_late:
            slots = f"{several(one.workers, 'live worker')} with {several(one.slots, 'slot')} "
            serve = "serves" if one.workers == 1 else "serve"
            found.append(f"the queue {one.queue!r} is late: {waits}; {slots}{serve} it, {count(one.running)} running")
    return found
