"""Waiting for a job's end and its result, without anything that a worker would have to do for it."""
