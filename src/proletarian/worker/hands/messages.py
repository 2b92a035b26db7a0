"""
The messages between a worker and its child process, as bytes.

A payload and a result are sent as the text that is in the database: of the application's objects, only an error raised
by a handler is pickled. The row is sent as the driver returned it; only our own child reads it.
"""

from __future__ import annotations

import pickle
from typing import Any

import msgspec

from proletarian.sql.rows import Claimed
from proletarian.worker.hands.source import Source


class Boot(msgspec.Struct, frozen=True, gc=False):
    """To a child, first of all: what to import, and what of its log is wanted."""

    source: Source
    levels: dict[str, int]
    has_fields: bool  # whether log lines should say which job wrote them
    arguments: list[str]  # the arguments of the worker's program


class Order(msgspec.Struct, frozen=True, gc=False):
    """To a child: run this job."""

    row: Claimed
    worker_id: Any  # the run's worker, as stored


class Stop(msgspec.Struct, frozen=True, gc=False):
    """To a child: have the job that it runs come to an end; `cancel` a coroutine."""

    run_id: int
    why: str
    cancel: bool


class Answer(msgspec.Struct, frozen=True, gc=False):
    """To a child: what it wanted; `lost` says that the job is not the run's any more, `error` what else is wrong."""

    number: int
    found: dict[Any, Any]
    lost: str | None = None
    error: str | None = None


class Leave(msgspec.Struct, frozen=True, gc=False):
    """To a child: there is nothing more to do."""


class Ready(msgspec.Struct, frozen=True, tag="ready", gc=False):
    """From a child: it can run jobs."""


class Unfit(msgspec.Struct, frozen=True, tag="unfit", gc=False):
    """From a child: it cannot run jobs, and ends."""

    error: bytes


class Begun(msgspec.Struct, frozen=True, tag="begun", gc=False):
    """From a child: from here on it is the job that it dies of."""


class Noted(msgspec.Struct, frozen=True, tag="noted", gc=False):
    """From a child: how far a job is, as JSON."""

    run_id: int
    progress: str


class Completing(msgspec.Struct, frozen=True, tag="completing", gc=False):
    """From a child: whether the job's row may be gone from now on, with its handler's own transaction."""

    completed: bool


class Wanted(msgspec.Struct, frozen=True, tag="wanted", gc=False):
    """From a child: a step of the job is to be kept, or those of earlier runs are wanted (no name)."""

    number: int  # identifies the request, for the answer
    name: str | None
    text: str = ""
    kind: str = "steps"  # or "results": of the jobs that it has waited for


class Logged(msgspec.Struct, frozen=True, tag="logged", gc=False):
    """From a child: a record for `logging`."""

    record: bytes


class Ended(msgspec.Struct, frozen=True, tag="ended", gc=False):
    """
    From a child: how the run ended.

    `result` is JSON. `final` says that the error is not to be tried again, `heard` that the handler had looked
    at `job.stopping` since it was set.
    """

    result: str | None = None
    error: bytes | None = None
    final: bool = False
    heard: bool = False
    completed: bool = False
    ran: float = 0.0  # seconds
    then: bytes | None = None  # rows of jobs to be enqueued when it is archived, pickled: our own rows only


Said = Ready | Unfit | Begun | Noted | Completing | Wanted | Logged | Ended
_decoder = msgspec.msgpack.Decoder(Said)


def written(message: Said) -> bytes:
    """What a child says."""
    return msgspec.msgpack.encode(message)


def read(data: bytes) -> Said:
    """What a child said."""
    said: Said = _decoder.decode(data)
    return said


Told = Boot | Order | Stop | Answer | Leave


def ordered(message: Told) -> bytes:
    """What a worker says."""
    return pickle.dumps(message)


def heard(data: bytes) -> Told:
    """What a worker said."""
    message: Told = pickle.loads(data)  # noqa: S301 (from our parent, through its pipe)
    return message
