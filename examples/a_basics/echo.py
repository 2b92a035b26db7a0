"""One task: it prints its argument."""

from __future__ import annotations

from proletarian import Tasks

tasks = Tasks()


@tasks.task
def echo(message: str, times: int = 1) -> None:
    """Print a message, one or more times."""
    for _ in range(times):
        print(f"echo: {message}", flush=True)
