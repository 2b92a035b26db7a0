"""
A filter as SQL: which tables can have matching jobs, and the conditions for each table.

What SQL cannot decide on every database (a value inside a payload, a tag, whether a text is in an error's message or in
its traceback) is only narrowed down here; `records.fits` decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from proletarian.filters import JobFilter, moment
from proletarian.sql.dialect import Dialect

STATUSES = {"succeeded": "success", "failed": "failure", "cancelled": "cancelled"}
MOVED = {"waiting": "enqueued_at", "held": "enqueued_at", "running": "started_at", "archived": "finished_at"}
SAFE = re.compile(r"[A-Za-z0-9_.@ +-]+")  # texts that no JSON encoder changes


@dataclass(frozen=True)
class Branch:
    """One table to look in: what an index leads to, and what is required of the rows there."""

    place: str  # waiting, running or archived
    lead: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


@dataclass
class Wanted:
    """Which rows a filter wants, as SQL for each table, and the parameters in it."""

    dialect: Dialect
    branches: list[Branch] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    is_bounded: bool = False  # few rows can match, because ids are given
    is_recent: bool = False  # only jobs that changed their state since some moment, where reading others is slow

    def parameter(self, value: Any, spell: Callable[[str], str]) -> str:
        """Add a parameter; returns how it is written in the SQL."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return spell(name)

    def text(self, value: str) -> str:
        """Add a text."""
        return self.parameter(value, self.dialect.text)

    def job_id(self, stored: Any) -> str:
        """Add a job id, as it is stored."""
        return self.parameter(stored, self.dialect.id_value)


def wanted(
    dialect: Dialect, which: JobFilter, now: datetime, stored_ids: Iterable[Any], *, plain: bool = False
) -> Wanted:
    """
    What a filter wants. `since` and `until` are relative to `now`; `stored_ids` are the filter's ids as stored; `plain`
    means that payloads are stored as plain JSON, so SQL may search them for a value.
    """
    found = Wanted(dialect, is_recent=which.since is not None and dialect.reads_rows_slowly)
    common = [
        *_named(found, "queue", which.queue),
        *_named(found, "job_type", which.job_type),
        *(_named(found, "lane", which.lane) if which.lane is not None else ()),
        *(_has(found, "errors", json.dumps(part)[1:-1]) for part in [which.error] if part),
        *(["errors IS NOT NULL"] if which.where else []),
        *(_has(found, "headers", tag) if SAFE.fullmatch(tag) else "headers IS NOT NULL" for tag in which.tag or ()),
        *(_certain(found, which.payload) if plain else ()),
    ]
    if which.job_id is not None:
        found.is_bounded = True
        common.append(_any_of("job_id", [found.job_id(stored) for stored in stored_ids]))
    for branch in _places(which, dialect.now):
        if (worker := _by_worker(found, branch.place, which.worker)) is not None:
            conditions = (*branch.conditions, *common, *worker, *_moved(found, branch.place, which, now))
            found.branches.append(replace(branch, conditions=conditions))
    return found


def _places(which: JobFilter, now: str) -> Iterable[Branch]:
    """
    The tables that have jobs in these states, with the conditions that make the state.

    Only a condition that an index has, before the job's id, may lead: any other would be looked for on and on, where no
    job meets it.
    """
    states = set(which.state or ("scheduled", "waiting", "held", "running", "succeeded", "failed", "cancelled"))
    if states >= {"scheduled", "waiting"}:
        yield Branch("waiting")
    elif "waiting" in states:
        yield Branch("waiting", conditions=(f"process_at <= {now}",))
    elif "scheduled" in states:
        yield Branch("waiting", conditions=(f"process_at > {now}",))
    if "held" in states:
        yield Branch("held")
    if "running" in states:
        yield Branch("running")
    ended = [status for state, status in STATUSES.items() if state in states]
    if len(ended) == len(STATUSES):
        yield Branch("archived")
        return
    for status in ended:
        if status == "success":
            yield Branch("archived", conditions=("status = 'success'",))
        else:  # the second condition is the one of a partial index, on databases that have it
            yield Branch("archived", lead=(f"status = '{status}'", "status <> 'success'"))


def _named(found: Wanted, column: str, names: Iterable[str] | None) -> list[str]:
    if names is None:
        return []
    exact = [found.text(name) for name in names if "*" not in name]
    tests = [_any_of(column, exact)] if exact else []
    for name in names:
        if "*" in name and found.dialect.globs:
            pattern = re.sub(r"([?[])", r"[\1]", name)
            tests.append(f"{column} GLOB {found.text(pattern)}")
        elif "*" in name:
            pattern = re.sub(r"([!%_])", r"!\1", name).replace("*", "%")
            tests.append(f"{column} LIKE {found.text(pattern)} ESCAPE '!'")
    return [f"({' OR '.join(tests)})"]


def _any_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(values)})" if values else "1 = 0"


def _has(found: Wanted, column: str, part: str) -> str:
    return f"{found.dialect.position}({column}, {found.text(part)}) > 0"


def _certain(found: Wanted, payload: Mapping[str, Any]) -> Iterable[str]:
    """What is true of the JSON text of every payload that has these values: a name is followed by its value."""
    for path, value in payload.items():
        name, text = path.rpartition(".")[2], str(value)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if (is_number or isinstance(value, str)) and SAFE.fullmatch(text) and SAFE.fullmatch(name):
            if name.isdigit():  # perhaps an index of a list
                yield _has(found, "payload", text)
            else:
                # Values are compared as text, and some encoders write a space after the colon.
                pairs = (f'{name}":{space}{quote}{text}' for space in ("", " ") for quote in ("", '"'))
                yield f"({' OR '.join(_has(found, 'payload', pair) for pair in pairs)})"


def _by_worker(found: Wanted, place: str, part: str | None) -> list[str] | None:
    """Which worker runs or ran it; None for a table of jobs that no worker has."""
    if part is None:
        return []
    if place in ("waiting", "held"):
        return None
    if place == "archived":
        return [_has(found, "worker", part)]
    found.parameters["worker"] = part
    return [f"worker_id IN ({found.dialect.sql['finding.workers'].source})"]


def _moved(found: Wanted, place: str, which: JobFilter, now: datetime) -> Iterable[str]:
    """When it last changed state."""
    dialect = found.dialect
    for given, test in ((which.since, ">="), (which.until, "<=")):
        if given is not None:
            yield f"{MOVED[place]} {test} {found.parameter(dialect.stored_time(moment(given, now)), dialect.time)}"
