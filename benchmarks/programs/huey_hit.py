# mypy: ignore-errors
"""The task of with_huey.py, in a module of its own, so client and worker know it by the same name."""

from huey import SqliteHuey

from benchmarks.programs.contestant import URL, record

huey = SqliteHuey("bench", filename=URL.removeprefix("sqlite:///"), results=False)  # synchronous=FULL is its default


@huey.task()
def hit(n, email):
    record(n)
