"""Which workers live: they register, send heartbeats, prove with a lock that they live, and are declared dead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Buried, Claimed, Judged, Orphan, Peer, buried, dump
from proletarian.sql.statements import Plan, Row

ORPHANS = 200  # runs that are taken back in one transaction


def register(
    dialect: Dialect,
    worker_id: Any,
    host: str,
    pid: int,
    queues: str,
    locks: tuple[Any, Any],
    lost_after: float,
    job_types: Sequence[str] | None = None,
    process: str | None = None,
    limits: str | None = None,
) -> Plan[Row]:
    """
    Register a worker; returns the database's time and the number of workers.

    `job_types` are those that it has handlers for; None if they cannot be listed. `locks` are its witnesses, the
    keeper's and the pump's; None for one that does not exist. `process` identifies it to others on the same machine.
    `limits` are those in its code, as JSON. If repeated after a lost answer, it finds its own row and continues.
    """
    parameters = {"host": host, "pid": pid, "queues": queues, "lock": locks[0], "pump_lock": locks[1],
                  "process": process, "limits": limits,
                  "job_types": None if job_types is None else dump(job_types)}  # fmt: skip
    rows = yield dialect.say("living.register", worker_id=worker_id, lost_after=lost_after, **parameters)
    return rows[0] if dialect.moves_rows else (yield dialect.say("living.seen", worker_id=worker_id))[0]


def beat(dialect: Dialect, worker_id: Any) -> Plan[Row | None]:
    """Send a heartbeat; returns the database's time and the number of workers, or None if declared dead."""
    rows = yield dialect.say("living.beat", worker_id=worker_id)
    if not dialect.moves_rows:
        rows = yield dialect.say("living.seen", worker_id=worker_id)
    return rows[0] if rows else None


def unregister(dialect: Dialect, worker_id: Any) -> Plan[None]:
    """Remove the worker's row."""
    yield dialect.say("living.unregister", worker_id=worker_id)


def peers(dialect: Dialect) -> Plan[list[Peer]]:
    """Every worker that has a row."""
    rows = yield dialect.say("living.peers")
    return [peer(dialect.loaded_worker(row[0]), *row[1:]) for row in rows]


def peer(worker_id: Any, *row: Any) -> Peer:
    """
    Make a `Peer` of a row.

    >>> peer(b"ann", "host", 1, "12:00", 0.5, 60, None, "lock", 1, None, 0)[4:]
    (0.5, 60.0, ('lock',), (True,), None)
    """
    host, pid, seen_at, silent, lost_after, process, *witnesses = row
    there = [witness for witness in (witnesses[:2], witnesses[2:]) if witness[0] is not None]
    locks, free = tuple(lock for lock, _ in there), tuple(bool(is_free) for _, is_free in there)
    return Peer(worker_id, host, pid, seen_at, float(silent), float(lost_after), locks, free, process)


def bury(dialect: Dialect, dead: Sequence[Judged]) -> Plan[dict[Any, Buried]]:
    """
    Declare workers dead, unless a heartbeat came after they were judged. Returns who they were, by worker id.

    A row that somebody has locked at this moment is left for another time.
    """
    if not dialect.moves_rows:
        gone: list[Row] = []
        for worker_id, seen_at in dead:
            for row in (yield dialect.say("living.dying", worker_id=worker_id, seen_at=seen_at)):
                yield dialect.say("living.unregister", worker_id=worker_id)
                gone.append((worker_id, *row))
        return buried(gone, dialect.loaded_worker)
    if not dead:
        return {}
    worker_ids, seen_ats = [judged.worker_id for judged in dead], [judged.seen_at for judged in dead]
    rows = yield dialect.say("living.bury", worker_ids=worker_ids, seen_ats=seen_ats)
    return buried(rows, dialect.loaded_worker)


def orphans(dialect: Dialect) -> Plan[list[Orphan]]:
    """Runs whose workers no longer exist, `ORPHANS` of them at most."""
    rows = yield dialect.say("living.orphans", most=ORPHANS)
    return [Orphan(dialect.loaded_worker(row[0]), Claimed(*row[1:-2]), row[-2], not row[-1]) for row in rows]


def held_by(dialect: Dialect, worker_id: Any) -> Plan[dict[str, int]]:
    """How many runs of each queue a worker has."""
    return {queue: int(runs) for queue, runs in (yield dialect.say("living.held_by", worker_id=worker_id))}


def hold(dialect: Dialect, lock: Any) -> Plan[bool]:
    """Take the lock that proves that a worker is alive, for as long as this session lasts."""
    rows = yield dialect.say("living.hold", lock=lock)
    return bool(rows[0][0])


def evict(dialect: Dialect, lock: Any) -> Plan[None]:
    """On a server, end the session that holds a lock; its owner has another session, or is taken for dead."""
    rows = yield dialect.say("living.evict", lock=lock)
    if not dialect.moves_rows and rows[0][0] is not None:
        yield dialect.say("living.kill", session=rows[0][0])


def held(dialect: Dialect, lock: Any, session: int) -> Plan[bool]:
    """Whether that session holds the lock, as seen from this one."""
    rows = yield dialect.say("living.held", lock=lock, session=session)
    return bool(rows[0][0])
