"""What a test does with jobs, for one connection and one application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proletarian.job import NewJob
from proletarian.task import Task
from proletarian.tasks import Tasks
from proletarian.testing import asserting, draining, waiting
from proletarian.testing.asserting import ANY
from proletarian.testing.turns import Ran
from proletarian.testing.waiting import EnqueuedJob


class Jobs:
    """
    Inspect and run jobs without passing connection and tasks each time; there is a fixture for it.

    The methods are the functions of the same names in `proletarian.testing`; those with an `a` in front
    are for an async connection. `state` is the `job.state` of the jobs that are drained.

    >>> import sqlite3
    >>> from proletarian.testing import create_tables
    >>> tasks = Tasks()
    >>> @tasks.task
    ... def greet(name: str) -> None: ...
    >>> connection = sqlite3.connect(":memory:")
    >>> create_tables(connection)
    >>> jobs = Jobs(connection, tasks)
    >>> job_id = greet.enqueue(connection, name="Ada")
    >>> jobs.assert_enqueued(greet.job(name="Ada"))
    [greet {'name': 'Ada'} in queue 'default']
    >>> [run.outcome for run in jobs.drain()]
    ['succeeded']
    >>> jobs.enqueued()
    []
    >>> connection.close()
    """

    def __init__(self, connection: Any, tasks: Tasks, /, *, state: Mapping[str, Any] | None = None) -> None:
        self.connection = connection
        self.tasks = tasks
        self.state = state

    def drain(self, **options: Any) -> list[Ran]:
        """Run the jobs that are due; options are those of `drain`."""
        return draining.drain(self.connection, self.tasks, **{"state": self.state, **options})

    async def adrain(self, **options: Any) -> list[Ran]:
        """The same on an async connection."""
        return await draining.adrain(self.connection, self.tasks, **{"state": self.state, **options})

    def enqueued(
        self, what: Task[..., Any] | str | None = None, /, *, queue_name: str | None = None
    ) -> list[EnqueuedJob]:
        """Return the jobs that are waiting."""
        return waiting.enqueued(self.connection, what, queue_name=queue_name, queue=self.tasks)

    async def aenqueued(
        self, what: Task[..., Any] | str | None = None, /, *, queue_name: str | None = None
    ) -> list[EnqueuedJob]:
        """The same on an async connection."""
        return await waiting.aenqueued(self.connection, what, queue_name=queue_name, queue=self.tasks)

    def assert_enqueued(
        self,
        what: Task[..., Any] | NewJob | str,
        payload: Any = ANY,
        /,
        *,
        queue_name: str | None = None,
        count: int | None = None,
    ) -> list[EnqueuedJob]:
        """Make sure that a job is waiting."""
        __tracebackhide__ = True
        return asserting.assert_enqueued(
            self.connection, what, payload, queue_name=queue_name, count=count, queue=self.tasks
        )

    async def aassert_enqueued(
        self,
        what: Task[..., Any] | NewJob | str,
        payload: Any = ANY,
        /,
        *,
        queue_name: str | None = None,
        count: int | None = None,
    ) -> list[EnqueuedJob]:
        """The same on an async connection."""
        __tracebackhide__ = True
        return await asserting.aassert_enqueued(
            self.connection, what, payload, queue_name=queue_name, count=count, queue=self.tasks
        )

    def assert_not_enqueued(
        self, what: Task[..., Any] | NewJob | str, payload: Any = ANY, /, *, queue_name: str | None = None
    ) -> None:
        """Make sure that no such job is waiting."""
        __tracebackhide__ = True
        asserting.assert_not_enqueued(self.connection, what, payload, queue_name=queue_name, queue=self.tasks)

    async def aassert_not_enqueued(
        self, what: Task[..., Any] | NewJob | str, payload: Any = ANY, /, *, queue_name: str | None = None
    ) -> None:
        """The same on an async connection."""
        __tracebackhide__ = True
        await asserting.aassert_not_enqueued(self.connection, what, payload, queue_name=queue_name, queue=self.tasks)
