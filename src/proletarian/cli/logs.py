"""What a command writes to its log: lines for people, or one JSON object a line for machines."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

# What every record has; anything else was given as `extra`.
USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "data"}


def log_to_stderr(level: str, form: str) -> None:
    """Send every log to stderr; stdout is for data. An application may still set up its own."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else Lines())
    logging.basicConfig(level=level.upper(), handlers=[handler])


class Lines(logging.Formatter):
    """`2026-11-24 15:26:22.071 INFO proletarian.worker: worker.started queues={'default': 10}`."""

    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, event or message, and whatever else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        data: dict[str, Any] = getattr(record, "data", None) or {}
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if not hasattr(record, "event"):
            said["message"] = record.getMessage()
        said |= {name: value for name, value in vars(record).items() if name not in USUAL}
        said |= {name: plain(value) for name, value in data.items() if value is not None}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str, ensure_ascii=False)


def plain(value: Any) -> Any:
    """An error as one line; the rest as it is."""
    return f"{type(value).__qualname__}: {value}" if isinstance(value, BaseException) else value
