"""
What people may do with a job by hand: cancel one that waits, have one that has ended run again.

A job is in exactly one table, and a move is an insert and a delete in one transaction. The row
is locked first: of two people who do the same at the same time, the second finds it gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from proletarian.contrib.django import configuration
from proletarian.outcomes import Cancel, with_error
from proletarian.queue import blocking
from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan, Statement, Text

KEPT = "job_id, queue, job_type, payload, attempts, enqueued_at, priority, headers"
NOW = {
    "postgresql": "clock_timestamp()",
    "mysql": "UTC_TIMESTAMP(6)",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
}

Move = Callable[[Dialect, UUID], Plan[bool]]


def retry(job_ids: Iterable[UUID]) -> set[UUID]:
    """
    Have archived jobs that did not succeed run again, now; gives the ids of those that will.

    Attempts and errors stay as they are: the job gets one more run, and then as many as its
    retry strategy still has for it.
    """
    return _move(job_ids, _retry)


def cancel(job_ids: Iterable[UUID], who: str) -> set[UUID]:
    """Archive waiting jobs as cancelled; gives the ids of those that a worker had not taken before."""
    return _move(job_ids, lambda dialect, job_id: _cancel(dialect, job_id, who))


def _move(job_ids: Iterable[UUID], move: Move) -> set[UUID]:
    alias, queue = configuration.alias(), configuration.queue()
    connection = connections[alias]
    driver = blocking(connection, "")
    dialect = queue.dialect(connection.vendor)
    with transaction.atomic(using=alias):
        # In one order, whoever moves them: so two cannot wait for each other.
        return {job_id for job_id in sorted(job_ids) if queue.carry_out(driver, connection, move(dialect, job_id))}


def _retry(dialect: Dialect, job_id: UUID) -> Plan[bool]:
    job, archive = _names(dialect)
    where = f"{_this(dialect)} AND status <> 'success'"
    found = yield _say(dialect, f"SELECT job_id FROM {archive} WHERE {where}{_locked(dialect)}", job_id)
    if not found:
        return False
    yield _say(
        dialect,
        f"INSERT INTO {job} ({KEPT}, process_at, lost, errors) "
        f"SELECT {KEPT}, {NOW[dialect.name]}, 0, errors FROM {archive} WHERE {where}",
        job_id,
    )
    yield _say(dialect, f"DELETE FROM {archive} WHERE {_this(dialect)}", job_id)
    return True


def _cancel(dialect: Dialect, job_id: UUID, who: str) -> Plan[bool]:
    job, archive = _names(dialect)
    where = _this(dialect)
    found = yield _say(dialect, f"SELECT errors FROM {job} WHERE {where}{_locked(dialect)}", job_id)
    if not found:
        return False
    # Attempt 0: no run of it ended like this.
    errors = with_error(found[0][0], Cancel(f"by {who}"), attempt=0, worker=who, at=datetime.now(UTC))
    yield _say(
        dialect,
        f"INSERT INTO {archive} ({KEPT}, process_at, lost, errors, status, finished_at, worker) "
        f"SELECT {KEPT}, process_at, lost, :errors, 'cancelled', {NOW[dialect.name]}, :who FROM {job} WHERE {where}",
        job_id,
        errors=errors,
        who=who,
    )
    yield _say(dialect, f"DELETE FROM {job} WHERE {where}", job_id)
    return True


def _say(dialect: Dialect, sql: str, job_id: UUID, **parameters: Any) -> Statement:
    return Statement(Text(sql), {"job_id": dialect.stored_id(job_id), **parameters})


def _names(dialect: Dialect) -> tuple[str, str]:
    return dialect.tables.name("job", dialect.name), dialect.tables.name("archived_job", dialect.name)


def _this(dialect: Dialect) -> str:
    return "job_id = CAST(:job_id AS uuid)" if dialect.name == "postgresql" else "job_id = :job_id"


def _locked(dialect: Dialect) -> str:
    return "" if dialect.name == "sqlite" else " FOR UPDATE"  # SQLite has one writer at a time
