"""
What a look at jobs does: rows become records, cursors become ids, and filters are applied where SQL cannot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from proletarian.errors import ConfigurationError, FilterError
from proletarian.filters import JobFilter
from proletarian.job import headers_in
from proletarian.kept_errors import errors_in
from proletarian.looking.explaining import explained
from proletarian.looking.reasons import why_held
from proletarian.looking.records import Count, JobRecord, Page, StepRecord, fits, masked
from proletarian.serializers import JsonSerializer
from proletarian.shared import Shared
from proletarian.sql import finding
from proletarian.sql.columns import SHOWN
from proletarian.sql.conditions import Wanted, wanted
from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.looking import neighbours, waits_of
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan, Row
from proletarian.sql.steps import steps_of

MOST_IN_A_PAGE = 1_000
MOST_NEIGHBOURS = 100


def see_job(shared: Shared, database: str, job_id: Any, *, mask: bool) -> Plan[JobRecord | None]:
    """One job, wherever it is."""
    dialect = shared.dialect(database)
    row = yield from finding.find(dialect, as_stored(shared, dialect, job_id), shared.now())
    if row is None:
        return None
    record = record_of(shared, dialect, row)
    [record] = yield from explained(dialect, shared.now(), [record], count_ahead=True)
    stored = finding.id_of(dialect, row[SHOWN.index("job_id")])
    steps = yield from steps_of(dialect, stored)
    record = replace(record, steps=tuple(_step_of(shared, dialect, row) for row in steps))
    others = yield from neighbours(dialect, stored, MOST_NEIGHBOURS)
    after = [_loaded(shared, dialect, one) for side, one, _ in others if side == "after"]
    before = [_loaded(shared, dialect, one) for side, one, _ in others if side == "before"]
    record = replace(record, after=tuple(after[:MOST_NEIGHBOURS]), before=tuple(before[:MOST_NEIGHBOURS]))
    pending = [_loaded(shared, dialect, one) for side, one, outcome in others if side == "after" and outcome is None]
    [record] = yield from _held(shared, dialect, [record], pending)
    return _shown(record, mask)


def see_jobs(
    shared: Shared, database: str, which: JobFilter | str, *, limit: int, after: Any, mask: bool, why: bool
) -> Plan[Page]:
    """A page of jobs."""
    if not 1 <= limit <= MOST_IN_A_PAGE:
        raise ConfigurationError(f"limit is a number of jobs from 1 to {MOST_IN_A_PAGE}, not {limit!r}")
    dialect = shared.dialect(database)
    which = as_filter(which)
    below = None if after is None else as_stored(shared, dialect, after)
    asked = yield from wanted_by(shared, dialect, which)
    found = yield from finding.page(asked, limit, below, shared.now(), test_of(shared, dialect, which))
    records = [record_of(shared, dialect, row) for row in found.rows]
    if why:
        records = yield from explained(dialect, shared.now(), records, count_ahead=False)
        records = yield from _held(shared, dialect, records, [])
    return Page([_shown(record, mask) for record in records], _cursor(shared, dialect, found.below), found.looked_at)


def count(
    shared: Shared, database: str, which: JobFilter | str, *, most: int, windows: Sequence[int] = finding.WINDOWS
) -> Plan[Count]:
    """How many jobs there are; `windows` are how many rows of each table may be read, bit by bit."""
    if most < 1:
        raise ConfigurationError(f"most is a number of jobs, 1 or more, not {most!r}")
    dialect = shared.dialect(database)
    which = as_filter(which)
    asked = yield from wanted_by(shared, dialect, which)
    found = yield from finding.count(asked, most, shared.now(), test_of(shared, dialect, which), windows)
    return Count(min(found.count, most), is_exact=found.below is None and found.count <= most)


def as_filter(which: JobFilter | str) -> JobFilter:
    """A filter, which may be passed as text; raises `FilterError` for anything else."""
    if isinstance(which, str):
        return JobFilter.parse(which)
    if not isinstance(which, JobFilter):
        raise FilterError(f"a JobFilter is needed, or its text, not {which!r}")
    return which


def record_of(shared: Shared, dialect: Dialect, row: Row) -> JobRecord:
    """A row as a record, with nothing hidden; a part that cannot be read is None, and does not raise."""
    said = dict(zip(SHOWN, map(as_text, row), strict=True))
    for name in ("enqueued_at", "process_at", "started_at", "finished_at"):
        said[name] = None if said[name] is None else dialect.loaded_time(said[name])
    said["job_id"] = shared.job_ids.decode(dialect.loaded_id(row[SHOWN.index("job_id")]))
    said["payload"], unreadable = _decoded(shared, said["payload"])
    said["result"] = None if said["result"] is None else _decoded(shared, said["result"])[0]
    said["headers"] = headers_in(said["headers"]) or {}
    said["errors"] = tuple(errors_in(said["errors"]))
    said["unique_key"] = (said["unique_key"] or "").partition(":")[2] or None  # without its scope
    said["lane"] = said["lane"] or None
    del said["flow"]
    said["progress"] = _progress(said["progress"])
    return JobRecord(**said, unreadable=unreadable)


def wanted_by(shared: Shared, dialect: Dialect, which: JobFilter) -> Plan[Wanted]:
    """What a filter wants, as SQL."""
    now = datetime.max.replace(tzinfo=UTC)  # only used if an age counts from it
    if any(isinstance(moment, (timedelta, int, float)) for moment in (which.since, which.until)):
        now = yield from finding.time(dialect, shared.now())
    stored = [as_stored(shared, dialect, job_id) for job_id in which.job_id or ()]
    return wanted(dialect, which, now, stored, plain=type(shared.serializer) is JsonSerializer)


def test_of(shared: Shared, dialect: Dialect, which: JobFilter) -> Callable[[Row], bool] | None:
    """The test for each row that SQL cannot do."""
    if not (which.payload or which.tag or which.error or which.where):
        return None
    return lambda row: fits(record_of(shared, dialect, row), which)


def as_stored(shared: Shared, dialect: Dialect, job_id: Any) -> Any:
    """An id in its stored form; text is enough, as in a cursor or a word of a filter."""
    try:
        if dialect.kind == "bigint" and isinstance(job_id, str):
            job_id = shared.job_ids.decode(int(job_id))
        return dialect.stored_id(shared.job_ids.encode(job_id))
    except (ConfigurationError, TypeError, ValueError, AttributeError) as error:
        raise FilterError(
            f"{job_id!r} is not a job id of this queue, whose ids are of the kind {dialect.kind}"
        ) from error


def _cursor(shared: Shared, dialect: Dialect, stored: Any) -> str | None:
    return None if stored is None else str(dialect.loaded_id(stored))


def _held(shared: Shared, dialect: Dialect, records: list[JobRecord], pending: Sequence[Any]) -> Plan[list[JobRecord]]:
    """The same records, where held ones say which jobs they wait for."""
    held = [as_stored(shared, dialect, record.job_id) for record in records if record.state == "held"]
    if not held:
        return records
    waits = {_loaded(shared, dialect, one): count for one, count in (yield from waits_of(dialect, held)).items()}
    return [
        replace(record, why=why_held(waits[record.job_id], pending)) if record.job_id in waits else record
        for record in records
    ]


def _loaded(shared: Shared, dialect: Dialect, stored: Any) -> Any:
    return shared.job_ids.decode(dialect.loaded_id(stored))


def _step_of(shared: Shared, dialect: Dialect, row: Row) -> StepRecord:
    name, result, kept_at = map(as_text, row)
    return StepRecord(name, _decoded(shared, result)[0], dialect.loaded_time(kept_at))


def _shown(record: JobRecord, mask: bool) -> JobRecord:
    if not mask:
        return record
    steps = tuple(replace(step, result=masked(step.result)) for step in record.steps)
    return replace(record, payload=masked(record.payload), result=masked(record.result), steps=steps)


def _decoded(shared: Shared, text: str) -> tuple[Any, str | None]:
    try:
        return shared.serializer.decode(text), None
    except Exception as error:  # noqa: BLE001 (a serializer of the application's: whoever looks has to see the rest)
        return None, f"{type(error).__name__}: {error}"


def _progress(text: str | None) -> dict[str, float] | None:
    try:
        noted = json.loads(text) if text else None
    except ValueError:
        return None
    return noted if isinstance(noted, dict) else None
