"""Tables that can be viewed in the admin, but not edited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import admin, messages
from django.db import connections
from django.utils.html import format_html, format_html_join

from proletarian.contrib.django import configuration
from proletarian.contrib.django.arguments import arguments_of
from proletarian.errors import FilterError
from proletarian.filters import JobFilter
from proletarian.kept_errors import errors_in

MOST_FOUND = 1000  # jobs found by a filter


class ReadOnly(admin.ModelAdmin):  # type: ignore[misc]
    """Lists, filters, searches and shows."""

    show_full_result_count = False  # counting an archive of millions takes long

    def has_add_permission(self, request: Any) -> bool:
        """No: jobs are enqueued."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """No: jobs are moved by workers."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """No: nothing is deleted here."""
        return False


class AnyJobAdmin(ReadOnly):
    """What all three tables of jobs show: arguments and errors, in a readable form."""

    list_filter: tuple[Any, ...] = ("queue", "job_type")
    search_fields: tuple[str, ...] = ("job_type", "payload")
    search_help_text = (
        "Words, or a filter as everywhere: queue:mail type:send_* error:Timeout payload.user_id:42 tag:vip since:1h"
    )
    states: tuple[str, ...]  # of the jobs in this table
    first: tuple[str, ...] = ("arguments", "failures")  # on a job's page; the columns follow
    exclude = ("errors",)

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Search with the filter language if the text is written in it; the page says what cannot be understood."""
        if ":" not in search_term:
            found: tuple[Any, bool] = super().get_search_results(request, queryset, search_term)
            return found
        try:
            which = JobFilter.parse(search_term)
        except FilterError as error:
            self.message_user(request, str(error), messages.ERROR)
            return queryset.none(), False
        wanted = self.states if which.state is None else tuple(state for state in which.state if state in self.states)
        if not wanted:
            said = f"Jobs of this page are {' or '.join(self.states)}: look for others on theirs."
            self.message_user(request, said, messages.WARNING)
            return queryset.none(), False
        connection = connections[configuration.alias()]
        page = configuration.queue().find_jobs(connection, replace(which, state=wanted), limit=MOST_FOUND)
        if page.next is not None:
            said = f"There may be more: the newest {len(page)} of those that were looked at are shown."
            self.message_user(request, said, messages.WARNING)
        return queryset.filter(pk__in=[record.job_id for record in page]), False

    def get_fields(self, request: Any, obj: Any = None) -> list[str]:
        """What people look for first, then the columns."""
        columns = [field.name for field in self.model._meta.fields if field.name not in (*self.exclude, *self.first)]
        return [*self.first, *columns]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        """All fields."""
        return self.get_fields(request, obj)

    @admin.display(description="id", ordering="job_id")  # type: ignore[untyped-decorator]
    def shown_id(self, job: Any) -> Any:
        """The id on one line, so that it can be copied."""
        return format_html('<code style="white-space: nowrap">{}</code>', job.job_id)

    @admin.display(description="arguments")  # type: ignore[untyped-decorator]
    def arguments(self, job: Any) -> str:
        """As in a call."""
        return arguments_of(job.job_type, job.payload)

    @admin.display(description="errors")  # type: ignore[untyped-decorator]
    def failures(self, job: Any) -> Any:
        """Each error so far, the latest first: its message, and where it was raised."""
        shown = (
            (error.get("at", ""), error.get("type", ""), error.get("message", ""), error.get("traceback", ""))
            for error in reversed(errors_in(job.errors))
        )
        text = format_html_join("", "<p>{} <b>{}</b>: {}</p><pre>{}</pre>", shown)
        return text or format_html("{}", self.get_empty_value_display())
