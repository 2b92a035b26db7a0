"""What the keeper tells its worker."""

from __future__ import annotations

from proletarian.worker.keeping.recovery import Recovered


class Kept:
    """What a keeper tells its worker. One that runs a single job need not listen."""

    def recovered(self, done: Recovered) -> None:
        """Jobs of dead workers were taken back."""

    def look(self) -> None:
        """There may be something to claim."""

    def declared_dead(self) -> None:
        """Others took us for dead, and everything that we held was taken back."""
