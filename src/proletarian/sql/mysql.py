"""MySQL and MariaDB: ids as BINARY(16), times as DATETIME(6) in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from proletarian.sql.rows import Level
from proletarian.sql.statements import Plan, Statement, Text
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

    def _levels(self, queues: Sequence[str], now: Any) -> Plan[list[Level]]:
        """Which priorities these queues have that have due jobs, by hops of all queues at once."""
        levels: list[Level] = []
        below = dict.fromkeys(queues, 32768)  # above every priority
        while below:
            rows = yield self._hop(below, now)
            levels += [(queue, below[queue]) for queue, _, is_due in rows if is_due]
            below = {queue: priority for queue, priority, _ in rows if priority is not None}
        return levels

    def _hop(self, below: Mapping[str, int], now: Any) -> Statement:
        hops: list[str] = []
        parameters: dict[str, Any] = {"now": now}
        for number, (queue, priority) in enumerate(below.items()):
            source = self.sql["hop"].source
            hops.append(re.sub(r":(queue|below)\b", rf":\g<1>_{number}", source))
            parameters |= {f"queue_{number}": queue, f"below_{number}": priority}
        return Statement(Text("\nUNION ALL\n".join(hops)), parameters)
