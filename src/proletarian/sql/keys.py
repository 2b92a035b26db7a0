"""
The worker's side of unique jobs on MySQL and MariaDB, where it writes down whether a key is held; and the sweep.

A worker never waits for the row of a key: an application's open transaction may have it locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed, Ended, dump
from proletarian.sql.statements import Plan
from proletarian.sql.uniqueness import as_stored, stored_key, text_of

FREE, WAITS, UNFINISHED = 0, 1, 2  # the values of `held`


class Mark(NamedTuple):
    """What to write down about one key of one job."""

    key: str
    job_id: Any
    held: int


def at_start(dialect: Dialect, picked: Iterable[Claimed]) -> Plan[list[Mark]]:
    """
    Free the keys of jobs that start, in the claim's transaction; returns those whose jobs must not start now.

    If somebody has the key of such a job locked, they are keeping the job: its run has to see what they change.
    """
    marks = []
    for run in picked:
        scope, _, key = (run.unique_key or "").partition(":")
        if key and run.attempts == run.lost == 0:
            marks.append(Mark(key, as_stored(run.job_id), FREE if scope == "started" else UNFINISHED))
    missed = yield from _mark(dialect, marks)
    return [mark for mark in missed if mark.held == FREE]


def at_end(dialect: Dialect, rows: Sequence[Sequence[Any]], ended: Iterable[Ended]) -> Plan[list[Mark]]:
    """
    Free the keys of jobs that have ended; returns what could not be written now, for the keeper.

    `rows` are (run_id, job_id, unique_key) of the runs that end, as the acknowledgement locks them.
    """
    outcomes = {end.run_id: end.outcome for end in ended}
    marks = []
    for run_id, job_id, marked in rows:
        scope, _, key = (marked or "").partition(":")
        outcome = outcomes.get(run_id)
        if not key or outcome is None or scope == "started":
            continue
        if outcome.status is None:
            marks.append(Mark(key, as_stored(job_id), UNFINISHED if outcome.attempts or outcome.lost else WAITS))
        elif scope == "finished":
            marks.append(Mark(key, as_stored(job_id), FREE))
    return (yield from _mark(dialect, marks))


def free_keys(dialect: Dialect, rows: Sequence[Sequence[Any]]) -> Plan[None]:
    """
    Free the keys of jobs that will never run, given their (job_id, unique_key). Waits until nobody has them locked.

    A key that is held for a period stays held.
    """
    marks = ((job_id, *text_of(marked).partition(":")) for job_id, marked in rows if marked)
    for key, job_id in sorted((key, job_id) for job_id, scope, _, key in marks if scope != "within"):
        yield dialect.say("uniqueness.give_up", unique_key=stored_key(dialect, key), job_id=job_id)


def _mark(dialect: Dialect, marks: Sequence[Mark]) -> Plan[list[Mark]]:
    """Write these marks if their rows are not locked by others; returns those that are still to be written."""
    if not marks:
        return []
    marks = sorted(marks)
    listed = _listed(dialect, marks)
    locked = {text_of(row[0]) for row in (yield dialect.say("uniqueness.lock", asked=listed))}
    got = [mark for mark in marks if mark.key in locked]
    if got:
        yield dialect.say("uniqueness.mark", asked=_listed(dialect, got))
    missed = [mark for mark in marks if mark.key not in locked]
    if not missed:
        return []
    holders = {
        text_of(key): (as_stored(job_id), held)
        for key, job_id, held in (yield dialect.say("uniqueness.holders", asked=_listed(dialect, missed)))
    }
    return [mark for mark in missed if holders.get(mark.key, (None, FREE))[0] == mark.job_id and holders[mark.key][1]]


def _listed(dialect: Dialect, marks: Sequence[Mark]) -> str:
    return dump([(mark.key, dialect.json_id(mark.job_id), mark.held) for mark in marks])


def write_down(dialect: Dialect, mark: Mark) -> Plan[bool]:
    """Write a mark that could not be written before, in its own transaction; waits until nobody has the row locked."""
    key = stored_key(dialect, mark.key)
    yield dialect.say("uniqueness.mark_one", unique_key=key, job_id=mark.job_id, held=mark.held)
    return True


def sweep(dialect: Dialect, after: str, most: int) -> Plan[str]:
    """
    Look at a page of keys: free those held by jobs that no longer exist (deleted by hand, say), and forget those that
    nobody has taken for a day. Returns the last key of the page, or "" at the end.
    """
    rows = yield dialect.say("uniqueness.sweep", after=stored_key(dialect, after), most=most)
    for key, job_id, is_free, is_old, *held in rows:
        which = {"unique_key": stored_key(dialect, text_of(key)), "job_id": job_id}
        if is_free and held and held[0]:
            yield dialect.say("uniqueness.give_up", **which)
        if is_free and is_old:
            yield dialect.say("uniqueness.prune", **which)
    return text_of(rows[-1][0]) if len(rows) == most else ""
