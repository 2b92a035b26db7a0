"""Durations on the command line: `90`, `90s`, `1.5m`, `2h`, `7d`."""

from __future__ import annotations

import re

import click

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """
    Seconds, from seconds or a number with a unit: s, m, h or d.

    >>> duration("1.5m")
    90.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if match is None:
        raise click.BadParameter(
            f"{text!r} is no duration: give seconds, or a number with s, m, h or d, as in 90s or 7d"
        )
    return float(match[1]) * SECONDS[match[2]]
