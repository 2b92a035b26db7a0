"""Who has nothing to do with flows pays nothing for them: an ordinary acknowledgement says what it always said."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from proletarian import Queue
from proletarian.outcomes import succeeded
from proletarian.sql.rows import Ended
from proletarian.sql.settling import settle
from proletarian.sql.statements import Statement, run

DONE = succeeded(1, 0)
ORDINARY = {
    "postgresql": ["settling.succeed"],
    "mysql": ["transactions.begin", "settling.ours", "settling.archive", "settling.end", "transactions.commit"],
    "sqlite": ["transactions.begin", "settling.ours", "settling.archive", "settling.end", "transactions.commit"],
}


def said(kind: str, *ended: Ended) -> list[str]:
    """The names of the statements of an acknowledgement of runs that are all there."""
    dialect = Queue().dialect(kind)
    names: list[str] = []

    def execute(step: Any) -> list[Any]:
        assert isinstance(step, Statement)
        names.append(next(name for name, text in dialect.sql.items() if text is step.text))
        runs = [(end.run_id, end.awaited, None) for end in ended]
        return {"flows.tell": [(0,)], "flows.edges": []}.get(names[-1], runs)

    assert run(settle(dialect, "worker", "vm:1", ended, None), execute) == {end.run_id for end in ended}
    return names


@pytest.mark.parametrize("kind", ORDINARY)
def test_an_ordinary_run_is_acknowledged_by_the_same_statements(kind: str) -> None:
    assert said(kind, Ended(1, DONE), Ended(2, DONE)) == ORDINARY[kind]


@pytest.mark.parametrize("kind", ORDINARY)
def test_one_that_somebody_waits_for_is_told_of_in_the_same_transaction(kind: str) -> None:
    names = said(kind, Ended(1, DONE), Ended(2, DONE, awaited=Queue().dialect(kind).stored_id(UUID(int=2))))

    assert (names[0], names[-1]) == ("transactions.begin", "transactions.commit")
    assert ("flows.tell" if kind == "postgresql" else "flows.edges") in names
