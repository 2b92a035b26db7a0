"""
A job as people look at it: where it is, what is known about it, and why it does not run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proletarian.errors import ConfigurationError
from proletarian.filters import JobFilter
from proletarian.kept_errors import own_frame

MASK = "********"
SECRETS = ("password", "passwd", "secret", "token", "authorization", "api_key", "apikey", "credential", "private_key")


@dataclass(frozen=True, slots=True)
class Why:
    """
    Why a job does not run now: a code for programs, a sentence for people.

    >>> print(Why("not_due", "it is not due before 2026-12-01 06:00:00 UTC"))
    it is not due before 2026-12-01 06:00:00 UTC
    """

    code: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class StepRecord:
    """
    A step that a job has completed: its name, its result, and when that was stored.

    >>> StepRecord("charge", {"id": 7}).result
    {'id': 7}
    """

    name: str
    result: Any = None
    kept_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """
    A job as it was when it was looked up.

    `state` says where it is: `scheduled` (not due yet), `waiting` (due), `held` (waits for other jobs), `running`,
    `succeeded`, `failed` or `cancelled`. `errors` are its failures so far, oldest first: mappings of attempt, at,
    worker, type, message, traceback, and ran (the seconds that the run took, if that is known). `progress` is what
    its handler recorded last: a mapping of done and perhaps total. `worker` is the worker that runs it or ran it last,
    as host and process id. `why` says why a job that is `scheduled` or `waiting` does not run, in `find_job` and where
    you ask for it; its codes: not_due, held, paused, expired, no_worker, unknown_job_type, limit, unknown_limit,
    behind, next. Times are aware, in UTC. A payload that cannot be read is None, and `unreadable` says why.
    `unique_key` is the key of a unique job, `lane` the limit that a job is under: its name, and after a colon the value
    that it is for. `steps` are those that it has completed, oldest first, `after` the ids of jobs that it waits or has
    waited for, `before` those that wait for it: up to 100 of each, and only in `find_job`.
    """

    job_id: Any
    state: str
    queue: str
    job_type: str
    payload: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    enqueued_at: datetime | None = None
    process_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    lost: int = 0
    errors: Sequence[Mapping[str, Any]] = ()
    progress: Mapping[str, float] | None = None
    result: Any = None
    worker: str | None = None
    why: Why | None = None
    unreadable: str | None = None
    unique_key: str | None = None
    lane: str | None = None
    steps: Sequence[StepRecord] = ()
    after: Sequence[Any] = ()
    before: Sequence[Any] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """The job's tags, from its header `tags`, which holds them separated by commas."""
        return tags_in(self.headers)


def tags_in(headers: Mapping[str, str]) -> tuple[str, ...]:
    """
    The tags that headers name.

    >>> tags_in({"tags": "vip, nightly"}), tags_in({})
    (('vip', 'nightly'), ())
    """
    return tuple(tag for part in headers.get("tags", "").split(",") if (tag := part.strip()))


class Page(list[JobRecord]):
    """
    Jobs, newest first. `next` is where the next page begins (pass it as `after`), None at the end.

    A page may have fewer jobs than its limit, or none, and still have a `next`: a search ends after `looked_at` rows of
    each table, and few of these may match.
    """

    def __init__(self, records: Iterable[JobRecord], next: str | None, looked_at: int) -> None:
        super().__init__(records)
        self.next = next
        self.looked_at = looked_at


class Count(int):
    """
    A number of jobs; `is_exact` says whether all were counted. If not, there are at least that many.

    >>> print(Count(312), Count(10_000, is_exact=False))
    312 10000+
    """

    is_exact: bool

    def __new__(cls, number: int, *, is_exact: bool = True) -> Count:
        made = super().__new__(cls, number)
        made.is_exact = is_exact
        return made

    def __str__(self) -> str:
        return f"{int(self)}{'' if self.is_exact else '+'}"

    __repr__ = __str__


def last_error(record: JobRecord) -> Mapping[str, Any]:
    """The latest error that a job keeps; an empty mapping if it keeps none."""
    return record.errors[-1] if record.errors else {}


def failed_at(record: JobRecord) -> str | None:
    """The line of the application's own code where a job last failed; None if that is not known."""
    return own_frame(str(last_error(record).get("traceback") or ""))


def fits(record: JobRecord, which: JobFilter) -> bool:
    """
    Whether a job matches what a filter says about its tags, its payload and its errors.

    >>> job = JobRecord(job_id=1, state="failed", queue="q", job_type="t", payload={"user": {"ids": [42]}},
    ...                 headers={"tags": "vip,new"}, errors=[{"type": "TimeoutError", "message": "30 s"}])
    >>> [fits(job, JobFilter.parse(text)) for text in ("payload.user.ids.0:42", "tag:vip,old", "error:timeout")]
    [True, False, False]
    """
    return (
        all(_text(_at(record.payload, path)) == _text(value) for path, value in which.payload.items())
        and set(which.tag or ()) <= set(record.tags)
        and (which.error is None or any(_says(error, which.error) for error in record.errors))
        and (which.where is None or which.where in (failed_at(record) or ""))
    )


_NOTHING = object()


def _at(value: Any, path: str) -> Any:
    """The part of a value at a dotted path: keys of a mapping, positions in a list."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    name, dot, rest = path.partition(".")
    if isinstance(value, Mapping) and name in value:
        inner = value[name]
    elif isinstance(value, (list, tuple)) and name.isdecimal() and int(name) < len(value):
        inner = value[int(name)]
    else:
        return _NOTHING
    return _at(inner, rest) if dot else inner


def _text(value: Any) -> object:
    """A value as it is compared; anything but a string, number or boolean never matches."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return value if value is _NOTHING or isinstance(value, (Mapping, list)) else str(value)


def _says(error: Mapping[str, Any], part: str) -> bool:
    return part in str(error.get("type", "")) or part in str(error.get("message", ""))


def masked(value: Any) -> Any:
    """
    A value with its secrets hidden: whatever is under a key that sounds like a secret, at any depth.

    >>> masked({"user": {"name": "ann", "api_key": "x", "tokens": ["y"]}, "Password": None})
    {'user': {'name': 'ann', 'api_key': '********', 'tokens': '********'}, 'Password': None}
    """
    if isinstance(value, Mapping):
        return {key: MASK if is_secret(key) and inner is not None else masked(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(inner) for inner in value]
    return value


def unmasked(value: Any, stored: Any) -> Any:
    """
    A value that somebody edited in masked form: what is still hidden in it is as it was stored.

    Raises `ConfigurationError` for a mask in place of nothing.

    >>> unmasked({"to": "bob", "token": "********"}, {"to": "ann", "token": "s3cret"})
    {'to': 'bob', 'token': 's3cret'}
    """
    if value == MASK:
        if stored is None:
            raise ConfigurationError(f"{MASK} stands for what is hidden, and nothing is stored there")
        return stored
    if isinstance(value, Mapping):
        there = stored if isinstance(stored, Mapping) else {}
        return {key: unmasked(inner, there.get(key)) for key, inner in value.items()}
    if isinstance(value, list):
        many = stored if isinstance(stored, (list, tuple)) else ()
        return [unmasked(inner, many[at] if at < len(many) else None) for at, inner in enumerate(value)]
    return value


def is_secret(key: object) -> bool:
    """
    Whether a key sounds like that of a secret.

    >>> is_secret("client-secret"), is_secret("accessToken"), is_secret("account_id")
    (True, True, False)
    """
    word = str(key).lower().replace("-", "_")
    return any(secret in word for secret in SECRETS)
