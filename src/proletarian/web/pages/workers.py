"""Workers: who lives, what they serve, what they do."""

from __future__ import annotations

from proletarian.web.asking import Ask, Shown
from proletarian.web.survey import surveyed


def page(ask: Ask) -> Shown:
    """All workers that have a row; dead ones stand there until another has buried them."""
    return Shown("workers.html", {"survey": surveyed(ask)}, live=True)
