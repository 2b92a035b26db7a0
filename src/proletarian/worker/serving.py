"""Which queues a worker serves by default, and which jobs are left waiting if it is told which to serve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proletarian.errors import ConfigurationError
from proletarian.job import Options
from proletarian.queue import Queue
from proletarian.tasks import Tasks
from proletarian.worker.hands.elsewhere import Served
from proletarian.worker.hands.executor import Executor
from proletarian.worker.hands.processes import Processes

SLOTS = 10


def all_queues(names: Iterable[str]) -> dict[str, int]:
    """
    These queues, each with the default number of slots.

    >>> all_queues({"mail", "default"})
    {'default': 10, 'mail': 10}
    """
    return dict.fromkeys(sorted(names), SLOTS)


def queues_of(tasks: Tasks, queue: Queue) -> dict[str, int]:
    """The queues of a worker of these tasks by default: every queue that they name, and the default one."""
    return all_queues(tasks.queue_names() | {queue.default_queue})


def left_out(tasks: Tasks, queue: Queue, served: Iterable[str]) -> dict[str, list[str]]:
    """
    The queues that are not served, each with the tasks whose jobs wait there.

    >>> tasks = Tasks()
    >>> @tasks.task(queue="mail")
    ... def send_welcome(account_id: int) -> None: ...
    >>> left_out(tasks, tasks.queue, ["default"])
    {'mail': ['send_welcome']}
    """
    waiting: dict[str, list[str]] = {}
    for name, task in sorted(tasks.items()):
        waiting.setdefault(task.options.queue or queue.default_queue, []).append(name)
    return {name: waiting[name] for name in sorted(waiting) if name not in set(served)}


def checked(queues: Mapping[str, Served]) -> dict[str, Served]:
    """Queues and slots, checked; raises clear errors."""
    if not isinstance(queues, Mapping) or not queues:
        raise ConfigurationError(f"queues is a mapping of queue names to slots, as {{'mail': 2}}, not {queues!r}")
    for name, slots in queues.items():
        Options(queue=name)
        if isinstance(slots, (Processes, Executor)):
            continue
        if isinstance(slots, bool) or not isinstance(slots, int) or slots < 1:
            raise ConfigurationError(
                f"queue {name!r} needs a number of slots, 1 or more, not {slots!r}; or Processes(…), or Executor(…)"
            )
    return dict(queues)
