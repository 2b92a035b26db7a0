"""Hold jobs again that were cancelled because of a job which is now retried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from proletarian.outcomes import AwaitedFailed
from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.edges import AGAIN, EDGES, PAGE, depend_late
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan


def revive_for(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[None]:
    """
    When these jobs run again, hold the jobs again that were cancelled because of them, and those after them.

    In the application's transaction. A job that is not cancelled yet, or not visible there, is left to a worker.
    """
    pairs: list[tuple[Any, Any]] = []
    while job_ids:
        said = {"job_ids": dialect.listed(job_ids), "most": EDGES, "skip": len(pairs)}
        rows = yield dialect.say("flows.failed_for", **said)
        pairs += [(row[0], row[1]) for row in rows]
        if len(rows) < EDGES:
            break
    if not pairs:
        return
    waiting = {dialect.loaded_id(one): one for _, one in pairs}
    revived = yield from revive(dialect, list(waiting.values()))
    left = [(awaited, one, None, AGAIN) for awaited, one in pairs if dialect.loaded_id(one) not in revived]
    yield from depend_late(dialect, left)


def revive(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[set[Any]]:
    """Hold these jobs again if they were cancelled because of others, and those after them; returns the loaded ids."""
    revived: set[Any] = set()
    while job_ids:
        ours = []
        for at in range(0, len(job_ids), PAGE):
            ours += yield from _cancelled_for_others(dialect, job_ids[at : at + PAGE])
        for job_id in ours:
            yield from _hold_again(dialect, job_id)
        revived.update(map(dialect.loaded_id, ours))
        job_ids = []
        for at in range(0, len(ours), PAGE):
            said = {"job_ids": dialect.listed(ours[at : at + PAGE]), "most": 10 * EDGES, "skip": 0}
            rows = yield dialect.say("flows.failed_for", **said)
            job_ids += [row[1] for row in rows if dialect.loaded_id(row[1]) not in revived]
    return revived


def _cancelled_for_others(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[list[Any]]:
    # On MySQL, locking a row that does not exist would lock a gap: look first.
    seen = [row[0] for row in (yield dialect.say("flows.seen_cancelled", job_ids=dialect.listed(job_ids)))]
    if not seen:
        return []
    rows = yield dialect.say("flows.lock_cancelled", job_ids=dialect.listed(seen))
    return [job_id for job_id, errors in rows if AwaitedFailed.ended(as_text(errors))]


def _hold_again(dialect: Dialect, job_id: Any) -> Plan[None]:
    """What it was told during its previous hold no longer counts: the new one has another number and new late edges."""
    hold = int(datetime.now(UTC).timestamp() * 1_000_000)
    waits = 0
    unmet: list[Any] = []
    while True:
        rows = yield dialect.say("flows.unmet", job_id=job_id, most=EDGES, skip=waits)
        unmet = [row[0] for row in rows]
        waits += len(unmet)
        yield from depend_late(dialect, [(awaited, job_id, None, hold) for awaited in unmet])
        if len(unmet) < EDGES:
            break
    yield dialect.say("flows.hold_again", job_id=job_id, hold=hold, waits=waits)
    if not dialect.moves_rows:
        yield dialect.say("moving.delete_archived", job_ids=dialect.listed([job_id]))
