"""The database's time, estimated by the worker between two times that the database reported."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class DatabaseClock:
    """
    Follows the database's time, so a machine whose own clock is wrong by hours tells the right time.

    >>> DatabaseClock().now().tzinfo
    datetime.timezone.utc
    """

    def __init__(self) -> None:
        self._known, self._at = datetime.now(UTC), time.monotonic()

    def set(self, told: datetime) -> None:
        """Note the database's time."""
        self._known, self._at = told, time.monotonic()

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self._known + timedelta(seconds=time.monotonic() - self._at)
