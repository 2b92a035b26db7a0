"""
The event loop that runs coroutine handlers, in a thread of its own or on the application's loop; it also enforces time
limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from proletarian.errors import WrongCall
from proletarian.outcomes import Outcome
from proletarian.worker.hands.slots import Slots
from proletarian.worker.held import Held
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner

T = TypeVar("T")

BITE = 500  # coroutines that are cancelled in one turn of the loop


class Loop:
    """
    A hand: one event loop for all coroutines of a worker, started when first needed.

    Or the loop is `given`, and runs in its owner's thread: then what an application keeps for its own coroutines (a
    connection pool, above all) also serves its handlers.
    """

    def __init__(self, runner: Runner, held: Held, given: asyncio.AbstractEventLoop | None = None) -> None:
        self._runner = runner
        self._held = held
        self._loop = given
        self._starting = threading.Lock()
        self._tasks: dict[asyncio.Task[Any], Run] = {}
        self._thread: threading.Thread | None = None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._turn, args=[self._loop], name="proletarian loop", daemon=True
                )
                self._thread.start()
            return self._loop

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            with contextlib.suppress(AttributeError):  # a loop written in C refuses this; it is restarted below
                loop.stop = refused_stop  # type: ignore[method-assign]
            while True:
                error: BaseException | None = None
                try:
                    loop.run_forever()
                except (SystemExit, KeyboardInterrupt) as raised:
                    error = raised  # raised in a task that some handler started; asyncio lets these escape
                if self._loop is not loop:
                    break
                self._runner.log("loop.interrupted", {"error": error})  # its coroutines continue
        finally:
            with contextlib.suppress(AttributeError):
                del loop.stop
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def refuse_its_own_thread(self) -> None:
        """Raise `WrongCall` if waiting for a coroutine would block the loop that has to run it."""
        with contextlib.suppress(RuntimeError):
            if asyncio.get_running_loop() is self._loop:
                raise WrongCall(
                    "start() and stop() wait for coroutines on this event loop, and must not block it: "
                    "await asyncio.to_thread(worker.start, loop=loop), await asyncio.to_thread(worker.stop)"
                )

    def poke(self, slots: Slots) -> None:
        """There are coroutines to start, or a slot to start one in."""
        self._running().call_soon_threadsafe(self._start, slots)

    def let_go(self) -> None:
        """Do nothing: the loop serves other slots too, and ends with `close`."""

    def _start(self, slots: Slots) -> None:
        while run := slots.take_coroutine():
            context = self._runner.context.copy()  # not the context of the job that made room for this one
            task = asyncio.get_running_loop().create_task(self._run(slots, run), context=context)
            self._tasks[task] = run
            task.add_done_callback(self._tasks.pop)
        slots.offer_plain()  # a thread may have left its slot to us, and we did not need it

    async def _run(self, slots: Slots, run: Run) -> None:
        outcome = self._runner.execute(run)
        if not isinstance(outcome, Outcome):
            outcome = await outcome
        self._held.end(run, outcome)
        slots.leave()
        if slots.coroutines:
            self._start(slots)  # we are on the loop: poking it would be a needless system call

    def finish(self, run: Run, outcome: Coroutine[Any, Any, Outcome]) -> Outcome:
        """The outcome of a plain handler that returned an awaitable; its thread waits, and keeps its slot."""
        return self.call(self._finished(run, outcome))

    async def _finished(self, run: Run, outcome: Coroutine[Any, Any, Outcome]) -> Outcome:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine runs in a task)
        self._tasks[task] = run  # for a stop to find and cancel it
        run.is_async = True
        try:
            return await outcome
        finally:
            del self._tasks[task]

    def cancel(self, runs: set[Run]) -> None:
        """Cancel the coroutines of these runs."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel, runs)

    def _cancel(self, runs: set[Run]) -> None:
        self._cancel_bite([task for task, run in self._tasks.items() if run in runs])

    def _cancel_bite(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Cancel some of them, so that these can end and be given back while the others are still being cancelled."""
        bite, rest = tasks[-BITE:], tasks[:-BITE]
        for task in bite:
            task.cancel()
        if rest:
            asyncio.get_running_loop().call_soon(self._cancel_bite, rest)

    def __len__(self) -> int:
        """How many coroutines have not ended."""
        return len(self._tasks)

    def limit(self, run: Run, seconds: float) -> None:
        """Tell a plain handler when it exceeds its time limit; a handler that has ended is told nothing."""
        self._running().call_soon_threadsafe(self._limit, run, seconds)

    def _limit(self, run: Run, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._overdue, run)

    def _overdue(self, run: Run) -> None:
        if run.ended_at is None:
            self._runner.overdue(run)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, called from another thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running()).result()

    def close(self) -> None:
        """Stop the loop, if it is our own; coroutines that are still running are abandoned."""
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(type(loop).stop, loop)
            self._thread.join(timeout=1)


def refused_stop() -> None:
    """What `loop.stop()` does in a worker's loop, because the other jobs in it must not stop."""
    raise RuntimeError("this event loop is the worker's, and other jobs run in it: a handler must not stop it")
