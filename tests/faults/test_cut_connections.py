"""The server ends the session that proves a worker's life: the worker takes its lock again, and is not robbed."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from proletarian import NewJob, Worker
from proletarian.worker.watch import GRACE
from tests.databases import PrivateDatabase
from tests.faults.test_locks import slow_tasks
from tests.waiting import wait_until
from tests.worker.recorder import Recorder

HOLDERS = {
    "postgresql": "SELECT worker.worker_id, held.pid FROM proletarian.worker AS worker, pg_locks AS held "
    "WHERE held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted "
    "AND ((held.classid::bigint << 32) | held.objid::bigint) = worker.liveness_lock",
    "mysql": "SELECT worker_id, IS_USED_LOCK(liveness_lock) FROM proletarian_worker",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}


def holders(database: PrivateDatabase) -> dict[Any, int]:
    """The session that holds the lock of each worker."""
    return {worker_id: session for worker_id, session in database.rows(HOLDERS[database.kind]) if session}


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])
def test_a_worker_whose_session_is_killed_takes_its_lock_again(
    product: str, request: pytest.FixtureRequest, recorder: Recorder
) -> None:
    database: PrivateDatabase = request.getfixturevalue(product)
    tasks, let_go = slow_tasks()
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(Worker(database.url, tasks, log=recorder))
        stack.callback(let_go.set)
        database.put(NewJob("slow"))
        recorder.wait_for("job.started")
        before = holders(database)
        for session in before.values():
            database.rows(KILL[database.kind].format(session))
        wait_until(lambda: holders(database).keys() == before.keys(), what="the locks of both workers")
        after = holders(database)
        time.sleep(GRACE + 0.5)  # time to be declared dead in, if anybody still saw the lock free
        let_go.set()
        wait_until(lambda: database.count("archived_job") == 1, what="the slow job in the archive")

    assert len(before) == 2
    assert set(after.values()).isdisjoint(before.values())
    assert recorder.of("worker.declared_dead") == []
    assert database.archive("job_type", "status", "lost") == [("slow", "success", 0)]
