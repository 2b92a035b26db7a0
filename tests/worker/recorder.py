"""A `log` for a worker in this process that keeps what it is told."""

from __future__ import annotations

from typing import Any

from tests.waiting import wait_until


class Recorder:
    """Pass it as `log=`; it knows every event, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, data: dict[str, Any]) -> None:
        self.events.append((event, data))

    def names(self, *beginnings: str) -> list[str]:
        """The names of the events, or of those that begin so."""
        return [event for event, _ in list(self.events) if event.startswith(beginnings or ("",))]

    def of(self, name: str) -> list[dict[str, Any]]:
        """What was known at each event of this name."""
        return [data for event, data in list(self.events) if event == name]

    def wait_for(self, name: str, seconds: float = 60.0, *, count: int = 1) -> dict[str, Any]:
        """What was known at the `count`th event of this name, once it has happened."""
        wait_until(lambda: len(self.of(name)) >= count, seconds, what=f"{count} × {name} in {self.events}")
        return self.of(name)[count - 1]
