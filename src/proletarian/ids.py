"""
Job ids: who makes them, and how they are stored.

A strategy has three methods. `generate()` makes a new id, or returns None if the
database makes it. `encode(id)` returns what is stored: a `uuid.UUID`, an `int` or a `str`.
`decode(stored)` returns the id. `kind_of` finds out which of the three column types
a strategy needs.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Literal, Protocol, runtime_checkable
from uuid import UUID, SafeUUID, uuid4

from proletarian.errors import ConfigurationError

Kind = Literal["uuid", "bigint", "text"]

ONE_MORE = 1 << 64  # of a UUID7's counter


@runtime_checkable
class JobIds(Protocol):
    """What a job id strategy has to offer."""

    def generate(self) -> Any:
        """A new id, or None if the database makes it at the insert."""

    def encode(self, job_id: Any) -> UUID | int | str | None:
        """The id in its stored form."""

    def decode(self, stored: Any) -> Any:
        """The id from its stored form."""


class _Latest:
    """The latest id of this process, from which all strategies continue."""

    __slots__ = ("left", "lock", "millisecond", "number")

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Start over, also in a forked child: with new random bits, and a lock that nobody held at the fork."""
        self.lock = threading.Lock()
        self.millisecond = 0
        self.left = 0  # how many more ids it has room for
        self.number = 0


_latest = _Latest()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_latest.start_anew)


class UUID7:
    """
    Ids that sort by time: new jobs go to the end of the index, which is its cheapest place.

    Within one process they are strictly increasing, even within a millisecond and when
    the clock steps back (RFC 9562, method 1: the 12 bits after the time are a counter, and
    a full one continues in the next millisecond).

    >>> ids = UUID7()
    >>> ids.generate() < UUID7().generate()
    True
    """

    def generate(self) -> UUID:
        """A new id, greater than every earlier one of this process."""
        millisecond = time.time_ns() // 1_000_000
        with _latest.lock:
            # A new millisecond starts the counter at 0, within the same one it continues, and a clock that
            # steps back is ignored. Random bits are drawn once per millisecond: within it the counter tells
            # ids apart.
            if millisecond <= _latest.millisecond and _latest.left:
                _latest.left -= 1
                number = _latest.number = _latest.number + ONE_MORE
            else:
                millisecond = _latest.millisecond = max(millisecond, _latest.millisecond + 1)
                _latest.left = 0xFFF
                random = int.from_bytes(os.urandom(8), "big") >> 2
                number = _latest.number = (millisecond << 16 | 0x7000) << 64 | 0b10 << 62 | random
        return _uuid(number)

    def encode(self, job_id: Any) -> UUID:
        """The id as a UUID; text in UUID form is accepted."""
        return job_id if isinstance(job_id, UUID) else as_uuid(job_id)

    def decode(self, stored: Any) -> UUID:
        """The id itself."""
        return stored if isinstance(stored, UUID) else as_uuid(stored)


_new, _set = object.__new__, object.__setattr__
_unknown = SafeUUID.unknown


def _uuid(number: int) -> UUID:
    """The same as `UUID(int=number)`, without its checks, which take half of the time that an id takes."""
    made = _new(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", _unknown)
    return made


class UUID4(UUID7):
    """Random ids, as in the original Proletarian; they spread over the whole index."""

    def generate(self) -> UUID:
        """A new random id."""
        return uuid4()


class DatabaseGenerated:
    """Small integers that the database counts up (BIGSERIAL, AUTO_INCREMENT, ROWID)."""

    def generate(self) -> None:
        """None: the database generates the id."""
        return

    def encode(self, job_id: Any) -> int | None:
        """The id as an int, or None for one that the database has yet to generate."""
        return None if job_id is None else int(job_id)

    def decode(self, stored: Any) -> int:
        """The id itself."""
        return int(stored)


def as_uuid(value: Any) -> UUID:
    """A UUID from its text, or a clear error."""
    try:
        return UUID(str(value))
    except ValueError:
        raise ConfigurationError(f"{value!r} is not a UUID; this queue's job ids are UUIDs") from None


def kind_of(strategy: JobIds) -> Kind:
    """
    Which column type holds this strategy's ids.

    Raises `ConfigurationError` for an object that is not a strategy.
    """
    missing = [name for name in ("generate", "encode", "decode") if not callable(getattr(strategy, name, None))]
    if isinstance(strategy, type) or missing:
        raise ConfigurationError(
            f"job_ids is an object with generate(), encode(id) and decode(stored), not {strategy!r}"
        )
    stored = strategy.encode(strategy.generate())
    if stored is None or isinstance(stored, int):
        return "bigint"
    if isinstance(stored, UUID):
        return "uuid"
    if isinstance(stored, str):
        return "text"
    raise ConfigurationError(f"{strategy!r}.encode() must return a UUID, an int or a str, not {type(stored).__name__}")


def spare(kind: Kind) -> UUID | int | str:
    """
    A stored id for a job whose own id was also given to another one; it collides with no id of any strategy.

    >>> isinstance(spare("uuid"), UUID), spare("bigint") < 0
    (True, True)
    """
    made = UUID7().generate()
    if kind == "bigint":
        return -(int.from_bytes(os.urandom(8), "big") >> 2) - 1  # counted ids are above 0
    return made if kind == "uuid" else str(made)
