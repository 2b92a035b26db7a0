"""Who did what by the command line is written down, in the transaction of the act, on every database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proletarian import NewJob, set_schedule
from proletarian.connections.database import Database
from proletarian.sql.auditing import entries
from tests.cli.inside import inside
from tests.cli.terminal import Terminal
from tests.databases import PrivateDatabase


@pytest.fixture
def here(folder: Path, tmp_path: Path, database: PrivateDatabase) -> Iterator[Terminal]:
    """A terminal that knows the database."""
    with inside(folder, tmp_path, PROLETARIAN_DATABASE=database.url, LOGNAME="ann") as opened:
        yield opened


def audit(database: PrivateDatabase) -> list[tuple[str, str, str, str, int | None]]:
    """Who did what, the first first."""
    own = Database(database.url)
    connection = own.connect()
    try:
        found = connection.run(entries(own.dialect, 100))
    finally:
        connection.close()
    return [(one.who, one.action, one.target, one.detail, one.jobs) for one in reversed(found)]


def test_every_act_leaves_an_entry(here: Terminal, database: PrivateDatabase) -> None:
    one, other = database.put(NewJob("greet", queue="mail"), NewJob("greet", queue="mail"))
    with database.connection() as connection:
        set_schedule(connection, "@hourly", NewJob("tidy"), name="tidy")
        connection.commit()

    for command in (
        f"jobs cancel {one} --reason 'no mail' --by zoë",
        "jobs retry queue:mail --fresh --yes --by zoë",
        "jobs reschedule queue:mail --in 1h --priority 7 --yes --by zoë",
        f"jobs delete {other} --by zoë",
        "queues pause mail --reason 'smtp is down' --by zoë",
        "queues resume mail other --by zoë",
        "schedules pause tidy --by zoë",
        "schedules pause tidy --by zoë",
        "schedules resume tidy --by zoë",
        "schedules run tidy --by zoë",
        "limits set smtp 2 --rate 5 --seconds 1m --by zoë",
        "limits reset smtp --by zoë",
        "limits reset smtp --by zoë",
        "jobs cancel queue:mail --by zoë",
        "prune --failed 0 --yes --by zoë",
        "jobs delete tag:none --by zoë",
        "jobs delete queue:default --dry-run --by zoë",
    ):
        said = here.run(f"proletarian {command}")
        assert said.code == 0, (command, said.text)

    assert audit(database) == [
        ("zoë", "cancel job", str(one), "no mail", 1),
        ("zoë", "retry jobs", "queue:mail state:failed,cancelled", "fresh", 1),
        ("zoë", "reschedule jobs", "queue:mail state:scheduled,waiting", "in 3600 s, priority 7", 2),
        ("zoë", "delete job", str(other), "", 1),
        ("zoë", "pause queue", "mail", "smtp is down", None),
        ("zoë", "resume queue", "mail", "", None),
        ("zoë", "pause schedule", "tidy", "", None),
        ("zoë", "resume schedule", "tidy", "", None),
        ("zoë", "run schedule", "tidy", "", None),
        ("zoë", "set limit", "smtp", "2 at a time, 5 in 60 s", None),
        ("zoë", "lift limit", "smtp", "", None),
        ("zoë", "cancel jobs", "queue:mail state:scheduled,waiting,held,running", "", 1),
        ("zoë", "prune jobs", audit(database)[-1][2], "", 1),
    ]


def test_what_was_refused_is_not_written_down(here: Terminal, database: PrivateDatabase) -> None:
    [waiting] = database.put(NewJob("greet"))
    unknown = "01a22638-ab96-7000-835e-12e4fde6ac4b"

    refused = [
        here.run(f"proletarian jobs {command}") for command in (f"retry {waiting}", f"cancel {unknown}", "delete foo")
    ]

    assert [said.code for said in refused] == [1, 1, 2]
    assert audit(database) == []


def test_it_is_the_login_of_the_shell_that_is_written_down(here: Terminal, database: PrivateDatabase) -> None:
    [waiting] = database.put(NewJob("greet"))
    said = here.start(f"proletarian jobs cancel {waiting}")

    assert said.ends() == 0
    assert audit(database) == [("ann", "cancel job", str(waiting), "", 1)]
