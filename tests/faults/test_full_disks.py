"""The disk is full: clear errors, no worker ends, and it works on when there is room."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from proletarian import Job, NewJob, Worker
from tests.conftest import server_url
from tests.databases import PrivateDatabase, new_server
from tests.waiting import wait_until
from tests.worker.recorder import Recorder

JOBS = 400


@contextlib.contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[None]:
    """A file system of its own, with so much room."""
    if os.geteuid() != 0:
        pytest.skip("NO DISK CAN BE FILLED HERE: a file system of its own needs root")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"NO DISK CAN BE FILLED HERE: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(file: Path) -> None:
    """Use up all the room that is left."""
    with file.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)


def try_it(database: PrivateDatabase, filler: Path, recorder: Recorder, error: type[Exception], words: str) -> None:
    """Jobs wait; the disk is full; then there is room again."""
    ran: list[Any] = []

    def handle(job: Job) -> None:
        ran.append(job.payload["n"])

    database.put(*[NewJob("greet", {"n": n, "text": "x" * 1000}) for n in range(JOBS)])
    fill(filler)
    with pytest.raises(error, match=words):
        database.put(*[NewJob("greet", {"n": n, "text": "x" * 1000}) for n in range(JOBS, 20 * JOBS)])
    with Worker(database.url, handle, log=recorder):
        trouble = recorder.wait_for("database.unavailable", 60)
        filler.unlink()
        wait_until(lambda: database.count("archived_job") == JOBS, 60, what="all jobs in the archive")
        recorder.wait_for("database.recovered")

    assert re.search(words, str(trouble["error"]))
    assert sorted(set(ran)) == list(range(JOBS))
    assert database.rows(f"SELECT DISTINCT status, lost FROM {database.table('archived_job')}") == [("success", 0)]
    assert "worker.failed" not in recorder.names()


def test_a_full_disk_under_sqlite(tmp_path: Path, recorder: Recorder) -> None:
    with small_disk(tmp_path, 4):
        database = PrivateDatabase("sqlite", f"sqlite:///{tmp_path}/jobs.db")
        database.migrate()
        try_it(database, tmp_path / "filler", recorder, sqlite3.OperationalError, "disk is full|disk I/O error")


def test_a_full_disk_under_postgresql(tmp_path: Path, recorder: Recorder) -> None:
    """
    Where its tables are; a server whose log has no room ends, and that is like being killed.

    The server is the test's own: its checkpoints fail, which each CREATE DATABASE of another test would wait for.
    """
    server_url("postgresql")  # skips where there is none
    name = "small"
    # The server's account must get there.
    place = Path(f"/tmp/proletarian-{name}-{os.getpid()}")
    place.mkdir()
    try:
        with (
            small_disk(place, 24),
            new_server("postgresql") as server,
            psycopg.connect(server.url, autocommit=True) as connection,
        ):
            folder = place / "tables"
            folder.mkdir()
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            connection.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'".encode())
            try:
                connection.execute(f"CREATE DATABASE {name} TABLESPACE {name}".encode())
                database = PrivateDatabase("postgresql", f"{server.url.rpartition('/')[0]}/{name}")
                database.migrate()
                try_it(database, place / "filler", recorder, psycopg.errors.DiskFull, "No space left")
            finally:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
                connection.execute(f"DROP TABLESPACE {name}".encode())
    finally:
        place.rmdir()
