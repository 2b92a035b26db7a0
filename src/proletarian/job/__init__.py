"""
A job: as it is enqueued (`NewJob`), and as its handler sees it (`Job`).
"""

from __future__ import annotations

from proletarian.job.job import Job, Lease, headers_in
from proletarian.job.names import A_NAME, DEFAULT_QUEUE, is_name
from proletarian.job.new import EnqueueOptions, NewJob, Options, job_ids_of
from proletarian.job.stopping import Stopping

__all__ = [
    "A_NAME",
    "DEFAULT_QUEUE",
    "EnqueueOptions",
    "Job",
    "Lease",
    "NewJob",
    "Options",
    "Stopping",
    "headers_in",
    "is_name",
    "job_ids_of",
]
