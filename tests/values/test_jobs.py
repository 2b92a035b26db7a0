"""A job before it is put in, and what tells a handler to stop."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, Retry, Tasks
from proletarian.job import Stopping


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"job_type": ""}, "a job type is a name"),
        ({"job_type": "x" * 192}, "a job type is a name"),
        ({"job_type": 3}, "a job type is a name"),
        ({"queue": ""}, "queue is a name"),
        ({"queue": "x" * 192}, "queue is a name"),
        ({"queue": 3}, "queue is a name"),
        ({"process_at": "tomorrow"}, "process_at is a datetime"),
        ({"process_at": datetime(2026, 1, 1)}, "has no time zone"),  # noqa: DTZ001 (that is the point)
        ({"process_in": "soon"}, "process_in is seconds or a timedelta"),
        ({"process_in": float("nan")}, "process_in is seconds or a timedelta"),
        ({"process_in": True}, "process_in is seconds or a timedelta"),
        ({"priority": 1.5}, "priority is a whole number"),
        ({"priority": 40_000}, "priority is a whole number"),
        ({"priority": True}, "priority is a whole number"),
        ({"headers": {"a": 1}}, "headers are a mapping of text to text"),
        ({"headers": "a"}, "headers are a mapping of text to text"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        NewJob(**{"job_type": "greet", **options})


@pytest.mark.parametrize(
    ("process_in", "delay"),
    [(60, 60.0), (0.5, 0.5), (timedelta(minutes=1), 60.0), (-5, 0.0), (timedelta(seconds=-5), 0.0), (None, None)],
)
def test_a_delay_is_seconds_and_never_negative(process_in: Any, delay: float | None) -> None:
    assert NewJob("greet", process_in=process_in).delay == delay


def test_using_keeps_what_is_not_named() -> None:
    tasks = Tasks()

    @tasks.task(queue="mail", priority=3)
    def greet(name: str) -> None: ...

    moment = datetime(2026, 1, 1, tzinfo=UTC)
    job = greet.using(process_at=moment).using(priority=5).job(name="Ada")

    assert (job.queue, job.priority, job.process_at) == ("mail", 5, moment)
    assert greet.job(name="Ada").priority == 3, "the task itself stays as it was"


def test_a_task_is_still_a_function() -> None:
    tasks = Tasks()

    @tasks.task(retry=Retry(3))
    def add(job: Job, a: int, b: int) -> int:
        """Adds."""
        return a + b + job.attempts

    assert add(1, 2) == 4
    assert add(Job(attempts=3), 1, 2) == 6  # type: ignore[arg-type, call-arg]
    assert (vars(add)["__name__"], add.__doc__, repr(add)) == ("add", "Adds.", "<Task 'add'>")


def test_tasks_is_a_mapping_of_job_types() -> None:
    tasks = Tasks()

    @tasks.task
    def one() -> None: ...

    @tasks.task(name="second")
    def two() -> None: ...

    assert list(tasks) == ["one", "second"]
    assert tasks["second"] is two
    assert len(tasks) == 2
    assert bool(Tasks())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda tasks: tasks.task(lambda: None), "has no name; give it one"),
        (lambda tasks: tasks.task(name="greet")(print), "two tasks are named 'greet'"),
        (lambda tasks: tasks.task(name="x" * 192)(print), "a job type is a name"),
        (lambda tasks: tasks.task(3), "a task is a function"),
        (lambda tasks: tasks.task(queue="")(print), "queue is a name"),
        (lambda tasks: tasks.task(lost_limit=0), "lost_limit is a whole number"),
        (lambda tasks: tasks.task(time_limit=-1), "time_limit is seconds"),
    ],
)
def test_a_task_that_cannot_be_is_refused(make: Any, said: str) -> None:
    tasks = Tasks()

    @tasks.task
    def greet() -> None: ...

    with pytest.raises(ConfigurationError, match=said):
        make(tasks)


def test_stopping_keeps_its_first_reason() -> None:
    stopping = Stopping()
    assert not stopping.is_set()
    assert not stopping.wait(0.01)
    stopping.set("over time")
    stopping.set("the end")

    assert stopping.is_set()
    assert stopping.wait()
    assert stopping.why == "over time"


def test_stopping_wakes_whoever_waits() -> None:
    stopping, told = Stopping(), []
    threads = [threading.Thread(target=lambda: told.append(stopping.wait(20))) for _ in range(3)]
    for thread in threads:
        thread.start()
    stopping.set("now")
    for thread in threads:
        thread.join(5)

    assert told == [True] * 3
