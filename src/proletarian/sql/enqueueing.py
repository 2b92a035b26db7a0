"""Enqueue jobs: plans for the application's connection, in the application's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from operator import attrgetter
from typing import Any

from msgspec.structs import asdict, replace

from proletarian.errors import PayloadError
from proletarian.sql.columns import NEW
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import BITE, NewRow, dump, portions
from proletarian.sql.statements import Copy, Plan

# PostgreSQL: from about here on, an additional round trip pays off.
COPY_FROM = 100
# The other databases: jobs in one statement.
BATCH = 1000
# PostgreSQL: bytes of text in one statement that takes arrays.
BITE_OF_ARRAYS = 16_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

new_values = attrgetter(*NEW)


def enqueue(dialect: Dialect, row: NewRow, now: datetime | None) -> Plan[Any]:
    """Enqueue one job, and wake a worker that sleeps on its queue; returns its stored id."""
    if not dialect.moves_rows:
        if len(row.payload) > BITE:
            yield from require_room(dialect, [row])
        yield dialect.say("enqueueing.enqueue", **values_of(dialect, row, now))
        return row.job_id if row.job_id is not None else (yield dialect.say("enqueueing.made_id"))[0][0]
    if row.job_id is None:
        [(job_id,)] = yield dialect.say("enqueueing.enqueue_generated", **asdict(row), now=now)
        return job_id
    if now is None and row.is_ordinary:
        yield dialect.say(
            "enqueueing.enqueue_now", job_id=row.job_id, queue=row.queue, job_type=row.job_type, payload=row.payload
        )
    else:
        yield dialect.say("enqueueing.enqueue", **asdict(row), now=now)
    return row.job_id


def values_of(dialect: Dialect, row: NewRow, now: datetime | None) -> dict[str, Any]:
    """A new job as parameters of a statement that inserts only this one, except on PostgreSQL."""
    times = {"now": dialect.stored_time(now), "process_at": dialect.stored_time(row.process_at)}
    return {**dialect.stored_new(asdict(row)), **times}


def item_of(dialect: Dialect, row: NewRow, *more: Any) -> tuple[Any, ...]:
    """A new job as an item of the JSON that statements which insert many read, except on PostgreSQL."""
    due = row.process_at and str(dialect.stored_time(row.process_at))
    return (dialect.json_id(row.job_id), due, row.delay, *new_values(row), *more)


def enqueue_many(
    dialect: Dialect, rows: Iterable[NewRow], now: datetime | None, *, copy: bool, wake: bool = True, lanes: bool = True
) -> Plan[list[Any]]:
    """
    Enqueue many jobs; returns their stored ids, in order.

    `copy` says whether the driver supports COPY, `wake` whether to notify sleeping workers, `lanes` whether some of the
    jobs may have a lane.
    """
    if dialect.moves_rows:
        return (yield from _by_arrays(dialect, rows, now, copy=copy, wake=wake, lanes=lanes))
    return (yield from _by_json(dialect, list(rows), now))


def _by_arrays(
    dialect: Dialect, rows: Iterable[NewRow], now: datetime | None, *, copy: bool, wake: bool, lanes: bool
) -> Plan[list[Any]]:
    """
    Insert by arrays, or by COPY if the driver supports it and it pays off.

    COPY takes the rows while they are produced, so the server reads the first ones while the later ones are still being
    encoded.
    """
    if dialect.kind == "bigint":
        rows = yield from _with_ids(dialect, list(rows))
    rows = iter(rows)
    first = list(islice(rows, COPY_FROM))  # before the first statement: reading them may open a transaction
    [(microseconds,)] = yield dialect.say("enqueueing.clock", now=now)
    moment = EPOCH + timedelta(microseconds=microseconds)
    job_ids: list[Any] = []
    queues: set[str] = set()
    copies = copy and len(first) == COPY_FROM
    lanes = lanes or not copies
    columns = NEW if lanes else tuple(name for name in NEW if name != "lane")
    # `attempts` has no default in tables of the original Proletarian.
    names: tuple[str, ...] = ("job_id", *columns, "enqueued_at", "process_at", "attempts")

    def values(rows: Iterable[NewRow]) -> Iterator[tuple[Any, ...]]:
        for row in rows:
            job_ids.append(row.job_id)
            queues.add(row.queue)
            due = due_at(row, moment) if row.process_at or row.delay else moment
            # In the order of `names`, spelled out: COPY takes many rows, and `new_values` would take twice as long.
            if lanes:
                yield (
                    row.job_id, row.queue, row.job_type, row.payload, row.priority, row.headers, row.lane,
                    moment, due, 0,
                )  # fmt: skip
            else:
                yield (
                    row.job_id, row.queue, row.job_type, row.payload, row.priority, row.headers,
                    moment, due, 0,
                )  # fmt: skip

    rows = chain(first, rows)
    if copies:
        yield Copy(dialect.tables.name("job", dialect.name), names, values(rows))
    else:
        for portion in portions(rows, BITE_OF_ARRAYS):
            arrays = [list(column) for column in zip(*values(portion), strict=True)]
            known = dict(zip(names, arrays, strict=True))
            del known["attempts"]  # the statement says it
            yield dialect.say("enqueueing.enqueue_many", **known)
    if wake:
        yield dialect.say("enqueueing.wake", queues=sorted(queues))
    return job_ids


def _with_ids(dialect: Dialect, rows: list[NewRow]) -> Plan[list[NewRow]]:
    """Have the database generate the ids, if it does that: here they must be known before the rows are inserted."""
    count = sum(row.job_id is None for row in rows)
    if not count:
        return rows
    fresh = iter((yield dialect.say("enqueueing.new_ids", count=count)))
    return [replace(row, job_id=next(fresh)[0]) if row.job_id is None else row for row in rows]


def due_at(row: NewRow, now: datetime) -> datetime:
    """When a new job is due: `process_at` takes precedence over `delay`, and it is never before now."""
    if row.process_at is not None:
        return max(row.process_at, now)
    return now + timedelta(seconds=row.delay) if row.delay else now


def _by_json(dialect: Dialect, rows: list[NewRow], now: datetime | None) -> Plan[list[Any]]:
    """
    A thousand per statement, fewer if they are large, or one by one if the database generates the ids.

    A job that is large by itself goes alone, and not as JSON, which would make it even larger.
    """
    yield from require_room(dialect, [row for row in rows if len(row.payload) > BITE])
    if any(row.job_id is None for row in rows):
        job_ids = []
        for row in rows:
            job_ids.append((yield from enqueue(dialect, row, now)))  # noqa: PERF401 (no comprehension can yield)
        return job_ids
    for portion in portions(rows, BITE, BATCH):
        if len(portion) == 1:
            yield from enqueue(dialect, portion[0], now)
            continue
        jobs = dump([item_of(dialect, row) for row in portion])
        yield dialect.say("enqueueing.enqueue_many", jobs=jobs, now=dialect.stored_time(now))
    return [row.job_id for row in rows]


def require_room(dialect: Dialect, large: list[NewRow]) -> Plan[None]:
    """Refuse a job that is larger than the server accepts in one statement, before anything is sent."""
    if not large or not dialect.limits_packets:
        return
    [(most,)] = yield dialect.say("enqueueing.packet")
    for row in large:
        texts = (row.payload, row.headers or "")
        needed = sum(
            len(text) + sum(map(text.count, "\"\\'\n")) if text.isascii() else 2 * len(text.encode()) for text in texts
        )
        if needed + 1000 > int(most):
            raise PayloadError(
                f"the payload of {row.job_type!r} makes a statement of {needed} bytes, and this server takes {most} "
                "(max_allowed_packet); store it elsewhere and enqueue its key, or raise max_allowed_packet"
            )
