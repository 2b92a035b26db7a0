"""Durations on the command line: `90`, `90s`, `1.5m`, `2h`, `7d`."""

from __future__ import annotations

import re
from typing import Any

import click

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType):
    """
    Seconds, or a number with a unit: s, m, h or d.

    >>> Duration().convert("1.5m", None, None)
    90.0
    """

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The duration in seconds."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no duration: give seconds, or a number with s, m, h or d, as in 90s or 7d")
        return float(match[1]) * SECONDS[match[2]]


DURATION = Duration()
