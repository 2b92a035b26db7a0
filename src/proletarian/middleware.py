"""
Middleware: functions of `(job, call_next)` that run around handlers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from proletarian.errors import ConfigurationError
from proletarian.job import Job
from proletarian.payloads.callables import is_coroutine_function
from proletarian.task import Task

Handler: TypeAlias = Callable[[Job], Any]
Middleware: TypeAlias = Callable[[Job, Callable[[Job], Any]], Any]


def wrapped(handler: Handler, task: Task[..., Any], middlewares: Sequence[Middleware]) -> Handler:
    """A handler of this task within middleware, the first outermost."""
    for middleware in reversed(middlewares):
        require_fit(middleware, task)
        handler = _around(middleware, handler)
    return handler


def require_fit(middleware: Middleware, task: Task[..., Any]) -> None:
    """Refuse a coroutine function around a plain handler: it would run on the event loop, and block it."""
    if is_coroutine_function(middleware) and not task.is_async:
        raise ConfigurationError(
            f"the middleware {middleware!r} is an async def and cannot run around the plain handler {task.name!r}: "
            f"make it a plain function that returns what call_next returns, or make the handler an async def"
        )


def _around(middleware: Middleware, call_next: Handler) -> Handler:
    """The next handler within a middleware, which must not swallow an awaitable."""

    def handle(job: Job) -> Any:
        begun: Any = None

        def begin(job: Job) -> Any:
            nonlocal begun
            begun = call_next(job)
            return begun

        result = middleware(job, begin)
        if begun is not None and inspect.isawaitable(begun) and not inspect.isawaitable(result):
            if inspect.iscoroutine(begun):
                begun.close()
            raise ConfigurationError(
                f"{job.job_type!r} returned a coroutine that was never run: the middleware {middleware!r} "
                f"returned {result!r} instead of what call_next(job) returned, or something to await"
            )
        return result

    return handle
