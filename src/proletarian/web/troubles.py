"""What went wrong, as an answer: its status, and its message for programs."""

from __future__ import annotations

import json

from proletarian.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    FilterError,
    LookTookTooLong,
    ProletarianError,
    SchemaOutOfDate,
    UnknownSchedule,
    WrongState,
)
from proletarian.web.asking import Refused

Trouble = ProletarianError | Refused

STATUSES: dict[type[ProletarianError], int] = {
    FilterError: 400,
    UnknownSchedule: 404,
    ConfigurationError: 400,
    WrongState: 409,
    LookTookTooLong: 503,
    DatabaseUnavailable: 503,
    SchemaOutOfDate: 503,
}


def status_of(trouble: Trouble) -> int:
    """The HTTP status of the answer."""
    if isinstance(trouble, Refused):
        return trouble.status
    return next((status for kind, status in STATUSES.items() if isinstance(trouble, kind)), 500)


def words_of(trouble: Trouble) -> str:
    """The message."""
    return trouble.message if isinstance(trouble, Refused) else str(trouble)


def as_json(trouble: Trouble) -> str:
    """The same for programs."""
    return json.dumps({"error": type(trouble).__name__, "message": words_of(trouble)})
