"""
Transactions of the worker's own.

A plan that needs several statements in one transaction yields begin and commit itself, for a connection of the worker;
`joined` removes these two for a transaction that is already open, usually the application's.
"""

from __future__ import annotations

from typing import TypeVar

from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan, Rows, Statement

T = TypeVar("T")


def begin(dialect: Dialect) -> Plan[None]:
    """Open a transaction on the worker's connection."""
    yield dialect.say("transactions.begin")


def commit(dialect: Dialect) -> Plan[None]:
    """Commit it."""
    yield dialect.say("transactions.commit")


def roll_back(dialect: Dialect) -> Plan[None]:
    """Roll it back."""
    yield dialect.say("transactions.roll_back")


def joined(dialect: Dialect, plan: Plan[T]) -> Plan[T]:
    """The same plan in a transaction that is already open: without its begin and commit."""
    ends = dialect.sql["transactions.begin"], dialect.sql["transactions.commit"]
    try:
        step = next(plan)
        while True:
            rows: Rows = [] if isinstance(step, Statement) and step.text in ends else (yield step)
            step = plan.send(rows)
    except StopIteration as end:
        result: T = end.value
        return result


def whole(dialect: Dialect, plan: Plan[T]) -> Plan[T]:
    """A plan that needs a transaction, in one of its own, for our own connection."""
    yield from begin(dialect)
    result = yield from plan
    yield from commit(dialect)
    return result
