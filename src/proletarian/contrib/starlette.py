"""
Proletarian in a FastAPI or Starlette application: checked tables before the first request, and a worker if you like.

    app = FastAPI(lifespan=jobs_lifespan("postgresql://…", tasks, worker=True))

Enqueueing needs nothing from here: `await task.aenqueue(session, …)` takes your own session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from proletarian.connections.database import Database
from proletarian.errors import DatabaseUnavailable, StopTimeout
from proletarian.migration import check_schema
from proletarian.migration import migrate as migrate_tables
from proletarian.tasks import Tasks
from proletarian.worker import Worker

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]

_logger = logging.getLogger("proletarian.worker")


def jobs_lifespan(
    database: Any, tasks: Tasks, /, *, migrate: bool = False, worker: bool = False, **options: Any
) -> Lifespan:
    """
    Make an application refuse to start without its tables, and optionally run jobs beside its requests.

    Returns what FastAPI and Starlette take as `lifespan`; within a lifespan of your own, call it as
    `async with jobs_lifespan(…)(app): yield`. `database` is a URL or an SQLAlchemy engine, as
    for a `Worker`.

    - `migrate` (False): bring the tables up to date at the start, instead of only checking them.
    - `worker` (False): run the jobs of `tasks` in this process, from the start of the application to
      its end. Coroutines run on the application's own event loop and may use what belongs to it;
      plain functions run in threads.
    - `options`: more options of the `Worker`, such as `queues={"mail": 2}`.

    Raises `ConfigurationError` here for invalid options, and at the start `SchemaOutOfDate`.
    A database that cannot be reached does not keep the application from starting, unless its tables are
    to be migrated: then `DatabaseUnavailable` is raised.

    >>> tasks = Tasks()
    >>> @tasks.task
    ... def send_welcome(account_id: int) -> None: ...
    >>> lifespan = jobs_lifespan("sqlite:///shop.db", tasks, worker=True, queues={"mail": 2})
    """
    embedded = Worker(database, tasks, **options)  # raises now if the options are invalid

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        if migrate:
            await asyncio.to_thread(migrate_tables, database, embedded.database.queue)
        if not worker:
            await asyncio.to_thread(look_at_tables, embedded.database)
            yield
            return
        await asyncio.to_thread(embedded.start, loop=asyncio.get_running_loop())
        try:
            yield
        finally:
            await asyncio.to_thread(stop, embedded)

    return lifespan


def look_at_tables(database: Database) -> None:
    """Raise `SchemaOutOfDate` if the tables do not fit; a database that is temporarily away is only logged."""
    try:
        connection = database.connect()
    except DatabaseUnavailable as error:
        if not database.is_transient(error):
            raise
        _logger.warning("%s; the application starts without checking its tables", error)
        return
    try:
        check_schema(connection, database)
    finally:
        connection.close()


def stop(worker: Worker) -> None:
    """Stop a worker; jobs that had to be given back run elsewhere, and that is not a failure of the application."""
    try:
        worker.stop()
    except StopTimeout as error:
        _logger.warning("%s", error)
