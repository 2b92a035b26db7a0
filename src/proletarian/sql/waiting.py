"""What a waiting job waits for: which workers there are, and how many jobs are ahead of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan, Row, Statement

MOST_AHEAD = 1_000  # counting ends here


def workers(dialect: Dialect) -> Plan[list[tuple[str, str | None, bool]]]:
    """(queues, job types as JSON or None, whether its heartbeat is on time) of each worker."""
    rows = yield dialect.say("waiting.workers")
    return [(as_text(queues), as_text(job_types), bool(is_alive)) for queues, job_types, is_alive in rows]


def holders(dialect: Dialect, lane: str) -> Plan[list[Row]]:
    """(id as shown, worker or None, how many there are) of the first few running jobs of a lane."""
    return list((yield Statement(dialect.sql["waiting.holders"], dialect.stored_new({"lane": lane}))))


def rate_waits(dialect: Dialect, lane: str, now: datetime | None) -> Plan[float]:
    """Seconds until the rate of a lane allows another start; 0: now."""
    given = dialect.stored_new({"lane": lane, "now": dialect.stored_time(now)})
    rows = yield Statement(dialect.sql["waiting.rate"], given)
    return max(0.0, float(rows[0][0])) if rows else 0.0


def head(dialect: Dialect, queue: str, lane: str, now: datetime | None) -> Plan[Row | None]:
    """(id as shown, seconds until it is retried or None) of the first job of a lane."""
    given = dialect.stored_new({"queue": queue, "lane": lane, "now": dialect.stored_time(now)})
    return next(iter((yield Statement(dialect.sql["waiting.head"], given))), None)


def ahead(
    dialect: Dialect, queue: str, lane: str, priority: int, process_at: datetime, now: datetime | None
) -> Plan[int]:
    """How many due jobs of the queue, and of its lane there, are claimed before one like this, up to `MOST_AHEAD`."""
    given: dict[str, Any] = {"queue": queue, "lane": lane, "priority": priority, "most": MOST_AHEAD}
    given |= {"process_at": dialect.stored_time(process_at), "now": dialect.stored_time(now)}
    rows = yield Statement(dialect.sql["waiting.ahead"], dialect.stored_new(given))
    return min(int(rows[0][0]), MOST_AHEAD)
