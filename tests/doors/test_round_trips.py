"""5,000 jobs go in with few round trips, whichever door they take: the server counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from proletarian import NewJob, aenqueue_many, enqueue_many, register_driver
from proletarian.drivers.registry import driver_of
from tests.conftest import DatabaseOf
from tests.doors.libraries import Door
from tests.doors.table import DOORS

MANY = 5_000
# PostgreSQL: the clock, the rows (COPY or arrays), the wake-up. Elsewhere: a thousand a statement.
AT_MOST = {"postgresql": 3, "mariadb": 5, "mysql": 5, "sqlite": 5}


@pytest.fixture
def counted() -> Iterator[Any]:
    """Has the driver of a connection count its steps."""
    changed = []

    def count(connection: Any) -> list[Any]:
        driver, steps = driver_of(connection), []

        def execute(connection: Any, step: Any) -> Any:
            steps.append(step)
            assert driver.execute is not None
            return driver.execute(connection, step)

        async def aexecute(connection: Any, step: Any) -> Any:
            steps.append(step)
            assert driver.aexecute is not None
            return await driver.aexecute(connection, step)

        changed.append(driver)
        register_driver(replace(driver, execute=driver.execute and execute, aexecute=driver.aexecute and aexecute))
        return steps

    yield count
    for driver in changed:
        register_driver(driver)


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_few_round_trips(door: Door, database_of: DatabaseOf, counted: Any) -> None:
    database = database_of(door.product)
    library = door.library(database)
    jobs = [NewJob("greet", {"n": n}) for n in range(MANY)]

    with asyncio.Runner() as loop:

        def settled(value: Any) -> Any:
            async def awaited() -> Any:
                return await value

            return loop.run(awaited()) if hasattr(value, "__await__") else value

        connection = settled(library.open())
        steps = counted(connection)
        try:
            settled(library.begin(connection))
            call: Any = aenqueue_many if driver_of(connection).execute is None else enqueue_many
            settled(call(connection, jobs))
            settled(library.commit(connection))
            assert len(steps) <= AT_MOST[door.product]
        finally:
            settled(library.close(connection))
    assert database.count("job") == MANY
