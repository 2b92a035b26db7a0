"""Handlers in child processes: what is as it is in threads, and what only a process can do."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proletarian import ConfigurationError, Flow, Processes, Queue, Worker, cancel, find_job, migrate
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.hands import shop
from tests.ledger import Ledger
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


def in_processes(count: int = 1, **options: Any) -> dict[str, Processes]:
    """The default queue in child processes."""
    return {"default": Processes(count, **options)}


def is_alive(pid: int) -> bool:
    """Whether a process runs: neither gone, nor waiting to be asked for its exit code."""
    return state_of(pid) not in ("Z", None)


def state_of(pid: int) -> str | None:
    """The letter for the state of a process: T if it is stopped, Z if it has ended; None if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None


def errors_of(database: PrivateDatabase) -> list[list[tuple[str, str]]]:
    """The errors of each archived job: type and message."""
    return [
        [(error["type"], error["message"]) for error in json.loads(text or "[]")]
        for (text,) in database.archive("errors")
    ]


def results_of(database: PrivateDatabase) -> list[Any]:
    """The results of the archived jobs that have one."""
    return [json.loads(text) for (text,) in database.archive("result") if text is not None]


def test_jobs_of_a_queue_run_in_children_which_are_used_again(database: PrivateDatabase, recorder: Recorder) -> None:
    database.put(*(shop.where.job(n=n) for n in range(20)), *(shop.awaited.job() for _ in range(5)))

    assert Worker(database.url, shop.tasks, queues=in_processes(2), log=recorder).drain() == 25

    results = results_of(database)
    plain, awaited = results[:20], results[20:]
    pids = {found["pid"] for found in plain} | {pid for pid, _ in awaited}
    assert [found["n"] for found in plain] == list(range(20))
    assert {found["parent"] for found in plain} == {os.getpid()}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids
    assert all(pid == entered_by for pid, entered_by in awaited), "each child has entered the lifespan itself"
    assert not any(map(is_alive, pids)), "they end with their worker"


def test_a_task_may_ask_for_a_process_in_any_queue(workers: Workers) -> None:
    workers.database.put(shop.apart.job(), shop.here.job(), shop.apart.job())
    workers.drain(shop.tasks, queues={"default": 1})

    first, here, second = results_of(workers.database)
    assert here == os.getpid()
    assert first == second != here


def test_an_error_raised_in_a_child_arrives_unchanged(workers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    workers.database.put(*(shop.fail.job(how=how) for how in ("odd", "known", "exit")))
    workers.drain(shop.tasks, queues=in_processes())

    assert errors_of(workers.database) == [
        [("Odd", "this and that")] * 2,  # tried again, as its strategy says
        [("Known", "for good")],  # which had the error itself, and could ask for its type
        [("SystemExit", "3")] * 2,
    ]
    [(errors,), *_] = workers.database.archive("errors")
    assert 'raise Odd("this", "that")' in json.loads(errors)[0]["traceback"]
    assert json.loads(errors)[0]["module"] == shop.__name__
    said = [record for record in caplog.records if record.name == "shop"]
    assert [record.getMessage() for record in said][:1] == ["about to fail: odd"]
    assert said[0].process != os.getpid()


def test_a_signal_of_ours_comes_across(workers: Workers) -> None:
    workers.database.put(shop.fail.job(how="snooze"))
    workers.drain(shop.tasks, queues=in_processes())

    assert workers.recorder.of("job.snoozed")[0]["retry_in"] == 3600.0


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            signal.SIGKILL,
            "was killed by signal 9 (SIGKILL), exit code -9: by hand, or by the system for lack of memory",
        ),
        (signal.SIGSEGV, "was killed by signal 11 (SIGSEGV), exit code -11"),
        (0, "ended by itself with exit code 7"),
    ],
)
def test_a_child_that_dies_costs_its_job_a_counted_run_and_nobody_else(
    workers: Workers, ledger: Ledger, number: int, said: str
) -> None:
    workers.database.put(
        shop.deaf.job(ledger=str(ledger.path), seconds=0.5), shop.die.job(number=number, times=1), shop.where.job()
    )
    workers.drain(shop.tasks, queues=in_processes(2))

    assert workers.database.archive("job_type", "status", "attempts") == [
        ("deaf", "success", 1), ("die", "success", 2), ("where", "success", 1)
    ]  # fmt: skip
    [_, [(kind, message)], _] = errors_of(workers.database)
    assert kind == "ProcessDied"
    assert message.endswith(said)
    assert len(ledger.entries("began")) == 1
    assert not workers.recorder.of("job.run_apart"), "no innocent is suspected"


def test_a_job_that_kills_each_process_is_given_up_at_its_lost_limit(workers: Workers) -> None:
    workers.database.put(shop.die.job(number=signal.SIGKILL, times=100))
    workers.drain(shop.tasks, queues=in_processes())

    assert workers.database.archive("status", "attempts") == [("failure", 3)]  # though it may be tried ten times
    assert [len(errors) for errors in errors_of(workers.database)] == [3]


def test_a_time_limit_is_enforced(workers: Workers, ledger: Ledger) -> None:
    workers.database.put(shop.spin.job(), shop.too_long.job(), shop.where.job())
    workers.drain(shop.tasks, queues=in_processes(grace=0.2))

    assert workers.database.archive() == [("spin", "failure"), ("too_long", "failure"), ("where", "success")]
    assert errors_of(workers.database)[:2] == [
        [("TimeoutError", "over its time limit of 0.3 s")], [("TimeoutError", "over its time limit of 0.2 s")]
    ]  # fmt: skip
    assert [known["job_type"] for known in workers.recorder.of("job.overdue")] == ["spin", "too_long"]


def test_what_a_job_has_started_ends_with_its_process(workers: Workers, ledger: Ledger) -> None:
    workers.database.put(shop.start_program.job(ledger=str(ledger.path)))
    workers.drain(shop.tasks, queues=in_processes(grace=0))

    assert workers.database.archive() == [("start_program", "failure")]
    assert not is_alive(ledger.wait_for("started")["program"])


@pytest.mark.parametrize(("job", "saw"), [(shop.deaf, None), (shop.listen, "told"), (shop.asleep, "cancelled")])
def test_a_cancelled_job_ends_whether_it_hears_or_not(
    workers: Workers, ledger: Ledger, job: Any, saw: str | None
) -> None:
    [job_id] = workers.database.put(job.job(ledger=str(ledger.path)))
    with workers.running(shop.tasks, queues=in_processes(grace=0.3)):
        began = ledger.wait_for("began")
        with workers.database.connection() as connection:
            cancel(connection, job_id, reason="not wanted")
            connection.commit()
        workers.archived()
        if saw is None:
            assert not is_alive(began.pid)
        else:
            ledger.wait_for(saw)
        assert not ledger.entries("ended")

    assert workers.database.archive("status", "attempts") == [("cancelled", 1)]
    assert errors_of(workers.database) == [[("Cancel", "not wanted")]]


def test_a_stop_waits_for_jobs_then_ends_them_and_gives_them_back(workers: Workers, ledger: Ledger) -> None:
    workers.database.put(shop.deaf.job(ledger=str(ledger.path), seconds=60))
    worker = workers.new(shop.tasks, queues=in_processes())
    worker.start()
    began = ledger.wait_for("began")
    worker.stop(0.3)  # raises nothing: as coroutines that are cancelled, they have come to their end

    assert not is_alive(began.pid)
    assert workers.database.rows(
        f"SELECT attempts, lost FROM {workers.database.table('job')}"
    ) == [(0, 0)]  # fmt: skip
    assert workers.recorder.names("job.") == ["job.started", "job.released"]


def test_a_job_hears_that_its_worker_stops(workers: Workers, ledger: Ledger) -> None:
    workers.database.put(shop.listen.job(ledger=str(ledger.path)))
    with workers.running(shop.tasks, queues=in_processes()):
        ledger.wait_for("began")

    assert ledger.wait_for("told")["why"] == "the worker stops"
    assert workers.database.archive() == [("listen", "success")]


def test_a_child_is_replaced_after_so_many_jobs(
    workers: Workers, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_LEDGER", str(ledger.path))
    workers.database.put(*(shop.where.job(n=n) for n in range(5)))
    workers.drain(shop.tasks, queues=in_processes(max_jobs=2))

    pids = [found["pid"] for found in results_of(workers.database)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
    assert {entry.pid for entry in ledger.entries("left")} == {*pids, os.getpid()}, "each has left its lifespan"


def test_a_child_that_holds_too_much_is_ended(workers: Workers) -> None:
    workers.database.put(shop.eat.job(megabytes=300), shop.where.job())
    workers.drain(shop.tasks, queues=in_processes(max_memory=200_000_000))

    assert workers.database.archive() == [("eat", "failure"), ("where", "success")]
    [[(kind, message)], _] = errors_of(workers.database)
    assert kind == "ProcessDied"
    assert "more than max_memory=200000000 allows" in message


def test_a_child_that_dies_between_two_jobs_costs_none_a_run(workers: Workers) -> None:
    with workers.running(shop.tasks, queues=in_processes()):
        workers.database.put(shop.where.job())
        workers.archived(1)
        [first] = results_of(workers.database)
        os.kill(first["pid"], signal.SIGKILL)
        workers.database.put(shop.where.job())
        workers.archived(2)

    assert workers.database.archive("status", "attempts", "errors") == [("success", 1, None)] * 2
    assert results_of(workers.database)[1]["pid"] != first["pid"]


def test_a_child_is_deaf_to_what_is_sent_to_all_processes_of_a_service(workers: Workers, ledger: Ledger) -> None:
    workers.database.put(shop.deaf.job(ledger=str(ledger.path), seconds=0.5))
    with workers.running(shop.tasks, queues=in_processes()):
        began = ledger.wait_for("began")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(began.pid, number)
        workers.archived()

    assert workers.database.archive("status", "attempts") == [("success", 1)]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_child_has_nothing_of_its_worker_s_but_a_pipe(postgresql: PrivateDatabase, recorder: Recorder) -> None:
    postgresql.put(shop.sockets.job())
    Worker(postgresql.url, shop.tasks, queues=in_processes(), log=recorder).drain()

    [sockets] = results_of(postgresql)
    assert len(sockets) == 1


def test_progress_is_seen_while_it_runs(workers: Workers, tmp_path: Path) -> None:
    [job_id] = workers.database.put(shop.steps.job(count=50, gate=str(tmp_path / "gate")))
    with workers.running(shop.tasks, queues=in_processes()), workers.database.connection() as connection:

        def last() -> bool:
            record = find_job(connection, job_id)
            connection.rollback()
            assert record is not None
            return record.progress == {"done": 50, "total": 50}

        wait_until(last, what="the last word on its progress")
        (tmp_path / "gate").touch()
        workers.archived()


def test_ids_and_payloads_of_another_kind_come_across(new_database: DatabaseOf, recorder: Recorder) -> None:
    mariadb = new_database("mariadb")
    migrate(mariadb.url, shop.shared.queue)
    with mariadb.connection() as connection:
        job_id = shop.settle.enqueue(connection, product="mariadb", url=mariadb.url)
        connection.commit()
    queues = {shop.shared.queue.default_queue: Processes(1)}
    Worker(mariadb.url, shop.shared, queues=queues, log=recorder).drain()

    with mariadb.connection() as connection:
        record = shop.shared.find_job(connection, job_id)
    assert record is not None
    assert (record.state, record.result) == ("succeeded", {"id": job_id})


@pytest.mark.parametrize(
    ("how", "status", "paid"), [("live", "success", 1), ("after", "success", 1), ("before", "failure", 0)]
)
def test_a_job_may_be_completed_in_the_child_s_own_transaction(
    workers: Workers, how: str, status: str, paid: int
) -> None:
    workers.database.rows("CREATE TABLE payment (n INTEGER)")
    workers.database.put(shop.pay.job(url=workers.database.url, how=how))
    workers.drain(shop.tasks, queues=in_processes())

    assert workers.database.archive("status", "attempts") == [(status, 1)]
    assert workers.database.rows("SELECT count(*) FROM payment") == [(paid,)]


def test_flows_work_across_processes(database: PrivateDatabase) -> None:
    flow = Flow()
    end = flow.add(shop.whole.job(), after=[flow.add(shop.part.job(n=n)) for n in range(3)])
    with database.connection() as connection:
        flow.enqueue(connection)
        connection.commit()
        assert Worker(database.url, shop.tasks, queues=in_processes(2)).drain() == 5
        record = find_job(connection, end.job_id)
    assert record is not None
    assert record.result == [0, 1, 2]
    assert ("where", "success") in database.archive()


def test_steps_that_a_child_has_taken_are_kept_over_its_death(database: PrivateDatabase) -> None:
    [job_id] = database.put(shop.taken.job())
    Worker(database.url, shop.tasks, queues=in_processes()).drain()

    with database.connection() as connection:
        record = find_job(connection, job_id)
    assert record is not None
    assert (record.state, record.attempts) == ("succeeded", 2)
    assert [(step.name, step.result) for step in record.steps][1:] == [("count", 4)]


def test_a_child_that_is_frozen_holds_up_its_own_run_and_no_other(workers: Workers, ledger: Ledger) -> None:
    workers.database.put(shop.frozen.job(ledger=str(ledger.path)))
    with workers.running(shop.tasks, queues={**in_processes(), "other": 1}):
        pid = ledger.wait_for("freezes").pid
        wait_until(lambda: state_of(pid) == "T", what="a child that is frozen")
        for others in range(1, 4):
            workers.database.put(shop.here.using(queue="other").job())
            workers.archived(others)
        assert not ledger.entries("heard")

        os.kill(pid, signal.SIGCONT)
        assert ledger.wait_for("heard")["letters"] == 2_000_000
        workers.archived(4)

    assert workers.database.archive()[0] == ("frozen", "success")


def test_a_stop_ends_a_child_that_is_frozen(workers: Workers, ledger: Ledger) -> None:
    workers.database.put(shop.frozen.job(ledger=str(ledger.path)))
    worker = workers.new(shop.tasks, queues=in_processes())
    worker.start()
    pid = ledger.wait_for("freezes").pid
    wait_until(lambda: state_of(pid) == "T", what="a child that is frozen")
    worker.stop(0.2)

    assert not is_alive(pid)
    assert workers.recorder.names("job.")[-1] == "job.released"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": 0.5}, "count is a whole number"), ({"count": -1}, "count is a whole number"),
        ({"max_jobs": 0}, "max_jobs is"), ({"max_memory": "1 GB"}, "max_memory is"), ({"grace": -1}, "grace"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Processes(**wrong)


def test_a_child_knows_the_job_that_it_runs_and_is_not_given_one_that_has_expired(
    sqlite: PrivateDatabase, recorder: Recorder
) -> None:
    an_hour_ago = Queue(clock=lambda: datetime.now(UTC) - timedelta(hours=1))
    sqlite.put(shop.asked.job())
    sqlite.put(shop.asked.using(expires_in=60).job(), queue=an_hour_ago)
    Worker(sqlite.url, shop.tasks, queues=in_processes(1), log=recorder).drain()

    results = dict(sqlite.archive("status", "result"))
    kind, pid, payload = json.loads(results["success"])
    assert (kind, payload) == ("asked", {})
    assert pid != os.getpid()
    assert results["cancelled"] is None
