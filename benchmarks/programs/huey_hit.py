# mypy: ignore-errors
"""The task of with_huey.py, in a module of its own so that client and worker know it by one name."""

from huey import SqliteHuey

from benchmarks.programs.contestant import URL, record

huey = SqliteHuey("bench", filename=URL.removeprefix("sqlite:///"), results=False)  # synchronous=FULL is its default


@huey.task()
def hit(n, email):
    record(n)
