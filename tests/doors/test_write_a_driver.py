"""The driver on the page "Write a driver" works, and keeps the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proletarian import Driver, enqueue, register_driver
from proletarian.conformance import DRIVER, Check, Library, Subject
from proletarian.drivers import registry
from tests.contract.test_contract import LACKS, try_check
from tests.databases import PrivateDatabase

PAGE = Path(__file__).parents[2] / "docs" / "drivers.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def table() -> Iterator[None]:
    """The table of drivers as it was, afterwards."""
    before = dict(registry._drivers)
    yield
    registry._drivers.clear()
    registry._drivers.update(before)
    registry._known.clear()


@pytest.fixture
def apsw(table: None) -> Any:
    """APSW, with the driver of the page."""
    import apsw

    exec(SNIPPETS[0], {})
    return apsw


def by_statements(apsw: Any, path: str) -> Library:
    return Library(
        open=lambda: apsw.Connection(path),
        begin=lambda connection: connection.execute("BEGIN"),
        commit=lambda connection: connection.execute("COMMIT"),
        rollback=lambda connection: connection.execute("ROLLBACK"),
        execute=lambda connection, sql: connection.execute(sql),
    )


@pytest.mark.parametrize("check", DRIVER, ids=str)
def test_the_driver_of_the_page(check: Check, apsw: Any, sqlite: PrivateDatabase) -> None:
    library = by_statements(apsw, sqlite.url.removeprefix("sqlite:///"))
    if check.name == "missing_tables_are_named_with_what_to_do":
        return  # the page's driver has no `explain`, to be short
    try_check(check, Subject(sqlite.url, library, LACKS["sqlite"]))


def test_the_snippet_that_tries_it_can_be_run(apsw: Any, sqlite: PrivateDatabase) -> None:
    source = SNIPPETS[-1].replace("contract.db", sqlite.url.removeprefix("sqlite:///"))
    source = source.replace("for check in DRIVER:", "for check in DRIVER[:3]:")
    exec(source, {"apsw": apsw})


def test_a_wrapper_hands_on_to_the_driver_of_what_it_wraps(table: None, sqlite: PrivateDatabase) -> None:
    space: dict[str, Any] = {"__name__": "audits"}
    exec(SNIPPETS[2], space)
    with sqlite.connection() as connection, connection:
        enqueue(space["Audited"](connection), "greet")

    assert sqlite.count("job") == 1


def test_the_newest_driver_of_a_class_wins(table: None, sqlite: PrivateDatabase) -> None:
    seen = []

    def execute(connection: Any, step: Any) -> Any:
        seen.append(step)
        return connection.execute(step.text.named, step.parameters).fetchall()

    register_driver(Driver("sqlite3.Connection", "sqlite", execute=execute))
    with sqlite.connection() as connection, connection:
        enqueue(connection, "greet")

    assert len(seen) == 1
    assert sqlite.count("job") == 1
