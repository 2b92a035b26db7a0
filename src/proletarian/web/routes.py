"""Which address is which page, which form is which action and what access it needs, and what is available as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proletarian.web import api
from proletarian.web.access import Access
from proletarian.web.asking import Ask, Done, Shown
from proletarian.web.pages import (
    audit,
    bulk,
    failures,
    job,
    jobs,
    limits,
    overview,
    queues,
    schedule,
    schedules,
    system,
    workers,
)

Act = Callable[[Ask], Done | Shown]

PAGES: Mapping[str, Callable[[Ask], Shown]] = {
    "/": overview.page,
    "/jobs": jobs.page,
    "/job": job.page,
    "/bulk": bulk.preview,
    "/failures": failures.page,
    "/queues": queues.page,
    "/schedules": schedules.page,
    "/schedules/change": schedule.page,
    "/limits": limits.page,
    "/workers": workers.page,
    "/system": system.page,
    "/audit": audit.page,
}

ACTIONS: Mapping[str, tuple[Access, Act]] = {
    "/job/cancel": (Access.operate, job.act("cancel")),
    "/job/retry": (Access.operate, job.act("retry")),
    "/job/run": (Access.operate, job.act("run")),
    "/job/reveal": (Access.operate, job.reveal),
    "/job/delete": (Access.admin, job.act("delete")),
    "/bulk/cancel": (Access.operate, bulk.act("cancel")),
    "/bulk/retry": (Access.operate, bulk.act("retry")),
    "/bulk/run": (Access.operate, bulk.act("run")),
    "/bulk/delete": (Access.admin, bulk.act("delete")),
    "/queues/pause": (Access.operate, queues.pause),
    "/queues/resume": (Access.operate, queues.resume),
    "/schedules/pause": (Access.operate, schedules.pause),
    "/schedules/resume": (Access.operate, schedules.resume),
    "/schedules/run": (Access.operate, schedules.run),
    "/schedules/change": (Access.operate, schedule.change),
    "/limits/set": (Access.operate, limits.change),
    "/limits/lift": (Access.operate, limits.lift),
}

API: Mapping[str, Callable[[Ask], bytes]] = {
    "/api/v1/jobs": api.jobs,
    "/api/v1/job": api.job,
    "/api/v1/queues": api.queues,
    "/api/v1/workers": api.workers,
    "/api/v1/failures": api.failures,
    "/api/v1/schedules": api.schedules,
    "/api/v1/limits": api.limits,
    "/api/v1/throughput": api.throughput,
    "/api/v1/audit": api.audit,
}
