"""Jobs as lines of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proletarian.cli.printing import from_now, in_one_line

if TYPE_CHECKING:
    from datetime import datetime

    from proletarian.looking.records import JobRecord

TITLES = ("job", "state", "queue", "type", "attempts", "when", "note")


def row_of(job: JobRecord) -> list[str]:
    """One line of the list."""
    return [str(job.job_id), job.state, job.queue, job.job_type, str(job.attempts), from_now(moved_at(job)), note(job)]


def moved_at(job: JobRecord) -> datetime | None:
    """When it ended, started or was enqueued; or when it is due."""
    if job.state == "scheduled":
        return job.process_at
    return job.finished_at or job.started_at or job.enqueued_at


def note(job: JobRecord) -> str:
    """What is worth knowing about it: why it waits, how far it has got, its last error."""
    if job.why is not None:
        return in_one_line(str(job.why), 90)
    if job.progress is not None:
        done, total = job.progress.get("done"), job.progress.get("total")
        return f"{done:g} of {total:g}" if total is not None and done is not None else f"{done:g}" if done else ""
    if job.errors and job.state != "succeeded":
        last = job.errors[-1]
        return in_one_line(f"{last.get('type')}: {last.get('message')}", 90)
    return ""
