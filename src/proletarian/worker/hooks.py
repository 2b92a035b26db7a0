"""The user's `failed_job` hook, in a thread of its own: what it does or raises delays no job."""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Callable
from typing import Any

from proletarian.events import Log
from proletarian.job import Job
from proletarian.worker.loop import Loop

FailedJob = Callable[[Job, BaseException], Any]


class Hooks:
    """Calls `failed_job(job, error)` once for each job that failed for good, after it was archived."""

    def __init__(self, failed_job: FailedJob | None, loop: Loop, log: Log) -> None:
        self._failed_job = failed_job
        self._loop = loop
        self._log = log
        self._waiting: queue.SimpleQueue[tuple[Job, BaseException] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def failed(self, job: Job, error: BaseException) -> None:
        """A job has failed for good."""
        if self._failed_job is None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="proletarian hooks", daemon=True)
            self._thread.start()
        self._waiting.put((job, error))

    def _serve(self) -> None:
        while (failed := self._waiting.get()) is not None:
            self._call(*failed)

    def _call(self, job: Job, error: BaseException) -> None:
        assert self._failed_job is not None  # noqa: S101
        try:
            said = self._failed_job(job, error)
            if inspect.iscoroutine(said):
                self._loop.call(said)
        except BaseException as wrong:  # noqa: BLE001 (the user's code; the job is archived, the worker goes on)
            self._log("job.hook_failed", {"job_id": job.job_id, "job_type": job.job_type, "error": wrong})

    def close(self, timeout: float) -> None:
        """Let the hooks that are due run."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout)
