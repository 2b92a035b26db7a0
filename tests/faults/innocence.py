"""What no fault may lead to: that somebody who lives is buried, or a job is blamed for what it did not do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.databases import PrivateDatabase
from tests.ledger import Ledger
from tests.worker.recorder import Recorder

INJUSTICE = ("worker.declared_dead", "jobs.recovered", "job.failed", "job.given_up", "job.lease_lost", "job.run_apart")


def nobody_is_blamed(database: PrivateDatabase, *logs: Recorder | Ledger, but: Sequence[str] = ()) -> None:
    """
    Check that nobody was taken for dead, and that each archived job succeeded in its only run.

    `but` are events that belong to the fault, where a worker has died.
    """
    told = {event: happened(log, event) for log in logs for event in INJUSTICE if event not in but}
    assert {event: data for event, data in told.items() if data} == {}
    if "jobs.recovered" not in but:
        assert set(database.archive("status", "attempts", "lost", "errors")) == {("success", 1, 0, None)}


def happened(log: Recorder | Ledger, event: str) -> list[Any]:
    """What was told under this name."""
    return list(log.of(event)) if isinstance(log, Recorder) else list(log.entries(event))


def on_machines_of_their_own(database: PrivateDatabase) -> None:
    """Have the workers of this machine see as little of each other's processes as if each had a machine."""
    database.rows(f"UPDATE {database.table('worker')} SET process = NULL")
