"""
Durable background jobs on the database you already have.

    from proletarian import Tasks, Worker

    tasks = Tasks()

    @tasks.task(queue="mail")
    def send_welcome(account_id: int) -> None: ...

    send_welcome.enqueue(connection, account_id=42)       # in your open transaction
    Worker("postgresql://…", tasks).run()                 # elsewhere
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from proletarian.control.steering import Cancelled
    from proletarian.current import current_job
    from proletarian.default import (
        acancel,
        acount_jobs,
        adelete_jobs,
        adelete_schedule,
        aenqueue,
        aenqueue_many,
        afailure_groups,
        afind_job,
        afind_jobs,
        afind_schedules,
        alimits,
        alist_workers,
        apause,
        apause_schedule,
        apauses,
        aqueue_stats,
        areschedule,
        areset_limit,
        aresume,
        aresume_schedule,
        aretry,
        arun_schedule,
        aset_limit,
        aset_schedule,
        athroughput,
        await_for,
        cancel,
        count_jobs,
        delete_jobs,
        delete_schedule,
        enqueue,
        enqueue_many,
        failure_groups,
        find_job,
        find_jobs,
        find_schedules,
        limits,
        list_workers,
        pause,
        pause_schedule,
        pauses,
        queue_stats,
        reschedule,
        reset_limit,
        resume,
        resume_schedule,
        retry,
        run_schedule,
        set_limit,
        set_schedule,
        throughput,
        wait_for,
    )
    from proletarian.drivers.driver import Driver
    from proletarian.drivers.registry import register_driver
    from proletarian.errors import (
        AlreadyEnqueued,
        ConfigurationError,
        DatabaseUnavailable,
        FilterError,
        JobCancelled,
        JobFailed,
        JobIdTaken,
        LeaseLost,
        PayloadError,
        ProcessDied,
        ProletarianError,
        SchemaOutOfDate,
        StepNotKept,
        StopTimeout,
        UnknownConnection,
        UnknownJobType,
        UnknownSchedule,
        WorkerLost,
        WrongCall,
        WrongState,
    )
    from proletarian.filters import JobFilter
    from proletarian.flow import Flow, Member
    from proletarian.ids import UUID4, UUID7, DatabaseGenerated
    from proletarian.job import Job, NewJob
    from proletarian.limit import Limit
    from proletarian.looking.records import Count, JobRecord, Page, StepRecord, Why
    from proletarian.looking.surveys import FailureGroup, Minute, QueueStats, WorkerRecord
    from proletarian.migration import migrate
    from proletarian.outcomes import Cancel, RetryAfter, Snooze
    from proletarian.queue import Queue
    from proletarian.retention import Keep
    from proletarian.retries import Retry
    from proletarian.schedule import Schedule, ScheduleRecord
    from proletarian.serializers import JsonSerializer
    from proletarian.sizes import Sizes
    from proletarian.sql.limiting import LimitRecord
    from proletarian.sql.pausing import Pause
    from proletarian.sql.tables import Tables
    from proletarian.task import Task
    from proletarian.tasks import Tasks
    from proletarian.transit import TransitSerializer
    from proletarian.unique import Unique
    from proletarian.worker import Worker, process_next_job
    from proletarian.worker.hands.executor import Executor
    from proletarian.worker.hands.processes import Processes

# Each name is imported when it is first used: an application that only enqueues does not pay for the worker, and a
# bare `import proletarian` pays for nothing.
_HOMES = {
    "control.steering": ("Cancelled",),
    "current": ("current_job",),
    "default": (
        "acancel", "acount_jobs", "adelete_jobs", "adelete_schedule", "aenqueue", "aenqueue_many", "afailure_groups",
        "afind_job", "afind_jobs", "afind_schedules", "alimits", "alist_workers", "apause", "apause_schedule",
        "apauses", "aqueue_stats", "areschedule", "areset_limit", "aresume", "aresume_schedule", "aretry",
        "arun_schedule", "aset_limit", "aset_schedule", "athroughput", "await_for", "cancel", "count_jobs",
        "delete_jobs", "delete_schedule", "enqueue", "enqueue_many", "failure_groups", "find_job", "find_jobs",
        "find_schedules", "limits", "list_workers", "pause", "pause_schedule", "pauses", "queue_stats", "reschedule",
        "reset_limit", "resume", "resume_schedule", "retry", "run_schedule", "set_limit", "set_schedule", "throughput",
        "wait_for",
    ),
    "drivers.driver": ("Driver",),
    "drivers.registry": ("register_driver",),
    "errors": (
        "AlreadyEnqueued", "ConfigurationError", "DatabaseUnavailable", "FilterError", "JobCancelled", "JobFailed",
        "JobIdTaken", "LeaseLost", "PayloadError", "ProcessDied", "ProletarianError", "SchemaOutOfDate", "StepNotKept",
        "StopTimeout",
        "UnknownConnection", "UnknownJobType", "UnknownSchedule", "WorkerLost", "WrongCall", "WrongState",
    ),
    "filters": ("JobFilter",),
    "flow": ("Flow", "Member"),
    "ids": ("UUID4", "UUID7", "DatabaseGenerated"),
    "job": ("Job", "NewJob"),
    "limit": ("Limit",),
    "looking.records": ("Count", "JobRecord", "Page", "StepRecord", "Why"),
    "looking.surveys": ("FailureGroup", "Minute", "QueueStats", "WorkerRecord"),
    "migration": ("migrate",),
    "outcomes": ("Cancel", "RetryAfter", "Snooze"),
    "queue": ("Queue",),
    "retention": ("Keep",),
    "retries": ("Retry",),
    "schedule": ("Schedule", "ScheduleRecord"),
    "serializers": ("JsonSerializer",),
    "sizes": ("Sizes",),
    "sql.limiting": ("LimitRecord",),
    "sql.pausing": ("Pause",),
    "sql.tables": ("Tables",),
    "task": ("Task",),
    "tasks": ("Tasks",),
    "transit": ("TransitSerializer",),
    "unique": ("Unique",),
    "worker": ("Worker", "process_next_job"),
    "worker.hands.executor": ("Executor",),
    "worker.hands.processes": ("Processes",),
}  # fmt: skip


def _on_first_use(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`: `homes` maps modules below it to the names that they define."""
    home_of = {name: home for home, names in homes.items() for name in names}

    def find(name: str) -> Any:
        home = home_of.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def known() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return find, known


__getattr__, __dir__ = _on_first_use(__name__, _HOMES)

__all__ = [
    "UUID4",
    "UUID7",
    "AlreadyEnqueued",
    "Cancel",
    "Cancelled",
    "ConfigurationError",
    "Count",
    "DatabaseGenerated",
    "DatabaseUnavailable",
    "Driver",
    "Executor",
    "FailureGroup",
    "FilterError",
    "Flow",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobFilter",
    "JobIdTaken",
    "JobRecord",
    "JsonSerializer",
    "Keep",
    "LeaseLost",
    "Limit",
    "LimitRecord",
    "Member",
    "Minute",
    "NewJob",
    "Page",
    "Pause",
    "PayloadError",
    "ProcessDied",
    "Processes",
    "ProletarianError",
    "Queue",
    "QueueStats",
    "Retry",
    "RetryAfter",
    "Schedule",
    "ScheduleRecord",
    "SchemaOutOfDate",
    "Sizes",
    "Snooze",
    "StepNotKept",
    "StepRecord",
    "StopTimeout",
    "Tables",
    "Task",
    "Tasks",
    "TransitSerializer",
    "Unique",
    "UnknownConnection",
    "UnknownJobType",
    "UnknownSchedule",
    "Why",
    "Worker",
    "WorkerLost",
    "WorkerRecord",
    "WrongCall",
    "WrongState",
    "__version__",
    "acancel",
    "acount_jobs",
    "adelete_jobs",
    "adelete_schedule",
    "aenqueue",
    "aenqueue_many",
    "afailure_groups",
    "afind_job",
    "afind_jobs",
    "afind_schedules",
    "alimits",
    "alist_workers",
    "apause",
    "apause_schedule",
    "apauses",
    "aqueue_stats",
    "areschedule",
    "areset_limit",
    "aresume",
    "aresume_schedule",
    "aretry",
    "arun_schedule",
    "aset_limit",
    "aset_schedule",
    "athroughput",
    "await_for",
    "cancel",
    "count_jobs",
    "current_job",
    "delete_jobs",
    "delete_schedule",
    "enqueue",
    "enqueue_many",
    "failure_groups",
    "find_job",
    "find_jobs",
    "find_schedules",
    "limits",
    "list_workers",
    "migrate",
    "pause",
    "pause_schedule",
    "pauses",
    "process_next_job",
    "queue_stats",
    "register_driver",
    "reschedule",
    "reset_limit",
    "resume",
    "resume_schedule",
    "retry",
    "run_schedule",
    "set_limit",
    "set_schedule",
    "throughput",
    "wait_for",
]
