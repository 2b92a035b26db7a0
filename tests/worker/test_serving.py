"""A worker serves every queue that its tasks name, unless it is told which; it says whom it leaves waiting."""

from __future__ import annotations

import textwrap
from typing import Any

import proletarian
from proletarian import Queue, Tasks, TransitSerializer, Worker
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers


def shop() -> tuple[Tasks, list[str]]:
    """An application with tasks in two queues, and what they did."""
    tasks, done = Tasks(), []

    @tasks.task
    def greet() -> None:
        done.append("greet")

    @tasks.task(queue="mail")
    def send() -> None:
        done.append("send")

    return tasks, done


def test_the_docstring_of_the_package_runs_its_job(database: PrivateDatabase) -> None:
    code = textwrap.dedent((proletarian.__doc__ or "").partition(".\n")[2])
    code = code.replace("None: ...", "None: done.append(account_id)")
    code = code.replace('"postgresql://…"', "url").replace(".run()", ".drain()")
    done: list[int] = []

    connection = database.connect()
    try:
        exec(code.partition("Worker(url")[0], names := {"connection": connection, "url": database.url, "done": done})
        connection.commit()
        exec("Worker(url" + code.partition("Worker(url")[2], names)
    finally:
        connection.close()

    assert done == [42]


def test_every_queue_of_its_tasks_is_served(database: PrivateDatabase, workers: Workers) -> None:
    tasks, done = shop()
    database.put(tasks["greet"].job(), tasks["send"].job())

    assert workers.drain(tasks) == 2
    assert sorted(done) == ["greet", "send"]
    assert workers.new(tasks).queues == {"default": 10, "mail": 10}


def test_a_task_that_is_added_before_the_start_brings_its_queue() -> None:
    tasks, _ = shop()
    worker = Worker("sqlite:///jobs.db", tasks)

    @tasks.task(queue="late")
    def late() -> None: ...

    assert sorted(worker.queues) == ["default", "late", "mail"]


def test_a_queue_of_another_default_is_the_default() -> None:
    tasks = Tasks(queue=Queue(serializer=TransitSerializer()))

    @tasks.task
    def greet() -> None: ...

    assert Worker("sqlite:///jobs.db", tasks).queues == {":proletarian/default": 10}
    assert Worker("sqlite:///jobs.db", print).queues == {"default": 10}


def test_what_a_worker_was_told_leaves_out_is_said_once(sqlite: PrivateDatabase, workers: Workers) -> None:
    tasks, _ = shop()

    with workers.running(tasks, queues={"default": 2}):
        pass

    assert [data["queues"] for data in workers.recorder.of("tasks.left_out")] == [{"mail": ["send"]}]


def test_nothing_is_said_where_nothing_is_left_out(sqlite: PrivateDatabase, workers: Workers) -> None:
    tasks, _ = shop()

    with workers.running(tasks), workers.running(tasks, queues={"mail": 1, "default": 1}), workers.running(print):
        pass

    assert workers.recorder.of("tasks.left_out") == []


def test_what_the_tasks_say_holds_for_a_worker_unless_it_says_otherwise(sqlite: PrivateDatabase) -> None:
    heard: list[tuple[str, str]] = []

    def told(who: str) -> Any:
        return lambda event, data: heard.append((who, event))

    failed: list[str] = []
    tasks = Tasks(log=told("tasks"), failed_job=lambda job, error: failed.append("tasks"), lifespan=opened("a pool"))
    seen: list[Any] = []

    @tasks.task
    def look(job: proletarian.Job) -> None:
        seen.append(job.state)
        raise ValueError

    for options in ({}, {"log": told("own"), "failed_job": lambda j, e: failed.append("own"), "lifespan": opened("b")}):
        sqlite.put(look.job())
        Worker(sqlite.url, tasks.within(lambda job, call_next: call_next(job)), **options).drain()

    assert {who for who, event in heard if event == "job.given_up"} == {"tasks", "own"}
    assert failed == ["tasks", "own"]
    assert seen == [{"pool": "a pool"}, {"pool": "b"}]


def opened(pool: str) -> Any:
    """A lifespan that yields this."""
    from contextlib import nullcontext

    return lambda worker: nullcontext({"pool": pool})
