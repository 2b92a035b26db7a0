"""The chore that deletes lanes that nobody needs any more; a lane that is needed again gets a new row."""

from __future__ import annotations

from proletarian.sql.dialect import Dialect
from proletarian.sql.lanes.entering import prune
from proletarian.sql.statements import Plan
from proletarian.worker.keeping.rota import Chore

EVERY = 60.0  # seconds, for the whole fleet
MOST = 1000  # lanes in one statement


def weeding(dialect: Dialect) -> Chore:
    """Delete the rows of lanes that have no running job, and have had no start for an hour."""

    def plan() -> Plan[bool]:
        yield from prune(dialect, MOST)
        return False

    return Chore(EVERY, plan)
