"""Standing orders: what people have ordered for the whole fleet, as each worker reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proletarian.sql.dialect import Dialect
from proletarian.sql.present import present
from proletarian.sql.statements import Plan


class Request(msgspec.Struct, frozen=True):
    """Why a running job should be cancelled, and who asked for it."""

    reason: str
    by: str


class Change(msgspec.Struct, frozen=True):
    """What people have changed about a limit at run time; None: as in the code."""

    running: int | None = None
    rate: int | None = None
    seconds: float = 1.0
    burst: int | None = None


class Orders(msgspec.Struct, frozen=True):
    """
    Everything that a worker has been told: one value, read by a few plain statements, which its parts obey.

    `cancelled` has the requests by job id, as the connection returns ids; `limits` the changes by name. `lanes` are the
    queues that have jobs with a lane: nobody has ordered that, but workers have to know it just as soon.
    """

    paused: frozenset[str] = frozenset()
    cancelled: Mapping[Any, Request] = {}
    limits: Mapping[str, Change] = {}
    lanes: frozenset[str] = frozenset()


def orders(dialect: Dialect, queues: Sequence[str] = ()) -> Plan[Orders]:
    """The orders that apply now to a worker of these queues."""
    paused = frozenset(row[0] for row in (yield dialect.say("orders.paused")))
    requests = yield dialect.say("orders.requests")
    limits = yield from changes(dialect)
    lanes = yield from present(dialect, queues)
    return Orders(paused, {job_id: Request(reason, by) for job_id, reason, by in requests}, limits, frozenset(lanes))


def changes(dialect: Dialect) -> Plan[dict[str, Change]]:
    """What people have changed about limits, by name."""
    rows = yield dialect.say("orders.limits")
    return {
        name: Change(running, rate, 1.0 if seconds is None else float(seconds), burst)
        for name, running, rate, seconds, burst in rows
    }


def tell(dialect: Dialect) -> Plan[None]:
    """Make listening workers read their orders as soon as this transaction commits."""
    if dialect.notifies:
        yield dialect.say("orders.tell")
