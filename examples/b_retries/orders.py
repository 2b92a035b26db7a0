"""A task that calls a web service, and retries as the service says."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

from examples.b_retries.partner import PORT
from proletarian import Job, Retry, Tasks

tasks = Tasks()


def as_the_partner_says(job: Job, error: BaseException) -> Retry | None:
    """A strategy: it is given the job and the exception, and returns how often and when to retry."""
    if isinstance(error, HTTPError):
        if seconds := error.headers.get("Retry-After"):
            return Retry(5, delays=[float(seconds)])  # as the partner asks, up to five times
        if error.code == 404:
            return None  # the next attempt would not find it either
    return Retry(2, delays=[0.5, 1])  # anything else: twice more, after half a second and after one


@tasks.task(retry=as_the_partner_says)
def place_order(job: Job, path: str) -> None:
    """Ask the partner; any answer other than 200 raises HTTPError."""
    with urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10) as answer:
        print(f"{path}: {answer.status}, at attempt {job.attempts}", flush=True)
