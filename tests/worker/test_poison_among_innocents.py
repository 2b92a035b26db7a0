"""Jobs that kill their workers, among others that do nothing wrong: the guilty is found, and nobody else is blamed."""

from __future__ import annotations

import json
import time

import pytest

from proletarian import NewJob, cancel, pause
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

SLOTS = {"default": 8}


def work_off(database: PrivateDatabase, fleet: Fleet, *jobs: NewJob, seconds: float, crew: int = 2) -> int:
    """Have jobs done by a crew whose dead are replaced; gives how many died."""
    workers = [fleet.start(database, queues=SLOTS) for _ in range(crew)]
    fleet.look_around()
    database.put(*jobs)
    deaths, end = 0, time.monotonic() + seconds
    while database.count("archived_job") < len(jobs):
        deaths += fleet.keep_up(workers, database, queues=SLOTS)
        assert time.monotonic() < end, f"{database.count('archived_job')} of {len(jobs)} after {deaths} deaths"
        time.sleep(0.05)
    return deaths


def among(innocents: list[NewJob], poisons: list[NewJob]) -> list[NewJob]:
    """The poisons, spread evenly."""
    jobs = list(innocents)
    for n, poison in enumerate(poisons):
        jobs.insert((2 * n + 1) * len(innocents) // (2 * len(poisons)) + n, poison)
    return jobs


def outcomes(database: PrivateDatabase) -> dict[str, set[tuple[str, int]]]:
    """How the jobs of each type ended; of the failed ones how often they were lost, too."""
    ended: dict[str, set[tuple[str, int]]] = {}
    for job_type, status, lost in database.archive("job_type", "status", "lost"):
        ended.setdefault(job_type, set()).add((status, lost if status == "failure" else 0))
    return ended


@pytest.mark.parametrize("count", [1, 3])
def test_among_quick_and_slow_ones(database: PrivateDatabase, fleet: Fleet, count: int) -> None:
    quick = [NewJob("quick", {"n": n}) for n in range(600)]
    slow = [NewJob("slow", {"n": n}) for n in range(600, 616)]
    deaths = work_off(database, fleet, *among([*quick, *slow], [NewJob("poison")] * count), seconds=120)

    assert outcomes(database) == {"quick": {("success", 0)}, "slow": {("success", 0)}, "poison": {("failure", 3)}}
    assert deaths <= 5 * count, "two that it may have shared, and three of its own"


def test_thirty_of_them(database: PrivateDatabase, fleet: Fleet) -> None:
    quick = [NewJob("quick", {"n": n}) for n in range(600)]
    deaths = work_off(database, fleet, *among(quick, [NewJob("strong_poison")] * 30), seconds=300, crew=3)

    assert outcomes(database) == {"quick": {("success", 0)}, "strong_poison": {("failure", 1)}}
    assert deaths <= 90


def test_among_coroutines(database: PrivateDatabase, fleet: Fleet) -> None:
    innocents = [NewJob("in_a_loop", {"n": n}) for n in range(60)]
    work_off(database, fleet, *among(innocents, [NewJob("poison_in_a_loop")]), seconds=120)

    assert outcomes(database) == {"in_a_loop": {("success", 0)}, "poison_in_a_loop": {("failure", 3)}}


def test_what_is_told(database: PrivateDatabase, fleet: Fleet) -> None:
    fleet.start(database, queues={"other": 1})  # it lives on, and takes back what the others ran
    work_off(database, fleet, NewJob("slow", {"n": 1}), NewJob("poison", {"after": 0.1}), seconds=60, crew=1)
    [given_up] = fleet.ledger.entries("job.given_up")
    blamed = [entry["blamed"] for entry in fleet.ledger.entries("jobs.recovered")]

    assert blamed == [None, None, *[given_up["job_id"]] * 2]
    assert any(entry["alone"] for entry in fleet.ledger.entries("job.run_apart"))
    [(errors,)] = [(row[1],) for row in database.archive("status", "errors") if row[0] == "failure"]
    said = [entry["message"] for entry in json.loads(errors)]
    assert "while running it and other jobs" in said[0]
    assert "died 3 times while running this job" in said[-1]


def test_one_power_cut_sets_nobody_apart(database: PrivateDatabase, fleet: Fleet) -> None:
    """All that a killed worker had in its slots begins again at once, side by side."""
    dying = fleet.start(database, queues=SLOTS)
    peer = fleet.start(database, queues={"other": 1, "default": 8})
    fleet.look_around()
    database.put(*[NewJob("sleep", {"seconds": 60})] * 4)
    fleet.ledger.wait_for("began", count=4)
    dying.kill()
    fleet.keep_up([dying], database, queues=SLOTS)

    def all_run() -> bool:
        rows = database.rows(f"SELECT DISTINCT job_id FROM {database.table('running_job')}")
        return len(rows) == 4 and not fleet.ledger.entries("job.run_apart")

    wait_until(all_run, 20)
    assert peer.process.poll() is None


def test_a_power_cut_under_hundreds_of_coroutines_sets_nobody_apart(database: PrivateDatabase, fleet: Fleet) -> None:
    """Though their runs are taken back in more than one transaction."""
    dying = fleet.start(database, queues={"default": 450})
    fleet.start(database, queues={"other": 1})
    fleet.look_around()
    database.put(*[NewJob("asleep", {"seconds": 60})] * 450)
    fleet.ledger.wait_for("began", 60, count=450)
    dying.kill()
    wait_until(lambda: database.count("job") == 450, 30)

    said = f"SELECT lost, suspect, count(*) FROM {database.table('job')} GROUP BY lost, suspect"
    assert database.rows(said) == [(1, 1, 450)]


def test_an_innocent_that_takes_long_does_not_block_its_worker(sqlite: PrivateDatabase, fleet: Fleet) -> None:
    """A suspect is alone for ten seconds; then others run beside it."""
    sqlite.put(NewJob("sleep", {"seconds": 30}))
    sqlite.rows(f"UPDATE {sqlite.table('job')} SET suspect = 2")
    fleet.start(sqlite, queues=SLOTS)
    fleet.ledger.wait_for("began")
    sqlite.put(*[NewJob("note", {"n": n}) for n in range(5)])
    time.sleep(2)
    early = fleet.ledger.entries("ran")
    fleet.ledger.wait_for("ran", 15, count=5)

    assert not early, "nothing ran beside it at first"
    assert not fleet.ledger.entries("ended")
    assert sqlite.rows(f"SELECT apart FROM {sqlite.table('running_job')} WHERE suspect = 2") == [(1,)]


def test_a_thousand_quick_suspects_and_the_others(database: PrivateDatabase, fleet: Fleet) -> None:
    database.put(*[NewJob("note", {"n": n}) for n in range(1000)])
    database.rows(f"UPDATE {database.table('job')} SET suspect = 2")
    database.put(*[NewJob("note", {"n": n}) for n in range(1000, 2000)])
    fleet.start(database, queues=SLOTS, drain=True)
    wait_until(lambda: database.count("archived_job") == 2000, 60)

    assert fleet.workers[0].wait() == 0, "it ended by itself, drained"
    assert len({entry["job_id"] for entry in fleet.ledger.entries("job.run_apart")}) == 1000


def test_suspects_that_wait_are_given_back_as_they_were(database: PrivateDatabase, fleet: Fleet) -> None:
    database.put(*[NewJob("sleep", {"seconds": 1.0})] * 5)
    database.rows(f"UPDATE {database.table('job')} SET suspect = 2")
    worker = fleet.start(database, queues=SLOTS)
    fleet.ledger.wait_for("began")
    worker.tell()

    assert worker.wait() == 0
    assert len(fleet.ledger.entries("began")) == 1
    assert database.rows(f"SELECT suspect, lost FROM {database.table('job')}") == [(2, 0)] * 4


def test_suspects_that_wait_obey_pauses_and_cancellations(database: PrivateDatabase, fleet: Fleet) -> None:
    [first] = database.put(NewJob("note", {"n": 1}))
    database.put(NewJob("note", {"n": 2}, queue="mail"))
    database.rows(f"UPDATE {database.table('job')} SET suspect = 2")
    database.put(NewJob("sleep", {"seconds": 60}, priority=1))
    fleet.start(database, queues={"default": 2, "mail": 2})
    fleet.ledger.wait_for("began")
    wait_until(lambda: database.count("running_job") == 3, 10)
    with database.connection() as connection:
        cancel(connection, first)
        pause(connection, "mail")
        connection.commit()

    wait_until(lambda: database.count("running_job") == 1, 5)
    assert database.archive("status") == [("cancelled",)]
    assert database.rows(f"SELECT queue, suspect FROM {database.table('job')}") == [("mail", 2)]
    assert not fleet.ledger.entries("ran")
