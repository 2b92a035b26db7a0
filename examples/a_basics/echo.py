"""One task: it prints what it is given."""

from __future__ import annotations

from proletarian import Tasks

tasks = Tasks()


@tasks.task
def echo(message: str, times: int = 1) -> None:
    """Print a message, so many times."""
    for _ in range(times):
        print(f"echo: {message}", flush=True)
