"""The sessions of workers on a server, which can be ended from outside."""

from __future__ import annotations

import contextlib
from typing import Any

from tests.databases import PrivateDatabase

HOLDERS = {
    "postgresql": "SELECT worker.worker_id, held.pid FROM proletarian.worker AS worker, pg_locks AS held "
    "WHERE held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted "
    "AND ((held.classid::bigint << 32) | held.objid::bigint) = worker.{}",
    "mysql": "SELECT worker_id, IS_USED_LOCK({0}) FROM proletarian_worker WHERE {0} IS NOT NULL",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
EVERYBODY = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
}


def holders(database: PrivateDatabase, lock: str = "liveness_lock") -> dict[Any, int]:
    """The session that holds the lock of each worker: that of its keeper, or its `pump_lock`."""
    return {worker_id: session for worker_id, session in database.rows(HOLDERS[database.kind].format(lock)) if session}


def kill(database: PrivateDatabase, *sessions: int) -> None:
    """Have the server end sessions, in one breath."""
    with database.connection() as connection:
        cursor = connection.cursor()
        for session in sessions:
            with contextlib.suppress(Exception):  # it has just ended
                cursor.execute(KILL[database.kind].format(session))


def kill_all(database: PrivateDatabase) -> None:
    """End all sessions but one's own."""
    kill(database, *(session for (session,) in database.rows(EVERYBODY[database.kind])))
