"""Workers: which are alive, what they serve, and what they are doing."""

from __future__ import annotations

from proletarian.web.asking import Ask, Shown
from proletarian.web.survey import surveyed


def page(ask: Ask) -> Shown:
    """All workers that have a row; a dead one is listed until another worker has buried it."""
    return Shown("workers.html", {"survey": surveyed(ask)}, live=True)
