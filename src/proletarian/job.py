"""
A job: as it is put in (`NewJob`), and as its handler sees it (`Job`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from proletarian.errors import ConfigurationError
from proletarian.limits import is_storable

DEFAULT_QUEUE = "default"
A_NAME = "a name of 1 to 191 characters, without NUL and without white space at its ends"


def is_name(name: object) -> bool:
    """
    Whether this can name a queue or a job type on every database.

    Databases differ about white space at the end of a text: MariaDB ignores it.

    >>> is_name("mail"), is_name("mail "), is_name("")
    (True, False, False)
    """
    return isinstance(name, str) and _is_name(name)


@lru_cache(maxsize=1024)  # the same few names with every job
def _is_name(name: str) -> bool:
    return 0 < len(name) <= 191 and name == name.strip() and is_storable(name)


# These two are made for every job that is put in: msgspec makes them in a sixth of the time that dataclasses take.
class Options(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    When and where a job runs; every option has a default.

    `process_at` is the earliest instant (aware; one in the past means now). `process_in`
    is seconds or a timedelta from now (negative means now). With both, `process_at` wins.
    A higher `priority` (-32768 to 32767) runs sooner within a queue. `headers` are short
    texts that travel with the job (trace context, tags). `job_id` is made by the queue's
    strategy unless it is given.
    """

    queue: str | None = None
    process_at: datetime | None = None
    process_in: float | timedelta | None = None
    priority: int | None = None
    job_id: Any = None
    headers: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.queue is not None and not is_name(self.queue):
            raise ConfigurationError(f"queue is {A_NAME}, not {self.queue!r}")
        if self.process_at is not None:
            if not isinstance(self.process_at, datetime):
                raise ConfigurationError(f"process_at is a datetime, not {self.process_at!r}")
            if self.process_at.utcoffset() is None:
                raise ConfigurationError(
                    f"process_at={self.process_at!r} has no time zone; use datetime.now(timezone.utc), "
                    "or .astimezone() for local time"
                )
        if self.process_in is not None and not isinstance(self.process_in, timedelta):
            seconds = self.process_in
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds != seconds:
                raise ConfigurationError(f"process_in is seconds or a timedelta, not {seconds!r}")
        if self.priority is not None:
            whole = isinstance(self.priority, int) and not isinstance(self.priority, bool)
            if not whole or not -32768 <= self.priority <= 32767:
                raise ConfigurationError(f"priority is a whole number of 16 bits, not {self.priority!r}")
        if self.headers is not None and not (
            isinstance(self.headers, Mapping)
            and all(isinstance(k, str) and isinstance(v, str) for k, v in self.headers.items())
        ):
            raise ConfigurationError(f"headers are a mapping of text to text, not {self.headers!r}")

    @property
    def delay(self) -> float | None:
        """`process_in` in seconds, at least 0."""
        if self.process_in is None:
            return None
        seconds = self.process_in.total_seconds() if isinstance(self.process_in, timedelta) else self.process_in
        return max(0.0, float(seconds))


class NewJob(Options, frozen=True, gc=False):
    """
    A job to put in, as a value: for `enqueue_many`.

    Options are those of `enqueue`: queue, process_at, process_in, priority, job_id, headers.

    >>> NewJob("send_welcome", {"account_id": 42}, queue="mail", process_in=60).delay
    60.0
    """

    job_type: str
    payload: Any = None

    def __post_init__(self) -> None:
        Options.__post_init__(self)
        if not is_name(self.job_type):
            raise ConfigurationError(f"a job type is {A_NAME}, not {self.job_type!r}")


class Stopping:
    """
    Tells a running handler that it should come to an end; read it between two steps.

    It is set when the worker stops, when the job is over its time limit, and when the
    job was taken back from this worker. It offers `is_set()` and `wait(timeout)` as a
    `threading.Event` does.

    >>> Stopping().is_set()
    False
    """

    # One is made for every run: the lock and condition of an Event only come once somebody waits.
    __slots__ = ("_event", "why")
    _making = threading.Lock()

    def __init__(self) -> None:
        self.why: str | None = None
        self._event: threading.Event | None = None

    def is_set(self) -> bool:
        """Whether the handler should come to an end."""
        return self.why is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep up to `timeout` seconds, less if told to stop; says whether it was."""
        with Stopping._making:
            if self._event is None:
                self._event = threading.Event()
            if self.why is not None:
                self._event.set()
        return self._event.wait(timeout)

    def set(self, why: str) -> None:
        """Tell the handler; the first reason stays."""
        with Stopping._making:
            self.why = self.why or why
            if self._event is not None:
                self._event.set()


class Lease(Protocol):
    """What a worker lends to a job while it runs: the row that is its own."""

    def complete(self, job: Job, connection: Any, result: Any) -> None:
        """Archive it on the handler's connection."""

    async def acomplete(self, job: Job, connection: Any, result: Any) -> None:
        """Archive it on the handler's async connection."""

    def progress(self, done: float, total: float | None) -> None:
        """Note how far it is."""


@dataclass(slots=True, eq=False)
class Job:
    """
    What a handler knows of the job that it runs.

    `attempts` counts this run too: it is 1 the first time. `lost` says how often a worker
    died under the job. `state` is what the worker's lifespan made. `stopping` tells when
    to come to an end.

    >>> job = Job(job_id=41, job_type="send_welcome", payload={"account_id": 42})
    >>> job.attempts, job.stopping.is_set()
    (1, False)
    """

    job_id: Any = None
    queue: str = DEFAULT_QUEUE
    job_type: str = ""
    payload: Any = None
    attempts: int = 1
    enqueued_at: datetime | None = None
    process_at: datetime | None = None
    priority: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)
    stopping: Stopping = field(default_factory=Stopping)
    _lease: Lease | None = field(default=None, repr=False)

    def complete(self, connection: Any, /, *, result: Any = None) -> None:
        """
        Archive the job in your own transaction: its effect happens exactly once.

        Write your data and call this on the same connection, then commit. Either both are
        there or neither is. Raises `LeaseLost` if the job was taken back from this run;
        let it pass, so that your transaction rolls back. Never commits.

        Call it last: what the handler returns or raises afterwards no longer matters once
        the transaction has committed.
        """
        self._own().complete(self, connection, result)

    async def acomplete(self, connection: Any, /, *, result: Any = None) -> None:
        """Archive the job in your own transaction on an async connection; see `complete`."""
        await self._own().acomplete(self, connection, result)

    def progress(self, done: float, total: float | None = None) -> None:
        """
        Note how far the job is, for people who watch; written within a second or so.

        Cheap to call often: only the latest of several is written.
        """
        self._own().progress(done, total)

    def _own(self) -> Lease:
        if self._lease is None:
            raise ConfigurationError(
                "this job is not run by a worker: it has no row to complete or to note progress in"
            )
        return self._lease
