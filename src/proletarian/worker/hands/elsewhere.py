"""Which queues of a worker are served by other processes; a worker without such queues imports nothing for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from proletarian.task import Task
from proletarian.tasks import Tasks
from proletarian.worker.hands.executor import Executor
from proletarian.worker.hands.loop import Loop
from proletarian.worker.hands.processes import Processes
from proletarian.worker.hands.slots import Slots
from proletarian.worker.hands.threads import Threads
from proletarian.worker.held import Held
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner

if TYPE_CHECKING:
    from proletarian.worker.hands.source import Source

Served = int | Processes | Executor  # what `Worker(queues=…)` says about a queue
FindSource = Callable[[list[Task[..., Any]], bool], "Source"]  # of these tasks; whether for another machine


class Elsewhere(Protocol):
    """What runs the jobs of a queue in other processes."""

    @property
    def will_end(self) -> int:
        """How many of its runs end when told to."""

    def end(self, runs: set[Run]) -> None:
        """The stop timeout is over for these runs: end what can be ended."""

    def close(self) -> None:
        """End everything that belongs to the worker."""


def count_of(served: Served) -> int:
    """
    How many jobs of a queue run at the same time.

    >>> count_of(10), count_of(Processes(4))
    (10, 4)
    """
    if isinstance(served, Processes):
        return served.count
    return served.slots if isinstance(served, Executor) else served


class Hands:
    """The slots of each queue, with the hands that run its jobs."""

    def __init__(
        self, queues: Mapping[str, Served], tasks: Tasks, runner: Runner, held: Held, loop: Loop, source: FindSource
    ) -> None:
        self.slots: dict[str, Slots] = {}
        self.elsewhere: list[Elsewhere] = []
        self._queues = queues
        self._tasks = tasks
        self._runner = runner
        self._held = held
        self._loop = loop
        self._source = source
        self._sources: dict[bool, Source] = {}
        for queue, served in queues.items():
            self.slots[queue] = self._slots(queue, served)
        runner.apart = {queue for queue, served in queues.items() if isinstance(served, Processes)}

    def _slots(self, queue: str, served: Served) -> Slots:
        if isinstance(served, Executor):
            from proletarian.worker.hands.submitter import Away, Submitter

            submitter = Submitter(queue, served, self._runner, self._held, self._found(is_far=True))
            self.elsewhere.append(submitter)
            return Away(queue, served.slots, submitter)
        threads = Threads(queue, self._runner, self._held, self._loop)
        if isinstance(served, Processes) or any(task.rules.process for task in self._tasks.values()):
            from proletarian.worker.hands.children import Children

            processes = served if isinstance(served, Processes) else Processes(served)
            children = Children(queue, processes, served is processes, self._runner, self._found(is_far=False))
            self.elsewhere.append(children)
            threads = Threads(queue, self._runner, self._held, self._loop, children)
        return Slots(queue, count_of(served), plain=threads, coroutines=self._loop)

    def _found(self, *, is_far: bool) -> Source:
        if is_far not in self._sources:
            needed = [task for task in self._tasks.values() if self._is_there(task, is_far)]
            self._sources[is_far] = self._source(needed, is_far)
        return self._sources[is_far]

    def _is_there(self, task: Task[..., Any], is_far: bool) -> bool:
        """Whether a task is known to run in child processes, or, with `is_far`, on executors."""
        served = self._queues.get(task.options.queue or self._runner.queue.default_queue)
        if is_far or isinstance(served, Executor):
            return is_far and isinstance(served, Executor)
        return task.rules.process or isinstance(served, Processes)
