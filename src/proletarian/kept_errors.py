"""The errors that a job's row keeps: what is known about each, as JSON, whatever the error is."""

from __future__ import annotations

import json
import re
import traceback
from datetime import datetime
from typing import Any

ERRORS_KEPT = 10
TRACEBACK_KEPT = 8_000  # characters, from the end, where the cause is
MESSAGE_KEPT = 2_000


def with_error(
    errors: str | None, error: BaseException, *, attempt: int, worker: str, at: datetime, ran: float | None = None
) -> str:
    """
    The row's list of errors plus one more, as JSON; the oldest are dropped when there are too many.

    `ran` is how many seconds the run took that ended with it, if that is known.
    """
    kept = errors_in(errors)
    kept.append(
        {
            "attempt": attempt,
            "at": at.isoformat(),
            "worker": worker,
            "type": storable(type(error).__qualname__)[:MESSAGE_KEPT],
            "module": storable(str(type(error).__module__))[:MESSAGE_KEPT],
            "message": storable(message_of(error))[:MESSAGE_KEPT],
            "traceback": storable(traceback_of(error))[-TRACEBACK_KEPT:],
            **({} if ran is None else {"ran": round(ran, 6)}),
        }
    )
    return json.dumps(kept[-ERRORS_KEPT:])


def errors_in(text: str | None) -> list[dict[str, Any]]:
    """
    The errors that a row keeps; anything else that somebody wrote there is left out.

    >>> errors_in('[{"attempt": 1}, 2]'), errors_in("garbage"), errors_in(None)
    ([{'attempt': 1}], [], [])
    """
    try:
        kept = json.loads(text) if text else []
    except (TypeError, ValueError, RecursionError):
        return []
    return [entry for entry in kept if isinstance(entry, dict)] if isinstance(kept, list) else []


def message_of(error: BaseException) -> str:
    """
    The error's own message, even if its `__str__` is broken.

    >>> class Mute(Exception):
    ...     def __str__(self):
    ...         raise ValueError("no words")
    >>> message_of(Mute())
    '<its message cannot be read: ValueError>'
    """
    try:
        return str(error)
    except BaseException as broken:  # noqa: BLE001 (a user's __str__ may raise anything; the job must still end)
        return f"<its message cannot be read: {type(broken).__name__}>"


def traceback_of(error: BaseException) -> str:
    """
    The error's traceback with its causes; only where it was raised if one of its attributes is broken.

    An error that was never raised has no traceback.
    """
    own = vars(BaseException)["__traceback__"].__get__(error)  # its class may hide it
    if own is None:
        return ""
    try:
        return "".join(traceback.format_exception(error))
    except BaseException as broken:  # noqa: BLE001 (its attributes are looked at, and a user's may raise anything)
        where = "".join(traceback.format_tb(own))
        why = f"<its traceback cannot be formatted: {type(broken).__name__}: {message_of(broken)}>"
        return f"{where}{type(error).__qualname__}: {message_of(error)}\n{why}\n"


def storable(text: str) -> str:
    """Text without the characters that databases refuse: NUL and lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>.+)$', re.MULTILINE)
_THEIRS = re.compile(r"[/\\](site-packages|dist-packages|lib[/\\]python[\d.]+)[/\\]|[/\\]proletarian[/\\]|^<")


def own_frame(traceback: str) -> str | None:
    """
    The last line of a traceback that is in the application's own code; of any code, if none is.

    >>> own_frame('''Traceback (most recent call last):
    ...   File "/srv/shop/jobs.py", line 17, in send
    ...     client.post(letter)
    ...   File "/usr/lib/python3.11/socket.py", line 833, in create_connection
    ...     sock.connect(sa)
    ... TimeoutError: 30 s''')
    '/srv/shop/jobs.py:17 in send'
    >>> own_frame("") is None
    True
    """
    frames = list(_FRAME.finditer(traceback))
    own = [frame for frame in frames if not _THEIRS.search(frame["file"])] or frames
    return f"{own[-1]['file']}:{own[-1]['line']} in {own[-1]['function']}" if own else None
