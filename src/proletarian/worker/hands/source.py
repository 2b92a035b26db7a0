"""
How a process that runs jobs for a worker finds their handlers: by names, which it imports.

Functions are not copied from one process to another. Only the names of modules and of their members are sent, as
`pickle` writes functions and classes; anything without such a name is refused before the worker starts.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from multiprocessing import process, spawn
from typing import Any, NamedTuple

import msgspec

from proletarian.errors import ConfigurationError
from proletarian.queue import Queue
from proletarian.task import Task
from proletarian.tasks import Lifespan, Tasks, modules_of

MAIN = "__main__"


class Loading(threading.local):
    """Whether this thread is importing a program to run its jobs; then the program must not start its own worker."""

    by_us = False


loading = Loading()


class Source(msgspec.Struct, frozen=True):
    """What to import, and how jobs are stored; contains only plain values."""

    modules: tuple[str, ...]  # the modules that define the tasks, in their order
    named: bytes  # the worker, its tasks, its queue and its lifespan, by name
    main: dict[str, str]  # the main program, if tasks are defined in it
    kind: str  # of the database
    worker: str  # the name of the worker, for people
    has_django: bool  # its settings have to be loaded before any module of the project

    def load(self) -> Found:
        """Import everything, in the other process."""
        loading.by_us = True
        try:
            if self.has_django:
                import_module("django").setup()
            if self.main:
                spawn.prepare(self.main)
            for module in self.modules:
                import_module(module)
        finally:
            loading.by_us = False
        make, url, tasks, options, lifespan = pickle.loads(self.named)  # noqa: S301 (of our own worker)
        return Found(make(url, tasks, **options), tasks, options["queue"], lifespan)


class Found(NamedTuple):
    """The same in the other process."""

    worker: Any  # a worker that was not started, for the lifespan to use
    tasks: Tasks
    queue: Queue
    lifespan: Lifespan | None


def source_of(
    made: tuple[Callable[..., Any], str, Tasks, dict[str, Any]],
    kind: str,
    lifespan: Lifespan | None,
    needed: Sequence[Task[..., Any]],
    *,
    is_far: bool,
) -> Source:
    """
    What another process needs to run jobs of these tasks; raises `ConfigurationError` if a name leads nowhere.

    `made` is how the worker is made: the callable, the database's address, the tasks, the options. `needed` are the
    tasks that are known to run there. `is_far`: the process may be on another machine.
    """
    if loading.by_us:
        raise ConfigurationError(
            "a worker was started while a child process imported the main program: start it under if __name__ == "
            '"__main__":, '
            "or define the tasks in a separate module"
        )
    for task in needed:
        require_name(task)
    modules, wanted = modules_of(made[2]), modules_of({task.name: task for task in needed})
    try:
        named = pickle.dumps((*made, lifespan))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            f"another process cannot import what it needs to run these jobs: {error}. Tasks, middleware, the "
            "lifespan and the parts of a Queue must have a name in a module"
        ) from error
    main: dict[str, str] = {}
    if MAIN in wanted or MAIN.encode() in named:
        main = main_program(is_far)
    elif MAIN in modules and not is_far:
        with contextlib.suppress(ConfigurationError):  # none of its tasks is known to run there
            main = main_program(is_far)
    found = tuple(module for module in modules if module != MAIN)
    django = sys.modules.get("django.apps")
    # The other process cannot read settings that were configured without a module.
    has_django = django is not None and django.apps.ready and "DJANGO_SETTINGS_MODULE" in os.environ
    return Source(found, named, main, kind, f"{socket.gethostname()}:{os.getpid()}", has_django)


def require_name(task: Task[..., Any]) -> None:
    """Refuse a function that cannot be imported by name."""
    name = str(getattr(task.function, "__qualname__", ""))
    if "<" in name:
        raise ConfigurationError(
            f"the task {task.name!r} is to run in another process, which must import it, but {name} is defined inside "
            "a function: define it at the top level of a module"
        )


def main_program(is_far: bool) -> dict[str, str]:
    """How another process can import the running program; raises `ConfigurationError` if it cannot."""
    main = sys.modules[MAIN]
    spec = getattr(main, "__spec__", None)
    path = getattr(main, "__file__", None)
    if is_far:
        path = spec = None  # another program runs there
    elif spec is not None and not spec.name.endswith(MAIN):
        return {"init_main_from_name": spec.name}
    if spec is None and path is not None and os.path.exists(path):
        folder = getattr(process, "ORIGINAL_DIR", None) or os.getcwd()
        return {"init_main_from_path": os.path.normpath(os.path.join(folder, path))}
    raise ConfigurationError(
        "tasks are to run in another process, which must import them, but they are defined in the main program "
        "(__main__), which it cannot import: define them in a module"
    )
