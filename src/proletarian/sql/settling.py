"""Acknowledge runs: move them according to their outcomes, under the fence of (worker_id, run_id)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.enqueueing import enqueue_many
from proletarian.sql.flows.edges import FAILED, MET
from proletarian.sql.flows.telling import tell
from proletarian.sql.keys import Mark, at_end
from proletarian.sql.rows import Ended, array, as_json, bites, dump
from proletarian.sql.statements import Plan

AWAITED, FIRST = attrgetter("awaited"), itemgetter(0)


def settle(
    dialect: Dialect,
    worker_id: Any,
    worker: str,
    ended: Sequence[Ended],
    now: datetime | None,
    missed: list[Mark] | None = None,
) -> Plan[set[int]]:
    """
    Acknowledge runs of one worker, all or none of them; returns the run ids that were still its own.

    Raises what the driver raises for a row that cannot be written, above all one whose id was also given to another
    job; see `namesakes.py`. What could not be written down about unique keys is added to `missed`.
    """
    if dialect.moves_rows:
        return _at_once(dialect, worker_id, worker, ended, now)
    return _step_by_step(dialect, worker_id, worker, ended, now, missed)


def succeed(
    dialect: Dialect, worker_id: Any, worker: str, run_ids: Sequence[int], now: datetime | None
) -> Plan[set[int]]:
    """
    Acknowledge plain successes in one statement, where the database moves rows (`moves_rows`); otherwise like `settle`.

    Only for runs on whose end nothing depends: no job waits for them, and none follows.
    """
    rows = yield dialect.say("settling.succeed", run_ids=array(run_ids), worker_id=worker_id, worker=worker, now=now)
    return set(map(FIRST, rows))


def undecided(dialect: Dialect, worker_id: Any, run_ids: Sequence[int]) -> Plan[tuple[set[int], set[int]]]:
    """
    Of runs completed in their handler's transaction: those that still exist, and those whose rows are free.

    If a run still exists and is not free, that transaction is open. If it is free, it was rolled back.
    """
    which = {"worker_id": worker_id, "run_ids": as_parameter(dialect, run_ids)}
    free = {row[0] for row in (yield dialect.say("settling.rolled_back", **which))}
    here = {row[0] for row in (yield dialect.say("settling.undecided", **which))}
    return here, free & here


def as_parameter(dialect: Dialect, run_ids: Iterable[int]) -> str:
    """Run ids as the text that a statement takes."""
    return array(run_ids) if dialect.moves_rows else _ended(run_ids)


def _at_once(
    dialect: Dialect, worker_id: Any, worker: str, ended: Sequence[Ended], now: datetime | None
) -> Plan[set[int]]:
    """The plain successes in one statement, all others in a few more."""
    plain = [end for end in ended if end.outcome.is_plain]
    others = [end for end in ended if not end.outcome.is_plain] if len(plain) < len(ended) else []
    more = bool({*map(AWAITED, ended)} - {None}) or any(end.outcome.then for end in others)
    which = {"worker_id": worker_id, "worker": worker, "now": now}
    ours: set[int] = set()
    portions = list(bites(others))
    # If there are several: all of them or none, because a failed acknowledgement is repeated.
    several = more or bool(plain) + len(portions) > 1
    if several:
        yield dialect.say("transactions.begin")
    if plain:
        ours |= yield from succeed(dialect, worker_id, worker, [end.run_id for end in plain], now)
    for bite in portions:
        rows = yield dialect.say(
            "settling.settle",
            run_ids=array(end.run_id for end in bite),
            outcomes=dump({end.run_id: as_json(end) for end in bite}),
            **which,
        )
        ours.update(row[0] for row in rows)
    if more:
        yield from _followed(dialect, [end for end in ended if end.run_id in ours], now)
    if several:
        yield dialect.say("transactions.commit")
    return ours


def _step_by_step(
    dialect: Dialect,
    worker_id: Any,
    worker: str,
    ended: Sequence[Ended],
    now: datetime | None,
    missed: list[Mark] | None,
) -> Plan[set[int]]:
    """Lock those that are still ours, copy them to where they go, and remove them."""
    yield dialect.say("transactions.begin")
    run_ids = _ended(end.run_id for end in ended)
    rows = yield dialect.say("settling.ours", ended=run_ids, worker_id=worker_id)
    ours = {row[0] for row in rows}
    moment = dialect.stored_time(now)
    for bite in bites([end for end in ended if end.run_id in ours]):
        said = [{"run_id": end.run_id, **as_json(end)} for end in bite]
        where = {"ended": dump(said), "worker_id": worker_id}
        if any("status" in end for end in said):
            yield dialect.say("settling.archive", worker=worker, now=moment, **where)
        if any("status" not in end for end in said):
            yield dialect.say("settling.put_back", now=moment, **where)
    if ours:
        yield dialect.say("settling.end", ended=run_ids, worker_id=worker_id)
    if dialect.marks_keys and any(row[2] for row in rows):
        left = yield from at_end(dialect, rows, ended)
        if missed is not None:
            missed.extend(left)
    if any(end.awaited is not None or end.outcome.then for end in ended):
        yield from _followed(dialect, [end for end in ended if end.run_id in ours], now)
    yield dialect.say("transactions.commit")
    return ours


def _followed(dialect: Dialect, ended: Sequence[Ended], now: datetime | None) -> Plan[None]:
    """In the transaction that archives these jobs, tell the jobs that wait for them, and enqueue what follows them."""
    over = {
        end.awaited: MET if end.outcome.status == "success" else FAILED
        for end in ended
        if end.awaited is not None and end.outcome.status is not None
    }
    yield from tell(dialect, over)
    then = [row for end in ended if end.outcome.status == "success" for row in end.outcome.then]
    if then:
        yield from enqueue_many(dialect, then, now, copy=False)


def _ended(run_ids: Iterable[int]) -> str:
    return dump([{"run_id": run_id} for run_id in run_ids])
