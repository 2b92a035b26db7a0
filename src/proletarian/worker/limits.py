"""
The limits that a worker keeps to: those of its code, with the changes that people made at run time.

A lane whose name has no limit here belongs to another release, or was mistyped. It is left alone for as long as a job
of an unknown type; then its jobs run one after another, which no limit forbids.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from proletarian.limit import NO_LIMIT, Limit, Rule, made_rule, name_of, stored_lane
from proletarian.outcomes import Outcome
from proletarian.sql.orders import Change
from proletarian.sql.rows import Claimed, Ended
from proletarian.tasks import Tasks

ONE_BY_ONE = Rule(1, is_ordered=True)
SAID_EVERY = 60.0  # seconds between log lines about an unknown name


class Limits:
    """
    The rules in force, by name.

    >>> from proletarian import Tasks
    >>> limits = Limits(Tasks(limits={"mail": Limit(20)}), json.loads, unknown_for=60)
    >>> limits.change({"mail": Change(running=3), "smtp": Change(rate=10)})
    >>> limits.rules["mail"].most, limits.rules["smtp"].every
    (3, 0.1)
    """

    def __init__(self, tasks: Tasks, decode: Callable[[str], object], *, unknown_for: float) -> None:
        self.tasks = tasks
        self._decode = decode
        self.rules: Mapping[str, Rule] = {}
        self._unknown_for = unknown_for
        self._changes: Mapping[str, Change] = {}
        self._unknown: dict[str, float] = {}  # since when
        self._said: dict[str, float] = {}
        self._known = -1
        self.change({})

    def change(self, changes: Mapping[str, Change]) -> None:
        """People have changed exactly these limits."""
        declared = self.tasks.declared_limits
        if changes == self._changes and len(declared) == self._known:
            return
        self._changes, self._known = changes, len(declared)
        old = {name: ONE_BY_ONE for name, rule in self.rules.items() if rule is ONE_BY_ONE}
        mine = {name: changed(limit, changes.get(name)) for name, limit in declared.items()}
        others = {name: changed(None, change) for name, change in changes.items() if name not in declared}
        self.rules = {**old, **others, **mine}

    def is_ordered(self, lane: str) -> bool:
        """Whether a job of this lane keeps its place until it is retried."""
        rule = self.rules.get(name_of(lane))
        return rule is None or rule.is_ordered

    def ended(self, row: Claimed, outcome: Outcome) -> Ended:
        """What to write down: a job of an ordered lane keeps its place until it is retried."""
        return Ended(row.run_id, outcome, bool(row.lane) and self.is_ordered(row.lane), row.awaited)

    def lane_of(self, row: Claimed) -> str | None:
        """
        The lane of a job that was enqueued without one: by name, or before there was a limit.

        If its payload does not tell which lane it belongs to, it shares a lane with others of its kind.
        """
        found = self.tasks.limit_of(row.job_type, row.queue) if self._known and not row.lane else None
        if found is None or row.payload is None:
            return None
        owner, limit = found
        task = self.tasks.find(row.job_type)
        try:
            return limit.lane(owner, self._decode(row.payload), task.parameters.defaults if task else None)
        except Exception:  # noqa: BLE001 (a payload that was written elsewhere, and a function of the application's)
            return stored_lane(limit.named(owner), "")

    def unknown(self, names: Iterable[str], now: float) -> list[str]:
        """Names of lanes that were seen and have no limit here; returns those to log."""
        told = []
        for name in names:
            since = self._unknown.setdefault(name, now)
            if now >= since + self._unknown_for:
                self.rules = {name: ONE_BY_ONE, **self.rules}
            if now >= self._said.get(name, -SAID_EVERY) + SAID_EVERY:
                self._said[name] = now
                told.append(name)
        return told

    def declared(self) -> str | None:
        """The limits in the code, as a worker's row has them."""
        limits = self.tasks.declared_limits
        said = {
            name: {"running": one.running, "rate": one.rate, "seconds": one.seconds, "burst": one.burst,
                   "ordered": one.ordered}
            for name, one in limits.items()
        }  # fmt: skip
        return json.dumps(said) if said else None


def changed(limit: Limit | None, change: Change | None) -> Rule:
    """The rule that results from the code and from what people have changed."""
    running, rate, seconds, burst = (limit.running, limit.rate, limit.seconds, limit.burst) if limit else (None,) * 4
    if change is not None and change.running is not None:
        running = change.running
    if change is not None and change.rate is not None:
        rate, seconds, burst = change.rate, change.seconds, change.burst
    ordered = limit is not None and limit.ordered
    most = NO_LIMIT if running is None else running
    return made_rule(min(most, 1) if ordered else most, rate, seconds or 1.0, burst, is_ordered=ordered)
