"""
What `--json` prints, by key. The keys are a promise: more may be added, but none is removed or changes its meaning.

Times are ISO 8601 in UTC, durations are seconds. `at_least` names the counts that stopped at their limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proletarian.looking.records import JobRecord
    from proletarian.looking.surveys import FailureGroup, Minute, QueueStats, WorkerRecord
    from proletarian.schedule import ScheduleRecord
    from proletarian.sql.limiting import LimitRecord
    from proletarian.sql.pausing import Pause
    from proletarian.task import Task


def job(record: JobRecord) -> dict[str, Any]:
    """One job."""
    why = record.why
    return {
        "job_id": identity(record.job_id), "state": record.state, "queue": record.queue, "job_type": record.job_type,
        "payload": record.payload, "headers": dict(record.headers), "tags": list(record.tags),
        "priority": record.priority, "enqueued_at": time(record.enqueued_at), "process_at": time(record.process_at),
        "started_at": time(record.started_at), "finished_at": time(record.finished_at),
        "attempts": record.attempts, "lost": record.lost, "errors": [dict(error) for error in record.errors],
        "progress": record.progress, "result": record.result, "worker": record.worker,
        "unique_key": record.unique_key, "unreadable": record.unreadable,
        "why": None if why is None else {"code": why.code, "sentence": why.sentence},
    }  # fmt: skip


def queue(stats: QueueStats) -> dict[str, Any]:
    """One queue."""
    counts = {"due": stats.due, "scheduled": stats.scheduled, "failed": stats.failed}
    return {
        "queue": stats.queue, **{name: int(number) for name, number in counts.items()}, "running": stats.running,
        "at_least": stopped(counts), "oldest_due_at": time(stats.oldest_due),
        "oldest_due_seconds": seconds(stats.late), "workers": stats.workers, "slots": stats.slots,
        "paused": None if stats.pause is None else pause(stats.pause),
    }  # fmt: skip


def pause(found: Pause) -> dict[str, Any]:
    """One pause."""
    return {"queue": found.queue, "reason": found.reason, "by": found.by, "paused_at": time(found.paused_at)}


def worker(record: WorkerRecord) -> dict[str, Any]:
    """One worker."""
    return {
        "worker_id": str(record.worker_id), "worker": record.worker, "name": record.name, "host": record.host,
        "pid": record.pid, "alive": record.is_alive, "queues": dict(record.queues),
        "job_types": None if record.job_types is None else list(record.job_types), "running": record.running,
        "oldest_run_at": time(record.oldest_run), "started_at": time(record.started_at),
        "seen_at": time(record.seen_at), "seen_seconds_ago": seconds(record.silent),
    }  # fmt: skip


def schedule(record: ScheduleRecord) -> dict[str, Any]:
    """One schedule."""
    return {
        "name": record.name, "app": record.app, "cron": record.cron,
        "every_seconds": None if record.every is None else record.every.total_seconds(), "tz": record.tz,
        "missed": record.missed, "job_type": record.job_type, "queue": record.queue, "payload": record.payload,
        "options": dict(record.options), "declared": record.declared, "next_at": time(record.next_at),
        "last_at": time(record.last_at), "paused_at": time(record.paused_at),
    }  # fmt: skip


def minute(found: Minute) -> dict[str, Any]:
    """What ended in one minute."""
    counts = {"succeeded": found.succeeded, "failed": found.failed, "cancelled": found.cancelled}
    return {
        "at": time(found.at), **{name: int(number) for name, number in counts.items()}, "at_least": stopped(counts),
        "rate": round(found.rate, 3), "queues": {name: int(number) for name, number in found.queues.items()},
    }  # fmt: skip


def failures(group: FailureGroup) -> dict[str, Any]:
    """Failures of one kind."""
    return {
        "job_type": group.job_type, "error": group.error, "count": int(group.count),
        "at_least": stopped({"count": group.count}), "first_at": time(group.first_at), "last_at": time(group.last_at),
        "queues": list(group.queues), "message": group.message, "where": group.where,
        "job_id": identity(group.job_id), "filter": str(group.filter),
    }  # fmt: skip


def task(found: Task[..., Any], default_queue: str) -> dict[str, Any]:
    """One task of an application."""
    return {
        "job_type": found.name, "queue": found.options.queue or default_queue, "priority": found.options.priority or 0,
        "async": found.is_async, "unique": found.options.unique is not None, "where": where(found),
    }  # fmt: skip


def where(found: Task[..., Any]) -> str:
    """The module and name of a task's function."""
    function: Any = found.function
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', found.name)}"


def limit(one: LimitRecord) -> dict[str, Any]:
    """One limit."""
    return {
        "name": one.name, "running": one.running, "rate": one.rate, "seconds": seconds(one.seconds),
        "burst": one.burst, "ordered": one.ordered, "held": one.held, "by": one.by, "set_at": time(one.set_at),
    }  # fmt: skip


def identity(job_id: Any) -> Any:
    """A job id: a number as it is, anything else as text."""
    return job_id if isinstance(job_id, int) else str(job_id)


def time(moment: datetime | None) -> str | None:
    """A moment."""
    return None if moment is None else moment.isoformat()


def seconds(number: float | None) -> float | None:
    """A duration, to the millisecond."""
    return None if number is None else round(number, 3)


def stopped(counts: Mapping[str, Any]) -> list[str]:
    """Which counts stopped at their limit."""
    return [name for name, number in counts.items() if not number.is_exact]
