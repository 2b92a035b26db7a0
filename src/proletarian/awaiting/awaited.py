"""
One wait for a job's end: through the lookout of this process, or by polling on the application's connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from proletarian.awaiting.lookout import Lookout, Waiter, pause, watched
from proletarian.drivers.door import awaiting, blocking
from proletarian.drivers.places import is_place
from proletarian.errors import ConfigurationError, JobCancelled, JobFailed, UnknownJobType
from proletarian.kept_errors import errors_in
from proletarian.looking.seeing import as_stored
from proletarian.payloads.returns import expected, restored
from proletarian.shared import Returning, Shared
from proletarian.sql.dialect import Dialect
from proletarian.sql.ends import End, Outlook, ends
from proletarian.sql.moving import places
from proletarian.sql.statements import Plan
from proletarian.times.durations import Duration, in_seconds, spelled

ANSWER = 2.0  # seconds for finding out where a job is if it did not end in time

Found = End | str | Exception | None  # how it ended, or where it is, or why neither is known


class Wait:
    """Which job is waited for, for how long, and what its end means."""

    def __init__(
        self,
        shared: Shared,
        job_id: Any,
        timeout: Duration | None,
        task: Returning | None,
        task_of: Callable[[str], Returning | None],
    ) -> None:
        self.seconds = None if timeout is None else in_seconds(timeout, "timeout", zero=False)
        self.shared = shared if task is None else task._shared()
        self.job_id = job_id
        self._task = task
        self._task_of = task_of
        if task is not None:
            _require_kept(task)

    def ended(self, where: Any) -> Any:
        """Wait in this thread; returns the result."""
        if not is_place(where):
            return self._meant(self._on(where))
        lookout, waiter = watched(where, self.shared, self.job_id)
        try:
            return self._meant(self._by(lookout, waiter))
        finally:
            lookout.forget(waiter)

    async def aended(self, where: Any) -> Any:
        """The same in a coroutine."""
        if not is_place(where):
            return self._meant(await self._aon(where))
        lookout, waiter = watched(where, self.shared, self.job_id)
        try:
            return self._meant(await self._aby(lookout, waiter))
        finally:
            lookout.forget(waiter)

    # By the lookout.

    def _by(self, lookout: Lookout, waiter: Waiter) -> Found:
        try:
            return waiter.end.result(self.seconds)
        except TimeoutError:
            lookout.ask_place(waiter)
        try:
            return waiter.place.result(ANSWER)
        except TimeoutError:
            return waiter.trouble
        except Exception as error:  # noqa: BLE001 (whatever it is: that the time is over comes first)
            return error

    async def _aby(self, lookout: Lookout, waiter: Waiter) -> Found:
        try:
            async with asyncio.timeout(self.seconds):
                return await asyncio.wrap_future(waiter.end)
        except TimeoutError:
            lookout.ask_place(waiter)
        try:
            async with asyncio.timeout(ANSWER):
                return await asyncio.wrap_future(waiter.place)
        except TimeoutError:
            return waiter.trouble
        except Exception as error:  # noqa: BLE001 (as above)
            return error

    # On the application's connection.

    def _on(self, connection: Any) -> Found:
        door = blocking(connection, "await_for")
        dialect = self.shared.dialect(door.database)
        stored_id, outlook = as_stored(self.shared, dialect, self.job_id), Outlook(dialect)
        since = time.monotonic()
        door.carry_out(outlook.open())
        try:
            while (end := door.carry_out(_look(dialect, outlook, stored_id))) is None:
                if (wait := self._next(time.monotonic() - since)) is None:
                    return door.carry_out(_place(dialect, stored_id))
                time.sleep(wait)
        finally:
            door.carry_out(outlook.let_go())
        return end

    async def _aon(self, connection: Any) -> Found:
        door = awaiting(connection, "wait_for")
        dialect = self.shared.dialect(door.database)
        stored_id, outlook = as_stored(self.shared, dialect, self.job_id), Outlook(dialect)
        since = time.monotonic()
        await door.acarry_out(outlook.open())
        try:
            while (end := await door.acarry_out(_look(dialect, outlook, stored_id))) is None:
                if (wait := self._next(time.monotonic() - since)) is None:
                    return await door.acarry_out(_place(dialect, stored_id))
                await asyncio.sleep(wait)
        finally:
            await door.acarry_out(outlook.let_go())
        return end

    def _next(self, waited: float) -> float | None:
        """Seconds until the next look; the last look is when the time is up, and after it this returns None."""
        if self.seconds is None:
            return pause(waited)
        return None if waited >= self.seconds else min(pause(waited), self.seconds - waited)

    # What it means.

    def _meant(self, found: Found) -> Any:
        if not isinstance(found, End):
            raise self._late(found)
        errors = errors_in(found.errors)
        if found.status == "cancelled":
            reason = str(errors[-1].get("message") or "") if errors else ""
            raise JobCancelled(self.job_id, found.job_type, reason)
        if found.status != "success":
            raise JobFailed(self.job_id, found.job_type, found.attempts, errors)
        task = self._task or self._task_of(found.job_type)
        if task is not None and found.job_type == task.name:
            _require_kept(task)
        elif self._task is not None:
            raise UnknownJobType(
                f"job {self.job_id} is of type {found.job_type!r}, but was waited for as one of {self._task.name!r}"
            )
        value = None if found.result is None else self.shared.serializer.decode(found.result)
        return value if task is None else restored(found.job_type, value, expected(task.returns))

    def _late(self, found: str | Exception | None) -> TimeoutError:
        late = f"job {self.job_id} did not end within {spelled(self.seconds or 0)}"
        if isinstance(found, Exception):
            error = TimeoutError(f"{late}, as far as is known: the database could not be asked ({found})")
            error.__cause__ = found
            return error
        where = {
            "waiting": "it is waiting: find_job(…).why says why; a job of an open transaction runs after the commit",
            "held": "it is waiting for other jobs",
            "running": "it is running, or its worker has just died",
            "archived": "it has just ended: wait for it again",
            None: "there is no job with this id: the transaction that enqueued it is not committed, or it was deleted",
        }
        return TimeoutError(f"{late}: {where.get(found, found)}")


def _look(dialect: Dialect, outlook: Outlook, stored_id: Any) -> Plan[End | None]:
    found = yield from ends(dialect, [stored_id])
    if not found:
        yield from outlook.check()
    return next(iter(found.values()), None)


def _place(dialect: Dialect, stored_id: Any) -> Plan[str | None]:
    found = yield from places(dialect, [stored_id])
    return next(iter(found.values()), None)


def _require_kept(task: Returning) -> None:
    """Raise rather than return None for a result that was returned but not kept."""
    if not task.keeps_result and expected(task.returns) not in (None, type(None), Any):
        raise ConfigurationError(
            f"task {task.name!r} returns {expected(task.returns)!r}, but its result is not kept: use "
            f"@tasks.task(keep_result=True), or wait without the task"
        )
