"""Taking back what dead workers ran, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from proletarian.outcomes import Outcome
from proletarian.sql.dialect import FOREVER, Dialect
from proletarian.sql.rows import Claimed, Ended, Orphan
from proletarian.sql.statements import Plan

GONE = "a worker that left no trace"


@dataclass
class Recovered:
    """Who was buried, and what became of their runs."""

    buried: dict[Any, str] = field(default_factory=dict)
    runs: list[tuple[str, Claimed, Outcome]] = field(default_factory=list)


def recover(
    dialect: Dialect,
    dead: Sequence[Any],
    decide: Callable[[Claimed, str], Outcome],
    now: datetime | None,
    in_touch: float = FOREVER,
) -> Plan[Recovered]:
    """
    Bury workers, and move every run without a living worker to where its outcome says.

    Also run when nobody has died: a dead worker's last statement may commit after it. `in_touch`
    is for how many seconds we have been in touch with the database without a gap.
    """
    done = Recovered()
    yield from dialect.begin()
    done.buried = yield from dialect.bury(dead, in_touch)
    orphans = yield from dialect.orphans()
    by_worker: Callable[[Orphan], Any] = attrgetter("worker_id")
    for worker_id, group in groupby(sorted(orphans, key=by_worker), by_worker):
        who = done.buried.get(worker_id, GONE)
        decided = [(who, orphan.run, decide(orphan.run, who)) for orphan in group]
        ended = [Ended(row.run_id, outcome) for _, row, outcome in decided]
        ours = yield from dialect.joined(dialect.settle(worker_id, who, ended, now))
        done.runs += [entry for entry in decided if entry[1].run_id in ours]
    yield from dialect.commit()
    return done
