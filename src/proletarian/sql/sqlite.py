"""SQLite: ids and times as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from proletarian.sql.stepwise import Stepwise


class SQLite(Stepwise):
    """The plans for SQLite."""

    name = "sqlite"
    file = "sqlite.sql"
    types: ClassVar = {
        "uuid": {"job_id": "TEXT", "new_job_id": "TEXT"},
        "bigint": {"job_id": "INTEGER", "new_job_id": "INTEGER"},
        "text": {"job_id": "TEXT", "new_job_id": "TEXT"},
    }

    def fitted(self, source: str) -> str:
        """SQL of ours with this queue's table names and type of job ids."""
        source = super().fitted(source)
        # AUTOINCREMENT: without it SQLite gives the number of a job that has left to a new one.
        return source.replace("INTEGER NOT NULL PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", 1)

    def stored_id(self, job_id: UUID | int | str | None) -> Any:
        """UUIDs are stored as their usual text."""
        return str(job_id) if isinstance(job_id, UUID) else job_id

    def stored_worker(self, worker_id: UUID) -> Any:
        """A worker id as its usual text."""
        return str(worker_id)

    def lock_of(self, worker_id: UUID) -> str:
        """The suffix of the file, beside the database, that the worker keeps locked."""
        return f"-worker-{worker_id.hex}"

    def loaded_time(self, stored: Any) -> datetime:
        """Text in UTC as a datetime."""
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)

    def stored_time(self, moment: datetime | None) -> Any:
        """The reverse; always with six digits, so that it sorts."""
        return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
