"""
Enqueue unique jobs: take their keys, or keep the jobs that have them.

On PostgreSQL and SQLite, a key is held while its job is in a table that the scope counts. On MySQL and MariaDB, workers
write down whether it is held; see `keys.py` for their side, and the `.sql` files for the reasons.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from msgspec.structs import asdict, replace

from proletarian.errors import AlreadyEnqueued
from proletarian.job import NewJob
from proletarian.sql.columns import NEW
from proletarian.sql.dialect import Dialect
from proletarian.sql.enqueueing import enqueue, enqueue_many
from proletarian.sql.rows import Kept, NewRow, UniqueRow, dump, portions
from proletarian.sql.statements import Plan
from proletarian.sql.transactions import begin, commit, roll_back
from proletarian.unique import made

BITE_OF_ARRAYS = 16_000_000  # bytes of texts in one statement

new_values = attrgetter(*NEW)


def unique_row(job: NewJob, row: NewRow) -> UniqueRow:
    """A unique job, encoded, and its key."""
    unique = made(job.unique, job.job_type)
    assert unique is not None  # noqa: S101 (its caller has looked)
    one = unique.keyed(job.job_type, job.payload)
    assert one.key is not None  # noqa: S101 (`keyed` has made it)
    return UniqueRow(row, one.key, one.scope, one.within, one.on_conflict)


def enqueue_unique(
    dialect: Dialect, asked: Sequence[UniqueRow], now: datetime | None, *, alone: bool, wake: bool
) -> Plan[list[Kept]]:
    """
    Enqueue each of these jobs unless one with its key exists; returns, for each, the job that now has the key.

    Raises `AlreadyEnqueued`, with the stored id, if one exists and its task says to raise; then none of the jobs with
    the same rules was enqueued. `alone` means that no transaction is open on an SQLite connection, so this opens one.
    `wake` says whether to notify sleeping workers.
    """
    last: dict[str, UniqueRow] = {}
    for one in asked:
        if one.key not in last or one.on_conflict == "replace":
            last[one.key] = one  # of duplicates the first is kept, or replaced by the last
    rules = attrgetter("on_conflict", "scope")
    groups = [list(group) for _, group in groupby(sorted(last.values(), key=lambda one: (rules(one), one.key)), rules)]
    groups.sort(key=lambda group: group[0].on_conflict != "raise")  # jobs that may be refused come first
    alone = (yield from _is_alone(dialect)) if dialect.marks_keys else alone
    if alone:
        yield from begin(dialect)
    found: dict[str, Kept] = {}
    refused: str | None = None
    try:
        for group in groups:
            if dialect.moves_rows:
                here = yield from _at_once(dialect, group, now, wake=wake)
            else:
                here = yield from _step_by_step(dialect, group, now)
            found |= here
            if group[0].on_conflict == "raise":
                refused = next((key for key, there in here.items() if not there.created), None)
            if refused is not None:
                break
    except BaseException:
        if alone:
            yield from roll_back(dialect)
        raise
    if alone:
        yield from commit(dialect)
    if refused is not None:
        raise AlreadyEnqueued(found[refused].job_id, refused)
    return [found[one.key] for one in asked]


def _is_alone(dialect: Dialect) -> Plan[bool]:
    """Whether no transaction is open, if the connection commits each statement: MySQL has no SQL that tells."""
    [(commits,)] = yield dialect.say("uniqueness.autocommit")
    if not int(commits):
        return False
    yield dialect.say("uniqueness.savepoint")
    try:
        yield dialect.say("uniqueness.release")
    except Exception:  # noqa: BLE001 (drivers share no parent class)
        return True
    return False


def _at_once(dialect: Dialect, group: list[UniqueRow], now: datetime | None, *, wake: bool) -> Plan[dict[str, Kept]]:
    """In one statement, repeated for keys that another transaction took in the meantime."""
    text = f"uniqueness.{'replace' if group[0].on_conflict == 'replace' else 'keep'}_{group[0].scope}"
    raises = group[0].on_conflict == "raise"
    if any(one.row.job_id is None for one in group):
        fresh = iter((yield dialect.say("enqueueing.new_ids", count=len(group))))
        group = [replace(one, row=replace(one.row, job_id=next(fresh)[0])) for one in group]
    by_key = {one.key: one for one in group}
    found: dict[str, Kept] = {}
    for portion in portions([one.row for one in group], BITE_OF_ARRAYS):
        left = group[: len(portion)]
        group = group[len(portion) :]
        while left:
            rules = {"scope": left[0].scope, "all_or_none": raises, "wake": wake, "now": now}
            if len(left) == 1:
                rows = yield dialect.say(f"{text}_one", **_values(left[0]), **rules)
            else:
                rows = yield dialect.say(text, **_arrays(left), **rules)
            for key, job_id, created in rows:
                found[key] = Kept(by_key[key].row.job_id if created else job_id, bool(created))
            if raises and not all(found[key].created for key in by_key if key in found):
                return found
            left = [one for one in left if one.key not in found]
    return found


def _values(one: UniqueRow) -> dict[str, Any]:
    return {**asdict(one.row), "unique_key": one.key, "within": one.within}


def _arrays(asked: Sequence[UniqueRow]) -> dict[str, list[Any]]:
    columns = zip(*(new_values(one.row) for one in asked), strict=True)
    return {
        **dict(zip(NEW, map(list, columns), strict=True)),
        "job_id": [one.row.job_id for one in asked],
        "unique_key": [one.key for one in asked],
        "within": [one.within for one in asked],
        "process_at": [one.row.process_at for one in asked],
        "delay": [one.row.delay for one in asked],
    }


def _step_by_step(dialect: Dialect, group: list[UniqueRow], now: datetime | None) -> Plan[dict[str, Kept]]:
    """Take the keys that are free; see which job has each; insert the jobs that got theirs."""
    moment = dialect.stored_time(now)
    scope, on_conflict = group[0].scope, group[0].on_conflict
    # If the database generates the ids, they are not known yet: until then, a key has an id that no job has.
    tokens = {one.key: one.row.job_id if one.row.job_id is not None else -random.getrandbits(62) - 1 for one in group}
    listed = dump([(one.key, dialect.json_id(tokens[one.key]), one.within) for one in group])
    take = "uniqueness.take" if dialect.marks_keys else f"uniqueness.take_{scope}"
    yield dialect.say(take, asked=listed, now=moment)
    owners = {
        text_of(key): (job_id, waits) for key, job_id, waits in (yield dialect.say("uniqueness.owners", asked=listed))
    }
    mine = [one for one in group if as_stored(owners[one.key][0]) == tokens[one.key]]
    others = [one for one in group if as_stored(owners[one.key][0]) != tokens[one.key]]
    if others and on_conflict == "raise":
        for one in mine:
            yield dialect.say("uniqueness.give_up", unique_key=stored_key(dialect, one.key), job_id=tokens[one.key])
        return {one.key: Kept(owners[one.key][0], False) for one in others}
    if on_conflict == "replace":
        for one in others:
            job_id, waits = owners[one.key]
            if waits:
                said = dialect.stored_new(
                    {"payload": one.row.payload, "headers": one.row.headers, "lane": one.row.lane}
                )
                when = {"process_at": dialect.stored_time(one.row.process_at), "delay": one.row.delay, "now": moment}
                yield dialect.say("uniqueness.replace", job_id=job_id, priority=one.row.priority, **said, **when)
    rows = [replace(one.row, unique_key=f"{scope}:{one.key}") for one in mine]
    if len(rows) == 1:
        job_ids = [(yield from enqueue(dialect, rows[0], now))]
    else:
        job_ids = yield from enqueue_many(dialect, rows, now, copy=False)
    for one, job_id in zip(mine, job_ids, strict=True):
        if one.row.job_id is None:
            yield dialect.say("uniqueness.named", unique_key=stored_key(dialect, one.key), job_id=job_id)
    created = {one.key: Kept(job_id, True) for one, job_id in zip(mine, job_ids, strict=True)}
    return created | {one.key: Kept(owners[one.key][0], False) for one in others}


def stored_key(dialect: Dialect, key: str) -> Any:
    """A key as a separate parameter: as bytes if the column holds bytes, whatever the connection's character set."""
    return key.encode() if dialect.marks_keys else key


def text_of(key: Any) -> str:
    """The reverse."""
    return key if isinstance(key, str) else bytes(key).decode()


def as_stored(job_id: Any) -> Any:
    """A job id as a driver returns it, to compare with ours."""
    return bytes(job_id) if isinstance(job_id, bytearray) else job_id
