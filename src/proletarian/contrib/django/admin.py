"""
The admin: look at jobs and workers; with a permission for each action, cancel, retry, pause.

Nobody can add, edit or delete anything. `proletarian.view_…` is the permission to look;
`proletarian.cancel_job`, `proletarian.retry_job` and `proletarian.pause_queue` are the permissions to act.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db import connections, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from proletarian.contrib.django import configuration, running
from proletarian.contrib.django.acting import Acting, cancelled, done_to
from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob, Worker
from proletarian.contrib.django.shown import ReadOnly
from proletarian.filters import JobFilter


@admin.register(Job)
class JobAdmin(Acting):
    """Jobs that wait."""

    list_display = ("job_type", "arguments", "state", "queue", "priority", "process_at", "attempts", "shown_id")
    list_filter = ("queue", "job_type", "process_at", "enqueued_at")
    states = ("scheduled", "waiting", "held")
    first = ("state", "why", "arguments", "failures")
    act, button, question = "cancel", "Cancel", "Cancel {} jobs?"
    done, left = "cancelled", "had already been taken by a worker, not cancelled"

    def get_actions(self, request: Any) -> dict[str, Any]:
        """Two more actions, for users who may pause queues."""
        actions = super().get_actions(request)
        if request.user.has_perm("proletarian.pause_queue"):
            actions["pause"] = (JobAdmin.pause, "pause", "Pause the queues of these jobs")
            actions["resume"] = (JobAdmin.resume, "resume", "Resume the queues of these jobs")
        return actions

    def pause(self, request: Any, queryset: Any) -> None:
        """Stop workers from claiming from the queues of these jobs, until somebody resumes them."""
        by = f"{request.user.get_username()} in the admin"
        names = self._on_queues(queryset, lambda connection, name: configuration.queue().pause(connection, name, by=by))
        self.message_user(request, f"Paused: {', '.join(names)}. Running jobs will finish.", messages.SUCCESS)

    def resume(self, request: Any, queryset: Any) -> None:
        """Let workers claim from them again."""
        names = self._on_queues(queryset, configuration.queue().resume)
        self.message_user(request, f"Resumed: {', '.join(names)}.", messages.SUCCESS)

    def _on_queues(self, queryset: Any, act: Callable[[Any, str], Any]) -> list[str]:
        alias = configuration.alias()
        names = sorted(set(queryset.order_by().values_list("queue", flat=True)))
        with transaction.atomic(using=alias):
            for name in names:
                act(connections[alias], name)
        return names

    @admin.display(description="why it does not run")  # type: ignore[untyped-decorator]
    def why(self, job: Any) -> str:
        """In a sentence: it is not due, its queue is paused, nobody serves its queue, or other jobs are ahead."""
        found = configuration.queue().find_job(connections[configuration.alias()], job.pk)
        return str(found.why) if found is not None and found.why is not None else self.get_empty_value_display()

    @admin.display(description="state")  # type: ignore[untyped-decorator]
    def state(self, job: Any) -> str:
        """Why it waits."""
        if job.process_at <= timezone.now():
            return "due"
        return "to be retried" if job.errors else "for later"

    def move(self, request: Any, job_ids: list[UUID]) -> set[UUID]:
        """Archive them as cancelled; they do not run."""
        ids = done_to(job_ids, lambda connection, job_id: cancelled(connection, job_id, request).waiting)
        for job_id in ids:
            running.cancelled(job_id)
        return ids


@admin.register(RunningJob)
class RunningJobAdmin(Acting):
    """Jobs that are being run."""

    list_display = ("job_type", "arguments", "queue", "started_at", "progress", "attempts", "worker", "shown_id")
    list_filter = ("queue", "job_type", "started_at")
    states = ("running",)
    first = ("worker", "arguments", "failures")
    act, button, question = "cancel", "Cancel", "Ask {} jobs to end?"
    done, left = "asked to end", "had already ended, or not asked"

    def move(self, request: Any, job_ids: list[UUID]) -> set[UUID]:
        """Ask their workers to stop them; the page of each in the archive says what became of it."""
        return done_to(job_ids, lambda connection, job_id: cancelled(connection, job_id, request).asked)

    def get_queryset(self, request: Any) -> Any:
        """With the host and process id of its worker, in the same query."""
        worker = Worker.objects.filter(pk=OuterRef("worker_id"))
        known = {f"worker_{name}": Subquery(worker.values(name)[:1]) for name in ("host", "pid")}
        return super().get_queryset(request).annotate(**known)

    @admin.display(description="worker")  # type: ignore[untyped-decorator]
    def worker(self, job: Any) -> str:
        """Where it runs."""
        return f"{job.worker_host}:{job.worker_pid}" if job.worker_host else str(job.worker_id)


@admin.register(ArchivedJob)
class ArchivedJobAdmin(Acting):
    """Jobs that have ended."""

    list_display = ("job_type", "arguments", "status", "queue", "finished_at", "attempts", "worker", "shown_id")
    list_filter = ("status", "queue", "job_type", "finished_at")
    search_fields = ("job_type", "payload", "errors")
    states = ("succeeded", "failed", "cancelled")
    first = ("status", "failures", "result", "arguments")
    act, button, question = "retry", "Run again", "Run {} jobs again (those that did not succeed)?"
    done, left = "waiting to run again", "had succeeded, or are gone, and were left as they are"

    def can_be(self, job: Any) -> bool:
        """Jobs that have succeeded do not run again."""
        return bool(job.status != "success")

    def move(self, request: Any, job_ids: list[UUID]) -> set[UUID]:
        """Make them wait again, due now."""
        retry = configuration.queue().retry
        return done_to(job_ids, lambda connection, job_id: retry(connection, JobFilter(job_id=job_id)))


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    """Workers."""

    list_display = ("host", "pid", "queues", "started_at", "seen_at")
