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


def _on_first_use(
    package: str, homes: Mapping[str, Iterable[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`: `homes` says which module below it has which of its names."""
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
