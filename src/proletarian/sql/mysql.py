"""MySQL and MariaDB: ids as BINARY(16), times as DATETIME(6) in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from proletarian.sql.stepwise import Stepwise


class MySQL(Stepwise):
    """The plans for MySQL and MariaDB."""

    name = "mysql"
    file = "mysql.sql"
    types: ClassVar = {
        "uuid": {"job_id": "BINARY(16)", "new_job_id": "BINARY(16)", "json_id": "CHAR(32)"},
        "bigint": {"job_id": "BIGINT", "new_job_id": "BIGINT AUTO_INCREMENT", "json_id": "BIGINT"},
        "text": {"job_id": "VARCHAR(191)", "new_job_id": "VARCHAR(191)", "json_id": "VARCHAR(191)"},
    }

    def fitted(self, source: str) -> str:
        """SQL of ours with this queue's table names and type of job ids."""
        if self.kind != "uuid":
            source = re.sub(r"/\*stored\*/ UNHEX\((\w+\.\w+)\)", r"\1", source)
        return super().fitted(source.replace("/*stored*/ ", ""))

    def stored_id(self, job_id: UUID | int | str | None) -> Any:
        """UUIDs are stored as their 16 bytes."""
        return job_id.bytes if isinstance(job_id, UUID) else job_id

    def loaded_id(self, stored: Any) -> Any:
        """The reverse."""
        return UUID(bytes=bytes(stored)) if isinstance(stored, (bytes, bytearray)) else stored

    def json_id(self, stored: Any) -> Any:
        """Bytes travel as hexadecimal digits in JSON."""
        return stored.hex() if isinstance(stored, (bytes, bytearray)) else stored

    def stored_worker(self, worker_id: UUID) -> Any:
        """A worker id as its 16 bytes."""
        return worker_id.bytes

    def lock_of(self, worker_id: UUID) -> str:
        """The user-level lock that proves this worker's life."""
        return f"proletarian {worker_id.hex}"

    def loaded_time(self, stored: Any) -> datetime:
        """A DATETIME is UTC and does not say so."""
        moment: datetime = stored
        return moment.replace(tzinfo=UTC)

    def stored_time(self, moment: datetime | None) -> Any:
        """The reverse."""
        return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
