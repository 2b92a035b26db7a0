"""
Selects jobs: one filter for Python, the command line and the dashboard's addresses.

The text form is read here word by word, so that an error can point at the wrong word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, cast

from proletarian.errors import FilterError
from proletarian.times.durations import UNITS, in_seconds, spelled

STATES = ("scheduled", "waiting", "held", "running", "succeeded", "failed", "cancelled")

Texts = str | Iterable[str]
Moment = datetime | timedelta | float  # an instant, or how long ago


@dataclass(frozen=True)
class JobFilter:
    """
    Selects jobs; a field that is left out matches every job.

    - `queue`, `job_type`: a name, or several; `*` stands for any characters.
    - `state`: one of scheduled, waiting, held, running, succeeded, failed, cancelled, or several.
    - `tag`: a tag that the job must have, or several, all of which it must have.
    - `payload`: values by dotted path, compared as text: `{"user.id": 42}`.
    - `error`: a substring of the type or message of an error that the job keeps.
    - `where`: a part of the file, line and function of your own code where it last failed: `jobs.py:17 in send`.
    - `worker`: a substring of the host and process id of the worker that ran it.
    - `lane`: the limit's lane that the job is in; `*` as above.
    - `job_id`: an id, or several.
    - `since`, `until`: when its state last changed (enqueued, started, finished): an aware datetime, or how long ago,
      as a timedelta or seconds.

    Raises `FilterError` for an invalid filter.

    >>> JobFilter(job_type="send_*", state="failed", since=timedelta(hours=1))
    JobFilter(job_type=('send_*',), state=('failed',), since=datetime.timedelta(seconds=3600))
    >>> print(JobFilter(queue=["mail", "bulk"], payload={"user.id": 42}, error="timed out"))
    queue:mail,bulk payload.user.id:42 error:"timed out"
    """

    queue: Texts | None = None
    job_type: Texts | None = None
    state: Texts | None = None
    tag: Texts | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    where: str | None = None
    worker: str | None = None
    lane: Texts | None = None
    job_id: Any = None
    since: Moment | None = None
    until: Moment | None = None

    def __post_init__(self) -> None:
        for name in ("queue", "job_type", "state", "tag", "lane"):
            object.__setattr__(self, name, _several(name, getattr(self, name)))
        for state in self.state or ():
            if state not in STATES:
                raise FilterError(f"there is no state {state!r}; states: {', '.join(STATES)}{_close(state, STATES)}")
        for name in ("error", "where", "worker"):
            if (text := getattr(self, name)) is not None and not (isinstance(text, str) and text):
                raise FilterError(f"{name} is a text, not {text!r}")
        if not isinstance(self.payload, Mapping) or not all(map(_is_path_and_value, self.payload.items())):
            raise FilterError(f"payload is a mapping from dotted paths to strings, numbers, booleans or None, not"
                              f" {self.payload!r}")  # fmt: skip
        if self.job_id is not None and not isinstance(self.job_id, tuple):
            ids = tuple(self.job_id) if isinstance(self.job_id, (list, set, frozenset)) else (self.job_id,)
            object.__setattr__(self, "job_id", ids)
        for name in ("since", "until"):
            _check_moment(name, getattr(self, name))

    @classmethod
    def parse(cls, text: str) -> JobFilter:
        """
        The filter for a text: words of the form `key:value`, all of which a job must match.

        Keys are those of the class, with `type` for job_type, `id` for job_id, and `payload.path`. Separate several
        values with commas; put a value with spaces in double quotes. `since` and `until` take `90s`, `15m`, `1h`, `7d`,
        or an instant such as `2026-11-28T09:00Z`.

        Raises `FilterError`, which points at the word.

        >>> JobFilter.parse("queue:mail type:send_* payload.user_id:42")
        JobFilter(queue=('mail',), job_type=('send_*',), payload={'user_id': 42})
        >>> JobFilter.parse("queue:mail stat:failed")
        Traceback (most recent call last):
        proletarian.errors.FilterError: a filter has no key 'stat'; did you mean state?
            queue:mail stat:failed
                       ^^^^^^^^^^^
        """
        given: dict[str, Any] = {}
        payload: dict[str, Any] = {}
        for at, key, value in _words(text):
            try:
                if key.startswith("payload."):
                    _once(payload, key.removeprefix("payload."), _value(value))
                else:
                    name = ALIASES.get(key, key)
                    if name not in READERS:
                        raise FilterError(f"a filter has no key {key!r}{_close(key, KEYS) or _all_keys()}")
                    _once(given, name, READERS[name](value))
                    cls(**given)  # reports what is wrong with this word while we know which it is
            except FilterError as error:
                raise FilterError(f"{error}\n{_pointer(text, at)}") from None
        return cls(**given, payload=payload)

    def __str__(self) -> str:
        return " ".join(_written(self))

    def __repr__(self) -> str:
        given = ((part.name, getattr(self, part.name)) for part in fields(self))
        return f"JobFilter({', '.join(f'{name}={value!r}' for name, value in given if value not in (None, {}))})"

    def __bool__(self) -> bool:
        """Whether it leaves any job out."""
        return any(getattr(self, part.name) not in (None, {}) for part in fields(self))


def moment(given: Moment, now: datetime) -> datetime:
    """
    The instant that `since` or `until` means.

    >>> moment(timedelta(hours=1), datetime(2026, 11, 28, 12, tzinfo=UTC)).hour
    11
    """
    return given if isinstance(given, datetime) else now - timedelta(seconds=in_seconds(given, "since"))


# Reading a text.

_ONE = r'(?:"(?:[^"\\]|\\.)*"|[^\s",]+)'
_WORD = re.compile(rf"\s*(?P<word>(?P<key>[\w.\-]*):(?P<value>{_ONE}(?:,{_ONE})*)(?=\s|$)|\S+)")


def _words(text: str) -> Iterator[tuple[tuple[int, int], str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _WORD.match(text, at)
        assert match is not None  # noqa: S101 (whatever is left has a character that is no white space)
        span, at = match.span("word"), match.end()
        if not match["key"]:
            word = match["word"]
            reason = "its quotes are not closed" if word.count('"') % 2 else "it does not have the form key:value"
            raise FilterError(f"{word!r} cannot be read in a filter: {reason}{_all_keys()}\n{_pointer(text, span)}")
        yield span, match["key"], match["value"]


def _value(text: str) -> Any:
    """A number, true, false, null or a quoted string as in JSON; any other text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(text: str) -> str:
    return str(_value(text)) if text.startswith('"') else text


def _texts(text: str) -> tuple[str, ...]:
    return tuple(map(_text, re.findall(_ONE, text)))


def _moment(text: str) -> datetime | timedelta:
    text = _text(text)
    if match := re.fullmatch(rf"(\d+(?:\.\d+)?)([{''.join(UNITS)}])", text):
        return timedelta(seconds=float(match[1]) * UNITS[match[2]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise FilterError(
            f"{text!r} is not a time: give how long ago (90s, 15m, 1h, 7d), or an instant such as 2026-11-28T09:00Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


READERS: Mapping[str, Any] = {
    "queue": _texts, "job_type": _texts, "state": _texts, "tag": _texts, "error": _text, "where": _text,
    "worker": _text, "lane": _texts, "job_id": _texts, "since": _moment, "until": _moment,
}  # fmt: skip
ALIASES = {"type": "job_type", "id": "job_id"}
KEYS = ("queue", "type", "state", "tag", "payload.…", "error", "where", "worker", "lane", "id", "since", "until")


def _once(given: dict[str, Any], name: str, value: Any) -> None:
    if name in given:
        raise FilterError(f"{name} is given twice; separate several values with commas")
    given[name] = value


def _pointer(text: str, span: tuple[int, int]) -> str:
    line = re.sub(r"\s", " ", text)
    return f"    {line}\n    {' ' * span[0]}{'^' * (span[1] - span[0])}"


def _close(word: str, known: Iterable[str]) -> str:
    found = get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _all_keys() -> str:
    return f"; keys: {', '.join(KEYS)}"


# Checking and writing.


def _several(name: str, given: Texts | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    several: tuple[object, ...] = (given,) if isinstance(given, str) or not isinstance(given, Iterable) else (*given,)
    if not several or not all(isinstance(one, str) and one for one in several):
        raise FilterError(f"{name} is a text, or several, not {given!r}")
    return cast(tuple[str, ...], several)


def _is_path_and_value(item: tuple[object, object]) -> bool:
    path, value = item
    return isinstance(path, str) and bool(path) and (value is None or isinstance(value, (str, int, float)))


def _check_moment(name: str, given: object) -> None:
    if isinstance(given, datetime):
        if given.utcoffset() is None:
            raise FilterError(f"{name}={given!r} has no time zone; use datetime.now(timezone.utc)")
    elif given is not None:
        in_seconds(given, name, kind=FilterError)


def _written(given: JobFilter) -> Iterator[str]:
    names = {name: key for key, name in ALIASES.items()}
    for part in fields(given):
        value = getattr(given, part.name)
        if part.name == "payload":
            yield from (f"payload.{path}:{_as_word(value)}" for path, value in given.payload.items())
        elif value is not None:
            yield f"{names.get(part.name, part.name)}:{_said(value)}"


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(_quoted(str(one)) for one in value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return _quoted(value)
    return spelled(in_seconds(value, "since"))


def _quoted(text: str) -> str:
    return text if re.fullmatch(r'[^\s",]+', text) else json.dumps(text)


def _as_word(value: object) -> str:
    """A payload value in a form that reads back the same: a string that looks like a number is quoted."""
    return _quoted(value) if isinstance(value, str) and _value(value) is value else json.dumps(value)
