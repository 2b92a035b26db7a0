"""Waits for a job's end and its result, without any extra work for a worker."""
