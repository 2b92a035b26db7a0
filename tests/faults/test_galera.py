"""Galera clusters: nodes are cut off and killed under load, and workers on two nodes want the same lane."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from proletarian import Limit, Tasks
from proletarian.connections.database import Database
from proletarian.drivers.families.mysql import is_contended
from proletarian.limit import Rule
from proletarian.sql.lanes.claiming import claim
from proletarian.sql.lanes.looking import look
from proletarian.sql.living import register
from servers import Galera, MariaDB, Unavailable
from tests.databases import MORE, PrivateDatabase
from tests.faults.books import Books
from tests.limits.halfway import up_to_commit
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 4}, "heartbeat": 0.5, "lost_after": 3.0}
RULES = {"send": Rule(1)}
ENOUGH = 20  # jobs that come to their end before each fault


@pytest.fixture
def nodes(request: pytest.FixtureRequest) -> Iterator[Galera]:
    """A cluster of as many nodes as the test wants."""
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(Galera(size=request.param, settings={**MariaDB.UNSYNCED, **MORE["mariadb"]}))
        except Unavailable as error:
            pytest.skip(f"Galera cannot be had here: {error}")


@pytest.mark.parametrize("nodes", [3], indirect=True)
def test_the_books_balance_after_a_node_was_cut_off_and_another_killed(nodes: Galera, crew: Fleet) -> None:
    databases = [PrivateDatabase("mariadb", url) for url in nodes.urls]
    here, cut_off, _ = databases
    here.migrate()
    books = Books(here).open()
    workers = [crew.start(database, **CARE) for database in databases]
    with books.load():

        def go_on() -> None:
            before = here.count("archived_job")
            wait_until(lambda: here.count("archived_job") >= before + ENOUGH, 60)

        go_on()
        nodes.nodes[1].cut()
        crew.ledger.wait_for("database.unavailable", 60, pid=workers[1].pid)
        go_on()
        nodes.nodes[1].mend()
        crew.ledger.wait_for("database.recovered", 60, pid=workers[1].pid)
        nodes.nodes[2].kill()
        crew.ledger.wait_for("database.unavailable", 60, pid=workers[2].pid)
        go_on()
    wait_until(lambda: books.done, 60, what="the end of all jobs")
    books.balance(losses=True)

    assert {entry["proved_by"] for entry in crew.ledger.entries("worker.liveness")} == {"heartbeat"}
    assert cut_off.archive("job_id", "status") == here.archive("job_id", "status")
    assert workers[2].process.poll() is None, "it goes on trying: its node may come back"
    for worker in workers[:2]:
        worker.tell()
        assert worker.wait() == 0


@pytest.mark.parametrize("nodes", [2], indirect=True)
def test_a_worker_that_freezes_in_a_claim_never_breaks_a_limit_of_the_cluster(nodes: Galera, tasks: Tasks) -> None:
    """The locks of a node mean nothing to the other: the version that each claim writes decides, at the commit."""

    @tasks.task(limit=Limit(1, per="account"))
    def send(account: int) -> None: ...

    databases = [PrivateDatabase("mariadb", url) for url in nodes.urls]
    databases[0].migrate()
    databases[0].put(*[send.job(1) for _ in range(3)])
    members = []
    for database in databases:
        there, uuid = Database(database.url), uuid4()
        connection, dialect = there.connect(), there.dialect
        worker_id, locks = dialect.stored_worker(uuid), (dialect.lock_of(uuid), dialect.pump_lock_of(uuid))
        connection.run(register(dialect, worker_id, "elsewhere", 1, "", locks, 1.0))
        wait_until(
            lambda: connection.run(look(dialect, "default", "", RULES, most=10, hops=10, now=None)).free,  # noqa: B023
            10,
            what="the jobs to reach this node",
        )
        members.append((connection, dialect, worker_id))

    def claiming(number: int) -> Any:
        _, dialect, worker_id = members[number]
        return claim(dialect, worker_id, "default", {"send:1": 1}, RULES, 0, None)

    frozen, dialect, _ = members[0]
    last = up_to_commit(frozen, dialect, claiming(0))
    taken = members[1][0].run(claiming(1))
    with pytest.raises(Exception, match="Deadlock") as refused:
        frozen.execute(last)

    assert len(taken.rows) == 1, "nobody waits for a worker that is frozen on another node"
    assert is_contended(refused.value), "the worker that was frozen tries again, as after any conflict"
    assert frozen.recover(refused.value)
    assert frozen.run(claiming(0)).rows == [], "and sees that there is no room"
    assert databases[0].count("running_job") == 1
    for connection, _, _ in members:
        connection.close()
