"""A `Queue` that is changed for the duration of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from proletarian.errors import ConfigurationError
from proletarian.queue import Queue
from proletarian.tasks import Tasks


@contextmanager
def changed(queue: Queue, **attributes: Any) -> Iterator[None]:
    """
    The queue with other attributes, until the `with` block ends.

    A `Queue` is frozen, and an application shares one value between all of its tasks, their
    `using(…)` copies and its workers. Changing that very value, and changing it back, reaches
    all of them, wherever the application keeps it.
    """
    own = vars(queue)
    before = {name: own[name] for name in attributes if name in own}
    own.update(attributes)
    try:
        yield
    finally:
        for name in attributes:
            own.pop(name, None)
        own.update(before)


def queue_of(tasks: Tasks | Queue) -> Queue:
    """The queue of these tasks; for a queue, the queue itself."""
    if isinstance(tasks, Tasks):
        return tasks.queue
    if isinstance(tasks, Queue):
        return tasks
    raise ConfigurationError(f"the application's Tasks or Queue is needed here, not {tasks!r}")
