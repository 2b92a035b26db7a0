"""What the keeper tells its worker."""

from __future__ import annotations

from proletarian.worker.keeping.recovery import Recovered


class Kept:
    """What a keeper tells the worker that it keeps. One that runs a single job need not know."""

    def recovered(self, done: Recovered) -> None:
        """Jobs of dead workers were taken back."""

    def look(self) -> None:
        """There may be something to claim."""

    def declared_dead(self) -> None:
        """All that we had in our hands was taken back: others took us for dead."""
