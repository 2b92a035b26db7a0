"""
Limits and flows where the database itself is hurt, or is several: no lane is ever over its limit, by looks and by true
overlap, ordered ones begin in order, and each job that waits for others is released once.

PgBouncer in transaction mode; PostgreSQL 17, killed; PostgreSQL 18, whose standby takes over; MariaDB and MySQL,
killed; a Galera cluster, one of whose nodes is cut off.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from proletarian import Flow, NewJob, Queue, Tasks, Unique
from proletarian.conformance.member import Member
from proletarian.connections.database import Database
from proletarian.control.firing import declare, fire
from proletarian.drivers.registry import FAMILIES
from proletarian.limit import Rule
from proletarian.schedule import schedule
from proletarian.sql.flows.releasing import release
from proletarian.sql.lanes.claiming import claim
from proletarian.sql.statements import Plan as Statements
from servers import Galera, MariaDB, MySQL, PgBouncer, PostgresPair, PostgreSQL, Server, Unavailable
from tests.conftest import server_url
from tests.databases import MORE, PrivateDatabase, create_database
from tests.faults.books import outlasting
from tests.flows.plan import Plan, balance
from tests.limits.counts import Looks, check, jobs
from tests.limits.halfway import up_to_commit
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

FLOWS = 12
JOBS = 24  # of each lane
SLOTS: Mapping[str, Any] = {"queues": {"default": 4, "limited": 6}}
CARE: Mapping[str, Any] = {**SLOTS, "heartbeat": 0.5, "lost_after": 3.0}  # where no lock proves a life


@dataclass
class Place:
    """Where workers connect, one after the other; what is done to it; and how its workers are told to care."""

    databases: Sequence[PrivateDatabase]
    hurts: Sequence[Callable[[], None]]
    options: Mapping[str, Any]


def pooled(stack: ExitStack) -> Place:
    direct = create_database("postgresql", server_url("postgresql"), "pooled")
    bouncer = stack.enter_context(PgBouncer(direct.url))
    return Place([direct, replace(direct, url=bouncer.url)], [bouncer.restart], CARE)


def killed(product: str, program: type[Server], version: str | None = None) -> Callable[[ExitStack], Place]:
    def place(stack: ExitStack) -> Place:
        server = program(version=version, settings={**program.UNSYNCED, **MORE[product]})
        stack.enter_context(server)

        def kill() -> None:
            server.kill()
            server.start()

        return Place([PrivateDatabase(product, server.url)], [kill], SLOTS)

    return place


def promoted(stack: ExitStack) -> Place:
    pair = stack.enter_context(PostgresPair(version="18", settings={**PostgreSQL.UNSYNCED, **MORE["postgresql"]}))

    def fail_over() -> None:
        pair.primary.kill()
        pair.promote()

    return Place([PrivateDatabase("postgresql", pair.url)], [fail_over], SLOTS)


PLACES: Mapping[str, Callable[[ExitStack], Place]] = {
    "pgbouncer": pooled,
    "postgresql 17, killed": killed("postgresql", PostgreSQL, "17"),
    "postgresql 18, whose standby takes over": promoted,
    "mariadb 11.8, killed": killed("mariadb", MariaDB, "11.8"),
    "mysql, killed": killed("mysql", MySQL),
}


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Fleet]:
    """Worker processes; all are ended with the test."""
    fleet = Fleet(tmp_path, "tests.faults.orderly")
    try:
        yield fleet
    finally:
        fleet.end()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Galera]:
    """Three nodes that all take writes."""
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(Galera(settings={**MariaDB.UNSYNCED, **MORE["mariadb"]}))
        except Unavailable as error:
            pytest.skip(f"NOT TESTED: Galera cannot be had here: {error}")


@pytest.mark.parametrize("name", PLACES)
def test_limits_hold_and_flows_come_to_their_end(name: str, crew: Fleet) -> None:
    with contextlib.ExitStack() as stack:
        try:
            place = PLACES[name](stack)
        except Unavailable as error:
            pytest.skip(f"NOT TESTED: {name} cannot be had here: {error}")
        work_through(place, crew)


def test_limits_hold_and_flows_come_to_their_end_on_a_cluster_whose_node_is_cut_off(
    cluster: Galera, crew: Fleet
) -> None:
    def cut() -> None:
        cluster.nodes[1].cut()
        cluster.nodes[1].mend()

    work_through(Place([PrivateDatabase("mariadb", url) for url in cluster.urls], [cut], CARE), crew)


def work_through(place: Place, crew: Fleet) -> None:
    """Workers run jobs under limits and of flows while the place is hurt, and one of them is killed."""
    here = place.databases[0]
    here.migrate()
    plan = Plan(random.Random(5))
    workers = [crew.start(database, wait=False, **place.options) for database in [*place.databases] * 3][:3]
    crew.ledger.wait_for("worker.started", count=len(workers))
    here.put(*jobs(JOBS, queue="limited"))
    with here.connection() as connection:
        for _ in range(FLOWS):
            plan.flow().enqueue(connection)
            connection.commit()
    looks = Looks(here)
    looks.start()

    def go_on() -> None:
        before = outlasting(here.left)
        wait_until(lambda: outlasting(here.left) <= max(0, before - 15), what="fewer jobs")

    for hurt in place.hurts:
        go_on()
        hurt()
    go_on()
    deaths = {workers[0].pid: workers[0].kill()}
    wait_until(lambda: here.left() == 0, 90, what="the end of all jobs")
    looks.end()
    balance(here, crew.ledger, plan)
    check(looks, crew.ledger, deaths)
    told = crew.ledger.entries("database.unavailable")
    assert {worker.pid for worker in workers} & {entry.pid for entry in told}, "it was hurt"


@pytest.fixture
def nodes(cluster: Galera) -> Iterator[list[Member]]:
    """A worker's connection to each of two nodes."""
    databases = [Database(url) for url in cluster.urls[:2]]
    PrivateDatabase("mariadb", cluster.urls[0]).migrate()
    PrivateDatabase("mariadb", cluster.urls[0]).empty()
    members = [Member(database, lost_after=60) for database in databases]
    yield members
    for member in members:
        member.connection.close()


def interleaved(nodes: Sequence[Member], plans: Sequence[Statements[Any]]) -> tuple[list[Any], int]:
    """
    Carry out two plans, one on each node, so that both have done all but commit when the first one commits.

    Returns what they brought, and how many were refused.
    """
    brought: list[Any] = []
    refused = 0
    waiting = []
    for member, plan in zip(nodes, plans, strict=True):
        waiting.append((member, plan, up_to_commit(member.connection, member.dialect, plan)))
    for member, plan, step in waiting:
        try:
            while True:
                step = plan.send(member.connection.execute(step))
        except StopIteration as end:
            brought.append(end.value)
        except Exception as error:
            if not (FAMILIES["mysql"].is_contended(error) and member.connection.recover(error)):
                raise
            refused += 1
    return brought, refused


def test_of_two_nodes_that_claim_from_one_lane_at_once_one_is_refused(cluster: Galera, nodes: list[Member]) -> None:
    # Of two queues, so that they want different jobs, and meet nowhere but at the lane.
    queues = ["default", "mail"]
    database = PrivateDatabase("mariadb", cluster.urls[0])
    database.put(*[NewJob("send", lane="smtp", queue=queue) for queue in queues])
    rules, shares = {"smtp": Rule(1)}, {"smtp": 1}
    wait_until(lambda: all(member.look(rules).free == ["smtp"] for member in nodes), what="the jobs on both nodes")
    claims = [
        claim(member.dialect, member.worker_id, queue, shares, rules, 0, None)
        for member, queue in zip(nodes, queues, strict=True)
    ]
    brought, refused = interleaved(nodes, claims)

    assert ([len(taken.rows) for taken in brought], refused) == ([1], 1)
    assert database.count("running_job") == 1


def test_of_two_nodes_that_release_one_job_at_once_one_is_refused(cluster: Galera, nodes: list[Member]) -> None:
    here, there = (PrivateDatabase("mariadb", url) for url in cluster.urls[:2])
    flow = Flow()
    awaited = [flow.add(NewJob("work")) for _ in range(2)]
    flow.add(NewJob("work"), after=awaited)
    with here.connection() as connection:
        flow.enqueue(connection)
        connection.commit()
    nodes[0].succeed(*nodes[0].claim(2))
    wait_until(lambda: there.count("archived_job") == 2, what="the two on both nodes")
    brought, refused = interleaved(nodes, [release(member.dialect, None) for member in nodes])

    assert ([released.ready for released in brought], refused) == ([1], 1)
    wait_until(lambda: there.count("held_job") == 0, what="the release on both nodes")
    assert [database.count("job") for database in (here, there)] == [1, 1]
    assert here.count("wait_over") == 0


def test_of_two_nodes_that_fire_one_tick_at_once_one_is_refused(cluster: Galera, nodes: list[Member]) -> None:
    here, there = (PrivateDatabase("mariadb", url) for url in cluster.urls[:2])
    hourly = schedule("@hourly", NewJob("greet"), name="it")
    nodes[0].connection.run(declare(Queue(), "mysql", "", [hourly]))
    table = here.table("schedule")
    here.rows(f"UPDATE {table} SET next_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    due = f"SELECT name FROM {table} WHERE next_at < UTC_TIMESTAMP(6)"
    wait_until(lambda: there.rows(due), what="the tick on both nodes")
    looks = [fire(Queue(), "mysql", "", declares=True, refused=set()) for _ in nodes]
    brought, refused = interleaved(nodes, looks)

    assert ([len(found.firings) for found in brought], refused) == ([1], 1)
    assert here.count("job") == 1


def test_of_two_applications_that_enqueue_one_key_on_two_nodes_one_has_to_try_again(
    cluster: Galera, nodes: list[Member]
) -> None:
    here, there = (PrivateDatabase("mariadb", url) for url in cluster.urls[:2])
    tasks = Tasks()

    @tasks.task(unique=Unique("account"))
    def rebuild(account: int) -> None: ...

    with here.connection() as first, there.connection() as second:
        job_id = rebuild.enqueue(first, 7)
        assert rebuild.enqueue(second, 7) != job_id, "neither sees the other"
        first.commit()
        with pytest.raises(pymysql.MySQLError, match="1213"):
            second.commit()
        second.rollback()
        wait_until(lambda: there.count("job") == 1, what="the job on both nodes")
        assert rebuild.enqueue(second, 7) == job_id
        second.commit()
    assert here.count("job") == 1
