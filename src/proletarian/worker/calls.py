"""
Steps of a plan that are no statements: calls of the user's code, between two statements.

Each call runs in a copy of the caller's context, as each run in a worker has its own: what it
sets in context variables is gone with it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context, copy_context
from dataclasses import dataclass
from types import coroutine
from typing import Any, TypeVar

from proletarian.errors import WrongCall
from proletarian.sql.statements import Plan

T = TypeVar("T")
Turns = Generator[Any, Any, T]  # a plan with calls in it


@dataclass(frozen=True, slots=True)
class Call:
    """Call this, and await what it returns if it is awaitable."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    is_async: bool = False  # known in advance; what it returns decides

    def here(self) -> Any:
        """Call it in this thread; if it returns an awaitable, await that in its own event loop."""
        if self.is_async:
            require_no_loop()
        context = copy_context()
        said = context.run(self.function, *self.arguments)
        if not inspect.isawaitable(said):
            return said
        require_no_loop()
        return context.run(asyncio.run, _awaited(said))

    async def in_this_loop(self) -> Any:
        """Call it in the running event loop, in the task that asks for it."""
        context = copy_context()
        said = context.run(self.function, *self.arguments)
        return await _within(context, said) if inspect.isawaitable(said) else said


class Pause(Call):
    """A call of `time.sleep`; in an event loop, one that lets others continue."""

    async def in_this_loop(self) -> Any:
        return await asyncio.sleep(*self.arguments)


def local(plan: Turns[T]) -> Plan[T]:
    """The same plan with its calls made in this thread: only statements remain."""
    try:
        step = next(plan)
        while True:
            try:
                said = step.here() if isinstance(step, Call) else (yield step)
            except BaseException as error:  # noqa: BLE001 (the plan decides)
                step = plan.throw(error)
            else:
                step = plan.send(said)
    except StopIteration as end:
        result: T = end.value
        return result


def require_no_loop() -> None:
    """Raise `WrongCall` inside a running event loop, because no other loop can run in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise WrongCall(
        "a handler returned something to await, but this is a blocking connection inside a running event loop: use"
        " `await adrain(…)` with an async connection, or call this from where no event loop runs"
    )


async def _awaited(said: Awaitable[T]) -> T:
    return await said


@coroutine
def _within(context: Context, said: Awaitable[T]) -> Generator[Any, Any, T]:
    """Await it, running each step in this context, without a separate task: sessions are often kept by task."""
    steps = said.__await__()
    step: Callable[..., Any] = steps.send  # what a coroutine awaits is a generator
    sent: Any = None
    while True:
        try:
            waited_for = context.run(step, sent)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            sent, step = (yield waited_for), steps.send
        except BaseException as error:  # noqa: BLE001 (a cancelled wait: it is told)
            sent, step = error, steps.throw
