"""
What happens in a worker, as events: a name, and data.

An event has no level and no sentence: the application decides what is serious.
`Worker(log=…)` takes any function of (event, data). The default, `to_logging`, writes
to the logger `proletarian.worker` with a sensible level for each event, and the data
as `extra`, so that a JSON formatter sees fields.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

Log = Callable[[str, dict[str, Any]], None]

LEVELS: Mapping[str, int] = {
    "worker.started": logging.INFO,
    "worker.stopping": logging.INFO,
    "worker.stopped": logging.INFO,
    "worker.declared_dead": logging.ERROR,
    "worker.stuck": logging.ERROR,
    "worker.spent": logging.INFO,
    "worker.failed": logging.CRITICAL,
    "worker.liveness": logging.INFO,
    "supervisor.started": logging.INFO,
    "supervisor.stopping": logging.INFO,
    "supervisor.stopped": logging.INFO,
    "process.started": logging.INFO,
    "process.ended": logging.INFO,
    "process.died": logging.WARNING,
    "code.changed": logging.INFO,
    "tasks.left_out": logging.WARNING,
    "jobs.claimed": logging.DEBUG,
    "jobs.recovered": logging.WARNING,
    "job.started": logging.DEBUG,
    "job.run_apart": logging.INFO,
    "job.succeeded": logging.DEBUG,
    "job.failed": logging.WARNING,
    "job.retrying": logging.WARNING,
    "job.given_up": logging.ERROR,
    "job.snoozed": logging.INFO,
    "job.cancelled": logging.INFO,
    "job.released": logging.INFO,
    "job.overdue": logging.WARNING,
    "job.lease_lost": logging.WARNING,
    "job.id_taken": logging.WARNING,
    "job.unrecordable": logging.ERROR,
    "job.hook_failed": logging.ERROR,
    "loop.interrupted": logging.WARNING,
    "process.failed": logging.ERROR,
    "database.unavailable": logging.WARNING,
    "database.recovered": logging.WARNING,
    "database.contended": logging.DEBUG,
    "database.stuck": logging.ERROR,
    "schedule.fired": logging.INFO,
    "schedule.failed": logging.ERROR,
    "schedules.declared": logging.INFO,
}

# Expected, or just reported with its traceback by job.failed: a line is enough. Not job.given_up, which is what
# error collectors look at.
ONE_LINE = ("database.unavailable", "job.retrying", "job.snoozed", "job.released")

_logger = logging.getLogger("proletarian.worker")


def to_logging(event: str, data: dict[str, Any]) -> None:
    """
    Write one event to `logging`, on one line: its name, its data, and the error's traceback if there is one.

    The message template is just the event's name, so that log collectors group each kind of event.

    >>> to_logging("job.started", {"job_id": 41, "waited": 0.2})      # DEBUG: silent by default
    """
    level = LEVELS.get(event, logging.INFO)
    if not _logger.isEnabledFor(level):
        return
    error = data.get("error")
    known = " ".join(f"{name}={shown(value)}" for name, value in data.items() if value is not None)
    trouble = (type(error), error, error.__traceback__) if isinstance(error, BaseException) else None
    if event in ONE_LINE:
        trouble = None
    _logger.log(level, f"{event} %s", known, extra={"event": event, "data": data}, exc_info=trouble)


def shown(value: Any) -> str:
    """
    A value on one line; a string is in quotes unless it is one plain word.

    >>> print(shown("mail"), shown("two words"), shown(ValueError("no\\nluck")), shown({"mail": 2}))
    mail "two words" "ValueError: no\\nluck" {'mail': 2}
    """
    if isinstance(value, BaseException):
        value = error_in_words(value)
    text = str(value)
    if not isinstance(value, str):
        return " ".join(text.split())
    return text if re.fullmatch(r"[^\s\"'=]+", text) else json.dumps(text, ensure_ascii=False)


def error_in_words(error: BaseException) -> str:
    """
    An error's type and message; only the type if its `__str__` is broken.

    >>> error_in_words(KeyError("a")), error_in_words(TimeoutError())
    ("KeyError: 'a'", 'TimeoutError')
    """
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 (the user's code; an event must not be lost by it)
        said = "its message cannot be read"
    return f"{type(error).__qualname__}: {said}" if said else type(error).__qualname__


def _logged(event: str) -> bool:
    return _logger.isEnabledFor(LEVELS.get(event, logging.INFO))


to_logging.wanted = _logged  # type: ignore[attr-defined]


def with_context(log: Log, context: Mapping[str, Any]) -> Log:
    """
    A log that adds `context` to every event.

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
    Wrap a log that may raise anything: errors go to the logger `proletarian.worker`, and no job suffers.

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
    Whether a log would do anything with this event, so that no data is prepared in vain.

    A log may have an attribute `wanted(event)`, as `to_logging` does; without one it wants all events.
    """
    wanted: Callable[[str], bool] | None = getattr(log, "wanted", None)
    return wanted is None or wanted(event)


def silent(event: str, data: dict[str, Any]) -> None:
    """A log that discards everything, for `log=silent`."""
