"""Tasks that child processes import."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proletarian import DatabaseGenerated, Job, Queue, Retry, Snooze, Tasks, TransitSerializer, current_job
from tests.databases import PrivateDatabase
from tests.ledger import Ledger


@contextmanager
def lifespan(worker: Any) -> Iterator[dict[str, Any]]:
    """What each process has of its own."""
    ledger = os.environ.get("SHOP_LEDGER")
    if ledger:
        Ledger(Path(ledger)).write("entered", queues=str(worker.queues))
    yield {"entered_by": os.getpid()}
    if ledger:
        Ledger(Path(ledger)).write("left")


tasks = Tasks(lifespan=lifespan)
shared = Tasks(queue=Queue(job_ids=DatabaseGenerated(), serializer=TransitSerializer()))  # with Clojure


class Odd(Exception):
    """An error that cannot be pickled: its `__init__` asks for more than its arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


class Known(Exception):
    """One that can."""


def unless_known(job: Job, error: BaseException) -> Retry | None:
    """A strategy that asks what the error is."""
    return None if isinstance(error, Known) else Retry(1)


@tasks.task(keep_result=True)
def where(n: int = 0) -> dict[str, int]:
    """In which process it ran."""
    return {"pid": os.getpid(), "parent": os.getppid(), "n": n}


@tasks.task(keep_result=True)
async def awaited(job: Job) -> list[Any]:
    """A coroutine, in a child's own loop."""
    await asyncio.sleep(0.01)
    return [os.getpid(), job.state["entered_by"]]


@tasks.task(keep_result=True, process=True)
def apart() -> int:
    """In a child, whatever its queue."""
    return os.getpid()


@tasks.task(keep_result=True)
def here() -> int:
    """Wherever its queue says."""
    return os.getpid()


@tasks.task(retry=unless_known)
def fail(how: str) -> None:
    """Raises."""
    logging.getLogger("shop").warning("about to fail: %s", how)
    if how == "odd":
        raise Odd("this", "that")
    if how == "known":
        raise Known("for good")
    if how == "exit":
        raise SystemExit(3)
    raise Snooze(3600)


@tasks.task(time_limit=0.3)
def spin() -> None:
    """Hears nothing, and never lets go of the interpreter: a pattern that takes ages, in C code."""
    re.match(r"(a+)+$", "a" * 64 + "b")


@tasks.task
def endless(ledger: str) -> None:
    """The same without a limit."""
    Ledger(Path(ledger)).write("began")
    spin()


@tasks.task
def listen(job: Job, ledger: str, seconds: float = 60.0) -> None:
    """Comes to an end when it is told to."""
    book = Ledger(Path(ledger))
    book.write("began", attempts=job.attempts, lost=job.lost)
    if job.stopping.wait(seconds):
        book.write("told", why=job.stopping.why)
        return
    book.write("ended")


@tasks.task
def deaf(job: Job, ledger: str, seconds: float = 60.0) -> None:
    """Hears nothing."""
    book = Ledger(Path(ledger))
    book.write("began", attempts=job.attempts, lost=job.lost)
    time.sleep(seconds)
    book.write("ended")


@tasks.task(time_limit=0.2)
async def too_long() -> None:
    """A coroutine over its time limit."""
    await asyncio.sleep(60)


@tasks.task
async def asleep(job: Job, ledger: str) -> None:
    """A coroutine that says when it is cancelled."""
    book = Ledger(Path(ledger))
    book.write("began")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        book.write("cancelled")
        raise


@tasks.task(retry=Retry(10))
def die(job: Job, number: int, times: int) -> None:
    """Kills its process so many times."""
    if job.attempts <= times:
        if number:
            os.kill(os.getpid(), number)
            time.sleep(10)
        os._exit(7)


@tasks.task(time_limit=0.2)
def overdue(job: Job) -> None:
    """Hears that it is over its time limit, and says so."""
    if job.stopping.wait(20):
        raise TimeoutError(job.stopping.why)


@tasks.task(retry=Retry(1000), lost_limit=1000)
def brief(ledger: str) -> None:
    """Takes a moment."""
    Ledger(Path(ledger)).write("began")
    time.sleep(0.1)


@tasks.task
def eat(megabytes: int) -> None:
    """Takes memory."""
    taken = []
    for _ in range(megabytes):
        taken.append(bytearray(b"x") * 1_000_000)
        time.sleep(0.002)
    time.sleep(10)


@tasks.task(time_limit=1.0)
def start_program(ledger: str) -> None:
    """Starts a program that lasts, and waits for it."""
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Ledger(Path(ledger)).write("started", program=program.pid)
    program.wait()


@tasks.task(keep_result=True)
def sockets() -> list[str]:
    """What sockets this process has open."""
    open_ = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return sorted(str(file.readlink()) for file in open_ if file.exists() and "socket:" in str(file.readlink()))


@tasks.task
def pay(job: Job, url: str, how: str) -> None:
    """Completes its job in a transaction of its own, and may die then."""
    with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10) as connection:
        connection.execute("INSERT INTO payment VALUES (1)")
        job.complete(connection, result="paid")
        if how == "before":
            os.kill(os.getpid(), signal.SIGKILL)
    if how == "after":
        os.kill(os.getpid(), signal.SIGKILL)


@shared.task(name=":shop/settle")
def settle(job: Job, product: str, url: str) -> None:
    """Completes its job, whose id is a number, on any database."""
    with PrivateDatabase(product, url).connection() as connection:
        job.complete(connection, result={"id": job.job_id})
        connection.commit()


@tasks.task
def steps(job: Job, count: int, gate: str) -> None:
    """Says how far it is, then waits until a file is there."""
    for n in range(count):
        job.progress(n + 1, count)
    while not Path(gate).exists():
        time.sleep(0.01)


@tasks.task(keep_result=True)
def asked() -> list[object]:
    """Which job it is, by asking."""
    job = current_job()
    return [] if job is None else [job.job_type, os.getpid(), job.payload]


@tasks.task(retry=Retry(1, delays=[0]))
def taken(job: Job) -> None:
    """Takes a step, dies, and takes it again."""
    pid = job.step("charge", os.getpid)
    job.step("count", len, "four")
    if job.attempts + job.lost == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if pid == os.getpid():
        raise AssertionError("the step was done again")


@tasks.task(retry=Retry(1, delays=[0]))
async def frozen(job: Job, ledger: str) -> None:
    """Keeps more than a pipe holds; its second run asks for that, and is frozen before it hears it."""
    if job.attempts == 1:
        await job.astep("much", much)
        raise Odd("this", "that")
    asked = asyncio.ensure_future(job.astep("much", much))
    await asyncio.sleep(0)  # it has asked
    Ledger(Path(ledger)).write("freezes")
    os.kill(os.getpid(), signal.SIGSTOP)
    Ledger(Path(ledger)).write("heard", letters=len(await asked))


def much() -> str:
    """What a step returns."""
    return "x" * 2_000_000


@tasks.task
def part(n: int) -> int:
    """What another job waits for."""
    return n


@tasks.task(keep_result=True)
def whole(job: Job) -> list[object]:
    """Waits for parts, and is followed by another job."""
    job.then(where.job(n=7))
    return sorted(job.results.values(), key=str)
