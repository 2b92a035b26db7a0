"""
The admin: look at jobs and workers; with a right of one's own for it, cancel and retry.

Nothing can be added, edited or deleted, whoever asks. `proletarian.view_…` is the right to
look; `proletarian.cancel_job` and `proletarian.retry_job` are the rights to act.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.utils.html import format_html, format_html_join

from proletarian.contrib.django import moves, running
from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob, Worker
from proletarian.outcomes import errors_in


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


class AnyJobAdmin(ReadOnly):
    """What the three tables of jobs show alike: errors as people read them."""

    list_filter: tuple[str, ...] = ("queue", "job_type")
    search_fields: tuple[str, ...] = ("job_type", "payload")
    exclude = ("errors",)
    readonly_fields = ("failures",)

    @admin.display(description="errors")  # type: ignore[untyped-decorator]
    def failures(self, job: Any) -> Any:
        """Each error so far: what was said, and where."""
        shown = (
            (error.get("at", ""), error.get("type", ""), error.get("message", ""), error.get("traceback", ""))
            for error in errors_in(job.errors)
        )
        text = format_html_join("", "<p>{} <b>{}</b>: {}</p><pre>{}</pre>", shown)
        return text or format_html("{}", self.get_empty_value_display())

    def moved(self, request: Any, jobs: list[Any], ids: set[Any], done: str, left: str) -> None:
        """Say what was done and what was not, on the page and in the admin's history."""
        for job in jobs:
            if job.pk in ids:
                self.log_change(request, job, done)
        if ids:
            self.message_user(request, f"{len(ids)} of {len(jobs)} jobs: {done}.", messages.SUCCESS)
        if len(ids) < len(jobs):
            self.message_user(request, f"{len(jobs) - len(ids)} of {len(jobs)} jobs: {left}.", messages.WARNING)


@admin.register(Job)
class JobAdmin(AnyJobAdmin):
    """Jobs that wait."""

    list_display = ("job_type", "queue", "priority", "process_at", "attempts", "job_id")
    actions = ("cancel",)

    def has_cancel_permission(self, request: Any) -> bool:
        """Whether this user may cancel."""
        allowed: bool = request.user.has_perm("proletarian.cancel_job")
        return allowed

    @admin.action(permissions=["cancel"], description="Cancel the selected jobs")  # type: ignore[untyped-decorator]
    def cancel(self, request: Any, queryset: Any) -> None:
        """Archive them as cancelled; they do not run."""
        jobs = list(queryset)
        ids = moves.cancel([job.pk for job in jobs], f"{request.user.get_username()} in the admin")
        for job_id in ids:
            running.cancelled(job_id)
        self.moved(request, jobs, ids, "cancelled", "taken by a worker before, not cancelled")


@admin.register(RunningJob)
class RunningJobAdmin(AnyJobAdmin):
    """Jobs that are being run."""

    list_display = ("job_type", "queue", "started_at", "progress", "attempts", "job_id")


@admin.register(ArchivedJob)
class ArchivedJobAdmin(AnyJobAdmin):
    """Jobs that have ended."""

    list_display = ("job_type", "queue", "status", "finished_at", "attempts", "worker", "job_id")
    list_filter = ("status", "queue", "job_type")
    search_fields = ("job_type", "payload", "errors")
    actions = ("retry",)

    def has_retry_permission(self, request: Any) -> bool:
        """Whether this user may have jobs run again."""
        allowed: bool = request.user.has_perm("proletarian.retry_job")
        return allowed

    @admin.action(  # type: ignore[untyped-decorator]
        permissions=["retry"], description="Run the selected jobs again (those that did not succeed)"
    )
    def retry(self, request: Any, queryset: Any) -> None:
        """Put them back to wait, due now."""
        jobs = list(queryset)
        ids = moves.retry(job.pk for job in jobs)
        self.moved(request, jobs, ids, "waiting to run again", "succeeded, or gone meanwhile, and left as they are")


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    """Workers."""

    list_display = ("host", "pid", "queues", "started_at", "seen_at")
