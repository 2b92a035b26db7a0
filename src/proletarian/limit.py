"""
Limits for the whole fleet: how many jobs at a time, how many per second, or one after another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import floor
from typing import Any, NamedTuple

from proletarian.errors import ConfigurationError
from proletarian.job import is_name
from proletarian.times.durations import Duration, in_seconds

Per = str | Callable[[Any], Any]

LONGEST = 120  # characters of a name: a lane has 191, and the digest of a value has to fit in
A_LIMIT_NAME = f"a text of 1 to {LONGEST} characters, without a colon, NUL and white space at its ends"
NO_LIMIT = 1_000_000  # jobs of a lane at a time, if only its rate is limited
BURST = 0.1  # seconds' worth of a rate that may start at once, by default
ROUNDING = 1e-6


class Rule(NamedTuple):
    """
    What a lane allows: `most` jobs at a time; a start `every` so many seconds, and `burst` of them at once.

    >>> Rule(2).room(running=1, wanted=5), Rule(NO_LIMIT, every=0.1, burst=3).starts(next_at=0.0, t=100.0)
    (1, 3)
    """

    most: int = NO_LIMIT
    every: float | None = None
    burst: int = 1
    is_ordered: bool = False

    def room(self, running: int, wanted: int) -> int:
        """How many more may run."""
        return max(0, min(wanted, self.most - running))

    def arrival(self, next_at: float, t: float) -> float:
        """When the next start is due by the rate alone, without what was saved up for a burst."""
        return max(next_at + (self.burst - 1) * (self.every or 0.0), t)

    def starts(self, next_at: float, t: float) -> int:
        """How many may start now."""
        if self.every is None:
            return NO_LIMIT
        return max(0, floor((t + self.burst * self.every - self.arrival(next_at, t)) / self.every + ROUNDING))

    def next_at(self, next_at: float, t: float, started: int) -> float | None:
        """The earliest next start after this many now; None if there is no rate."""
        if self.every is None:
            return None
        return self.arrival(next_at, t) + (started - self.burst + 1) * self.every


@dataclass(frozen=True, init=False)
class Limit:
    """
    How many jobs of a task, or of a queue, may run at a time, or start in some time, in the whole fleet.

    `running` is how many may run at once. `rate` is how many may start in `seconds` (a number or a timedelta, 1 by
    default); of these, `burst` may start at once, by default as many as the rate allows in a tenth of a second, and at
    least one. In any period, at most rate times period plus one burst start. With `per`, each value of a parameter of
    the payload, or each result of a function of the payload, has its own limit. `ordered=True`, with `running=1`,
    starts the jobs in the order in which they were enqueued, and a job that waits for a retry holds up those behind it.
    `name` is the name of the limit in the database, by default that of the task or the queue; several tasks with the
    same named `Limit` share it. Raises `ConfigurationError` for invalid values.

    >>> Limit(2, per="account_id").lane("send", {"account_id": 42})
    'send:42'
    >>> Limit(5, name="smtp").lane("send", {})
    'smtp'
    >>> Limit(rate=100, seconds=60, per=lambda payload: payload["to"].split("@")[1]).lane("send", {"to": "a@b.org"})
    'send:b.org'
    """

    running: int | None
    rate: int | None
    seconds: float
    burst: int | None
    per: Per | None
    ordered: bool
    name: str | None

    def __init__(
        self,
        running: int | None = None,
        *,
        rate: int | None = None,
        seconds: Duration = 1,
        burst: int | None = None,
        per: Per | None = None,
        ordered: bool = False,
        name: str | None = None,
    ) -> None:
        if running is None and rate is None:
            raise ConfigurationError("a Limit says how many jobs may run at a time, as Limit(2), or a rate=, or both")
        for what, number in (("running", running), ("rate", rate), ("burst", burst)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise ConfigurationError(f"{what} is a whole number, 1 or more, not {number!r}")
        if burst is not None and rate is None:
            raise ConfigurationError("burst belongs to a rate: how many of it may start at once")
        if per is not None and not callable(per) and not (isinstance(per, str) and per):
            raise ConfigurationError(f"per is the name of a parameter, or a function of the payload, not {per!r}")
        if ordered and running != 1:
            raise ConfigurationError(
                f"ordered=True needs a limit of one at a time: Limit(1, ordered=True), not {running}"
            )
        if name is not None and not is_limit_name(name):
            raise ConfigurationError(f"the name of a limit is {A_LIMIT_NAME}, not {name!r}")
        values = {"running": running, "rate": rate, "seconds": in_seconds(seconds, "seconds", zero=False),
                  "burst": burst, "per": per, "ordered": bool(ordered), "name": name}  # fmt: skip
        for field, value in values.items():
            object.__setattr__(self, field, value)

    @property
    def rule(self) -> Rule:
        """The rule that workers enforce."""
        most = NO_LIMIT if self.running is None else self.running
        return made_rule(most, self.rate, self.seconds, self.burst, is_ordered=self.ordered)

    def lane(self, owner: str, payload: Any, defaults: Mapping[str, Any] | None = None) -> str:
        """
        The lane of one job: the limit's name, then a colon and the value of `per`.

        `owner` is the task or the queue that has the limit. Raises `ConfigurationError` if the payload lacks what
        `per` names.
        """
        name = self.named(owner)
        if self.per is None:
            return name
        given = {**(defaults or {}), **payload} if isinstance(payload, Mapping) else payload
        if callable(self.per):
            return stored_lane(name, self.per(given))
        if not isinstance(given, Mapping) or self.per not in given:
            raise ConfigurationError(
                f"{owner} is limited per {self.per!r}, but its payload has no such parameter: {payload!r:.200}"
            )
        return stored_lane(name, given[self.per])

    def named(self, owner: str) -> str:
        """Its own name, or that of the task or queue."""
        return self.name or in_a_lane(owner)


def made_rule(most: int, rate: int | None, seconds: float, burst: int | None, *, is_ordered: bool = False) -> Rule:
    """
    The rule that a limit's options describe.

    >>> made_rule(5, 50, 1.0, None)
    Rule(most=5, every=0.02, burst=5, is_ordered=False)
    """
    if rate is None:
        return Rule(most, is_ordered=is_ordered)
    return Rule(most, seconds / rate, burst or max(1, floor(rate / seconds * BURST)), is_ordered)


def require_limit(given: object, what: str) -> Limit:
    """
    This value, if it is a `Limit`; raises `ConfigurationError` for anything else, with advice for lists of two.

    >>> require_limit([Limit(2, per="account_id"), Limit(20)], "limit is a Limit")
    Traceback (most recent call last):
    proletarian.errors.ConfigurationError: limit is a Limit, and a job has one only, not 2: keep the one with per=, \
give these jobs a queue of their own, and let the slots of its workers bound them all
    """
    if isinstance(given, Limit):
        return given
    if isinstance(given, list | tuple | set | frozenset) and len(given) > 1:
        raise ConfigurationError(
            f"{what}, and a job has one only, not {len(given)}: keep the one with per=, give these jobs a queue of "
            "their own, and let the slots of its workers bound them all"
        )
    raise ConfigurationError(f"{what}, not {given!r}")


def in_a_lane(name: str) -> str:
    """
    A name with its colons escaped, because a colon ends the name in a lane.

    >>> in_a_lane("shop:send")
    'shop%3Asend'
    """
    name = name.replace("%", "%25").replace(":", "%3A")
    return name if len(name) <= LONGEST else sha256(name.encode()).hexdigest()


def is_limit_name(name: object) -> bool:
    """
    Whether this can name a limit.

    >>> is_limit_name("smtp"), is_limit_name("smtp:a")
    (True, False)
    """
    return is_name(name) and ":" not in str(name) and len(str(name)) <= LONGEST


def name_of(lane: str) -> str:
    """
    The name of a lane, which leads to its rule.

    >>> name_of("smtp:a:b"), name_of("smtp")
    ('smtp', 'smtp')
    """
    return lane.partition(":")[0]


def stored_lane(name: str, value: Any) -> str:
    """
    A lane with this name, for one value; the value's SHA-256 if it is too long, or not stored unchanged everywhere.

    >>> stored_lane("send", 42), stored_lane("send", {"b": 1, "a": None}), len(stored_lane("send", "x" * 200))
    ('send:42', 'send:{"a":null,"b":1}', 69)
    """
    try:
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"per returns a text, a number or other plain data, not {value!r}: {error}") from error
    lane = f"{name}:{text}"
    if text and is_name(lane) and text == text.strip():
        return lane
    return f"{name}:{sha256(text.encode(errors='surrogatepass')).hexdigest()}"
