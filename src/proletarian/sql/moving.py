"""
What people do with jobs: cancel, retry, reschedule, delete; on any connection, in its open transaction.

A job is in exactly one table, and each of these operations is a move. `job_ids` are ids as they are stored; the plans
return those that were actually moved. An application's transaction may stay open for a long time, so nothing here locks
a row that a worker needs, and a running job is only asked to end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from proletarian.kept_errors import with_error
from proletarian.outcomes import cancel_note
from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.edges import FAILED
from proletarian.sql.flows.releasing import archive_held
from proletarian.sql.flows.reviving import revive_for
from proletarian.sql.flows.telling import tell as tell_waiting
from proletarian.sql.keys import free_keys
from proletarian.sql.orders import Request, tell
from proletarian.sql.rows import dump
from proletarian.sql.statements import Plan, Row
from proletarian.sql.steps import forget_steps


def places(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[dict[Any, str]]:
    """Where jobs are, by their ids (as `loaded_id` returns them): waiting, held, running or archived."""
    rows = yield dialect.say("moving.places", job_ids=dialect.listed(job_ids))
    return {dialect.loaded_id(job_id): str(place) for place, job_id in rows}


def cancel_waiting(
    dialect: Dialect, requests: Mapping[Any, Request], now: datetime | None, *, pass_locked: bool = False
) -> Plan[list[Row]]:
    """
    Archive those of these jobs that wait, noting who cancelled them and why; `pass_locked`: skip those that are locked.

    Returns the id, previous errors, queue and job type of each.
    """
    found = yield from _locked(dialect, "waiting", list(requests), "free" if pass_locked else "lock")
    by_id = {dialect.loaded_id(job_id): request for job_id, request in requests.items()}
    errors = {row[0]: _noted(row[1], by_id[dialect.loaded_id(row[0])], now) for row in found}
    if not errors:
        return []
    moment = dialect.stored_time(now)
    if dialect.moves_rows:
        rows = yield dialect.say("moving.cancel", job_ids=list(errors), errors=list(errors.values()), now=moment)
        gone = {row[0] for row in rows}
        yield from tell_waiting(dialect, dict.fromkeys(gone, FAILED))
        return [row for row in found if row[0] in gone]
    said = dump([(dialect.json_id(job_id), text) for job_id, text in errors.items()])
    yield from _free_keys(dialect, list(errors))
    yield dialect.say("moving.cancel", said=said, now=moment)
    yield dialect.say("moving.delete_waiting", job_ids=dialect.listed(errors))
    yield from tell_waiting(dialect, dict.fromkeys(errors, FAILED))
    return list(found)


def cancel_held(dialect: Dialect, job_ids: Sequence[Any], request: Request, now: datetime | None) -> Plan[list[Any]]:
    """Archive those of these jobs that are held for others; returns their stored ids."""
    found = yield from _locked(dialect, "held", job_ids)
    errors = {row[0]: _noted(row[1], request, now) for row in found}
    if errors:
        yield from archive_held(dialect, errors, now)
    return list(errors)


def request(dialect: Dialect, job_ids: Sequence[Any], reason: str, by: str) -> Plan[None]:
    """Ask the workers that run these jobs to end them."""
    said = dialect.stored_new({"reason": reason, "by": by})
    yield dialect.say("moving.request", job_ids=dialect.listed(job_ids), **said)
    yield from tell(dialect)


def retry(dialect: Dialect, job_ids: Sequence[Any], now: datetime | None, *, fresh: bool) -> Plan[list[Any]]:
    """
    Put archived jobs back into their queues, due now; `fresh`: as if they had never run.

    A request to cancel the last run may still be there, for up to a second. It must not cancel the next one.
    """
    said = {"fresh": fresh, "now": dialect.stored_time(now)}
    if dialect.moves_rows:
        rows = yield dialect.say("moving.retry", job_ids=list(job_ids), **said)
        if fresh:
            yield from forget_steps(dialect, [row[0] for row in rows])
        yield from _wake(dialect, rows)
        found = [row[0] for row in rows]
        if found:
            yield dialect.say("moving.forget", job_ids=dialect.listed(found))
        yield from revive_for(dialect, found)
        return found
    found = [row[0] for row in (yield from _locked(dialect, "archived", job_ids))]
    if found:
        which = dialect.listed(found)
        yield dialect.say("moving.forget", job_ids=which)
        yield dialect.say("moving.retry", job_ids=which, **said)
        yield dialect.say("moving.delete_archived", job_ids=which)
        if fresh:
            yield from forget_steps(dialect, found)
        yield from revive_for(dialect, found)
    return found


def reschedule(
    dialect: Dialect,
    job_ids: Sequence[Any],
    now: datetime | None,
    *,
    process_at: datetime | None,
    delay: float | None,
    priority: int | None,
) -> Plan[list[Any]]:
    """Change when waiting jobs are due, or their priority."""
    said: dict[str, Any] = {"process_at": dialect.stored_time(process_at), "delay": delay, "priority": priority,
                            "now": dialect.stored_time(now)}  # fmt: skip
    if dialect.moves_rows:
        rows = yield dialect.say("moving.reschedule", job_ids=list(job_ids), **said)
        yield from _wake(dialect, rows)
        return [row[0] for row in rows]
    found = [row[0] for row in (yield from _locked(dialect, "waiting", job_ids))]
    if found:
        yield dialect.say("moving.reschedule", job_ids=dialect.listed(found), **said)
    return found


def delete(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[list[Any]]:
    """Delete waiting, held and archived jobs; never running ones."""
    gone: list[Any] = []
    for place in ("waiting", "held", "archived"):
        if dialect.moves_rows:
            gone += [row[0] for row in (yield dialect.say(f"moving.delete_{place}", job_ids=list(job_ids)))]
            continue
        found = [row[0] for row in (yield from _locked(dialect, place, job_ids))]
        if found:
            if place == "waiting":
                yield from _free_keys(dialect, found)
            yield dialect.say(f"moving.delete_{place}", job_ids=dialect.listed(found))
        gone += found
    if gone:
        yield from forget_steps(dialect, gone)
        yield from tell_waiting(dialect, dict.fromkeys(gone, FAILED))
    return gone


def clear_requests(dialect: Dialect, now: datetime | None) -> Plan[list[tuple[Row, Request]]]:
    """
    Delete requests whose jobs no longer run; returns the jobs that this cancelled.

    A run may end before it hears of its request, and its job may wait again: for a retry, or because its worker died.
    Such a job is archived here. A plan for our own transaction.
    """
    rows = yield dialect.say("moving.stale")
    requests = {job_id: Request(reason, by) for job_id, reason, by in rows}
    if not requests:
        return []
    cancelled = yield from cancel_waiting(dialect, requests, now, pass_locked=True)
    kept = {row[0] for row in (yield dialect.say("moving.unfinished", job_ids=dialect.listed(requests)))}
    if over := [job_id for job_id in requests if job_id not in kept]:
        yield dialect.say("moving.forget", job_ids=dialect.listed(over))
    return [(row, requests[row[0]]) for row in cancelled]


def _locked(dialect: Dialect, place: str, job_ids: Sequence[Any], how: str = "lock") -> Plan[Sequence[Row]]:
    """Lock those of these jobs that exist; returns id, errors, queue and job type of each."""
    which = list(job_ids)
    if not dialect.moves_rows and which:
        rows = yield dialect.say(f"moving.seen_{place}", job_ids=dialect.listed(which))
        which = [row[0] for row in rows]
    if not which:
        return []
    return (yield dialect.say(f"moving.{how}_{place}", job_ids=dialect.listed(which)))


def _free_keys(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[None]:
    """Free the unique keys of waiting jobs, whose rows we have locked, if the keys record who holds them."""
    if dialect.marks_keys:
        rows = yield dialect.say("moving.keys", job_ids=dialect.listed(job_ids))
        yield from free_keys(dialect, rows)


def _wake(dialect: Dialect, rows: Sequence[Row]) -> Plan[None]:
    if rows:
        yield dialect.say("enqueueing.wake", queues=sorted({queue for _, queue in rows}))


def _noted(errors: Any, asked: Request, now: datetime | None) -> str:
    text = errors.decode() if isinstance(errors, (bytes, bytearray)) else errors
    note = cancel_note(asked.by, asked.reason)
    # Attempt 0, because this did not end a run.
    return with_error(text, note, attempt=0, worker=asked.by, at=now or datetime.now(UTC))
