"""The chore that looks for unique keys that nobody has freed, or that nobody needs."""

from __future__ import annotations

from proletarian.sql.dialect import Dialect
from proletarian.sql.keys import sweep
from proletarian.sql.statements import Plan
from proletarian.worker.keeping.rota import Chore

EVERY = 10.0  # seconds, for the whole fleet
MOST = 500  # keys in one look


def sweeping(dialect: Dialect) -> Chore:
    """Look at the next page of keys, starting over after the last one."""
    after = ""

    def plan() -> Plan[bool]:
        nonlocal after
        after = yield from sweep(dialect, after, MOST)
        return False

    return Chore(EVERY, plan)
