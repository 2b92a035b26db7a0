"""Takes back what dead workers ran, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from proletarian.outcomes import Outcome
from proletarian.sql.dialect import Dialect
from proletarian.sql.living import ORPHANS, bury, held_by, orphans
from proletarian.sql.moving import clear_requests
from proletarian.sql.namesakes import told_apart
from proletarian.sql.orders import Request
from proletarian.sql.rows import Buried, Claimed, Ended, Judged, Orphan
from proletarian.sql.settling import settle
from proletarian.sql.statements import Plan, Row
from proletarian.sql.transactions import begin, commit, joined
from proletarian.worker.blame import Evidence, evidence

GONE = "a worker that left no trace"


@dataclass
class Recovered:
    """Who was buried, and what became of their runs."""

    buried: dict[Any, str] = field(default_factory=dict)
    runs: list[tuple[str, Claimed, Outcome]] = field(default_factory=list)
    cancelled: list[tuple[Row, Request]] = field(default_factory=list)  # they waited again, but had been cancelled
    blamed: set[tuple[str, int]] = field(default_factory=set)  # the worker and the run that killed it


def recover(
    dialect: Dialect,
    dead: Sequence[Judged],
    decide: Callable[[Claimed, str, Evidence], Outcome],
    now: datetime | None,
    former: dict[Any, Buried] | None = None,
) -> Plan[Recovered]:
    """
    Bury workers, and move every run without a living worker to where its outcome says.

    It also runs when nobody has died, because a dead worker's last statement may commit later. `former` are dead
    workers that may have had more runs than one transaction takes; it is kept up to date from one call to the next.
    """
    former = {} if former is None else former
    done = Recovered()
    yield from begin(dialect)
    buried = yield from bury(dialect, dead)
    done.buried = {worker_id: dead.who for worker_id, dead in buried.items()}
    found = yield from orphans(dialect)
    if len(found) >= ORPHANS:
        for worker_id, dead_one in buried.items():
            former[worker_id] = dead_one._replace(held=(yield from held_by(dialect, worker_id)))
    known = {**buried, **former}
    by_worker: Callable[[Orphan], Any] = attrgetter("worker_id")
    for worker_id, group in groupby(sorted(found, key=by_worker), by_worker):
        who = known[worker_id].who if worker_id in known else GONE
        theirs = list(group)
        judged = list(zip(theirs, evidence(theirs, known.get(worker_id)), strict=True))
        decided = [(who, orphan.run, decide(orphan.run, who, said)) for orphan, said in judged]
        rows = [(row, outcome) for _, row, outcome in decided]
        outcomes = yield from told_apart(dialect, worker_id, who, rows, now)
        decided = [(who, row, outcome) for (row, _), outcome in zip(rows, outcomes, strict=True)]
        ended = [Ended(row.run_id, outcome, awaited=row.awaited) for _, row, outcome in decided]
        ours = yield from joined(dialect, settle(dialect, worker_id, who, ended, now))
        done.runs += [entry for entry in decided if entry[1].run_id in ours]
        done.blamed |= {(who, orphan.run.run_id) for orphan, said in judged if said is Evidence.ALONE}
    done.cancelled = yield from clear_requests(dialect, now)
    yield from commit(dialect)
    if len(found) < ORPHANS:
        former.clear()
    return done
