"""Nothing that comes from the database becomes code, a name to import, or SQL."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proletarian
from proletarian import ConfigurationError, NewJob, Tables
from proletarian.errors import ProletarianError
from tests.databases import PrivateDatabase

SOURCE = Path(proletarian.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml"}
# What a worker and a process that runs jobs for it say to each other, and names of functions: see SECURITY.md. Nothing
# that comes from the database is unpickled: payloads, results and errors stay the text that they are.
BETWEEN_PROCESSES = {
    f"worker/hands/{name}.py" for name in ("source", "performer", "ended", "messages", "submitter", "remote", "raised")
} | {"standing.py", "contrib/flask.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_pickle_and_no_eval(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found = {name.partition(".")[0] for name in names} & FORBIDDEN_MODULES
        assert found <= ({"pickle"} if path.relative_to(SOURCE).as_posix() in BETWEEN_PROCESSES else set())


def test_the_worker_and_the_queue_import_nothing_by_name() -> None:
    for path in MODULES:
        part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if path.relative_to(SOURCE).as_posix() == "worker/hands/source.py":
            continue  # the modules of the worker's own tasks, in a process that runs them
        if part in ("worker", "queue", "tasks", "payloads", "serializers", "job", "outcomes", "sql"):
            assert "import_module" not in path.read_text(), path


@given(st.text(max_size=40) | st.sampled_from(["job; DROP TABLE job", 'a"b', "a'b", "a--", "a b", "a.b.c", "a`b"]))
def test_a_name_of_a_table_is_a_plain_name_or_refused(name: str) -> None:
    for names in ({"prefix": name}, {"job": name}, {"archived_job": name}):
        try:
            tables = Tables(**names)
        except ConfigurationError:
            continue
        for database in ("postgresql", "mysql", "sqlite"):
            full = tables.name("job", database) + tables.name("archived_job", database)
            assert all(character.isascii() and (character.isalnum() or character in "_$.") for character in full)


HOSTILE = [
    "'; DROP TABLE proletarian_job; --",
    '"',
    "\\",
    "\\'",
    "%s",
    "%(x)s",
    ":queue",
    "$1",
    "?",
    "{}",
    "\u202e",
    "💥",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_queues_and_jobs_are_values(database: PrivateDatabase, name: str) -> None:
    try:
        database.put(NewJob(name, {"text": name}, queue=name, headers={name: name}))
    except ProletarianError:
        return
    [row] = database.rows(f"SELECT job_type, queue FROM {database.table('job')}")
    assert row == (name, name)
