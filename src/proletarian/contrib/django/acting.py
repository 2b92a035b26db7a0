"""Tables of jobs in the admin on which users with the permission can act."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html

from proletarian.contrib.django import configuration
from proletarian.contrib.django.shown import AnyJobAdmin
from proletarian.control.steering import Cancelled

SHOWN = 10  # jobs that a confirmation names


class Acting(AnyJobAdmin):
    """A table of jobs with an action: on those selected, or by a button on the page of one."""

    act: str  # the action, and its permission: proletarian.<act>_job
    button: str
    question: str  # about {} jobs, before more than one is changed
    done: str
    left: str
    move: ClassVar[Callable[[Any, Any, list[UUID]], set[UUID]]]  # does it; returns the ids of the changed jobs

    def is_allowed(self, request: Any) -> bool:
        """Whether this user may do it."""
        allowed: bool = request.user.has_perm(f"proletarian.{self.act}_job")
        return allowed

    def get_actions(self, request: Any) -> dict[str, Any]:
        """The only action, for users who may do it."""
        return {self.act: (type(self).do, self.act, self.button)} if self.is_allowed(request) else {}

    def do(self, request: Any, queryset: Any) -> Any:
        """The action, after a confirmation if it is about more than one job."""
        jobs = list(queryset)
        if len(jobs) > 1 and "confirmed" not in request.POST:
            across = request.POST.get("select_across") == "1"  # all pages: selected again by the page's filter
            context = {
                **self.admin_site.each_context(request),
                "title": self.question.format(len(jobs)),
                "opts": self.opts,
                "media": self.media,
                "action": self.act,
                "button": self.button,
                "across": across,
                "jobs": jobs[:1] if across else jobs,
                "shown": jobs[:SHOWN],
                "others": max(0, len(jobs) - SHOWN),
            }
            return TemplateResponse(request, "proletarian/confirm.html", context)
        self.carry_out(request, jobs)
        return None

    def carry_out(self, request: Any, jobs: list[Any]) -> None:
        """Do it, and say what was done and what was not, on the page and in the admin's history."""
        ids = self.move(request, [job.pk for job in jobs])
        for job in jobs:
            if job.pk in ids:
                self.log_change(request, job, self.done)
        if ids:
            self.message_user(request, f"{len(ids)} of {len(jobs)} jobs: {self.done}.", messages.SUCCESS)
        if len(ids) < len(jobs):
            self.message_user(request, f"{len(jobs) - len(ids)} of {len(jobs)} jobs: {self.left}.", messages.WARNING)

    # The button on the page of one job: the page is a read-only form, with a token against forgery.

    def get_fields(self, request: Any, obj: Any = None) -> list[str]:
        """The button comes first, for users who may do it."""
        fields = super().get_fields(request, obj)
        return ["do_it", *fields] if obj is not None and self.can_be(obj) and self.is_allowed(request) else fields

    def can_be(self, job: Any) -> bool:
        """Whether there is anything to do with this job."""
        return True

    @admin.display(description="")  # type: ignore[untyped-decorator]
    def do_it(self, job: Any) -> Any:
        """The button."""
        return format_html('<button class="button" formaction="../{}/">{}</button>', self.act, self.button)

    def get_urls(self) -> list[Any]:
        """The usual ones, and the one that the button leads to."""
        view = self.admin_site.admin_view(self.one)
        return [path(f"<path:object_id>/{self.act}/", view, name=f"proletarian_{self.act}"), *super().get_urls()]

    def one(self, request: Any, object_id: str) -> HttpResponse:
        """Do it to one job, if the button asked for it and the user may."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = self.get_object(request, object_id)
        if not (self.is_allowed(request) and self.has_view_permission(request, job)):
            raise PermissionDenied
        if job is None:
            self.message_user(request, f"Job {object_id} is no longer here.", messages.WARNING)
        else:
            self.carry_out(request, [job])
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))


def done_to(job_ids: Iterable[UUID], act: Callable[[Any, UUID], int]) -> set[UUID]:
    """Act on jobs one by one, in one transaction; returns the ids of those that were changed."""
    alias = configuration.alias()
    with transaction.atomic(using=alias):
        # Always in the same order, so that two users who act on them cannot deadlock.
        return {job_id for job_id in sorted(job_ids) if act(connections[alias], job_id)}


def cancelled(connection: Any, job_id: UUID, request: Any) -> Cancelled:
    """Cancel a job, or ask it to end, in the name of the user."""
    return configuration.queue().cancel(connection, job_id, by=f"{request.user.get_username()} in the admin")
