"""How jobs have ended: one look for many of them, and whether a connection can see what others commit meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from proletarian.errors import WrongCall
from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan

FROZEN = ("repeatable read", "serializable")  # such a transaction sees the state at its start
IN_PROGRESS = 1568  # MySQL's error for a setting that no open transaction can take


class End(NamedTuple):
    """How a job ended, according to its archived row."""

    job_type: str
    status: str  # success, failure or cancelled
    attempts: int
    errors: str | None  # if it did not succeed
    result: str | None


def ends(dialect: Dialect, job_ids: Sequence[Any]) -> Plan[dict[Any, End]]:
    """Those of these jobs that have ended, by their ids as `loaded_id` returns them."""
    rows = yield dialect.say("ends.ended", job_ids=dialect.listed(job_ids))
    return {dialect.loaded_id(row[0]): End(*map(_as_text, row[1:])) for row in rows}


def _as_text(value: Any) -> Any:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, bytearray, memoryview)) else value


class Outlook:
    """
    Whether looks on an application's connection see what others commit while it waits.

    It never ends the application's transaction: a connection that cannot see new commits is refused. Our looks may open
    a transaction themselves; `let_go` ends it if it would see nothing new.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._moment: str | None = None
        self._is_ours = False

    def open(self) -> Plan[None]:
        """Call it before the first look; raises `WrongCall`."""
        if self._dialect.name == "mysql":
            yield from self._open_mysql()
        elif self._dialect.name == "sqlite":
            try:
                yield self._dialect.say("ends.begin")
            except Exception as error:
                if "within a transaction" not in str(error):
                    raise
                raise _refused("") from error
            yield self._dialect.say("ends.let_go")

    def _open_mysql(self) -> Plan[None]:
        try:
            yield self._dialect.say("ends.refresh")
        except Exception as error:
            if not _is_in_progress(error):
                raise
            [(level,)] = yield self._dialect.say("ends.isolation")
            self._require(str(_as_text(level)).replace("-", " ").lower(), error)
        else:
            self._is_ours = True

    def check(self) -> Plan[None]:
        """Call it after a look that found no end; raises `WrongCall`."""
        if self._dialect.name != "postgresql":
            return
        [(level, moment)] = yield self._dialect.say("ends.moment")
        if moment == self._moment:
            self._require(level, None)
        self._moment = moment

    def let_go(self) -> Plan[None]:
        """Call it after the last look."""
        if self._is_ours:
            yield self._dialect.say("ends.let_go")

    def _require(self, level: str, cause: Exception | None) -> None:
        if level in FROZEN:
            raise _refused(f" ({level.upper()})") from cause


def _refused(level: str) -> WrongCall:
    return WrongCall(
        f"this connection has a transaction open{level} that sees the database as it was when it began, so it would "
        f"never see the job end: commit first, or wait with a URL or an Engine, which uses its own connection"
    )


def _is_in_progress(error: BaseException | None) -> bool:
    """Whether MySQL says that a transaction is open; some libraries leave the number to the error underneath."""
    while error is not None:
        if IN_PROGRESS in (*error.args[:1], getattr(error, "errno", None)):
            return True
        error = error.__cause__
    return False
