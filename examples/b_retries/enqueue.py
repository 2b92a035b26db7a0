"""Three orders: `python -m examples.b_retries.enqueue`."""

from __future__ import annotations

from contextlib import closing

from examples.b_retries.orders import place_order
from examples.database import connect
from proletarian import enqueue_many

PATHS = ("/busy", "/broken", "/nobody")

if __name__ == "__main__":
    with closing(connect()) as connection:
        enqueue_many(connection, [place_order.job(path=path) for path in PATHS])
        connection.commit()
    print(f"enqueued {len(PATHS)} orders")
