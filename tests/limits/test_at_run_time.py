"""Limits that people set while workers run, and what is said of a job that waits for one."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from proletarian import (
    ConfigurationError,
    Limit,
    NewJob,
    Retry,
    Tasks,
    cancel,
    find_job,
    limits,
    reset_limit,
    set_limit,
)
from proletarian.cli.program import main
from tests.databases import PrivateDatabase
from tests.limits.overlap import Overlap
from tests.waiting import wait_until
from tests.worker.workers import Workers


def test_a_limit_that_is_set_wins_over_the_code_until_it_is_reset(
    workers: Workers, database: PrivateDatabase, tasks: Tasks
) -> None:
    @tasks.task(limit=Limit(1, name="smtp"))
    def send() -> None: ...

    with database.connection() as connection:
        set_limit(connection, "smtp", 0, by="ann")
        connection.commit()
        with workers.running(tasks):
            [job_id] = database.put(send.job())
            why = wait_until(lambda: find_job(connection, job_id).why, what="a reason")  # type: ignore[union-attr]
            assert why is not None
            assert (why.code, str(why)) == ("limit", "limit reached: 'smtp' is set to 0, so no job under it starts")
            connection.rollback()
            [limit] = limits(connection)
            assert (limit.name, limit.running, limit.by, limit.held) == ("smtp", 0, "ann", 0)
            assert database.count("job") == 1
            assert reset_limit(connection, "smtp")
            connection.commit()
            workers.archived(1)
            assert not reset_limit(connection, "smtp")
            [limit] = limits(connection)
            assert (limit.running, limit.set_at) == (1, None)


def test_a_limit_of_lanes_by_name_may_be_set_at_run_time_alone(
    workers: Workers, database: PrivateDatabase, tasks: Tasks
) -> None:
    overlap, pair = Overlap(), threading.Barrier(2, timeout=60)

    @tasks.task
    def send(n: int) -> None:
        with overlap.at_work("smtp"):
            pair.wait()

    with database.connection() as connection:
        set_limit(connection, "smtp", 2)
        connection.commit()
    database.put(*[NewJob("send", {"n": n}, lane="smtp:a") for n in range(20)])
    with workers.running(tasks, queues={"default": 8}):
        workers.archived(20)

    assert overlap.most["smtp"] == 2


def test_a_lane_that_nobody_knows_is_spoken_of_and_runs_one_by_one_in_the_end(
    workers: Workers, database: PrivateDatabase, tasks: Tasks
) -> None:
    overlap = Overlap()

    @tasks.task
    def send(n: int) -> None:
        with overlap.at_work("smtp", n):
            threading.Event().wait(0.002)

    database.put(*[NewJob("send", {"n": n}, lane="smtp:a") for n in range(6)])
    with workers.running(tasks, unknown_for=0.2):
        assert workers.recorder.wait_for("lane.unknown")["name"] == "smtp"
        workers.archived(6)

    assert overlap.order("smtp") == list(range(6))
    assert overlap.most["smtp"] == 1


def test_a_job_says_who_has_the_places_of_its_lane(workers: Workers, database: PrivateDatabase, tasks: Tasks) -> None:
    began, end = threading.Event(), threading.Event()

    @tasks.task(limit=Limit(1, per="account"))
    def send(account: int) -> None:
        began.set()
        end.wait(20)

    with workers.running(tasks), database.connection() as connection:
        first, second = database.put(send.job(1), send.job(1))
        assert began.wait(60)
        waits = next(job_id for job_id in (first, second) if find_job(connection, job_id).state == "waiting")  # type: ignore[union-attr]
        record = find_job(connection, waits)
        end.set()
        assert record is not None
        assert record.lane == "send:1"
        assert record.why is not None
        assert record.why.code == "limit"
        runs = second if waits == first else first
        assert f"limit reached: 1 job of its lane 'send:1' runs, and 1 may: job {runs} on " in str(record.why)


def test_cancelling_the_job_that_holds_up_an_ordered_lane_lets_the_next_one_start(
    workers: Workers, database: PrivateDatabase, tasks: Tasks
) -> None:
    overlap = Overlap()

    @tasks.task(limit=Limit(1, ordered=True), retry=lambda job, error: Retry(5, delays=[3600]))
    def book(n: int) -> None:
        with overlap.at_work("book", n):
            if n == 0:
                raise ValueError("not yet")

    [first, second] = database.put(book.job(0), book.job(1))
    with workers.running(tasks), database.connection() as connection:
        workers.recorder.wait_for("job.retrying")
        why = wait_until(lambda: find_job(connection, second).why, what="a reason")  # type: ignore[union-attr]
        assert str(why) == f"limit reached: its lane 'book' is ordered, and job {first} must be retried before it"
        assert overlap.order("book") == [0]
        connection.rollback()
        assert cancel(connection, first).waiting == 1
        connection.commit()
        workers.archived(2)

    assert overlap.order("book") == [0, 1]


def test_the_command_line_lists_sets_and_resets(database: PrivateDatabase) -> None:
    said = run(database, "limits", "set", "smtp", "3", "--rate", "10", "--seconds", "2", "--by", "ann")
    assert said == "smtp: 3 at a time, 10 in 2 s\n"
    listed = run(database, "limits", "list")
    assert [word for word in ("smtp", "3", "10 in 2 s", "ann") if word not in listed] == []
    [limit] = json.loads(run(database, "limits", "list", "--json"))["limits"]
    assert datetime.fromisoformat(limit.pop("set_at")).utcoffset() == timedelta(0)
    known = {"name": "smtp", "running": 3, "rate": 10, "seconds": 2.0, "burst": None, "ordered": False, "by": "ann"}
    assert limit == known | {"held": 0}
    assert run(database, "limits", "reset", "smtp") == "smtp: as in the code\n"
    assert run(database, "limits", "reset", "smtp") == "smtp was not set\n"
    assert "no limits" in run(database, "limits", "list")


def run(database: PrivateDatabase, *words: str) -> str:
    """What the program says."""
    done = CliRunner().invoke(main, [words[0], *words[1:], "--database", database.url])
    assert done.exit_code == 0, done.output
    return done.output


def test_what_cannot_be_is_refused(sqlite: PrivateDatabase) -> None:
    with sqlite.connection() as connection:
        refused: list[tuple[str, dict[str, Any]]] = [
            ("smtp", {}), ("smtp", {"running": -1}), ("a:b", {"running": 1}), ("smtp", {"running": 1, "burst": 2}),
            ("smtp", {"rate": 0}),
        ]  # fmt: skip
        for name, said in refused:
            with pytest.raises(ConfigurationError):
                set_limit(connection, name, **said)
