"""A password in a URL is in no log, no error and no representation."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from proletarian import Worker, enqueue, migrate
from proletarian.connections.database import Database
from tests.conftest import server_url
from tests.waiting import wait_until

SECRET = "hunter2-t0p"


def chain(error: BaseException | None) -> str:
    """All that an error says, with its causes."""
    return "" if error is None else "".join(traceback.format_exception(error))


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])
@pytest.mark.parametrize("wrong", ["password", "port", "database", "schema"])
def test_no_error_shows_it(product: str, wrong: str) -> None:
    parts = urlsplit(server_url(product))
    url = {
        "password": f"{parts.scheme}://test:{SECRET}@{parts.hostname}:{parts.port}/test",
        "port": f"{parts.scheme}://test:{SECRET}@{parts.hostname}:1/test",
        "database": f"{parts.scheme}://test:{SECRET}@{parts.hostname}:{parts.port}/none",
        "schema": f"{parts.scheme}x://test:{SECRET}@{parts.hostname}/test",
    }[wrong]
    calls: list[Callable[[], object]] = [
        lambda: migrate(url),
        lambda: Database(url).connect(),
        lambda: enqueue(url, "greet"),
    ]
    for call in calls:
        with pytest.raises(Exception) as caught:  # noqa: PT011 (which error it is, others test)
            call()
        assert SECRET not in chain(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_worker_that_cannot_reach_its_database_does_not_log_it(scheme: str) -> None:
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logger = logging.getLogger("proletarian")
    logger.addHandler(handler)
    try:
        with Worker(f"{scheme}://test:{SECRET}@127.0.0.1:1/test", print) as worker:
            wait_until(lambda: "database.unavailable" in said.getvalue())
            assert SECRET not in f"{worker!r} {worker.database!r}"
    finally:
        logger.removeHandler(handler)

    assert SECRET not in said.getvalue()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://app:{SECRET}@db/app",
        f"postgresql://db/app?user=app&password={SECRET}",
        f"mysql://app:{SECRET}@db/app?passwd={SECRET}",
        f"postgresql+asyncpg://app:{SECRET}@one:1,two:2/app",
        f"mysql://app:{SECRET}%40@db/app",
    ],
)
def test_a_database_shows_where_it_is_without_it(url: str) -> None:
    shown = repr(Database(url))
    assert SECRET not in shown
    assert "***" in shown
