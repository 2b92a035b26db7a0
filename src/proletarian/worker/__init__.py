"""Runs jobs."""

from proletarian.worker.single import process_next_job
from proletarian.worker.worker import Worker

__all__ = ["Worker", "process_next_job"]
