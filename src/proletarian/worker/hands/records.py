"""
What handlers in other processes log: sent to the worker's process, which has the handlers of `logging`.

So the log lines of a job look the same and go to the same place, wherever it runs. If the application's own modules set
up `logging` when they are imported, a child process has its own handlers, and its lines go there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from proletarian.logs import JobFields

PLAIN = (str, int, float, bool, type(None))


class Forwarding(logging.Handler):
    """Sends each record on as plain values: the message with its arguments filled in, the traceback as text."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send it."""
        try:
            self._send(packed(record))
        except Exception:  # noqa: BLE001 (arguments that do not fit the message, say; reported the way `logging` does)
            self.handleError(record)


def packed(record: logging.LogRecord) -> bytes:
    """A record as bytes."""
    known = {name: value if isinstance(value, PLAIN) else repr(value) for name, value in vars(record).items()}
    if record.exc_info and not record.exc_text:
        known["exc_text"] = logging.Formatter().formatException(record.exc_info)
    known |= {"msg": record.getMessage(), "args": None, "exc_info": None}
    return msgspec.msgpack.encode(known)


def handle(data: bytes) -> None:
    """
    Handle a log record from another process here, as if it were our own.

    >>> handle(packed(logging.makeLogRecord({"msg": "%s rows", "args": (3,), "levelno": logging.DEBUG})))
    """
    known: dict[str, Any] = msgspec.msgpack.decode(data)
    logger = logging.getLogger(known["name"])
    if logger.isEnabledFor(known["levelno"]):
        logger.handle(logging.makeLogRecord(known))


def levels() -> dict[str, int]:
    """The levels of this process's loggers, so that a child can tell what to send."""
    return {"": logging.root.level, **{logger.name: logger.level for logger in loggers() if logger.level}}


def has_fields() -> bool:
    """Whether a handler or logger of this process has a `JobFields`; if so, a child adds them to what it sends."""
    filterers = [one for logger in (logging.root, *loggers()) for one in (logger, *logger.handlers)]
    return any(isinstance(filter_, JobFields) for one in filterers for filter_ in one.filters)


def loggers() -> list[logging.Logger]:
    """All loggers that were created in this process, except the root."""
    known = list(logging.root.manager.loggerDict.values())
    return [logger for logger in known if isinstance(logger, logging.Logger)]


def forward(levels: dict[str, int], send: Callable[[bytes], None], *, fields: bool) -> None:
    """In a child: send records on, unless this process has its own handlers; with `fields`, include the job's."""
    if logging.root.handlers:
        return
    for name, level in levels.items():
        logging.getLogger(name or None).setLevel(level)
    handler = Forwarding(send)
    if fields:
        handler.addFilter(JobFields())
    logging.root.addHandler(handler)
