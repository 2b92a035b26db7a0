"""How a job gets into a lane after it was claimed, and how lanes that nobody needs are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Ended, array, dump
from proletarian.sql.settling import settle
from proletarian.sql.statements import Plan
from proletarian.sql.transactions import begin, commit, joined


def enter(
    dialect: Dialect, worker_id: Any, ended: Sequence[Ended], lanes: Sequence[str], now: datetime | None
) -> Plan[set[int]]:
    """Put runs that turned out to be under a limit into its lane, to wait there; returns those that were still ours."""
    run_ids = [end.run_id for end in ended]
    yield from begin(dialect)
    if dialect.moves_rows:
        yield dialect.say("lanes.enter", worker_id=worker_id, run_ids=array(run_ids), lanes=list(lanes))
    else:
        entered = dump(list(zip(run_ids, lanes, strict=True)))
        yield dialect.say("lanes.enter", worker_id=worker_id, entered=entered)
    ours = yield from joined(dialect, settle(dialect, worker_id, "", ended, now))
    yield from commit(dialect)
    return ours


def prune(dialect: Dialect, most: int) -> Plan[None]:
    """Forget up to `most` lanes that nobody needs."""
    if not dialect.locks_lanes:
        yield dialect.say("lanes.prune", most=most)
        return
    yield from begin(dialect)
    if old := [(row[0],) for row in (yield dialect.say("lanes.prunable", most=most))]:
        yield dialect.say("lanes.prune", lanes=dump(sorted(old)))
    yield from commit(dialect)
