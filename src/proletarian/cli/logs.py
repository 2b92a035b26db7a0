"""What a command writes to its log: lines for people, or one JSON object per line for machines."""

from __future__ import annotations

import json
import logging
from copy import copy
from datetime import UTC, datetime
from typing import Any

from proletarian.events import error_in_words, shown
from proletarian.logs import FIELDS, JobFields

# The attributes that every record has; any others were passed as `extra`.
USUAL = {*FIELDS, *vars(logging.makeLogRecord({})), "message", "asctime", "data"}


def log_to_stderr(level: str, form: str) -> None:
    """
    Send every log to stderr; stdout is for data. An application may still set up its own.

    The lines that a job's handler logs say which job it is.
    """
    handler = logging.StreamHandler()
    handler.addFilter(JobFields())
    handler.setFormatter(JsonLines() if form == "json" else Lines())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def let_speak() -> None:
    """
    Enable the library's loggers, in case the application has disabled them.

    By default `logging.config` disables every logger that already exists, as a worker's do when the application is
    imported. Levels and handlers stay as the application wants them.
    """
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] == "proletarian" and isinstance(logger, logging.Logger):
            logger.disabled = False


class Lines(logging.Formatter):
    """
    `2026-11-24 15:26:22.071 INFO proletarian.worker: worker.started queues={'default': 10}`.

    The lines that a job's handler logs end with `job_id=41 job_type=send attempt=1`, and the trace id if there is one.
    """

    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line for one record; of a job that is given up, job.failed has just shown the traceback."""
        if getattr(record, "event", None) == "job.given_up":
            record = copy(record)
            record.exc_info = record.exc_text = None
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line without a traceback; an event already says what it is about."""
        line = super().formatMessage(record)
        if hasattr(record, "event") and hasattr(record, "data"):
            return line
        known = {name: getattr(record, name, None) for name in FIELDS if name != "queue"}
        return " ".join([line, *(f"{name}={shown(value)}" for name, value in known.items() if value is not None)])


class JsonLines(logging.Formatter):
    """One object per line: time, level, logger, event or message, and whatever else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for one record."""
        data: dict[str, Any] = getattr(record, "data", None) or {}
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if not hasattr(record, "event"):
            said["message"] = record.getMessage()
        known = vars(record)
        said |= {name: known[name] for name in FIELDS if known.get(name) is not None}
        said |= {name: value for name, value in known.items() if name not in USUAL}
        said |= {name: plain(value) for name, value in data.items() if value is not None}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str, ensure_ascii=False)


def plain(value: Any) -> Any:
    """An error as one line; anything else as it is."""
    return error_in_words(value) if isinstance(value, BaseException) else value
