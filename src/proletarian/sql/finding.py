"""
Find jobs in all tables at once: pages and counts that never read more than they may.

Everything is in the order of job ids, newest first: all kinds of ids except random ones grow with time, an id does not
change while its job moves, and each table has an index on it. With a filter that few jobs match, the database would
read on and on. So ids are read in windows, each of a known number of rows, and a look ends with the last of `WINDOWS`,
and says where to continue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from proletarian.sql.columns import SHOWN
from proletarian.sql.conditions import Branch, Wanted
from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan, Row, Statement, Text

WINDOWS = (1_000, 4_000, 16_000)  # rows of each table; most looks end in the first window
TESTED = 250  # rows at a time, if each has to be tested

JOB_ID = SHOWN.index("job_id")
TABLES = {"running": "running_job", "waiting": "job", "held": "held_job", "archived": "archived_job"}

Test = Callable[[Row], bool]
text = lru_cache(maxsize=512)(Text)  # one object for one text, because drivers cache what they made of it


@dataclass
class Found:
    """What a look found; if there is more, `below` is the stored id at which to continue."""

    rows: list[Row] = field(default_factory=list)
    count: int = 0
    below: Any = None
    looked_at: int = 0  # rows of each table, at most


def find(dialect: Dialect, stored_id: Any, now: datetime | None) -> Plan[Row | None]:
    """The row of one job, wherever it is."""
    wanted = Wanted(dialect)
    test = f"job_id = {wanted.job_id(stored_id)}"
    wanted.branches = [Branch(place, conditions=(test,)) for place in TABLES]
    rows = yield _say(wanted, _page(wanted, [], len(TABLES)), now)
    return next(iter(rows), None)


def page(
    wanted: Wanted,
    limit: int,
    below: Any,
    now: datetime | None,
    test: Test | None,
    windows: Sequence[int] = WINDOWS,
) -> Plan[Found]:
    """
    Up to `limit` rows of jobs with ids below this one; `test`, if given, makes the final decision about each.

    Recent changes are mostly among the latest ids: where reading rows is slow, the look ends with the first window that
    has none, and says where to continue. (A job with an old id may have ended just now.)
    """
    found = Found()
    if wanted.is_recent:
        windows = (windows[0], *windows)
    for size in windows if wanted.branches else ():
        before = len(found.rows)
        low = yield from _end_of_window(wanted, size, below, now)
        while True:
            most = TESTED if test else limit + 1 - len(found.rows)  # one more shows whether there is another page
            rows = yield _between(wanted, low, below, now, lambda tests: _page(wanted, tests, most))  # noqa: B023
            for row in rows:
                if test is None or test(row):
                    if len(found.rows) == limit:
                        found.below = id_of(wanted.dialect, found.rows[-1][JOB_ID])
                        return found
                    found.rows.append(row)
            if rows:
                below = id_of(wanted.dialect, rows[-1][JOB_ID])
            if len(rows) < most:
                break
        found.looked_at += size
        found.below = below = low
        if low is None or (wanted.is_recent and 0 < before == len(found.rows)):
            break
    return found


def count(
    wanted: Wanted, most: int, now: datetime | None, test: Test | None, windows: Sequence[int] = WINDOWS
) -> Plan[Found]:
    """How many jobs there are, up to `most` plus one, among as many rows as a look may read."""
    if test is not None:  # every row has to be tested
        found = yield from page(wanted, most + 1, None, now, test, windows)
        found.count = len(found.rows)
        return found
    found = Found()
    for size in windows if wanted.branches else ():
        low = yield from _end_of_window(wanted, size, found.below, now)
        left = most + 1 - found.count
        rows = yield _between(wanted, low, found.below, now, lambda tests: _count(wanted, tests, left))  # noqa: B023
        found.count += min(int(rows[0][0]), left)
        found.looked_at += size
        found.below = low
        if low is None or found.count > most:
            break
    return found


def time(dialect: Dialect, now: datetime | None) -> Plan[datetime]:
    """The current time, by the queue's clock if it has one, otherwise by the database's."""
    shown = f"SELECT {dialect.shown('now_at')} FROM (SELECT {dialect.now} AS now_at) AS clock"
    rows = yield _say(Wanted(dialect), shown, now)
    return dialect.loaded_time(rows[0][0])


def _end_of_window(wanted: Wanted, size: int, below: Any, now: datetime | None) -> Plan[Any]:
    """The id that ends a window with at most this many rows of any table; None if everything left fits in."""
    if wanted.is_bounded:
        return None
    rows = yield _between(wanted, None, below, now, lambda tests: _end(wanted, tests, size))
    return id_of(wanted.dialect, rows[0][0]) if rows else None


def _between(
    wanted: Wanted, low: Any, below: Any, now: datetime | None, sql: Callable[[Sequence[str]], str]
) -> Statement:
    """A statement about the jobs from one id (inclusive) up to another."""
    dialect = wanted.dialect
    tests, ids = [], {}
    if low is not None:
        tests.append(f"job_id >= {dialect.id_value('low')}")
        ids["low"] = low
    if below is not None:
        tests.append(f"job_id < {dialect.id_value('below')}")
        ids["below"] = below
    return _say(wanted, sql(tests), now, **ids)


def _say(wanted: Wanted, sql: str, now: datetime | None, **ids: Any) -> Statement:
    """A statement with only those parameters that occur in it."""
    dialect = wanted.dialect
    made = text(sql)
    given = {**wanted.parameters, **ids, "now": dialect.stored_time(now)}
    return Statement(made, dialect.stored_new({name: given[name] for name in made.names}))


def _page(wanted: Wanted, tests: Sequence[str], most: int) -> str:
    parts = [
        f"{wanted.dialect.sql[f'finding.{branch.place}'].source}{_hint(wanted, branch)}{_where(branch, tests)}"
        f"\n ORDER BY job_id DESC LIMIT {most}"
        for branch in wanted.branches
    ]
    shown = wanted.dialect.parts["SHOWN"]
    return f"SELECT {shown} FROM ({_all(parts)}) AS found\n ORDER BY found.job_id DESC LIMIT {most}"


def _count(wanted: Wanted, tests: Sequence[str], most: int) -> str:
    parts = [f"SELECT 1 AS one FROM {_table(wanted, branch)}{_where(branch, tests)} LIMIT {most}"
             for branch in wanted.branches]  # fmt: skip
    return f"SELECT count(*) FROM ({_all(parts)}) AS found"


def _end(wanted: Wanted, tests: Sequence[str], size: int) -> str:
    parts = [
        f"SELECT job_id FROM {_table(wanted, branch)}{_where(Branch(branch.place, branch.lead), tests)}"
        f" ORDER BY job_id DESC LIMIT 1 OFFSET {size - 1}"
        for branch in wanted.branches
    ]
    return f"SELECT {wanted.dialect.shown('job_id')} FROM ({_all(parts)}) AS found ORDER BY found.job_id DESC LIMIT 1"


def _all(parts: Sequence[str]) -> str:
    return "\n UNION ALL ".join(f"SELECT * FROM ({part}) AS part_{number}" for number, part in enumerate(parts))


def _table(wanted: Wanted, branch: Branch) -> str:
    name = wanted.dialect.tables.name(TABLES[branch.place], wanted.dialect.name)
    return f"{name}{_hint(wanted, branch)}"


def _hint(wanted: Wanted, branch: Branch) -> str:
    return wanted.dialect.index_hint(TABLES[branch.place], by_status=bool(branch.lead))


def _where(branch: Branch, tests: Sequence[str]) -> str:
    conditions = (*branch.lead, *tests, *branch.conditions)
    return f"\n WHERE {' AND '.join(conditions)}" if conditions else ""


def id_of(dialect: Dialect, shown: Any) -> Any:
    """A job id that a statement has returned for people, in its stored form."""
    return dialect.stored_id(dialect.loaded_id(shown))
