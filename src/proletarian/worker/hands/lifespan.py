"""What all handlers of a process share: a context manager, entered before the first job and left at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextvars import Context, copy_context
from typing import Any

from proletarian.errors import ConfigurationError
from proletarian.worker.hands.loop import Loop
from proletarian.worker.runner import Runner


class Lived:
    """The lifespan of one process: what it yields is every job's `state`, and jobs inherit its context variables."""

    def __init__(self, runner: Runner, loop: Loop) -> None:
        self._runner = runner
        self._loop = loop
        self._entered = contextlib.ExitStack()

    def enter(self, lifespan: Any) -> None:
        """Enter it, if there is one; raises `ConfigurationError` if it is not a context manager."""
        if lifespan is None:
            return
        state: Mapping[str, Any] | None
        if hasattr(lifespan, "__aenter__"):
            state, self._runner.context = self._loop.call(_entered(lifespan))
            self._entered.callback(lambda: self._loop.call(lifespan.__aexit__(None, None, None)))
        elif hasattr(lifespan, "__enter__"):
            state = self._entered.enter_context(lifespan)
            self._runner.context = copy_context()
        else:
            raise ConfigurationError(f"lifespan(worker) returns a context manager, plain or async, not {lifespan!r}")
        self._runner.jobs.state = {} if state is None else state

    def leave(self) -> None:
        """Leave it."""
        self._entered.close()


async def _entered(lifespan: Any) -> tuple[Any, Context]:
    """What an async lifespan yields, and the context variables that it has set."""
    return await lifespan.__aenter__(), copy_context()
