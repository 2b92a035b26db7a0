"""
The job that runs here, for code far below a handler that it was not passed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Protocol

from proletarian.job import Job


class Running(Protocol):
    """A run in progress, which makes its job when somebody asks for it."""

    def seen_job(self) -> Job:
        """The job, with as much of its payload as can be read."""

    def known(self) -> Mapping[str, Any]:
        """What identifies it: queue, job_id, job_type, attempt."""

    def headers(self) -> Mapping[str, str]:
        """The headers of its job."""


running: ContextVar[Running | None] = ContextVar("proletarian_running", default=None)  # set in each run's own context


def current_job() -> Job | None:
    """
    Get the job that this thread or coroutine is running, without having been passed it; None outside a run.

    For clients that tag what they send, and functions that record progress; for log lines there is `proletarian.logs`.
    It is the job that a `def handler(job: Job, …)` is passed, in workers, `process_next_job` and tests that drain
    or run inline. Anything that copies the context has it too (`asyncio.to_thread`, `asyncio.create_task`); a thread
    that a handler starts does not.

    >>> current_job() is None
    True
    """
    run = running.get()
    return None if run is None else run.seen_job()
