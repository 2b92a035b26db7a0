"""A plan of several statements, carried out up to its commit: somebody stops there, or others come between."""

from __future__ import annotations

from typing import Any

from proletarian.drivers.driver import OwnConnection
from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan, Step


def up_to_commit(connection: OwnConnection, dialect: Dialect, plan: Plan[Any]) -> Step:
    """Carry out a plan but for its commit, which is returned."""
    step = next(plan)
    while getattr(step, "text", None) is not dialect.sql["transactions.commit"]:
        step = plan.send(connection.execute(step))
    return step
