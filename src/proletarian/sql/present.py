"""Whether there are jobs under a limit at all, which every worker asks from time to time."""

from __future__ import annotations

from collections.abc import Sequence

from proletarian.sql.dialect import Dialect
from proletarian.sql.several import each
from proletarian.sql.statements import Plan


def present(dialect: Dialect, queues: Sequence[str]) -> Plan[set[str]]:
    """Which of these queues have jobs with a lane."""
    if dialect.moves_rows:
        rows = yield dialect.say("lanes.present", queues=list(queues))
    else:
        rows = yield from each(dialect, "lanes.present", {}, [{"queue": queue} for queue in queues])
    return {row[0] for row in rows}
