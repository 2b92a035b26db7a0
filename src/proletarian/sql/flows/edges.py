"""Which job waits for which: edges, inserted when the waiting jobs are enqueued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import dump
from proletarian.sql.statements import Copy, Plan

AWAITED, HAS_WAITED = 1, 2  # the bits of `flow` in a job's row; null: neither
MET, FAILED = 1, 2  # the outcome of an edge; null: not known yet
AGAIN = -1  # not a real `hold`: hold this job again if it was cancelled because of the awaited one

EDGES = 5_000  # in one statement
PAGE = 1_000
COPY_FROM = 100  # edges, as with jobs


def depend(dialect: Dialect, edges: Sequence[tuple[Any, Any, int | None]], *, copy: bool = False) -> Plan[None]:
    """Record that jobs wait for others enqueued in the same transaction: (awaited, waiting, how it ended)."""
    if copy and len(edges) >= COPY_FROM:
        columns = ("awaited_id", "waiting_id", "outcome")
        yield Copy(dialect.tables.name("dependency", dialect.name), columns, edges)
        return
    for at in range(0, len(edges), EDGES):
        yield from say_edges(dialect, "flows.depend", [(*edge, 0) for edge in edges[at : at + EDGES]])


def depend_late(dialect: Dialect, edges: Sequence[tuple[Any, Any, int | None, int]]) -> Plan[None]:
    """The same for jobs that already existed: (awaited, waiting, how it ended if that was counted, hold)."""
    for at in range(0, len(edges), EDGES):
        yield from say_edges(dialect, "flows.depend_late", edges[at : at + EDGES])


def say_edges(dialect: Dialect, name: str, edges: Sequence[tuple[Any, Any, int | None, int]]) -> Plan[None]:
    """Execute a statement about edges: (awaited, waiting, how it ended, hold)."""
    if not dialect.moves_rows:
        json_id = dialect.json_id
        yield dialect.say(name, edges=dump([(json_id(one), json_id(two), *rest) for one, two, *rest in edges]))
        return
    awaited, waiting, outcomes, holds = map(list, zip(*edges, strict=True))
    more = {"holds": holds} if name == "flows.depend_late" else {}
    yield dialect.say(name, awaited=awaited, waiting=waiting, outcomes=outcomes, **more)
