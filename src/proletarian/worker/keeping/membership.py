"""A worker's place in its fleet, as its keeper knows it; the pump relies on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from proletarian.errors import ConfigurationError
from proletarian.times.durations import Duration, in_seconds


@dataclass(frozen=True)
class Identity:
    """Who a worker is to the database, for one registration."""

    uuid: UUID
    stored: Any
    lock: Any  # held by the keeper; None: only the heartbeat proves that it lives
    pump_lock: Any  # held by the pump, if there is one and locks can be trusted


@dataclass(frozen=True)
class Care:
    """How a worker proves that it is alive, and how long it keeps what is archived (in seconds; None: forever)."""

    heartbeat: float = 15.0
    lost_after: float = 60.0
    keep_succeeded: float | UnsetType | None = UNSET  # unset: its tasks decide
    keep_failed: float | UnsetType | None = UNSET


@dataclass
class Membership:
    """Written by the keeper's thread, read by others."""

    care: Care
    identity: Identity | None = None  # None: not registered, so nothing may be claimed
    fleet: int = 1  # how many workers there were at the latest count


def care_for(
    heartbeat: Duration,
    lost_after: Duration,
    keep_succeeded: Duration | UnsetType | None = UNSET,
    keep_failed: Duration | UnsetType | None = UNSET,
) -> Care:
    """How a worker proves that it is alive, and what it keeps, in seconds; raises clear errors."""
    beat = in_seconds(heartbeat, "heartbeat", zero=False)
    silence = in_seconds(lost_after, "lost_after", zero=False)
    if silence < 2 * beat:
        raise ConfigurationError(
            f"lost_after={lost_after} must be at least twice heartbeat={heartbeat}: one late beat is no death"
        )
    return Care(
        beat,
        silence,
        _told(keep_succeeded, "keep_succeeded"),
        _told(keep_failed, "keep_failed"),
    )


def _told(keep: Duration | UnsetType | None, name: str) -> float | UnsetType | None:
    return keep if keep is None or isinstance(keep, UnsetType) else in_seconds(keep, name)
