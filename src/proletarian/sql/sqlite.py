"""
SQLite (3.38 and newer): ids and times as text.

An operation is several statements in a transaction, as on MySQL, and nobody else writes in the meantime. Timestamps are
text in UTC with six decimal places, so they sort correctly; SQLite's own clock fills three of them. A batch is passed
as one JSON parameter.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from proletarian.sql.columns import NEW
from proletarian.sql.dialect import Dialect


class SQLite(Dialect):
    """The words of SQLite."""

    name = "sqlite"
    now = "COALESCE(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))"
    globs = True
    length = "length"  # in characters; octet_length() came with 3.43
    ids: ClassVar = {
        "uuid": {"ID": "TEXT", "NEW_ID": "TEXT NOT NULL PRIMARY KEY"},
        # AUTOINCREMENT: without it, SQLite gives a new job the number of one that has left.
        "bigint": {"ID": "INTEGER", "NEW_ID": "INTEGER PRIMARY KEY AUTOINCREMENT"},
        "text": {"ID": "TEXT", "NEW_ID": "TEXT NOT NULL PRIMARY KEY"},
    }

    def made_parts(self) -> dict[str, str]:
        """Adds NEW_ITEMS, the columns of a new job in a JSON parameter, after three others; UNIQUE_ITEM, KEY_ITEM."""
        return {
            **super().made_parts(),
            "NEW_ITEMS": ", ".join(f"value ->> {place}" for place, _ in enumerate(NEW, start=3)),
            "UNIQUE_ITEM": f"value ->> {3 + len(NEW)}",
            "KEY_ITEM": f"value ->> {4 + len(NEW)}",
            "FLOW_ITEM": f"value ->> {3 + len(NEW)}",
            "WAITS_ITEM": f"value ->> {4 + len(NEW)}",
            "IF_FAILED_ITEM": f"value ->> {5 + len(NEW)}",
        }

    def stored_id(self, job_id: UUID | int | str | None) -> Any:
        """UUIDs are stored in their usual text form."""
        return str(job_id) if isinstance(job_id, UUID) else job_id

    def stored_worker(self, worker_id: UUID) -> Any:
        """A worker id in its usual text form."""
        return str(worker_id)

    def lock_of(self, worker_id: UUID) -> str:
        """The suffix of the file next to the database that the worker keeps locked."""
        return f"-worker-{worker_id.hex}"

    def loaded_time(self, stored: Any) -> datetime:
        """UTC text as a datetime."""
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)

    def stored_time(self, moment: datetime | None) -> Any:
        """The reverse, always with six digits, so that it sorts."""
        return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
