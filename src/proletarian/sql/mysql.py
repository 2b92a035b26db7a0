"""
MySQL (8.0.1 and newer) and MariaDB (10.6 and newer): ids as BINARY(16), times as DATETIME(6) in UTC.

Neither can move rows with one DELETE … RETURNING, so an operation is several statements in a transaction. A batch is
passed as one JSON parameter, which is joined first (STRAIGHT_JOIN): with IN (SELECT …), MariaDB reads the whole table
for each row. The worker's sessions use READ COMMITTED: without gap locks, workers do not block each other.
`/*!80001 … */` in the SQL is for MySQL only; MariaDB has no OF and does not need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from proletarian.sql.columns import NEW
from proletarian.sql.dialect import Dialect

# The types of the enqueued values in a JSON parameter. Without a character set, they would have the database's.
NAME, TEXT = "VARCHAR(191) CHARACTER SET utf8mb4", "LONGTEXT CHARACTER SET utf8mb4"
TYPES = {"queue": NAME, "job_type": NAME, "priority": "SMALLINT", "lane": NAME}  # the others: TEXT


class MySQL(Dialect):
    """The words of MySQL and MariaDB."""

    name = "mysql"
    probes_constants = True
    marks_keys = True
    locks_lanes = True
    limits_packets = True
    reads_rows_slowly = True  # behind 21,000 entries of an index: 2.7 s, among ten million rows
    now = "COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))"
    # JSON_ID is the type of job ids in a JSON parameter; STORED_ID converts one of these, named `id`, to an ID.
    ids: ClassVar = {
        "uuid": {
            "ID": "BINARY(16)",
            "NEW_ID": "BINARY(16) NOT NULL PRIMARY KEY",
            "JSON_ID": "CHAR(32)",
            "STORED_ID": "UNHEX(id)",
            "JOB_ID_VALUE": ":job_id",
            "TOKEN": ":token",
        },
        "bigint": {
            "ID": "BIGINT",
            "NEW_ID": "BIGINT AUTO_INCREMENT NOT NULL PRIMARY KEY",
            "JSON_ID": "BIGINT",
            "STORED_ID": "id",
            "JOB_ID_VALUE": ":job_id",
            "TOKEN": ":token",
        },
        "text": {
            "ID": "VARCHAR(191)",
            "NEW_ID": "VARCHAR(191) NOT NULL PRIMARY KEY",
            "JSON_ID": NAME,
            "STORED_ID": "id",
            "JOB_ID_VALUE": "CONVERT(:job_id USING utf8mb4)",
            "TOKEN": "CONVERT(:token USING utf8mb4)",
        },
    }

    def new_value(self, column: str) -> str:
        """
        The parameter for a column of a new job.

        Text may be passed as UTF-8 bytes, see `stored_new`; then this tells MySQL their character set.
        """
        return f":{column}" if column == "priority" else f"CONVERT(:{column} USING utf8mb4)"

    def stored_new(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Non-ASCII text is passed as bytes: the connection's character set might not have it, and would write `?`."""
        return {
            name: value.encode() if isinstance(value, str) and not value.isascii() else value
            for name, value in values.items()
        }

    def made_parts(self) -> dict[str, str]:
        """Adds NEW_ITEMS, the columns of new jobs in a JSON parameter after three others; UNIQUE_ITEMS, the next."""
        items = [f"{name} {TYPES.get(name, TEXT)} PATH '$[{place}]'" for place, name in enumerate(NEW, start=3)]
        last = 3 + len(NEW)
        unique = f"unique_key {TEXT} PATH '$[{last}]', text_of {NAME} PATH '$[{last + 1}]'"
        of_flow = ("flow SMALLINT", "waits INT", "if_failed VARCHAR(16)")
        flow = ", ".join(f"{column} PATH '$[{place}]'" for place, column in enumerate(of_flow, start=last))
        stored = self.ids[self.kind]["STORED_ID"]
        return {**super().made_parts(), "NEW_ITEMS": ", ".join(items), "UNIQUE_ITEMS": unique, "FLOW_ITEMS": flow,
                "STORED_AWAITED": stored.replace("id", "awaited"),
                "STORED_WAITING": stored.replace("id", "waiting")}  # fmt: skip

    def shown(self, column: str) -> str:
        """Text as UTF-8 bytes: the connection's character set might not have it, and would return `?`."""
        whole = column.endswith("_at") or column in ("state", "job_id", "attempts", "priority", "lost")
        return column if whole else f"CAST({column} AS BINARY) AS {column}"

    def text(self, name: str) -> str:
        """A text parameter; see `stored_new`."""
        return f"CONVERT(:{name} USING utf8mb4)"

    def time(self, name: str) -> str:
        """A time parameter."""
        return f"CAST(:{name} AS DATETIME(6))"

    def id_value(self, name: str) -> str:
        """A job id parameter."""
        return self.text(name) if self.kind == "text" else f":{name}"

    def index_hint(self, table: str, *, by_status: bool) -> str:
        """
        Follow the ids, newest first, and stop at the limit.

        A planner that prefers an index on the time, or passes by all successes on its way to the failures, reads far
        more than a look may. Failures of an hour among ten million jobs took MariaDB 3.5 s, and 2.7 s with this hint;
        where the look ends (`reads_rows_slowly`) made the rest of the difference, to 0.02 s.
        """
        if table == "running_job":  # it is small, and has no index on ids
            return ""
        return f" FORCE INDEX ({'archived_job_status' if by_status else 'PRIMARY'})"

    def stored_id(self, job_id: UUID | int | str | None) -> Any:
        """UUIDs are stored as their 16 bytes."""
        return job_id.bytes if isinstance(job_id, UUID) else job_id

    def loaded_id(self, stored: Any) -> Any:
        """The reverse."""
        return UUID(bytes=bytes(stored)) if isinstance(stored, (bytes, bytearray)) else stored

    def json_id(self, stored: Any) -> Any:
        """Bytes become hexadecimal digits in JSON."""
        return stored.hex() if isinstance(stored, (bytes, bytearray)) else stored

    def stored_worker(self, worker_id: UUID) -> Any:
        """A worker id as its 16 bytes."""
        return worker_id.bytes

    def lock_of(self, worker_id: UUID) -> str:
        """The user-level lock that proves that this worker is alive, held by the keeper's session."""
        return f"proletarian {worker_id.hex}"

    def pump_lock_of(self, worker_id: UUID) -> str:
        """The second witness, held by the pump's session."""
        return f"{self.lock_of(worker_id)} pump"

    def loaded_time(self, stored: Any) -> datetime:
        """A DATETIME is in UTC, but does not say so."""
        moment: datetime = stored
        return moment.replace(tzinfo=UTC)

    def stored_time(self, moment: datetime | None) -> Any:
        """The reverse."""
        return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
