"""Jobs that nobody can run cost themselves only."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from proletarian import Job, NewJob, Tasks
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers

PAYLOADS = {
    "not JSON": "{'n': 1}",
    "cut off": '{"n": ',
    "nothing": "",
    "nested": "[" * 100_000,
    "no mapping": "[1, 2]",
    "a wrong type": '{"n": "one"}',
    "a key too many": '{"n": 1, "m": 2}',
    "a key too few": "{}",
}


def write_payload(database: PrivateDatabase, text: str) -> None:
    """Write into the only waiting job what no enqueue would let through."""
    database.rows(f"UPDATE {database.table('job')} SET payload = %s", [text])


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_payload_that_cannot_be_read_is_archived_as_failed(
    database: PrivateDatabase, workers: Workers, tasks: Tasks, text: str
) -> None:
    @tasks.task
    def greet(n: int) -> None: ...

    database.put(greet.job(n=1))
    write_payload(database, text)
    database.put(greet.job(n=2))
    workers.drain(tasks)

    assert sorted(database.archive("status", "attempts")) == [("failure", 1), ("success", 1)]
    [(errors,)] = database.rows(f"SELECT errors FROM {database.table('archived_job')} WHERE status = 'failure'")
    assert json.loads(errors)[0]["type"] == "UnreadablePayload"


def test_it_is_not_tried_again(database: PrivateDatabase, workers: Workers) -> None:
    from proletarian import Retry

    tasks = Tasks(retry=Retry(5))

    @tasks.task
    def greet(n: int) -> None: ...

    database.put(greet.job(n=1))
    write_payload(database, "{")
    workers.drain(tasks)

    assert database.archive("status", "attempts") == [("failure", 1)]


def test_the_hook_hears_of_it(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    seen: list[tuple[str, Any, str]] = []

    @tasks.task
    def greet(n: int) -> None: ...

    database.put(greet.job(n=1))
    write_payload(database, "{")
    workers.drain(tasks, failed_job=lambda job, error: seen.append((job.job_type, job.payload, str(error))))

    [(job_type, payload, said)] = seen
    assert (job_type, payload) == ("greet", None)
    assert "is not JSON" in said


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, BaseException, StopIteration])
def test_a_handler_may_raise_anything(
    database: PrivateDatabase, workers: Workers, tasks: Tasks, error: type[BaseException]
) -> None:
    @tasks.task
    def plain() -> None:
        raise error("of all things")

    @tasks.task
    async def far() -> None:
        await asyncio.sleep(0)
        raise error("of all things")

    @tasks.task
    async def good() -> None:
        await asyncio.sleep(0.05)

    database.put(plain.job(), far.job(), good.job())
    with workers.running(tasks):
        workers.archived(3, seconds=5)
        database.put(good.job(), plain.job())
        workers.archived(5, seconds=5)

    assert sorted(database.archive()) == [("far", "failure")] + [("good", "success")] * 2 + [("plain", "failure")] * 2


def test_an_error_without_words_can_be_kept(database: PrivateDatabase, workers: Workers) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def handle(job: Job) -> None:
        raise Broken

    database.put(NewJob("greet"))
    workers.drain(handle)

    [(errors,)] = database.archive("errors")
    assert "its message cannot be read" in errors


def test_a_result_that_cannot_be_kept_is_a_failure(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task(keep_result=True)
    def greet() -> object:
        return object()

    database.put(greet.job())
    workers.drain(tasks)

    [(status, errors)] = database.archive("status", "errors")
    assert status == "failure"
    assert "the result of the handler cannot be stored" in errors


def test_an_unknown_job_type_waits_for_a_release_that_knows_it(database: PrivateDatabase, workers: Workers) -> None:
    old, new = Tasks(), Tasks()

    @old.task
    def known() -> None: ...

    @new.task
    def novel() -> None: ...

    database.put(NewJob("novel"), known.job())
    workers.drain(old)

    assert database.archive() == [("known", "success")]
    [(attempts, errors)] = database.rows(f"SELECT attempts, errors FROM {database.table('job')}")
    assert attempts == 0
    assert json.loads(errors)[0]["message"] == "no handler for job type 'novel'; this worker knows: known"

    database.rows(f"UPDATE {database.table('job')} SET process_at = enqueued_at")
    workers.drain(new)
    assert database.archive("job_type", "status", "attempts") == [("novel", "success", 1), ("known", "success", 1)]


def test_an_unknown_job_type_is_given_up_in_the_end(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task
    def known() -> None: ...

    database.put(NewJob("novel"))
    workers.drain(tasks)
    assert database.count("job") == 1
    database.rows(f"UPDATE {database.table('job')} SET process_at = enqueued_at")
    workers.drain(tasks, unknown_for=0)

    assert database.archive("status", "attempts") == [("failure", 1)]
    assert workers.recorder.of("job.given_up")[0]["job_type"] == "novel"


def test_a_handler_that_raises_the_same_error_is_no_unknown_type(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    from proletarian import UnknownJobType

    @tasks.task
    def greet() -> None:
        raise UnknownJobType("of my own")

    database.put(greet.job())
    workers.drain(tasks)

    assert database.archive() == [("greet", "failure")]


def test_a_handler_that_holds_the_interpreter_does_no_harm_to_the_others(
    sqlite: PrivateDatabase, workers: Workers
) -> None:
    database = workers.database
    runs = []

    def handle(job: Job) -> None:
        if job.job_type == "selfish":
            runs.append(sum(range(30_000_000)))  # one call, in C, that lets nobody else in
        else:
            runs.append(1)

    database.put(NewJob("selfish", priority=1), *[NewJob("good")] * 5)
    workers.drain(handle, heartbeat=0.5, lost_after=1)

    assert len(runs) == 6
    assert len(database.archive()) == 6


def test_a_worker_full_of_poison_still_serves(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task
    def greet(n: int) -> None: ...

    database.put(*[NewJob("greet", {"m": n}) for n in range(200)], NewJob("greet", {"n": 1}))
    with workers.running(tasks):
        wait_until(lambda: database.count("archived_job") == 201)
        before = time.monotonic()
        database.put(greet.job(n=1))
        wait_until(lambda: database.count("archived_job") == 202)

    assert time.monotonic() - before < 3


def test_an_error_that_cannot_be_shown_costs_its_job_only(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    class Lost(Exception):
        @property
        def __cause__(self) -> Any:  # type: ignore[override]
            raise RuntimeError("the session is closed")

    @tasks.task
    def parse() -> None:
        place: Any = ("page.html", "12", "3", "{% if")
        raise SyntaxError("bad template", place)

    @tasks.task
    def load() -> None:
        raise Lost

    @tasks.task
    async def load_far() -> None:
        raise Lost

    @tasks.task
    def good() -> None: ...

    database.put(parse.job(), load.job(), load_far.job(), good.job())
    workers.drain(tasks, queues={"default": 2})

    assert sorted(database.archive()) == [
        ("good", "success"), ("load", "failure"), ("load_far", "failure"), ("parse", "failure"),
    ]  # fmt: skip
    assert database.count("running_job") == 0
