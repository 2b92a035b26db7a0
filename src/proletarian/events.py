"""
What happens in a worker, told as events: a name, and what was known.

An event carries no level and no sentence: the application decides what is serious.
`Worker(log=…)` takes any function of (event, data). The default, `to_logging`, writes
to the logger `proletarian.worker` with a sensible level for each event, and the data
as `extra`, so that a JSON formatter sees fields.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

Log = Callable[[str, dict[str, Any]], None]

LEVELS: Mapping[str, int] = {
    "worker.started": logging.INFO,
    "worker.stopping": logging.INFO,
    "worker.stopped": logging.INFO,
    "worker.declared_dead": logging.ERROR,
    "worker.failed": logging.CRITICAL,
    "worker.liveness": logging.INFO,
    "jobs.claimed": logging.DEBUG,
    "jobs.recovered": logging.WARNING,
    "job.started": logging.DEBUG,
    "job.succeeded": logging.DEBUG,
    "job.failed": logging.WARNING,
    "job.retrying": logging.WARNING,
    "job.given_up": logging.ERROR,
    "job.snoozed": logging.INFO,
    "job.cancelled": logging.INFO,
    "job.released": logging.INFO,
    "job.overdue": logging.WARNING,
    "job.lease_lost": logging.WARNING,
    "job.hook_failed": logging.ERROR,
    "database.unavailable": logging.WARNING,
    "database.recovered": logging.WARNING,
    "schedule.fired": logging.INFO,
}

# Expected, or told with its traceback by job.failed just before: a line is enough.
ONE_LINE = ("database.unavailable", "job.retrying", "job.given_up", "job.snoozed", "job.released")

_logger = logging.getLogger("proletarian.worker")


def to_logging(event: str, data: dict[str, Any]) -> None:
    """
    Write one event to `logging`: its name, what was known, and the error's traceback if there is one.

    >>> to_logging("job.started", {"job_id": 41, "waited": 0.2})      # DEBUG: silent by default
    """
    level = LEVELS.get(event, logging.INFO)
    if not _logger.isEnabledFor(level):
        return
    error = data.get("error")
    known = " ".join(f"{name}={value}" for name, value in data.items() if value is not None)
    trouble = (type(error), error, error.__traceback__) if isinstance(error, BaseException) else None
    if event in ONE_LINE:
        trouble = None
    _logger.log(level, "%s %s", event, known, extra={"event": event, "data": data}, exc_info=trouble)


def _logged(event: str) -> bool:
    return _logger.isEnabledFor(LEVELS.get(event, logging.INFO))


to_logging.wanted = _logged  # type: ignore[attr-defined]


def with_context(log: Log, context: Mapping[str, Any]) -> Log:
    """
    A log that adds `context` to every event: what is true on the whole way down.

    >>> seen = []
    >>> with_context(lambda event, data: seen.append(data), {"queue": "mail"})("job.started", {"job_id": 1})
    >>> seen
    [{'queue': 'mail', 'job_id': 1}]
    """

    def log_with_context(event: str, data: dict[str, Any]) -> None:
        log(event, {**context, **data})

    wanted = getattr(log, "wanted", None)
    if wanted is not None:
        log_with_context.wanted = wanted  # type: ignore[attr-defined]
    return log_with_context


def guarded(log: Log) -> Log:
    """
    A log that may raise what it likes: that is noted on the logger `proletarian.worker`, and no job suffers.

    >>> guarded(lambda event, data: 1 / 0)("job.started", {})
    """

    def guarded_log(event: str, data: dict[str, Any]) -> None:
        try:
            log(event, data)
        except Exception as error:  # noqa: BLE001 (the user's code)
            _logger.error("the log given to the worker raised %r at %s", error, event)

    wanted = getattr(log, "wanted", None)
    if wanted is not None:
        guarded_log.wanted = wanted  # type: ignore[attr-defined]
    return guarded_log


def is_wanted(log: Log, event: str) -> bool:
    """
    Whether a log would do anything with this event, so that nothing is put together in vain.

    A log may have an attribute `wanted(event)`, as `to_logging` has; without one it wants all.
    """
    wanted: Callable[[str], bool] | None = getattr(log, "wanted", None)
    return wanted is None or wanted(event)


def silent(event: str, data: dict[str, Any]) -> None:
    """A log that keeps nothing, for `log=silent`."""
