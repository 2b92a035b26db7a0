"""Waking sleeping workers, on databases that can notify."""

from __future__ import annotations

from collections.abc import Sequence

from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan


def listen(dialect: Dialect) -> Plan[None]:
    """Receive the notifications of these tables."""
    if dialect.notifies:
        yield dialect.say("waking.listen")


def lie_down(dialect: Dialect, queues: Sequence[str]) -> Plan[None]:
    """Ask enqueues on these queues to notify us: hold the locks that make them do so."""
    if dialect.notifies:
        yield dialect.say("waking.lie_down", queues=list(queues))


def get_up(dialect: Dialect, queues: Sequence[str]) -> Plan[None]:
    """Spare enqueuers the notifications while we are awake."""
    if dialect.notifies:
        yield dialect.say("waking.get_up", queues=list(queues))
