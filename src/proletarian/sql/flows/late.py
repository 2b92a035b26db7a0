"""Look for what acknowledgements cannot see: edges that came late, and edges that were left behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.edges import AGAIN, FAILED, MET, PAGE, say_edges
from proletarian.sql.flows.looking import whereabouts
from proletarian.sql.flows.reviving import revive
from proletarian.sql.flows.telling import note, tell
from proletarian.sql.rows import array, dump
from proletarian.sql.statements import Plan
from proletarian.sql.transactions import begin, commit


def look_late(dialect: Dialect, after: int) -> Plan[tuple[int, int]]:
    """
    Look at a page of late edges after this number: have the awaited jobs ended, or disappeared?

    Returns how many have, and the last number of the page, or 0 at the end. For our own connection, or `joined`.
    """
    page = yield dialect.say("flows.late", after=after, most=PAGE)
    if not page:
        return 0, 0
    fates = yield from whereabouts(dialect, list(dict.fromkeys(row[1] for row in page)))
    over: dict[int, tuple[Any, Any, int, int, bool]] = {}
    again: dict[int, Any] = {}
    for number, awaited, waiting, hold, outcome in page:
        if hold == AGAIN:
            again[number] = waiting
        elif outcome is not None:  # it was counted when it was enqueued; the edge only has to move
            over[number] = awaited, waiting, hold, outcome, False
        elif (status := fates.get(dialect.loaded_id(awaited), "")) is not None:
            over[number] = awaited, waiting, hold, MET if status == "success" else FAILED, True
    if over:
        yield from begin(dialect)
        mine = [row[0] for row in (yield dialect.say("flows.take_late", ids=_numbers(dialect, over)))]
        yield from _settle_late(dialect, [over[number] for number in mine])
        yield dialect.say("flows.drop_late", ids=_numbers(dialect, mine))
        yield from commit(dialect)
    revived = 0
    if again:
        yield from begin(dialect)
        mine = [row[0] for row in (yield dialect.say("flows.take_late", ids=_numbers(dialect, again)))]
        waiting = list({dialect.loaded_id(again[number]): again[number] for number in mine}.values())
        revived = len((yield from revive(dialect, waiting)))
        yield dialect.say("flows.drop_late", ids=_numbers(dialect, mine))
        yield from commit(dialect)
    return len(over) + revived, page[-1][0] if len(page) == PAGE else 0


def _settle_late(dialect: Dialect, over: Sequence[tuple[Any, Any, int, int, bool]]) -> Plan[None]:
    if not over:
        return
    edges = {(awaited, waiting): outcome for awaited, waiting, _, outcome, _ in over}
    yield from say_edges(dialect, "flows.settle_edge", [(*ids, outcome, 0) for ids, outcome in edges.items()])
    yield from note(dialect, [(waiting, hold, awaited, how) for awaited, waiting, hold, how, counts in over if counts])


def sweep(dialect: Dialect, after: tuple[Any, Any] | None) -> Plan[tuple[int, tuple[Any, Any] | None]]:
    """
    Look at a page of edges: forget those of jobs that no longer exist, and report ends that nobody was told of.

    Returns how many edges it dealt with, and where to continue, or None at the end.
    """
    if after is None:
        rows = yield dialect.say("flows.sweep_first", most=PAGE)
    else:
        rows = yield dialect.say("flows.sweep", awaited=after[0], waiting=after[1], most=PAGE)
    gone = [(row[0], row[1], None, 0) for row in rows if row[3]]
    asked = list({dialect.loaded_id(row[0]): row[0] for row in rows if row[2] is None and not row[3]}.values())
    fates = (yield from whereabouts(dialect, asked)) if asked else {}
    ended = {}
    for job_id in asked:
        if (status := fates.get(dialect.loaded_id(job_id), "")) is not None:
            ended[job_id] = MET if status == "success" else FAILED
    if gone or ended:
        yield from begin(dialect)
        if gone:
            yield from _drop(dialect, gone)
        yield from tell(dialect, ended)
        yield from commit(dialect)
    return len(gone) + len(ended), (rows[-1][0], rows[-1][1]) if len(rows) == PAGE else None


def _drop(dialect: Dialect, edges: Sequence[tuple[Any, Any, None, int]]) -> Plan[None]:
    if dialect.moves_rows:
        yield dialect.say("flows.drop_edges", awaited=[edge[0] for edge in edges], waiting=[edge[1] for edge in edges])
    else:
        yield from say_edges(dialect, "flows.drop_edges", edges)


def _numbers(dialect: Dialect, numbers: Iterable[int]) -> str:
    return array(numbers) if dialect.moves_rows else dump(list(numbers))
