"""
What plans take and give: jobs to insert, jobs claimed, runs ended, colleagues.

Those of which there is one for every job are msgspec structs: made in a third of the time that a
named tuple takes, and no work for the garbage collector.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from proletarian.outcomes import Outcome

BITE = 1_000_000  # characters of errors and results in one statement: servers limit the size of a packet


class NewRow(msgspec.Struct, frozen=True, gc=False):
    """A job to insert, encoded; `process_at` wins over `delay` seconds from now."""

    job_id: Any
    queue: str
    job_type: str
    payload: str
    priority: int
    headers: str | None
    process_at: datetime | None
    delay: float | None

    @property
    def is_ordinary(self) -> bool:
        """Whether it asks for nothing special: it is due at once, of priority 0, without headers."""
        return not (self.priority or self.headers or self.process_at or self.delay)


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A job as a claim brings it, in the driver's own types: most of it is never looked at."""

    job_id: Any
    queue: str
    job_type: str
    payload: str
    attempts: int
    enqueued_at: Any
    process_at: Any
    priority: int
    headers: str | None
    lost: int
    errors: str | None
    run_id: int


class Orphan(NamedTuple):
    """A run whose worker is not there any more."""

    worker_id: Any
    run: Claimed


class Colleague(NamedTuple):
    """Another worker, as its row and its lock show it."""

    worker_id: Any
    lock: Any
    lock_free: bool
    late: bool


class Ended(msgspec.Struct, frozen=True, gc=False):
    """One run to acknowledge."""

    run_id: int
    outcome: Outcome


Level = tuple[str, int]  # a queue, and a priority in it
Marks = Mapping[Level, Any]  # process_at of the last claimed job of each


def as_json(ended: Ended) -> dict[str, Any]:
    """An outcome as the `settle` statements read it; what is null is left out."""
    outcome = ended.outcome
    said = {"status": outcome.status, "attempts": outcome.attempts, "lost": outcome.lost, "delay": outcome.delay,
            "errors": outcome.errors, "result": outcome.result}  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def bites(ended: Sequence[Ended]) -> Iterator[list[Ended]]:
    """
    The same in portions that a server takes in one statement: by the text that they carry.

    >>> long, short = Outcome("job.succeeded", "success", 1, result="x" * BITE), Outcome("job.succeeded", "success", 1)
    >>> [len(bite) for bite in bites([Ended(1, short), Ended(2, long), Ended(3, short), Ended(4, short)])]
    [2, 2]
    """
    bite: list[Ended] = []
    size = 0
    for end in ended:
        bite.append(end)
        size += len(end.outcome.errors or "") + len(end.outcome.result or "")
        if size >= BITE:
            yield bite
            bite, size = [], 0
    if bite:
        yield bite


def dump(value: Any) -> str:
    """A parameter that travels as JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
