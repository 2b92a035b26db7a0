"""The admin: look at jobs and workers. It changes nothing."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob, Worker


class ReadOnly(admin.ModelAdmin):  # type: ignore[misc]
    """List, filter, search, look."""

    show_full_result_count = False  # a count of an archive of millions takes its time

    def has_add_permission(self, request: Any) -> bool:
        """Jobs are enqueued."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Jobs are moved by workers."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Nothing is deleted here."""
        return False


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Jobs that wait."""

    list_display = ("job_type", "queue", "priority", "process_at", "attempts", "job_id")
    list_filter = ("queue", "job_type")
    search_fields = ("job_type", "payload")


@admin.register(RunningJob)
class RunningJobAdmin(ReadOnly):
    """Jobs that are being run."""

    list_display = ("job_type", "queue", "started_at", "progress", "attempts", "job_id")
    list_filter = ("queue", "job_type")
    search_fields = ("job_type", "payload")


@admin.register(ArchivedJob)
class ArchivedJobAdmin(ReadOnly):
    """Jobs that have ended."""

    list_display = ("job_type", "queue", "status", "finished_at", "attempts", "worker", "job_id")
    list_filter = ("status", "queue", "job_type")
    search_fields = ("job_type", "payload", "errors")


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    """Workers."""

    list_display = ("host", "pid", "queues", "started_at", "seen_at")
