"""
Control schedules on any connection that an enqueue takes: create, pause, resume, run, delete and find them.

What they run is imported with the first call: a web process that only enqueues does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proletarian.drivers.door import awaiting, blocking
from proletarian.job import NewJob
from proletarian.shared import OfAQueue

if TYPE_CHECKING:
    from proletarian.schedule import Missed, ScheduleRecord
    from proletarian.times.durations import Duration


class Scheduling(OfAQueue):
    """Controls the schedules of one application, on your connection, in its open transaction; never commits."""

    app: str = ""

    def set_schedule(
        self, connection: Any, when: str | Duration, job: NewJob, *, name: str | None = None, tz: str | None = None,
        missed: Missed = "once", app: str | None = None,
    ) -> None:  # fmt: skip
        """
        Create a schedule at run time, or change the one with this name, in your transaction.

        Takes what `Tasks.schedule` takes; `app` is the application whose workers fire it, by default that of the
        `Tasks`. If its timing does not change, it goes on from where it was, and a pause stays. No release deletes it.
        Raises `ConfigurationError` for invalid values or a schedule that is declared in code; otherwise like `enqueue`.

        >>> import sqlite3
        >>> from proletarian import NewJob, find_schedules, set_schedule
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> set_schedule(connection, 3600, NewJob("report", {"tenant": 7}), name="report of 7")
        >>> [(found.name, found.payload) for found in find_schedules(connection)]
        [('report of 7', {'tenant': 7})]
        >>> connection.close()
        """
        from proletarian.control.timetable import put
        from proletarian.schedule import schedule

        made = schedule(when, job, name=name, tz=tz, missed=missed)
        door = blocking(connection, "aset_schedule")
        door.carry_out(put(self._shared(), door.database, self._app(app), made))

    async def aset_schedule(
        self, connection: Any, when: str | Duration, job: NewJob, *, name: str | None = None, tz: str | None = None,
        missed: Missed = "once", app: str | None = None,
    ) -> None:  # fmt: skip
        """Create or change a schedule on your async connection; otherwise like `set_schedule`."""
        from proletarian.control.timetable import put
        from proletarian.schedule import schedule

        made = schedule(when, job, name=name, tz=tz, missed=missed)
        door = awaiting(connection, "set_schedule")
        await door.acarry_out(put(self._shared(), door.database, self._app(app), made))

    def pause_schedule(self, connection: Any, name: str, *, app: str | None = None) -> None:
        """
        Stop firing a schedule until it is resumed, whatever is deployed in the meantime.

        Jobs that it has already enqueued are not touched. Raises `UnknownSchedule` if there is none with this name.
        """
        from proletarian.control.timetable import pause

        door = blocking(connection, "apause_schedule")
        door.carry_out(pause(self._shared(), door.database, self._app(app), name))

    async def apause_schedule(self, connection: Any, name: str, *, app: str | None = None) -> None:
        """Pause a schedule on your async connection; otherwise like `pause_schedule`."""
        from proletarian.control.timetable import pause

        door = awaiting(connection, "pause_schedule")
        await door.acarry_out(pause(self._shared(), door.database, self._app(app), name))

    def resume_schedule(self, connection: Any, name: str, *, app: str | None = None) -> None:
        """
        Resume a paused schedule, from its next tick: ticks that came during the pause are not made up for.

        Raises `UnknownSchedule` if there is none with this name.
        """
        from proletarian.control.timetable import resume

        door = blocking(connection, "aresume_schedule")
        door.carry_out(resume(self._shared(), door.database, self._app(app), name))

    async def aresume_schedule(self, connection: Any, name: str, *, app: str | None = None) -> None:
        """Resume a schedule on your async connection; otherwise like `resume_schedule`."""
        from proletarian.control.timetable import resume

        door = awaiting(connection, "resume_schedule")
        await door.acarry_out(resume(self._shared(), door.database, self._app(app), name))

    def run_schedule(self, connection: Any, name: str, *, app: str | None = None) -> Any:
        """
        Enqueue a schedule's job now, in addition to its ticks, paused or not; returns the job id.

        `job.tick` is the time of the call. Raises `UnknownSchedule` if there is none with this name.
        """
        from proletarian.control.timetable import run

        shared = self._shared()
        door = blocking(connection, "arun_schedule")
        return shared.job_ids.decode(door.carry_out(run(shared, door.database, self._app(app), name)))

    async def arun_schedule(self, connection: Any, name: str, *, app: str | None = None) -> Any:
        """Run a schedule on your async connection; otherwise like `run_schedule`."""
        from proletarian.control.timetable import run

        shared = self._shared()
        door = awaiting(connection, "run_schedule")
        return shared.job_ids.decode(await door.acarry_out(run(shared, door.database, self._app(app), name)))

    def delete_schedule(self, connection: Any, name: str, *, app: str | None = None) -> None:
        """
        Delete a schedule; jobs that it has already enqueued stay.

        One that a live release declares comes back within a minute: pause it, or remove it from the code.
        Raises `UnknownSchedule` if there is none with this name.
        """
        from proletarian.control.timetable import delete

        door = blocking(connection, "adelete_schedule")
        door.carry_out(delete(self._shared(), door.database, self._app(app), name))

    async def adelete_schedule(self, connection: Any, name: str, *, app: str | None = None) -> None:
        """Delete a schedule on your async connection; otherwise like `delete_schedule`."""
        from proletarian.control.timetable import delete

        door = awaiting(connection, "delete_schedule")
        await door.acarry_out(delete(self._shared(), door.database, self._app(app), name))

    def find_schedules(
        self, connection: Any, *, after: str = "", limit: int = 100, app: str | None = None
    ) -> list[ScheduleRecord]:
        """
        See the schedules of an application in the order of their names: up to `limit` (1 to 1000), after one of them.

        Secrets in payloads are hidden. Each can tell its next ticks: `record.next(5)`.
        """
        from proletarian.control.timetable import find

        door = blocking(connection, "afind_schedules")
        return door.carry_out(find(self._shared(), door.database, self._app(app), after=after, limit=limit))

    async def afind_schedules(
        self, connection: Any, *, after: str = "", limit: int = 100, app: str | None = None
    ) -> list[ScheduleRecord]:
        """See schedules on your async connection; otherwise like `find_schedules`."""
        from proletarian.control.timetable import find

        door = awaiting(connection, "find_schedules")
        return await door.acarry_out(find(self._shared(), door.database, self._app(app), after=after, limit=limit))

    def _app(self, app: str | None) -> str:
        return self.app if app is None else app
