"""A worker that freezes in the middle of a claim holds up its lanes until others take it for dead, and no longer."""

from __future__ import annotations

from uuid import uuid4

import pytest

from proletarian import Limit, Tasks
from proletarian.connections.database import Database
from proletarian.limit import Rule
from proletarian.sql.lanes.claiming import claim
from proletarian.sql.lanes.looking import look
from proletarian.sql.living import register
from tests.conftest import DatabaseOf
from tests.limits.halfway import up_to_commit
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers

RULES = {"send": Rule(1)}


@pytest.mark.parametrize("product", ["mariadb", "mysql"])  # elsewhere a claim is over before anybody could freeze in it
def test_the_lanes_of_a_worker_that_froze_in_a_claim_are_free_once_it_is_buried(
    product: str, database_of: DatabaseOf, recorder: Recorder, tasks: Tasks
) -> None:
    @tasks.task(limit=Limit(1, per="account"))
    def send(account: int) -> None: ...

    database = database_of(product)
    database.put(*[send.job(account) for account in (1, 1, 2)])
    there = Database(database.url)
    dialect, uuid, frozen, other = there.dialect, uuid4(), there.connect(), there.connect()
    worker_id, locks = dialect.stored_worker(uuid), (dialect.lock_of(uuid), dialect.pump_lock_of(uuid))
    frozen.run(register(dialect, worker_id, "elsewhere", 1, "", locks, 1.0))
    assert frozen.hold(dialect, locks[1])
    assert frozen.run(look(dialect, "default", "", RULES, most=10, hops=10, now=None)).free == ["send:1", "send:2"]
    up_to_commit(frozen, dialect, claim(dialect, worker_id, "default", {"send:1": 1}, RULES, 0, None))

    taken = other.run(claim(dialect, worker_id, "default", {"send:1": 1, "send:2": 1}, RULES, 10, None))
    assert taken.tried == {"send:2"}, "nobody waits for the lane that is locked"
    with Workers(database, recorder).running(tasks, heartbeat=0.3, lost_after=1.0):
        Workers(database, recorder).archived(3)
    assert recorder.of("jobs.recovered")[0]["from"] == "elsewhere:1"
    with pytest.raises(Exception, match=r"gone away|Lost connection|killed|closed"):
        frozen.check()
    frozen.close()
    other.close()
