"""The page that leads through the code says what is there: a job is followed through the files."""

from __future__ import annotations

import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from proletarian import Job, NewJob, Tasks, Worker, migrate
from proletarian.outcomes import Outcome
from proletarian.sql.rows import Claimed, Ended, NewRow
from proletarian.sql.statements import Statement
from proletarian.worker.run import Run
from tests.project.source import PACKAGE, ROOT

PAGE = (ROOT / "docs" / "explain" / "through-the-code.md").read_text()
NOUNS = {
    "job/job.py",
    "job/new.py",
    "outcomes.py",
    "sql/rows.py",
    "worker/run.py",
}  # where the shapes themselves are defined

CARRIERS = {
    "connections/session.py",
    "drivers/families/sqlite.py",
    "sql/statements.py",
}  # of plans, whatever these are about


def listed(heading: str) -> set[str]:
    """The files in the tables of one section."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([\w/.]+)` \|", section, re.MULTILINE))


@contextmanager
def followed(*shapes: type) -> Iterator[set[str]]:
    """The files with a function that has one of these shapes among its variables, or returns it."""
    seen: set[str] = set()

    def holds(value: Any, depth: int = 2) -> bool:
        if isinstance(value, shapes):
            return True
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
        return depth > 0 and any(holds(item, depth - 1) for item in inside)

    def look(frame: FrameType, event: str, result: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "return" and path.is_relative_to(PACKAGE) and holds([*frame.f_locals.values(), result]):
            seen.add(path.relative_to(PACKAGE).as_posix())

    before = sys.getprofile()
    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield seen
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def test_the_page_names_the_files_that_a_job_passes(tmp_path: Path) -> None:
    tasks = Tasks()

    @tasks.task
    def greet(name: str) -> None:
        """Run by the worker."""

    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    migrate(url)
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        greet.enqueue(connection, name="Ada")  # what is found once is found
        with followed(NewJob, NewRow, Statement) as enqueue:
            greet.enqueue(connection, name="Ada")
        connection.commit()
    with followed(Claimed, Run, Job, Outcome, Ended) as run:
        Worker(url, tasks).drain()

    assert enqueue - NOUNS == listed("Enqueue")
    assert run - NOUNS == listed("From the claim to the archive")
    assert len(enqueue - NOUNS) <= 10
    assert len(run - NOUNS - CARRIERS) <= 14
