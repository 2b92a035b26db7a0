"""
Enqueue unique jobs: take their keys, or keep the jobs that have them.

On PostgreSQL and SQLite, a key is held while its job is in a table that the scope counts. On MySQL and MariaDB, workers
write down whether it is held; see `keys.py` for their side, and the `.sql` files for the reasons.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from msgspec.structs import asdict, replace

from proletarian.errors import AlreadyEnqueued
from proletarian.job import NewJob
from proletarian.sql.columns import NEW
from proletarian.sql.dialect import Dialect
from proletarian.sql.enqueueing import (
    BATCH,
    BITE_OF_ARRAYS,
    COPY_FROM,
    EPOCH,
    due_at,
    item_of,
    new_values,
    require_room,
    values_of,
)
from proletarian.sql.rows import BITE, Kept, NewRow, UniqueRow, dump, portions
from proletarian.sql.statements import Copy, Plan, counted
from proletarian.sql.transactions import begin, commit, roll_back
from proletarian.unique import made


def unique_row(job: NewJob, row: NewRow) -> UniqueRow:
    """A unique job, encoded, and its key."""
    unique = made(job.unique, job.job_type)
    assert unique is not None  # noqa: S101 (its caller has looked)
    one = unique.keyed(job.job_type, job.payload)
    assert one.key is not None  # noqa: S101 (`keyed` has made it)
    return UniqueRow(row, one.key, one.scope, one.within, one.on_conflict)


def enqueue_unique(
    dialect: Dialect,
    asked: Sequence[UniqueRow],
    now: datetime | None,
    *,
    alone: bool | None,
    wake: bool,
    copy: bool = False,
) -> Plan[list[Kept]]:
    """
    Enqueue each of these jobs unless one with its key exists; returns, for each, the job that now has the key.

    Raises `AlreadyEnqueued`, with the stored id, if one exists and its task says to raise; then none of the jobs with
    the same rules was enqueued. `alone` means that no transaction is open and each statement is committed, so this
    opens one (never on PostgreSQL, where one statement does it all); None: only the server knows. `wake` says whether
    to notify sleeping workers, `copy` whether the driver supports COPY.
    """
    last: dict[str, UniqueRow] = {}
    for one in asked:
        if one.key not in last or one.on_conflict == "replace":
            last[one.key] = one  # of duplicates the first is kept, or replaced by the last
    rules = attrgetter("on_conflict", "scope")
    groups = [list(group) for _, group in groupby(sorted(last.values(), key=lambda one: (rules(one), one.key)), rules)]
    groups.sort(key=lambda group: group[0].on_conflict != "raise")  # jobs that may be refused come first
    if alone is None and dialect.marks_keys:
        alone = yield from _is_alone(dialect)
    alone = alone and not dialect.moves_rows
    if alone:
        yield from begin(dialect)
    found: dict[str, Kept] = {}
    refused: str | None = None
    try:
        for group in groups:
            if dialect.moves_rows:
                here = yield from _at_once(dialect, group, now, copy=copy, wake=wake)
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


def _at_once(
    dialect: Dialect, group: list[UniqueRow], now: datetime | None, *, copy: bool, wake: bool
) -> Plan[dict[str, Kept]]:
    """
    In one statement, repeated for keys that another transaction took in the meantime.

    Many jobs follow their keys by COPY, which takes half the time. That needs a transaction, because other clients must
    not see a key before its job.
    """
    replaces, raises = (group[0].on_conflict == said for said in ("replace", "raise"))
    if any(one.row.job_id is None for one in group):
        fresh = iter((yield dialect.say("enqueueing.new_ids", count=len(group))))
        group = [replace(one, row=replace(one.row, job_id=next(fresh)[0])) for one in group]
    by_key = {one.key: one for one in group}
    copies = copy and not replaces and len(group) >= COPY_FROM and (yield from _in_transaction(dialect))
    text = f"uniqueness.{'take' if copies else 'replace' if replaces else 'keep'}_{group[0].scope}"
    rules: dict[str, Any] = {"all_or_none": raises, "now": now}
    if not copies:
        rules |= {"scope": group[0].scope, "wake": wake}
    found: dict[str, Kept] = {}
    for portion in portions([one.row for one in group], BITE_OF_ARRAYS):
        left = group[: len(portion)]
        group = group[len(portion) :]
        while left:
            if copies:
                rows = yield dialect.say(text, **_keys(left), within=[one.within for one in left], **rules)
            elif len(left) == 1:
                rows = yield dialect.say(f"{text}_one", **_values(left[0]), **rules)
            else:
                rows = yield dialect.say(text, **_arrays(left), **rules)
            for key, job_id, created in rows:
                found[key] = Kept(by_key[key].row.job_id if created else job_id, bool(created))
            if raises and not all(found[key].created for key in by_key if key in found):
                return found
            left = [one for one in left if one.key not in found]
    if copies:
        yield from _copy(dialect, [one for one in by_key.values() if found[one.key].created], now, wake=wake)
    return found


def _in_transaction(dialect: Dialect) -> Plan[bool]:
    """Whether a transaction is open, so that two statements are committed together."""
    first = yield dialect.say("uniqueness.transaction")
    second = yield dialect.say("uniqueness.transaction")
    return bool(first == second)


def _copy(dialect: Dialect, taken: Sequence[UniqueRow], now: datetime | None, *, wake: bool) -> Plan[None]:
    """Enqueue the jobs that have taken their keys."""
    [(microseconds,)] = yield dialect.say("enqueueing.clock", now=now)
    moment = EPOCH + timedelta(microseconds=microseconds)
    columns = ("job_id", *NEW, "unique_key", "enqueued_at", "process_at", "attempts")
    values = (
        (one.row.job_id, *new_values(one.row), f"{one.scope}:{one.key}", moment, due_at(one.row, moment), 0)
        for one in taken
    )
    try:
        yield Copy(dialect.tables.name("job", dialect.name), columns, values)
    except Exception:  # a job id that exists, say; the transaction may go on, and must not keep keys without jobs
        with contextlib.suppress(Exception):  # or it can only be rolled back
            yield dialect.say("uniqueness.give_up", **_keys(taken))
        raise
    if wake:
        yield dialect.say("enqueueing.wake", queues=sorted({one.row.queue for one in taken}))


def _values(one: UniqueRow) -> dict[str, Any]:
    return {**asdict(one.row), "unique_key": one.key, "within": one.within}


def _keys(asked: Sequence[UniqueRow]) -> dict[str, list[Any]]:
    return {"job_id": [one.row.job_id for one in asked], "unique_key": [one.key for one in asked]}


def _arrays(asked: Sequence[UniqueRow]) -> dict[str, list[Any]]:
    columns = zip(*(new_values(one.row) for one in asked), strict=True)
    return {
        **dict(zip(NEW, map(list, columns), strict=True)),
        **_keys(asked),
        "within": [one.within for one in asked],
        "process_at": [one.row.process_at for one in asked],
        "delay": [one.row.delay for one in asked],
    }


def _step_by_step(dialect: Dialect, group: list[UniqueRow], now: datetime | None) -> Plan[dict[str, Kept]]:
    """
    Take the keys that are free, insert the jobs that got theirs, and look which jobs have the others.

    Usually all keys are free, or none is, and the counts of the first two statements say so: then nobody has to look.
    """
    # If the database generates the ids, they are not known yet: until then, a key has an id that no job has.
    tokens = {one.key: one.row.job_id if one.row.job_id is not None else -random.getrandbits(62) - 1 for one in group}
    on_conflict = group[0].on_conflict
    yield from require_room(dialect, [one.row for one in group if len(one.row.payload) > BITE])
    changed = yield from _take(dialect, group, tokens, now)
    if on_conflict == "raise" and len(group) > 1:  # all or none, so look before anything is inserted
        owners = yield from _owners(dialect, group)
        mine = _owned(group, owners, tokens)
        if len(mine) < len(group):
            for key in mine:
                yield dialect.say("uniqueness.give_up", unique_key=stored_key(dialect, key), job_id=tokens[key])
            return {key: Kept(job_id, False) for key, (job_id, _) in owners.items() if key not in mine}
    try:
        made = (yield from _insert(dialect, group, tokens, now)) if changed != 0 else {}
    except Exception:  # a job id that exists, say; the transaction may go on, and must not keep keys without jobs
        for one in group:
            with contextlib.suppress(Exception):  # it may also be over, or the connection gone
                yield dialect.say("uniqueness.give_up", unique_key=stored_key(dialect, one.key), job_id=tokens[one.key])
        raise
    others = [one for one in group if one.key not in made]
    owners = (yield from _owners(dialect, others)) if others else {}
    for one in others:
        job_id, waits = owners[one.key]
        if on_conflict == "replace" and waits:
            values = {**values_of(dialect, one.row, now), "job_id": job_id}
            yield dialect.say("uniqueness.replace", **values)
    kept = {one.key: Kept(owners[one.key][0], False) for one in others}
    return kept | {key: Kept(job_id, True) for key, job_id in made.items()}


def _take(
    dialect: Dialect, group: list[UniqueRow], tokens: Mapping[str, Any], now: datetime | None
) -> Plan[int | None]:
    """
    Take the keys that are free for their tokens; returns 0 if none was, as far as the driver can tell.

    Other numbers do not say how many keys were free: MySQL counts some twice, and, for clients that want it so, those
    that have not changed too.
    """
    moment = dialect.stored_time(now)
    if dialect.marks_keys and len(group) == 1:
        key, within = group[0].key, group[0].within
        stored = stored_key(dialect, key)
        rows = yield dialect.say("uniqueness.take_one", key=stored, token=tokens[key], within=within, now=moment)
    else:
        text = "uniqueness.take" if dialect.marks_keys else f"uniqueness.take_{group[0].scope}"
        listed = dump([(one.key, dialect.json_id(tokens[one.key]), one.within) for one in group])
        rows = yield dialect.say(text, asked=listed, now=moment)
    return counted(rows)


def _owners(dialect: Dialect, asked: Sequence[UniqueRow]) -> Plan[dict[str, tuple[Any, Any]]]:
    """By key: the job that owns it now, and whether that job waits for its first run."""
    listed = dump([(one.key, None, None) for one in asked])
    rows = yield dialect.say("uniqueness.owners", asked=listed)
    return {text_of(key): (job_id, waits) for key, job_id, waits in rows}


def _owned(
    asked: Sequence[UniqueRow], owners: Mapping[str, tuple[Any, Any]], tokens: Mapping[str, Any]
) -> dict[str, Any]:
    """Of these, the keys that belong to their tokens, and the ids of their jobs."""
    return {one.key: one.row.job_id for one in asked if as_stored(owners[one.key][0]) == tokens[one.key]}


def _insert(
    dialect: Dialect, group: list[UniqueRow], tokens: Mapping[str, Any], now: datetime | None
) -> Plan[dict[str, Any]]:
    """Insert the jobs whose keys belong to their tokens; returns the stored ids of these by key."""
    made: dict[str, Any] = {}
    generated = any(one.row.job_id is None for one in group)
    for portion in portions([one.row for one in group], BITE, 1 if generated else BATCH):
        these, group = group[: len(portion)], group[len(portion) :]
        if len(these) == 1:
            made |= yield from _insert_one(dialect, these[0], tokens[these[0].key], now)
            continue
        jobs = dump([item_of(dialect, one.row, f"{one.scope}:{one.key}", one.key) for one in these])
        rows = yield dialect.say("uniqueness.insert", jobs=jobs, now=dialect.stored_time(now))
        if counted(rows) == len(these):
            made.update((one.key, one.row.job_id) for one in these)
        else:
            made |= _owned(these, (yield from _owners(dialect, these)), tokens)
    return made


def _insert_one(dialect: Dialect, one: UniqueRow, token: Any, now: datetime | None) -> Plan[dict[str, Any]]:
    """The same for one."""
    key = stored_key(dialect, one.key)
    marked = dialect.stored_new({"unique_key": f"{one.scope}:{one.key}"})
    values = {**values_of(dialect, one.row, now), **marked, "key": key, "token": token}
    count = counted((yield dialect.say("uniqueness.insert_one", **values)))
    if count != 1 and (count == 0 or not _owned([one], (yield from _owners(dialect, [one])), {one.key: token})):
        return {}
    if one.row.job_id is not None:
        return {one.key: one.row.job_id}
    [(job_id,)] = yield dialect.say("enqueueing.made_id")
    yield dialect.say("uniqueness.named", unique_key=key, job_id=job_id)
    return {one.key: job_id}


def stored_key(dialect: Dialect, key: str) -> Any:
    """A key as a separate parameter: as bytes if the column holds bytes, whatever the connection's character set."""
    return key.encode() if dialect.marks_keys else key


def text_of(key: Any) -> str:
    """The reverse."""
    return key if isinstance(key, str) else bytes(key).decode()


def as_stored(job_id: Any) -> Any:
    """A job id as a driver returns it, to compare with ours."""
    return bytes(job_id) if isinstance(job_id, bytearray) else job_id
