"""
Why a job does not run: what is known about its queue and the workers, in a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proletarian.looking.records import Why


@dataclass(frozen=True)
class Serving:
    """A worker as its row shows it: the queues it serves, and the job types it knows, if it can list them."""

    queues: str  # as `mail=2 default=10`, or one name
    job_types: str | None  # JSON
    is_alive: bool

    def serves(self, queue: str) -> bool:
        """Whether it takes jobs of this queue."""
        return self.queues in (queue, "all") or f" {queue}=" in f" {self.queues}"

    def knows(self, job_type: str) -> bool:
        """Whether it has a handler for this type, as far as can be told."""
        try:
            return self.job_types is None or job_type in json.loads(self.job_types)
        except (ValueError, TypeError):
            return True


def why_not_due(process_at: datetime, errors: Sequence[Mapping[str, Any]]) -> Why:
    """
    Why a job waits for its time: it was enqueued for then, or it will be retried then.

    >>> noon = datetime(2026, 12, 1, 12, 0)
    >>> print(why_not_due(noon, []))
    it is not due before 2026-12-01 12:00:00 UTC
    >>> print(why_not_due(noon, [{"type": "TimeoutError"}]))
    it failed with TimeoutError, and will not be tried again before 2026-12-01 12:00:00 UTC
    """
    when = f"before {process_at:%Y-%m-%d %H:%M:%S} UTC"
    if not errors:
        return Why("not_due", f"it is not due {when}")
    kind = errors[-1].get("type")
    if kind == "UnknownJobType":
        return Why(
            "unknown_job_type",
            f"the worker that took it has no handler for its type; it will not be tried again {when}",
        )
    return Why("not_due", f"it failed with {kind}, and will not be tried again {when}")


def why_held(waits: int, awaited: Sequence[Any]) -> Why:
    """
    Why a job is held: how many jobs it waits for, and which, as far as that is known.

    >>> print(why_held(3, [7, 8]))
    it waits for 3 jobs: 7, 8, …
    >>> print(why_held(1, [7]), "|", why_held(2, []))
    it waits for 1 job: 7 | it waits for 2 jobs
    """
    shown = ", ".join(map(str, awaited[:5])) + (", …" if awaited and waits > len(awaited[:5]) else "")
    return Why("held", f"it waits for {waits} job{'' if waits == 1 else 's'}{f': {shown}' if shown else ''}")


def why_paused(queue: str, by: str, reason: str, since: datetime) -> Why:
    """
    Why a job of a paused queue waits.

    >>> print(why_paused("mail", "ann", "smtp is down", datetime(2026, 12, 1, 12, 0)))
    the queue 'mail' has been paused since 2026-12-01 12:00:00 UTC by ann: smtp is down
    """
    told = f"{f' by {by}' if by else ''}{f': {reason}' if reason else ''}"
    return Why("paused", f"the queue {queue!r} has been paused since {since:%Y-%m-%d %H:%M:%S} UTC{told}")


def why_expired(until: datetime) -> Why:
    """
    Why a due job will not run at all.

    >>> print(why_expired(datetime(2026, 12, 1, 12, 0)))
    it expired: it should have started before 2026-12-01 12:00:00 UTC; the next worker that claims it archives it
    """
    when = f"{until:%Y-%m-%d %H:%M:%S} UTC"
    return Why(
        "expired", f"it expired: it should have started before {when}; the next worker that claims it archives it"
    )


def why_limited(
    lane: str, most: int | None, count: int, holders: Sequence[str], waits: float, head: str | None
) -> Why | None:
    """
    Why a due job under a limit waits; None if its lane has room.

    `most` may run, `count` do, and `holders` are the first few of them; `waits` is how many seconds its rate makes it
    wait, and `head` is the job that it has to wait for.

    >>> print(why_limited("send:42", 2, 2, ["job 7 on web:1", "job 8 on web:2"], 0.0, None))
    limit reached: 2 jobs of its lane 'send:42' run, and 2 may: job 7 on web:1, job 8 on web:2
    >>> print(why_limited("smtp", 0, 0, [], 0.0, None))
    limit reached: 'smtp' is set to 0, so no job under it starts
    >>> print(why_limited("call", None, 0, [], 12.3, None))
    limit reached: no job of its lane 'call' starts within 12.3 s
    >>> print(why_limited("book:1", 1, 0, [], 0.0, "job 7"))
    limit reached: its lane 'book:1' is ordered, and job 7 must be retried before it
    """
    if most == 0:
        return Why("limit", f"limit reached: {lane.partition(':')[0]!r} is set to 0, so no job under it starts")
    if most is not None and count >= most:
        run = "1 job of its lane {!r} runs" if count == 1 else f"{count} jobs of its lane {{!r}} run"
        more = ", …" if count > len(holders) else ""
        return Why("limit", f"limit reached: {run.format(lane)}, and {most} may: {', '.join(holders)}{more}")
    if waits:
        return Why("limit", f"limit reached: no job of its lane {lane!r} starts within {waits:.1f} s")
    if head is not None:
        return Why("limit", f"limit reached: its lane {lane!r} is ordered, and {head} must be retried before it")
    return None


def why_due(queue: str, job_type: str, workers: Sequence[Serving], ahead: int | None, most: int) -> Why:
    """
    Why a due job waits. `ahead` is how many jobs run before it, counted up to `most`; None if they were not counted.

    >>> print(why_due("mail", "send", [Serving("default=10", None, True), Serving("mail=2", None, False)], 0, 100))
    no live worker serves the queue 'mail'; live workers serve: default=10
    >>> print(why_due("mail", "send", [Serving("mail=2", '["greet"]', True)], 0, 100))
    no live worker of the queue 'mail' has a handler for the job type 'send'
    >>> print(why_due("mail", "send", [Serving("mail=2", '["send"]', True)], 100, 100))
    at least 100 jobs are ahead of it in the queue 'mail'
    """
    alive = [worker for worker in workers if worker.is_alive]
    serving = [worker for worker in alive if worker.serves(queue)]
    if not serving:
        others = ", ".join(sorted({worker.queues for worker in alive}))
        rest = f"; live workers serve: {others}" if others else "; no worker is alive at all"
        return Why("no_worker", f"no live worker serves the queue {queue!r}{rest}")
    if not any(worker.knows(job_type) for worker in serving):
        return Why(
            "unknown_job_type", f"no live worker of the queue {queue!r} has a handler for the job type {job_type!r}"
        )
    if ahead is None:
        return Why("behind", f"it waits for its turn in the queue {queue!r}")
    if not ahead:
        return Why("next", f"it is next in the queue {queue!r}: its workers are busy, or about to take it")
    said = "1 job is" if ahead == 1 else f"{'at least ' if ahead >= most else ''}{ahead} jobs are"
    return Why("behind", f"{said} ahead of it in the queue {queue!r}")
