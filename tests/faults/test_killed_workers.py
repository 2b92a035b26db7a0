"""Workers that are killed, frozen and told to stop under load: the books balance."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

from tests.databases import PrivateDatabase
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 4}, "heartbeat": 0.5, "lost_after": 2.0}


def hurt(crew: Fleet, database: PrivateDatabase, chance: random.Random) -> str:
    """Do something bad to one worker, and put another one in its place."""
    alive = [worker for worker in crew.workers if worker.process.poll() is None]
    victim = chance.choice(alive)
    fault = chance.choice(["kill", "freeze", "stop"])
    if fault == "kill":
        victim.kill()
    elif fault == "freeze":
        victim.freeze()
        time.sleep(3.0)  # beyond lost_after: that is the fault
        victim.thaw()
        return fault
    else:
        victim.tell()
    crew.start(database, wait=False, **CARE)
    return fault


def run(crew: Fleet, books: Books, *, jobs: int, faults: int, seed: int) -> None:
    """Produce under faults until all is done, and look at the books."""
    chance = random.Random(seed)
    for _ in range(3):
        crew.start(books.database, wait=False, **CARE)
    crew.ledger.wait_for("worker.started", count=3)
    crew.look_around()
    producer = threading.Thread(target=books.produce, args=[jobs])
    producer.start()
    for _ in range(faults):
        time.sleep(chance.uniform(0.1, 0.5))
        hurt(crew, books.database, chance)
    producer.join()
    wait_until(lambda: books.done, 60, what=f"the end of all jobs (seed {seed})")
    books.balance(losses=True, told=crew.ledger)


def test_the_books_balance_after_workers_were_killed_frozen_and_stopped(crew: Fleet, books: Books) -> None:
    run(crew, books, jobs=60, faults=3, seed=7)
