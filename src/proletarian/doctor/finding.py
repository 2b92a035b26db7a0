"""One thing that the doctor found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["fine", "notice", "trouble"]


@dataclass(frozen=True)
class Finding:
    """
    What a check found, in a sentence, and what to do about it.

    `check` is its name, stable for programs. `trouble` means that somebody has to act: jobs do not run, may be lost, or
    will soon be late. A `notice` is worth knowing.
    """

    check: str
    level: Level
    says: str
    do: str = ""


def fine(check: str, says: str) -> Finding:
    """Nothing is wrong with it."""
    return Finding(check, "fine", says)


def notice(check: str, says: str, do: str) -> Finding:
    """Worth knowing."""
    return Finding(check, "notice", says, do)


def trouble(check: str, says: str, do: str) -> Finding:
    """Somebody has to act."""
    return Finding(check, "trouble", says, do)
