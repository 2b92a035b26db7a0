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
    """To a child, first of all: what to import, and which log records are wanted."""

    source: Source
    levels: dict[str, int]
    has_fields: bool  # whether log lines should say which job wrote them
    arguments: list[str]  # the arguments of the worker's program


class Order(msgspec.Struct, frozen=True, gc=False):
    """To a child: run this job."""

    row: Claimed
    worker_id: Any  # the run's worker, as stored


class Stop(msgspec.Struct, frozen=True, gc=False):
    """To a child: end the job that it is running; `cancel` a coroutine."""

    run_id: int
    why: str
    cancel: bool


class Answer(msgspec.Struct, frozen=True, gc=False):
    """To a child: what it asked for; `lost`: the job is no longer the run's; `error`: what else went wrong."""

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
    """From a child: from now on, if it dies, the job is to blame."""


class Noted(msgspec.Struct, frozen=True, tag="noted", gc=False):
    """From a child: how far a job is, as JSON."""

    run_id: int
    progress: str


class Completing(msgspec.Struct, frozen=True, tag="completing", gc=False):
    """From a child: whether, from now on, the handler's own transaction may have deleted the job's row."""

    completed: bool


class Wanted(msgspec.Struct, frozen=True, tag="wanted", gc=False):
    """From a child: keep a step of the job, or send those of earlier runs (no name)."""

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

    `result` is JSON. `final` means that the error must not be retried, `heard` that the handler has looked at
    `job.stopping` since it was set, `overdue` that the run was found over its time limit there: the worker hears late
    that a run has begun, and may have counted less.
    """

    result: str | None = None
    error: bytes | None = None
    final: bool = False
    heard: bool = False
    completed: bool = False
    ran: float = 0.0  # seconds
    then: bytes | None = None  # rows of jobs to be enqueued when it is archived, pickled: our own rows only
    overdue: bool = False


Said = Ready | Unfit | Begun | Noted | Completing | Wanted | Logged | Ended
_decoder = msgspec.msgpack.Decoder(Said)


def written(message: Said) -> bytes:
    """A child's message as bytes."""
    return msgspec.msgpack.encode(message)


def read(data: bytes) -> Said:
    """A child's message from bytes."""
    said: Said = _decoder.decode(data)
    return said


Told = Boot | Order | Stop | Answer | Leave


def ordered(message: Told) -> bytes:
    """A worker's message as bytes."""
    return pickle.dumps(message)


def heard(data: bytes) -> Told:
    """A worker's message from bytes."""
    message: Told = pickle.loads(data)  # noqa: S301 (from our parent, through its pipe)
    return message
