"""A task that asks a web service, and tries again as the service says."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

from examples.b_retries.partner import PORT
from proletarian import Job, Retry, Tasks

tasks = Tasks()


def as_the_partner_says(job: Job, error: BaseException) -> Retry | None:
    """A strategy: it sees the job and the exception, and says how often and when to try again."""
    if isinstance(error, HTTPError):
        if seconds := error.headers.get("Retry-After"):
            return Retry(5, delays=[float(seconds)])  # come back then, up to five times
        if error.code == 404:
            return None  # it will not be there the next time either
    return Retry(2, delays=[0.5, 1])  # anything else: twice more, after half a second and after one


@tasks.task(retry=as_the_partner_says)
def place_order(job: Job, path: str) -> None:
    """Ask the partner; any answer but 200 raises HTTPError."""
    with urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=10) as answer:
        print(f"{path}: {answer.status}, at attempt {job.attempts}", flush=True)
