"""The user's `failed_job` hook, in a thread of its own, where nothing that it does or raises delays a job."""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Awaitable
from typing import Any

from proletarian.job import Job
from proletarian.outcomes import FailedJob
from proletarian.worker.hands.loop import Loop
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner


class Hooks:
    """Calls `failed_job(job, error)` once for each job that failed for good, after it was archived."""

    def __init__(self, failed_job: FailedJob | None, loop: Loop, runner: Runner) -> None:
        self._failed_job = failed_job
        self._loop = loop
        self._runner = runner
        self._waiting: queue.SimpleQueue[tuple[Job, BaseException] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def failed(self, run: Run, error: BaseException) -> None:
        """A job has failed for good."""
        if self._failed_job is None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="proletarian hooks", daemon=True)
            self._thread.start()
        self._waiting.put((self._runner.jobs.for_people(run), error))

    def _serve(self) -> None:
        while (failed := self._waiting.get()) is not None:
            self._runner.context.copy().run(self._call, *failed)

    def _call(self, job: Job, error: BaseException) -> None:
        assert self._failed_job is not None  # noqa: S101
        try:
            said = self._failed_job(job, error)
            if inspect.isawaitable(said):
                self._loop.call(awaited(said))
        except BaseException as wrong:  # noqa: BLE001 (the user's code; the job is archived, the worker continues)
            self._runner.log("job.hook_failed", {"job_id": job.job_id, "job_type": job.job_type, "error": wrong})

    def close(self, timeout: float) -> None:
        """Let the hooks that are due run, for up to `timeout` seconds."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout)


async def awaited(said: Awaitable[Any]) -> None:
    """Any awaitable, as a coroutine."""
    await said
