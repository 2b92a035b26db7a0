"""One job of each kind: `python -m examples.c_shutdown.enqueue SECONDS`."""

from __future__ import annotations

import sys
from contextlib import closing

from examples.c_shutdown.jobs import checks_between_chunks, handles_the_interrupt, ignores_it
from examples.database import connect
from proletarian import enqueue_many


def main(seconds: float) -> None:
    """Each of them runs for the given time."""
    jobs = [
        handles_the_interrupt.job(seconds=seconds),
        checks_between_chunks.job(chunks=round(2 * seconds)),
        ignores_it.job(seconds=seconds),
    ]
    with closing(connect()) as connection:
        enqueue_many(connection, jobs)
        connection.commit()
    print(f"enqueued {len(jobs)} jobs of {seconds:g} s")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
