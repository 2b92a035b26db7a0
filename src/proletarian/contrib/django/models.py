"""Our tables as models, for the admin and for queries; Django does not manage them."""

from __future__ import annotations

from typing import Any

from django.db import models

from proletarian.contrib.django.configuration import table
from proletarian.contrib.django.fields import IdField, TimeField


class Common(models.Model):  # type: ignore[misc]
    """What the three tables of jobs have in common."""

    job_id = IdField(primary_key=True)
    queue = models.TextField()
    job_type = models.TextField()
    payload = models.TextField()
    attempts = models.IntegerField(default=0)
    enqueued_at = TimeField()
    process_at = TimeField()
    priority = models.SmallIntegerField(default=0)
    headers = models.TextField(null=True)
    lost = models.SmallIntegerField(default=0)
    errors = models.TextField(null=True)
    unique_key = models.TextField(null=True)
    lane = models.TextField(default="")
    flow = models.SmallIntegerField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.job_type} {self.job_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: jobs are enqueued, and then moved by workers."""
        raise TypeError("jobs are enqueued with enqueue(), and moved by workers; a model only shows them")


class Job(Common):
    """A job that waits."""

    suspect = models.SmallIntegerField(default=0)
    retry_at = TimeField(null=True)

    class Meta:
        managed = False
        db_table = table("job")
        ordering = ("-priority", "process_at")
        default_permissions = ("view",)
        permissions = (
            ("cancel_job", "Can cancel jobs that wait"),
            ("pause_queue", "Can pause queues"),
        )


class HeldJob(Common):
    """A job that waits for others."""

    hold = models.BigIntegerField(default=0)
    waits = models.IntegerField()
    if_failed = models.TextField()

    class Meta:
        managed = False
        db_table = table("held_job")
        ordering = ("-job_id",)
        default_permissions = ("view",)


class RunningJob(Common):
    """A job that is being run."""

    suspect = models.SmallIntegerField(default=0)
    worker_id = IdField()
    run_id = models.BigIntegerField()
    started_at = TimeField()
    progress = models.TextField(null=True)
    apart = models.SmallIntegerField(default=0)

    class Meta:
        managed = False
        db_table = table("running_job")
        ordering = ("-started_at",)
        default_permissions = ("view",)


class ArchivedJob(Common):
    """A job that has ended."""

    status = models.TextField()
    started_at = TimeField(null=True)
    finished_at = TimeField()
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
    started_at = TimeField()
    seen_at = TimeField()

    class Meta:
        managed = False
        db_table = table("worker")
        ordering = ("host", "pid")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
