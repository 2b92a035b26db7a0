"""
What plans take and return: jobs to insert, jobs claimed, runs ended, peers.

Those that are created for every job are msgspec structs: creating one takes a third of the time of a named tuple, and
no work for the garbage collector.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Any, NamedTuple

import msgspec

from proletarian.outcomes import Outcome

_SLOTS = re.compile(r"(.+?)=(\d+)(?: |$)")
BITE = 1_000_000  # characters of errors and results in one statement, because servers limit the size of a packet


def as_text(value: Any) -> Any:
    """
    Text as a `str`, even if the driver, or a codec of the user's connection, has returned bytes.

    >>> as_text(b"mail"), as_text("mail"), as_text(None)
    ('mail', 'mail', None)
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    return value


class NewRow(msgspec.Struct, frozen=True, gc=False):
    """A job to insert, encoded; `process_at` takes precedence over `delay`, in seconds from now."""

    job_id: Any
    queue: str
    job_type: str
    payload: str
    priority: int
    headers: str | None
    process_at: datetime | None
    delay: float | None
    lane: str = ""  # the limit that it is under, as `name:key`

    @property
    def is_ordinary(self) -> bool:
        """Whether it asks for nothing special: it is due at once, has priority 0, and neither headers nor a lane."""
        return not (self.priority or self.headers or self.process_at or self.delay or self.lane)


class UniqueRow(msgspec.Struct, frozen=True, gc=False):
    """A job to insert unless one with its key exists; see `Unique`."""

    row: NewRow
    key: str
    scope: str  # started, finished or within
    within: float | None
    on_conflict: str


class Kept(NamedTuple):
    """The job that has a key after an enqueue, and whether it is the new one."""

    job_id: Any
    created: bool


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A job as a claim returns it, in the driver's own types, because most of it is never looked at."""

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
    suspect: int
    unique_key: str | None  # with its scope as a prefix; None if the job is not unique
    lane: str  # the limit that it is under, as `name:key`; empty: none
    flow: int | None  # 1: others wait for it; 2: it has waited for others; 3: both
    run_id: int

    @property
    def awaited(self) -> Any:
        """Its id, if another job waits for it."""
        return self.job_id if self.flow and self.flow & 1 else None


class Orphan(NamedTuple):
    """A run whose worker no longer exists; `is_only`: that worker has no other."""

    worker_id: Any
    run: Claimed
    apart: int
    is_only: bool


class Buried(NamedTuple):
    """
    A worker that was declared dead: its host and pid, and its slots by queue.

    `held` is how many runs of each queue it had, if they are not all taken back at once.
    """

    who: str
    slots: Mapping[str, int]
    held: Mapping[str, int] | None = None


class Peer(NamedTuple):
    """Another worker, as its row shows it, and its witnesses: locks that are held for as long as it is alive."""

    worker_id: Any
    host: str
    pid: int
    seen_at: Any  # its latest heartbeat, as stored
    silent: float  # seconds since then on the database's clock
    lost_after: float
    locks: tuple[Any, ...]  # empty if locks cannot be trusted
    free: tuple[bool, ...]  # which of the locks nobody holds, as far as the statement can tell
    process: str | None = None  # identifies its process to others on the same machine


class Judged(NamedTuple):
    """A worker that is taken for dead, and its latest heartbeat: if another one comes in the meantime, it is spared."""

    worker_id: Any
    seen_at: Any


class Ended(msgspec.Struct, frozen=True, gc=False):
    """One run to acknowledge; one that keeps its place is retried there, however long that takes."""

    run_id: int
    outcome: Outcome
    keeps_place: bool = False
    awaited: Any = None  # the job's id as stored, if other jobs wait for it


Level = tuple[str, int]  # a queue, and a priority in it
Marks = Mapping[Level, Any]  # process_at of the last job claimed from each


def slots_in(text: str) -> dict[str, int]:
    """
    A worker's slots by queue, as its row stores them.

    >>> slots_in("default=10 mail to=2")
    {'default': 10, 'mail to': 2}
    """
    return {queue: int(slots) for queue, slots in _SLOTS.findall(text)}


def buried(rows: Iterable[Sequence[Any]], loaded_worker: Callable[[Any], Any]) -> dict[Any, Buried]:
    """
    The dead workers by id, from their rows.

    >>> buried([("id", "vm", 7, "default=10 mail to=2")], str)
    {'id': Buried(who='vm:7', slots={'default': 10, 'mail to': 2}, held=None)}
    """
    return {
        loaded_worker(worker_id): Buried(f"{host}:{pid}", slots_in(queues)) for worker_id, host, pid, queues in rows
    }


def as_json(ended: Ended) -> dict[str, Any]:
    """An outcome as the `settle` statements read it; nulls are left out."""
    outcome = ended.outcome
    wait = "retry_in" if ended.keeps_place else "delay"
    said = {"status": outcome.status, "attempts": outcome.attempts, "lost": outcome.lost, wait: outcome.delay,
            "errors": outcome.errors, "result": outcome.result, "suspect": outcome.suspect or None}  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def portions(rows: Iterable[NewRow], bytes_: int, most: float = inf) -> Iterator[list[NewRow]]:
    """
    New jobs in portions for one statement each, limited by the bytes of their text and by their number.

    >>> short, long = (NewRow(1, "q", "t", "x" * size, 0, None, None, None) for size in (10, BITE))
    >>> [len(portion) for portion in portions([short, short, long, short, short, short], BITE, 2)]
    [2, 1, 2, 1]
    """
    portion: list[NewRow] = []
    weight = 0
    for row in rows:
        added = weight_of(row.payload) + weight_of(row.headers or "")
        if portion and (len(portion) == most or weight + added > bytes_):
            yield portion
            portion, weight = [], 0
        portion.append(row)
        weight += added
    if portion:
        yield portion


def weight_of(text: str) -> int:
    """
    How many bytes a text may take in a JSON parameter: quotes and non-ASCII characters are escaped.

    >>> weight_of("abc"), weight_of("äbc")
    (6, 36)
    """
    return len(text) * (2 if text.isascii() else 12)


def bites(ended: Sequence[Ended]) -> Iterator[list[Ended]]:
    """
    The same runs in portions that a server accepts in one statement, limited by the text that they carry.

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


def array(numbers: Iterable[int]) -> str:
    """Numbers as the text of a PostgreSQL array: drivers take much longer to make one from a list."""
    return f"{{{','.join(map(str, numbers))}}}"


def dump(value: Any) -> str:
    """A parameter passed as JSON, in ASCII, so that no connection's character set can change it."""
    return json.dumps(value, separators=(",", ":"))
