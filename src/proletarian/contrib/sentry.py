"""
Failed jobs as issues in Sentry, and check-ins for schedules.

    import sentry_sdk
    from proletarian.contrib.sentry import ProletarianIntegration

    sentry_sdk.init(dsn, integrations=[ProletarianIntegration()])

One line in the module of the tasks is enough for every worker that imports it, and for its child processes. A job that
will be retried is not an issue yet; when it fails for good it is, with what its handler left in the scope.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from contextvars import ContextVar
from functools import wraps
from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid5

import sentry_sdk
from sentry_sdk.crons import capture_checkin
from sentry_sdk.integrations import Integration
from sentry_sdk.scope import Scope, add_global_event_processor
from sentry_sdk.utils import capture_internal_exceptions, event_from_exception

from proletarian.errors import ConfigurationError
from proletarian.outcomes import Outcome
from proletarian.worker.ends import Ends
from proletarian.worker.hands.performer import Elsewhere, SaidEnds
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner

FRAMES = "_sentry_exception"  # on an error that comes from a child process: what Sentry saw of it there
_scoped: ContextVar[bool] = ContextVar("proletarian_sentry_scoped", default=False)


class ProletarianIntegration(Integration):  # type: ignore[misc, unused-ignore]
    """
    Report the jobs that failed, each once, with tags to find them by.

    `report` says when: `"final"` when a job has failed for good, `"every"` after each run that fails, whether it will
    be retried or not. An issue has the tags `proletarian.queue`, `proletarian.job` (the type), `proletarian.job_id` and
    `proletarian.attempt`, and never the payload. Each run has its own isolation scope, for tags and breadcrumbs.
    Sentry's logging integration still sees every other line; the line of a job that was given up is already this issue.

    `monitor_schedules` sends check-ins for the jobs of schedules: True for all, or their names. The first check-in
    creates the monitor, from the schedule's cron expression and zone or its interval; its slug is the schedule's name.

    Raises `ConfigurationError` for any other `report`.

    >>> ProletarianIntegration(monitor_schedules=["monthly report"]).monitors("monthly report")
    True
    """

    identifier = "proletarian"

    def __init__(
        self,
        *,
        report: Literal["final", "every"] = "final",
        monitor_schedules: bool | Collection[str] = False,
    ) -> None:
        if report not in ("final", "every"):
            raise ConfigurationError(f"report is 'final' or 'every', not {report!r}")
        self.report = report
        self._monitored = [monitor_schedules] if isinstance(monitor_schedules, str) else monitor_schedules

    def monitors(self, schedule: str) -> bool:
        """Whether it sends check-ins for this schedule."""
        return self._monitored if isinstance(self._monitored, bool) else schedule in self._monitored

    @staticmethod
    def setup_once() -> None:
        """Hook into how runs begin and end; Sentry calls it once a process."""
        add_global_event_processor(once)
        after(Runner, "begun", begun)
        after(Runner, "tell", told)
        for method in ("well", "after"):
            after(Ends, method, ended)
        for method in ("failed", "failed_for_good"):
            after(Ends, method, failed)
        after(SaidEnds, "after", raised_elsewhere)


Heard = Callable[..., None]  # called with the integration, what the method returned, and what it was called with


def after(owner: type, method: str, heard: Heard) -> None:
    """
    Tell `heard` about each call of a method once it has returned; errors in `heard` never affect a job.

    The method is wrapped, as Sentry's own integrations do it, so a worker without Sentry does not even have to check
    whether anybody listens.
    """
    original = getattr(owner, method)

    @wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        integration = sentry_sdk.get_client().get_integration(ProletarianIntegration)
        if integration is not None:
            with capture_internal_exceptions():
                heard(integration, result, self, *args, **kwargs)
        return result

    setattr(owner, method, call)


def once(event: Any, hint: Any) -> Any:
    """Drop the log line of a job that was given up: what its handler raised is reported instead."""
    record = (hint or {}).get("log_record")
    is_told = getattr(record, "event", None) == "job.given_up"
    return None if is_told and sentry_sdk.get_client().get_integration(ProletarianIntegration) else event


def begun(integration: ProletarianIntegration, result: None, runner: Runner, run: Run) -> None:
    """A handler is about to be called, in its run's own context; runs in an executor share one."""
    if not _scoped.get():
        _scoped.set(True)
        Scope.set_current_scope(Scope.get_current_scope().fork())
        scope = Scope.get_isolation_scope().fork()
        scope.clear_breadcrumbs()
        scope.generate_propagation_context(dict(run.headers()))
        Scope.set_isolation_scope(scope)
        describe(scope, run)
    if not isinstance(runner, Elsewhere):
        check_in(integration, runner, run, "in_progress")


def ended(
    integration: ProletarianIntegration, outcome: Outcome, ends: Ends, run: Run, *args: Any, **kwargs: Any
) -> None:
    """A run succeeded, or was called off."""
    if outcome.event in ("job.succeeded", "job.cancelled"):
        check_in(integration, ends, run, "ok" if outcome.event == "job.succeeded" else "error")


def failed(
    integration: ProletarianIntegration, outcome: Outcome, ends: Ends, run: Run, error: BaseException, **kwargs: Any
) -> None:
    """A run has failed, and it is decided what becomes of its job; still in the run's own context."""
    is_final = outcome.event == "job.given_up"
    if is_final or integration.report == "every":
        report(run, outcome.error or error)
    if is_final:
        check_in(integration, ends, run, "error")


def told(
    integration: ProletarianIntegration, result: None, runner: Runner, run: Run, outcome: Outcome, **more: Any
) -> None:
    """A job was given up because its workers died: no handler raised anything."""
    if "from" in more and outcome.event == "job.given_up" and outcome.error is not None:
        report(run, outcome.error)
        check_in(integration, runner, run, "error")


def raised_elsewhere(
    integration: ProletarianIntegration, outcome: Outcome, ends: Ends, run: Run, error: BaseException
) -> None:
    """In a child process: keep what can be seen of an error, so that its worker can report it."""
    event, _ = event_from_exception(error, client_options=sentry_sdk.get_client().options, mechanism=mechanism())
    with suppress(AttributeError):
        setattr(error, FRAMES, event["exception"])


def report(run: Run, error: BaseException) -> None:
    """Send it."""
    event, hint = event_from_exception(error, client_options=sentry_sdk.get_client().options, mechanism=mechanism())
    if (seen := getattr(error, FRAMES, None)) is not None:
        event["exception"] = seen
    with sentry_sdk.new_scope() as scope:
        describe(scope, run)
        sentry_sdk.capture_event(event, hint=hint)


def mechanism() -> dict[str, Any]:
    """How Sentry learned about it."""
    return {"type": ProletarianIntegration.identifier, "handled": False}


def describe(scope: Scope, run: Run) -> None:
    """Describe the job in a scope."""
    known, row = run.known(), run.row
    scope.set_tag("proletarian.queue", known["queue"])
    scope.set_tag("proletarian.job", known["job_type"])
    scope.set_tag("proletarian.job_id", str(known["job_id"]))
    scope.set_tag("proletarian.attempt", str(known["attempt"]))
    times = {"enqueued_at": str(row.enqueued_at), "process_at": str(row.process_at)}
    scope.set_context("proletarian-job", {**known, "job_id": str(known["job_id"]), "lost": row.lost, **times})
    scope.set_transaction_name(known["job_type"], source="task")


# Check-ins.


def check_in(integration: ProletarianIntegration, of: Runner | Ends, run: Run, status: str) -> None:
    """Send how the job of a schedule is doing, if that is wanted: all its attempts are one check-in."""
    name = run.headers().get("schedule") if run.row.headers else None
    if name is None or not integration.monitors(name):
        return
    capture_checkin(
        monitor_slug=slug(name),
        check_in_id=uuid5(NAMESPACE_OID, f"proletarian {name} {run.known()['job_id']}").hex,
        status=status,
        monitor_config=config(of.tasks.schedules.get(name)),
    )


def slug(name: str) -> str:
    """
    A schedule's name in the form that Sentry accepts.

    >>> slug("Monthly report (EU)")
    'monthly-report-eu'
    """
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:50]


def config(schedule: Any) -> Any:
    """The configuration of the monitor; None for a schedule that is not in the code, or ticks by the second."""
    if schedule is None:
        return None
    timing, when = schedule.timing, None
    if timing.cron is not None:
        when = {"type": "crontab", "value": timing.cron}
    elif timing.every.total_seconds() >= 60 and timing.every.total_seconds() % 60 == 0:
        when = {"type": "interval", "value": int(timing.every.total_seconds()) // 60, "unit": "minute"}
    return None if when is None else {"schedule": when, "timezone": timing.tz}
