"""A worker as a program of your own, if `proletarian worker` is not enough."""

from __future__ import annotations

import logging

from examples.a_basics.echo import tasks
from examples.database import URL
from proletarian import Worker

if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(message)s")
    Worker(URL, tasks, queues={"default": 2}).run()
