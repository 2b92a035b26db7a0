"""What can be seen of jobs that wait, and of those that they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.edges import PAGE
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan


def whereabouts(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[dict[Any, str | None]]:
    """
    What became of jobs, by their loaded ids: a status, or None for a job that has not ended.

    A job that does not exist has no entry. If an id was used twice and is in two places, its job has not ended.
    """
    found: dict[Any, str | None] = {}
    for at in range(0, len(job_ids), PAGE):
        for job_id, status in (yield dialect.say("flows.whereabouts", job_ids=dialect.listed(job_ids[at : at + PAGE]))):
            shown = dialect.loaded_id(job_id)
            found[shown] = None if shown in found and found[shown] is None else status
    return found


def results_of(dialect: Dialect, job_id: Any) -> Plan[dict[Any, str | None]]:
    """The results, as JSON, of the jobs that this one waited for, by their stored ids: only of those that succeeded."""
    found: dict[Any, str | None] = {}
    seen = 0
    while True:
        rows = yield dialect.say("flows.results", job_id=job_id, most=PAGE, skip=seen)
        seen += len(rows)
        found.update({awaited: as_text(result) for awaited, status, result in rows if status == "success"})
        if len(rows) < PAGE:
            return found


def neighbours(dialect: Dialect, job_id: Any, most: int) -> Plan[list[tuple[str, Any, int | None]]]:
    """Jobs that this one waits or has waited for ("after"), and jobs that wait for it ("before"); `most` of each."""
    rows = yield dialect.say("flows.awaited_by", job_id=job_id, most=most)
    return [(str(as_text(side)), other, outcome) for side, other, outcome in rows]


def waits_of(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[dict[Any, int]]:
    """How many jobs each held job waits for, by loaded id."""
    rows = yield dialect.say("flows.waits", job_ids=dialect.listed(job_ids))
    return {dialect.loaded_id(job_id): int(waits) for job_id, waits in rows}
