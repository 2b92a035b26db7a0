"""Pruning the archive: reads a limited number of rows from a stretch of time, and deletes some of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan
from proletarian.sql.steps import forget_steps


def ended(dialect: Dialect, since: datetime, until: datetime, most: int) -> Plan[list[tuple[Any, str, str]]]:
    """Id, job type and status of up to `most` jobs that ended between these instants, in no particular order."""
    stretch = {"since": dialect.stored_time(since), "until": dialect.stored_time(until), "most": most}
    rows = yield dialect.say("pruning.ended", **stretch)
    return [(job_id, str(job_type), str(status)) for job_id, job_type, status in rows]


def delete(dialect: Dialect, job_ids: Sequence[Any], until: datetime) -> Plan[None]:
    """Delete those that still ended before this instant, and their steps; what others have locked stays."""
    which = {"job_ids": dialect.listed(job_ids), "until": dialect.stored_time(until)}
    if dialect.moves_rows:
        yield dialect.say("pruning.delete", **which)
        return
    takes_steps = bool((yield dialect.say("pruning.any_steps")))
    if not dialect.marks_keys and not takes_steps:
        yield dialect.say("pruning.delete", **which)
        return
    yield dialect.say("transactions.begin")
    free = [row[0] for row in (yield dialect.say("pruning.free", **which))]
    if free and takes_steps:
        yield from forget_steps(dialect, free)
    if free:
        yield dialect.say("pruning.delete", **{**which, "job_ids": dialect.listed(free)})
    yield dialect.say("transactions.commit")
