"""Steps of jobs: their results, stored under the fence of their runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import BITE, dump
from proletarian.sql.settling import as_parameter
from proletarian.sql.statements import Plan, Row, Statement, Text
from proletarian.sql.transactions import begin, commit

MOST_SHOWN = 1000  # steps of one job that are shown


class Kept(NamedTuple):
    """What a step of one run returned, encoded."""

    run_id: int
    name: str
    result: str


def load_steps(dialect: Dialect, worker_id: Any, run_ids: Iterable[int]) -> Plan[dict[int, dict[str, str]]]:
    """What steps of these runs' jobs returned in earlier runs: texts by name, by run id."""
    run_ids = list(run_ids)
    found: dict[int, dict[str, str]] = {run_id: {} for run_id in run_ids}
    rows = yield dialect.say("steps.load", worker_id=worker_id, run_ids=as_parameter(dialect, run_ids))
    for run_id, name, result in rows:
        found[run_id][name] = result
    return found


def keep_steps(dialect: Dialect, worker_id: Any, steps: Sequence[Kept]) -> Plan[tuple[set[int], set[int]]]:
    """
    Keep what steps of one worker's runs returned, all or none of them.

    Returns the run ids whose steps are kept, and those whose steps are not although the runs are still the worker's
    own, because somebody has the row locked at this moment. The other runs are lost, and must not continue.
    """
    run_ids = as_parameter(dialect, dict.fromkeys(step.run_id for step in steps))
    ours: set[int] = set()
    if dialect.moves_rows:
        for bite in _bites(steps):
            ids, names, results = zip(*bite, strict=True)
            which = {"worker_id": worker_id, "run_ids": as_parameter(dialect, ids)}
            rows = yield dialect.say("steps.keep", names=list(names), results=list(results), **which)
            ours.update(row[0] for row in rows)
    else:
        yield from begin(dialect)
        ours.update(row[0] for row in (yield dialect.say("steps.ours", worker_id=worker_id, run_ids=run_ids)))
        for bite in _bites([step for step in steps if step.run_id in ours]):
            yield dialect.say("steps.keep", worker_id=worker_id, said=dump(bite))
        yield from commit(dialect)
    locked: set[int] = set()
    if not all(step.run_id in ours for step in steps):
        rows = yield dialect.say("settling.undecided", worker_id=worker_id, run_ids=run_ids)
        locked = {row[0] for row in rows} - ours
    return ours, locked


def forget_steps(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[None]:
    """Forget the steps of these jobs, given by their stored ids."""
    yield dialect.say("steps.forget", job_ids=dialect.listed(job_ids))


def steps_of(dialect: Dialect, stored_id: Any) -> Plan[Sequence[Row]]:
    """Name, result and time of each step of a job, oldest first."""
    columns = ", ".join(dialect.shown(name) for name in ("name", "result", "kept_at"))
    table = dialect.tables.name("step", dialect.name)
    sql = (
        f"SELECT {columns} FROM {table} AS step WHERE job_id = {dialect.id_value('job_id')}"
        f" ORDER BY step.kept_at, step.name LIMIT {MOST_SHOWN}"
    )
    return (yield Statement(Text(sql), dialect.stored_new({"job_id": stored_id})))


def _bites(steps: Sequence[Kept]) -> Iterator[list[Kept]]:
    """The steps in portions that a server accepts in one statement."""
    bite: list[Kept] = []
    size = 0
    for step in steps:
        bite.append(step)
        size += len(step.result)
        if size >= BITE:
            yield bite
            bite, size = [], 0
    if bite:
        yield bite
