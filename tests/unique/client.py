"""A client of the ledger: enqueues unique jobs in transactions, some of which are rolled back, until it is killed."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from pathlib import Path

from tests.databases import PrivateDatabase
from tests.ledger import Ledger
from tests.unique.tasks import finished, started


def main(product: str, url: str, path: str, seed: str) -> None:
    """One transaction after the other; what was committed is noted afterwards, with when the commit began."""
    chance, ledger = random.Random(int(seed)), Ledger(Path(path))
    database = PrivateDatabase(product, url)
    with contextlib.closing(database.connect()) as connection:
        while True:
            time.sleep(chance.uniform(0, 0.03))
            task = chance.choice([finished, started])
            keys = sorted(chance.sample(range(4), chance.choice([1, 2])))
            try:
                job_ids = [str(task.enqueue(connection, key)) for key in keys]
                time.sleep(chance.uniform(0, 0.02))
                commits_at = time.time()
                if chance.random() < 0.3:
                    connection.rollback()
                    continue
                connection.commit()
            except Exception as error:  # noqa: BLE001 (a deadlock, a busy database: users try again)
                connection.rollback()
                ledger.write("refused", error=type(error).__name__, said=str(error)[:200])
                continue
            for key, job_id in zip(keys, job_ids, strict=True):
                ledger.write("committed", type=task.name, key=key, job_id=job_id, at=commits_at)


if __name__ == "__main__":
    main(*sys.argv[1:])
