"""Durations on the command line: `90`, `90s`, `1.5m`, `2h`, `7d`."""

from __future__ import annotations

import click

from proletarian.times.durations import read


def duration(text: str) -> float:
    """
    Seconds, from seconds or a number with a unit: s, m, h or d.

    >>> duration("1.5m")
    90.0
    """
    return read(text, kind=click.BadParameter)
