"""
Unique jobs: what makes two jobs equal, for how long, and what an enqueue does then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, get_args

from proletarian.errors import ConfigurationError
from proletarian.sizes import is_storable
from proletarian.times.durations import Duration, in_seconds

Until = Literal["started", "finished"]
OnConflict = Literal["keep", "replace", "raise"]
LONGEST = 191  # bytes of a key; for a longer one its digest is stored


@dataclass(frozen=True, init=False)
class Unique:
    """
    At most one job at a time of those that are equal: that is, have the same job type and the same key.

    The key consists of the payload's parameters that `names` lists (without names: one job of the type), or is your own
    string, `using(unique="digest-42")`. `until` says when the next one may be enqueued: once the job has `"finished"`
    (the default; a job that will be retried has not), or once it has `"started"`. With `within`, in seconds or as a
    timedelta, it is that long after the enqueue instead, whatever happened to the job. `on_conflict` says what an
    enqueue does if there is such a job: `"keep"` it and return its id; `"replace"` payload, headers, priority and time
    of a job that waits for its first run, which is a debounce; or `"raise"` `AlreadyEnqueued`. Raises
    `ConfigurationError` for invalid values.

    >>> Unique("account_id", until="started").keyed("digest", {"account_id": 42}).key
    'digest:42'
    >>> Unique("account", "day").keyed("digest", {"account": "a:b", "day": None}).key
    'digest:a\\\\:b:null'
    """

    names: tuple[str, ...]
    until: Until
    within: float | None
    on_conflict: OnConflict
    key: str | None  # of one job

    def __init__(
        self,
        *names: str,
        until: Until = "finished",
        within: Duration | None = None,
        on_conflict: OnConflict = "keep",
        key: str | None = None,
    ) -> None:
        if wrong := [name for name in names if not isinstance(name, str)]:
            raise ConfigurationError(f"Unique takes names of parameters, not {wrong[0]!r}")
        if until not in get_args(Until):
            raise ConfigurationError(
                f'until is "started" or "finished", not {until!r}; for a period of time use within='
            )
        if on_conflict not in get_args(OnConflict):
            raise ConfigurationError(f'on_conflict is "keep", "replace" or "raise", not {on_conflict!r}')
        seconds = None if within is None else in_seconds(within, "within", zero=False)
        values = {"names": names, "until": until, "within": seconds, "on_conflict": on_conflict, "key": key}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def keyed(self, job_type: str, payload: Any, defaults: Mapping[str, Any] | None = None) -> Unique:
        """The same for one job; raises `ConfigurationError` if its payload lacks one of the parameters."""
        if self.key is not None:
            return self
        given = {**(defaults or {}), **payload} if isinstance(payload, Mapping) else {}
        if missing := [name for name in self.names if name not in given]:
            raise ConfigurationError(
                f"{job_type} is unique by {missing[0]!r}, but its payload has no such parameter: {payload!r:.200}"
            )
        return self._with(job_type, ":".join(_said(given[name]) for name in self.names))

    def named(self, job_type: str, text: str) -> Unique:
        """The same with the application's own string as the key."""
        if not isinstance(text, str) or not text:
            raise ConfigurationError(f"unique is a Unique or a non-empty text, not {text!r}")
        return self._with(job_type, text)

    def _with(self, job_type: str, text: str) -> Unique:
        one: Unique = object.__new__(Unique)
        one.__dict__.update(self.__dict__, key=stored_key(f"{_escaped(job_type)}:{text}"))  # the rest is checked
        return one

    @property
    def scope(self) -> str:
        """When the key is free again, as one word."""
        return self.until if self.within is None else "within"


def stored_key(key: str) -> str:
    """
    The stored key: as it is, or its SHA-256 if it is longer than 191 bytes or contains what databases refuse.

    >>> stored_key("digest:42"), len(stored_key("digest:" + "x" * 200))
    ('digest:42', 64)
    """
    data = key.encode(errors="surrogatepass")
    return key if len(data) <= LONGEST and is_storable(key) else sha256(data).hexdigest()


def _said(value: Any) -> str:
    """One value of a payload as text; a colon in it cannot be mistaken for the one between two values."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
    return _escaped(text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")


def made(unique: Unique | str | None, job_type: str, before: Unique | str | None = None) -> Unique | None:
    """
    What an application passed, as a `Unique`: a string is combined with the rules that the task had before.

    >>> made("digest-42", "digest", Unique("account_id", until="started")).until
    'started'
    """
    if unique is None or isinstance(unique, Unique):
        return unique
    rules = before if isinstance(before, Unique) else _BY_TEXT
    return rules.named(job_type, unique)


_BY_TEXT = Unique()  # the rules of a key that comes without any
