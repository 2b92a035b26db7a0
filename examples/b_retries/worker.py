"""A worker with its own log and hook: `python -m examples.b_retries.worker`."""

from __future__ import annotations

from typing import Any

from examples.b_retries.orders import tasks
from examples.database import URL
from proletarian import Job, Worker

SHOWN = ("job.failed", "job.retrying", "job.given_up")


def log(event: str, data: dict[str, Any]) -> None:
    """The log is a sequence of events: a name and its data. This prints three kinds of them."""
    if event in SHOWN:
        later = f", again in {data['retry_in']} s" if event == "job.retrying" else ""
        print(f"{event}: attempt {data['attempt']}, {data['error']}{later}", flush=True)


def tell_somebody(job: Job, error: BaseException) -> None:
    """Called once for each job that has failed for good, after the job was archived."""
    print(f"FAILED: {job.job_type} {job.payload}, {error}", flush=True)


if __name__ == "__main__":
    Worker(URL, tasks, log=log, failed_job=tell_somebody).run()
