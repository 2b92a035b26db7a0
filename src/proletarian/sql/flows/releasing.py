"""Count what was told, and move jobs that wait for nothing more: to the waiting jobs, or to the archive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from proletarian.ids import spare
from proletarian.kept_errors import with_error
from proletarian.outcomes import AwaitedFailed
from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.edges import EDGES, FAILED
from proletarian.sql.flows.looking import whereabouts
from proletarian.sql.flows.telling import tell
from proletarian.sql.rows import array, as_text, dump
from proletarian.sql.statements import Plan
from proletarian.sql.transactions import begin, commit

HELD = 1_000  # jobs in one release


class Gone(NamedTuple):
    """A job that was cancelled because one that it waited for did not succeed."""

    job_id: Any
    queue: Any
    job_type: Any
    error: AwaitedFailed


@dataclass
class Released:
    """What a release did; `more`: there is more to do; `left`: another worker is doing some of it."""

    ready: int = 0
    cancelled: list[Gone] = field(default_factory=list)
    more: bool = False
    left: bool = False

    def __bool__(self) -> bool:
        return bool(self.ready or self.cancelled)


def release(dialect: Dialect, now: datetime | None) -> Plan[Released]:
    """
    Count the ends that jobs were told of, and move those that wait for nothing more: to the queue, or to the archive.

    A plan for our own connection, or `joined`. It waits for no lock: what it cannot lock now, it leaves.
    """
    done = Released()
    due = [row[0] for row in (yield dialect.say("flows.due", most=EDGES))]
    if not due:
        return done
    yield from begin(dialect)
    held = yield dialect.say("flows.lock", job_ids=dialect.listed(due[:HELD]))
    done.more = len(due) > HELD
    done.left = len(held) < len(due)
    if held:
        yield from _count(dialect, held, now, done)
    yield dialect.say("flows.litter", job_ids=dialect.listed(due[:HELD]))
    yield from commit(dialect)
    done.more |= bool(done.cancelled)  # others may wait for those
    return done


def _count(dialect: Dialect, held: Sequence[Sequence[Any]], now: datetime | None, done: Released) -> Plan[None]:
    said = yield dialect.say("flows.said", job_ids=dialect.listed([row[0] for row in held]), most=4 * EDGES)
    if not said:
        return
    notes: dict[Any, list[Sequence[Any]]] = defaultdict(list)
    for note in said:
        notes[dialect.loaded_id(note[1])].append(note)
    ready: list[tuple[Any, Any]] = []
    fewer: list[tuple[Any, int]] = []
    failed: dict[Any, tuple[Sequence[Any], Any]] = {}
    for row in held:
        job_id, queue, _, _, waits, hold, if_failed = row
        mine = [note for note in notes[dialect.loaded_id(job_id)] if int(note[2]) == int(hold)]
        left = waits - sum(note[3] for note in mine)
        culprits = [note[5] for note in mine if note[4]]
        if culprits and if_failed == "cancel":
            failed[job_id] = (row, culprits[0])
        elif left <= 0:
            ready.append((job_id, queue))
        elif left != waits:
            fewer.append((job_id, left))
    ids = [note[0] for note in said]
    yield dialect.say("flows.eat", ids=array(ids) if dialect.moves_rows else dump(ids))
    if fewer:
        yield from _fewer(dialect, fewer)
    if ready or failed:
        free = yield from _renamed(dialect, [job_id for job_id, _ in ready] + list(failed))
        ready = [(free.get(dialect.loaded_id(job_id), job_id), queue) for job_id, queue in ready]
        failed = {free.get(dialect.loaded_id(job_id), job_id): why for job_id, why in failed.items()}
    if ready:
        which = dialect.listed([job_id for job_id, _ in ready])
        yield dialect.say("flows.ready", job_ids=which, now=dialect.stored_time(now))
        if dialect.moves_rows:
            yield dialect.say("enqueueing.wake", queues=sorted({queue for _, queue in ready}))
        else:
            yield dialect.say("flows.unhold", job_ids=which)
    if failed:
        done.cancelled += yield from _cancel(dialect, failed, now)
    done.ready = len(ready)


def _renamed(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[dict[Any, Any]]:
    """If an id was given to two jobs, the held one gets a new id; returns the new ids by the loaded old ones."""
    rows = yield dialect.say("flows.taken", job_ids=dialect.listed(job_ids))
    fresh: dict[Any, Any] = {}
    for (job_id,) in rows:
        if dialect.loaded_id(job_id) not in fresh:
            new_id = dialect.stored_id(spare(dialect.kind))
            yield dialect.say("flows.rename", job_id=job_id, new_id=new_id)
            fresh[dialect.loaded_id(job_id)] = new_id
    return fresh


def _fewer(dialect: Dialect, fewer: Sequence[tuple[Any, int]]) -> Plan[None]:
    if dialect.moves_rows:
        yield dialect.say("flows.fewer", job_ids=[one for one, _ in fewer], waits=[waits for _, waits in fewer])
    else:
        yield dialect.say("flows.fewer", waits=dump([(dialect.json_id(one), waits) for one, waits in fewer]))


def _cancel(
    dialect: Dialect, failed: Mapping[Any, tuple[Sequence[Any], Any]], now: datetime | None
) -> Plan[list[Gone]]:
    """Archive jobs that have waited in vain, and tell the jobs that wait for them."""
    fates = yield from whereabouts(dialect, [culprit for _, culprit in failed.values()])
    gone: list[Gone] = []
    errors: dict[Any, str] = {}
    for job_id, (row, culprit) in failed.items():
        shown = dialect.loaded_id(culprit)
        error = awaited_failed(shown, fates.get(shown, ""))
        errors[job_id] = with_error(as_text(row[3]), error, attempt=0, worker="", at=now or datetime.now(UTC))
        gone.append(Gone(job_id, row[1], row[2], error))
    yield from archive_held(dialect, errors, now)
    return gone


def archive_held(dialect: Dialect, errors: Mapping[Any, str], now: datetime | None) -> Plan[None]:
    """Archive held jobs, whose rows we have locked, as cancelled with these errors; tell jobs that wait for them."""
    moment = dialect.stored_time(now)
    if dialect.moves_rows:
        yield dialect.say("flows.cancel", job_ids=list(errors), errors=list(errors.values()), now=moment)
    else:
        said = dump([(dialect.json_id(job_id), text) for job_id, text in errors.items()])
        yield dialect.say("flows.cancel", said=said, now=moment)
        yield dialect.say("flows.unhold", job_ids=dialect.listed(errors))
    yield from tell(dialect, dict.fromkeys(errors, FAILED))


def awaited_failed(job_id: Any, status: str | None) -> AwaitedFailed:
    """
    Why a job was cancelled that waited for another one.

    >>> print(awaited_failed(7, "failure"), "|", awaited_failed(7, ""))
    it waited for job 7, which failed | it waited for job 7, which no longer exists
    """
    what = {"failure": "failed", "cancelled": "was cancelled", "": "no longer exists"}
    return AwaitedFailed(f"it waited for job {job_id}, which {what.get(status or '', 'did not succeed')}")
