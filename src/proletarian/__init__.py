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

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from proletarian.drivers.driver import Driver
    from proletarian.drivers.registry import register_driver
    from proletarian.errors import (
        ConfigurationError,
        DatabaseUnavailable,
        LeaseLost,
        PayloadError,
        ProletarianError,
        SchemaOutOfDate,
        StopTimeout,
        UnknownConnection,
        UnknownJobType,
        WorkerLost,
        WrongCall,
    )
    from proletarian.ids import UUID4, UUID7, DatabaseGenerated
    from proletarian.job import Job, NewJob
    from proletarian.limits import Limits
    from proletarian.migration import migrate
    from proletarian.outcomes import Cancel, RetryAfter, Snooze
    from proletarian.queue import Queue, aenqueue, aenqueue_many, enqueue, enqueue_many
    from proletarian.retry import Retry
    from proletarian.serializers import JsonSerializer
    from proletarian.sql.tables import Tables
    from proletarian.tasks import Task, Tasks
    from proletarian.transit import TransitSerializer
    from proletarian.worker import Worker, process_next_job

# Each name is imported when it is first used: an application that only enqueues does not pay
# for the worker, and `import proletarian` for nothing.
_HOMES = {
    "drivers.driver": ("Driver",),
    "drivers.registry": ("register_driver",),
    "errors": (
        "ConfigurationError", "DatabaseUnavailable", "LeaseLost", "PayloadError", "ProletarianError",
        "SchemaOutOfDate", "StopTimeout", "UnknownConnection", "UnknownJobType", "WorkerLost", "WrongCall",
    ),
    "ids": ("UUID4", "UUID7", "DatabaseGenerated"),
    "job": ("Job", "NewJob"),
    "limits": ("Limits",),
    "migration": ("migrate",),
    "outcomes": ("Cancel", "RetryAfter", "Snooze"),
    "queue": ("Queue", "aenqueue", "aenqueue_many", "enqueue", "enqueue_many"),
    "retry": ("Retry",),
    "serializers": ("JsonSerializer",),
    "sql.tables": ("Tables",),
    "tasks": ("Task", "Tasks"),
    "transit": ("TransitSerializer",),
    "worker": ("Worker", "process_next_job"),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "UUID4",
    "UUID7",
    "Cancel",
    "ConfigurationError",
    "DatabaseGenerated",
    "DatabaseUnavailable",
    "Driver",
    "Job",
    "JsonSerializer",
    "LeaseLost",
    "Limits",
    "NewJob",
    "PayloadError",
    "ProletarianError",
    "Queue",
    "Retry",
    "RetryAfter",
    "SchemaOutOfDate",
    "Snooze",
    "StopTimeout",
    "Tables",
    "Task",
    "Tasks",
    "TransitSerializer",
    "UnknownConnection",
    "UnknownJobType",
    "Worker",
    "WorkerLost",
    "WrongCall",
    "__version__",
    "aenqueue",
    "aenqueue_many",
    "enqueue",
    "enqueue_many",
    "migrate",
    "process_next_job",
    "register_driver",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'proletarian' has no attribute {name!r}")
    value = getattr(import_module(f"proletarian.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
