"""The event loop that runs `async def` handlers, in a thread of its own; it also keeps time limits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from proletarian.worker.lane import Lane
from proletarian.worker.run import Run, Runner

T = TypeVar("T")


class Loop:
    """One event loop for all coroutines of a worker; it starts when it is first needed."""

    def __init__(self, runner: Runner, ended: Callable[[Run, Any], None]) -> None:
        self._runner = runner
        self._ended = ended
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._tasks: dict[asyncio.Task[None], Run] = {}
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

    @staticmethod
    def _turn(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            while True:
                try:
                    loop.run_forever()
                except (SystemExit, KeyboardInterrupt):
                    continue  # raised in a task that some handler started: asyncio lets these out, the others go on
                break
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    def poke(self, lane: Lane) -> None:
        """There are coroutines to start in this lane, or a slot to start one in."""
        self._running().call_soon_threadsafe(self._start, lane)

    def _start(self, lane: Lane) -> None:
        while run := lane.take_coroutine():
            task = asyncio.get_running_loop().create_task(self._run(lane, run))
            self._tasks[task] = run
            task.add_done_callback(self._tasks.pop)

    async def _run(self, lane: Lane, run: Run) -> None:
        outcome = await self._runner.aexecute(run)
        more = lane.leave(run)
        self._ended(run, outcome)
        if more:
            self._start(lane)  # we are the loop: to be poked would be a detour by a system call

    def cancel(self, runs: set[Run]) -> None:
        """Cancel the coroutines of these runs."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel, runs)

    def _cancel(self, runs: set[Run]) -> None:
        for task, run in list(self._tasks.items()):
            if run in runs:
                task.cancel()

    def limit(self, run: Run, seconds: float) -> None:
        """Tell a plain handler when it is over its time limit; a handler that has ended hears nothing."""
        self._running().call_soon_threadsafe(self._limit, run, seconds)

    def _limit(self, run: Run, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._overdue, run)

    def _overdue(self, run: Run) -> None:
        if not run.is_over:
            self._runner.overdue(run)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end from another thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running()).result()

    def close(self) -> None:
        """Stop the loop; coroutines that are still running are left behind."""
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(timeout=1)
