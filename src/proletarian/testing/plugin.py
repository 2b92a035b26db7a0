"""
The fixtures for pytest, which finds them by itself.

It is imported in every run of pytest where the library is installed. So nothing else of the
library is imported before a fixture is requested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from proletarian.tasks import Tasks
    from proletarian.testing.clock import Clock
    from proletarian.testing.jobs import Jobs
    from proletarian.testing.turns import Ran


@pytest.fixture
def proletarian_tasks() -> Tasks:
    """The application's `Tasks`: define this fixture in your conftest.py."""
    pytest.fail(
        "proletarian's fixtures need to know your application's tasks; define in your conftest.py:\n\n"
        "    @pytest.fixture\n    def proletarian_tasks():\n        return tasks  # the Tasks of your application",
        pytrace=False,
    )


@pytest.fixture
def proletarian_connection(proletarian_tasks: Tasks) -> Iterator[Any]:
    """
    The connection that jobs are enqueued on: define this fixture to return your tests' own.

    By default, an in-memory SQLite database that contains only the library's tables.
    """
    import sqlite3

    from proletarian.testing.tables import create_tables

    connection = sqlite3.connect(":memory:")
    create_tables(connection, proletarian_tasks.queue)
    connection.commit()
    yield connection
    connection.close()


@pytest.fixture
def proletarian_state() -> Mapping[str, Any]:
    """What handlers find in `job.state`: define this fixture to return what your worker's lifespan yields."""
    return {}


@pytest.fixture
def proletarian_jobs(
    proletarian_connection: Any, proletarian_tasks: Tasks, proletarian_state: Mapping[str, Any]
) -> Jobs:
    """Look at jobs, and run them: `proletarian_jobs.drain()`, `.enqueued()`, `.assert_enqueued(…)`."""
    from proletarian.testing.jobs import Jobs

    return Jobs(proletarian_connection, proletarian_tasks, state=proletarian_state)


@pytest.fixture
def proletarian_clock(proletarian_tasks: Tasks) -> Iterator[Clock]:
    """A clock that stands still at the time when the test begins: `proletarian_clock.advance(days=8)`."""
    from proletarian.testing.clock import set_clock

    with set_clock(proletarian_tasks) as clock:
        yield clock


@pytest.fixture
def proletarian_inline(proletarian_tasks: Tasks, proletarian_state: Mapping[str, Any]) -> Iterator[list[Ran]]:
    """Each job runs when it is enqueued; yields the list of runs, which grows."""
    from proletarian.testing.inlining import inline

    with inline(proletarian_tasks, state=proletarian_state) as ran:
        yield ran
