"""
What type checkers have to refuse: each line is wrong, and says so to mypy and to pyright.

Should one of them take such a line, the comment is unused, and that is an error by itself.
"""

from __future__ import annotations

from proletarian import Job, Retry, Tasks, Worker
from tests.typing.right import bare, connection, coroutine, only_the_job, with_options


def calls() -> None:
    bare.enqueue(connection)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    bare.enqueue(connection, "1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bare.enqueue(connection, account_id="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bare.enqueue(connection, acount_id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    bare.enqueue(connection, 1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    bare.enqueue(account_id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with_options.enqueue(connection, Job(), 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with_options.enqueue(connection, 1, note=2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with_options.using(priorty=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with_options.using(priority="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with_options.using(priority=5).enqueue(connection, "1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    coroutine.enqueue(connection, name=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    coroutine.job(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    only_the_job.enqueue(connection, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def async_calls() -> None:
    await coroutine.aenqueue(connection, nam="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await bare.aenqueue(connection, account_id=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def options(tasks: Tasks) -> None:
    Retry("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Worker("sqlite:///jobs.db", tasks, queues=["mail"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Worker("sqlite:///jobs.db", tasks, slots=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
