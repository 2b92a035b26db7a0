"""Tell waiting jobs that the jobs they wait for have ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.edges import EDGES, FAILED
from proletarian.sql.rows import dump
from proletarian.sql.statements import Plan


def tell(dialect: Dialect, ended: Mapping[Any, int]) -> Plan[int]:
    """
    Tell the jobs that wait for these how they ended, by their stored ids. Returns how many were told.

    In the transaction in which the jobs end. It takes no lock that anybody else could want.
    """
    if not ended:
        return 0
    told = 0
    outcomes = {dialect.loaded_id(job_id): outcome for job_id, outcome in ended.items()}
    while True:
        if dialect.moves_rows:
            failed = [job_id for job_id, outcome in ended.items() if outcome == FAILED]
            said = {"job_ids": list(ended), "failed": failed}
            rows = yield dialect.say("flows.tell", most=EDGES, **said)
            count = int(rows[0][0])
        else:
            edges = yield dialect.say("flows.edges", job_ids=dialect.listed(ended), most=EDGES)
            count = len(edges)
            if edges:
                over = [(awaited, waiting, outcomes[dialect.loaded_id(awaited)]) for awaited, waiting in edges]
                yield from _over(dialect, over)
        told += count
        if count < EDGES:
            return told


def _over(dialect: Dialect, over: Sequence[tuple[Any, Any, int]]) -> Plan[None]:
    json_id = dialect.json_id
    yield dialect.say("flows.over", edges=dump([(json_id(one), json_id(two), how) for one, two, how in over]))
    yield from note(dialect, [(waiting, 0, awaited, outcome) for awaited, waiting, outcome in over])


def note(dialect: Dialect, said: Iterable[tuple[Any, int, Any, int]]) -> Plan[None]:
    """Record for the next release what jobs were told: (waiting, hold, awaited, how it ended)."""
    notes: dict[tuple[Any, int], list[Any]] = {}
    for waiting, hold, awaited, outcome in said:
        note = notes.setdefault((waiting, hold), [waiting, hold, 0, 0, None])
        note[2] += 1
        if outcome == FAILED:
            note[3] += 1
            note[4] = awaited
    if not notes:
        return
    if dialect.moves_rows:
        names = ("waiting", "holds", "done", "failed", "failed_ids")
        columns = map(list, zip(*notes.values(), strict=True))
        yield dialect.say("flows.note", **dict(zip(names, columns, strict=True)))
        return
    json_id = dialect.json_id
    rows = [(json_id(note[0]), *note[1:4], None if note[4] is None else json_id(note[4])) for note in notes.values()]
    yield dialect.say("flows.note", notes=dump(rows))
