"""Our tables as models, for the admin and for queries; Django does not manage them."""

from __future__ import annotations

from typing import Any

from django.db import models

from proletarian.contrib.django.configuration import table
from proletarian.contrib.django.fields import IdField


class Common(models.Model):  # type: ignore[misc]
    """What the three tables of jobs have in common."""

    job_id = IdField(primary_key=True)
    queue = models.TextField()
    job_type = models.TextField()
    payload = models.TextField()
    attempts = models.IntegerField(default=0)
    enqueued_at = models.DateTimeField()
    process_at = models.DateTimeField()
    priority = models.SmallIntegerField(default=0)
    headers = models.TextField(null=True)
    lost = models.SmallIntegerField(default=0)
    errors = models.TextField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.job_type} {self.job_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Not this way: jobs are enqueued, and moved by workers."""
        raise TypeError("jobs are put in with enqueue(), and moved by workers; a model only shows them")


class Job(Common):
    """A job that waits."""

    class Meta:
        managed = False
        db_table = table("job")
        ordering = ("-priority", "process_at")
        default_permissions = ("view",)
        permissions = (("cancel_job", "Can cancel jobs that wait"),)


class RunningJob(Common):
    """A job that is being run."""

    worker_id = IdField()
    run_id = models.BigIntegerField()
    started_at = models.DateTimeField()
    progress = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = table("running_job")
        ordering = ("-started_at",)
        default_permissions = ("view",)


class ArchivedJob(Common):
    """A job that has ended."""

    status = models.TextField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField()
    worker = models.TextField(null=True)
    result = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = table("archived_job")
        ordering = ("-finished_at",)
        default_permissions = ("view",)
        permissions = (("retry_job", "Can have archived jobs run again"),)


class Worker(models.Model):  # type: ignore[misc]
    """A worker that is at work."""

    worker_id = IdField(primary_key=True)
    host = models.TextField()
    pid = models.IntegerField()
    queues = models.TextField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = table("worker")
        ordering = ("host", "pid")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
