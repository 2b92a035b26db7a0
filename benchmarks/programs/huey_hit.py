# mypy: ignore-errors
"""The task of with_huey.py, in a module of its own so that client and worker know it by one name."""

from benchmarks.programs.contestant import URL, record
from huey import SqliteHuey

huey = SqliteHuey("bench", filename=URL.removeprefix("sqlite:///"), results=False)  # synchronous=FULL is its default


@huey.task()
def hit(n, email):
    record(n)
