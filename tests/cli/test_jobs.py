"""`proletarian jobs` and `prune`: a person sees jobs, and acts on them, on every database."""

from __future__ import annotations

import json
import os
import pty
import subprocess

import pytest

from proletarian import NewJob
from tests.cli.terminal import Said, Terminal, asked
from tests.databases import PrivateDatabase


def told(said: Said) -> str:
    """What a command that did its work has said."""
    assert (said.code, said.err) == (0, ""), said.text
    return said.out.strip()


def test_jobs_are_found_shown_and_acted_on(here: Terminal, database: PrivateDatabase) -> None:
    database.put(*[NewJob("fail")] * 3, NewJob("greet", {"name": "Zoë", "token": "t-1"}, queue="mail"))
    assert here.run("proletarian worker shop.jobs --drain --queue default").code == 0

    page = asked(here, "jobs list state:failed error:ValueError since:1h --limit 2")
    rest = asked(here, f"jobs list state:failed --after {page['next']}")
    [waiting] = asked(here, "jobs list queue:ma* --why")["jobs"]
    shown = told(here.run(f"proletarian jobs show {waiting['job_id']} --unmask"))

    assert (len(page["jobs"]), len(rest["jobs"]), rest["next"]) == (2, 1, None)
    assert page["jobs"][0]["errors"][0]["message"] == "no luck"
    assert waiting["payload"] == {"name": "Zoë", "token": "********"}
    assert (waiting["state"], waiting["why"]["code"]) == ("waiting", "no_worker")
    assert 'payload   {"name": "Zoë", "token": "t-1"}' in shown
    assert "why       no live worker serves the queue 'mail'" in shown
    assert asked(here, "jobs list --count state:failed") == {"count": 3, "at_least": []}

    mail = waiting["job_id"]
    assert told(here.run(f"proletarian jobs reschedule {mail} --in 1h --priority 7")) == "rescheduled 1 job"
    assert told(here.run(f"proletarian jobs cancel {mail} --reason 'no mail' --by zoë")) == "cancelled 1 waiting job"
    [cancelled] = asked(here, f"jobs show {mail}")["jobs"]
    assert (cancelled["state"], cancelled["priority"]) == ("cancelled", 7)
    assert cancelled["errors"][-1]["message"] == "no mail (by zoë)"
    assert asked(here, "jobs retry state:failed --yes") == {"retried": 3}
    assert asked(here, "jobs cancel queue:default --yes") == {"waiting": 3, "asked": 0, "ended": 0, "unknown": 0}
    assert told(here.run("proletarian jobs delete state:cancelled queue:default --yes")) == "deleted 3 jobs"
    assert told(here.run("proletarian prune --failed 0 --yes")) == "deleted 1 job"
    assert [database.count(table) for table in ("job", "running_job", "archived_job")] == [0, 0, 0]


def test_a_filter_is_followed_over_many_batches(here: Terminal, database: PrivateDatabase) -> None:
    database.put(*[NewJob("greet", queue="mail")] * 1201, NewJob("greet", queue="other"))

    assert asked(here, "jobs cancel queue:mail -y")["waiting"] == 1201
    assert asked(here, "jobs retry queue:mail -y") == {"retried": 1201}
    assert database.count("job") == 1202


def test_nothing_is_changed_by_a_dry_run_or_without_an_answer(there: Terminal, sqlite: PrivateDatabase) -> None:
    [one, *_] = sqlite.put(*[NewJob("greet")] * 3)

    for command in ("cancel type:greet", "delete type:greet", "reschedule type:greet --in 5", f"cancel {one}"):
        said = told(there.run(f"proletarian jobs {command} --dry-run"))
        assert said.startswith(
            f"would {command.partition(' ')[0]} {'1 job' if command.endswith(str(one)) else '3 jobs'}"
        )
        assert str(one) in said
    refused = there.run("proletarian jobs delete queue:default")
    pruned = there.run("proletarian prune --failed 0 --dry-run --json")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("Error: this would delete 3 jobs: queue:default state:")
    assert "give --yes" in refused.err
    assert json.loads(pruned.out) == {"dry_run": "prune", "count": 0, "at_least": []}
    assert [job["state"] for job in asked(there, "jobs list")["jobs"]] == ["waiting"] * 3


def test_one_job_is_changed_without_asking(there: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("greet"))

    assert asked(there, "jobs cancel type:greet") == {"waiting": 1, "asked": 0, "ended": 0, "unknown": 0}


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("list queue:mail stat:failed", 2, "a filter has no key 'stat'; did you mean state?"),
        ("list queue:mail stat:failed", 2, "\n    queue:mail stat:failed\n               ^^^^^^^^^^^\n"),
        ("list since:soon", 2, "'soon' is not a time"),
        ("cancel state:failed", 2, "this cannot be done to jobs that are failed; states: scheduled, waiting"),
        ("cancel ''", 2, "this filter matches every job; write queue:* if you mean all of them"),
        ("show 12", 2, "'12' is not a job id of this queue"),
        ("show 01a22638-ab96-7000-835e-12e4fde6ac4b", 1, "there is no job 01a22638-ab96"),
        ("retry 01a22638-ab96-7000-835e-12e4fde6ac4b", 1, "does not exist: only a job that has ended can be retried"),
        ("cancel 01a22638-ab96-7000-835e-12e4fde6ac4b", 1, "there is no job 01a22638-ab96"),
        ("retry failed", 2, "'failed' is no job id; did you mean state:failed?"),
        ("list queue:mail failed", 2, "'failed' is no job id; did you mean state:failed?"),
        ("reschedule queue:mail", 2, "give --in, --at or --priority"),
        ("reschedule queue:mail --in 5 --at 2026-12-01T06:00Z", 2, "--in and --at both give --in, --at or --priority"),
        ("reschedule queue:mail --at tomorrow", 2, "'tomorrow' is not a time"),
        ("reschedule queue:mail --at 2026-12-01T06:00", 2, "has no time zone"),
    ],
)
def test_what_cannot_be_is_told_with_an_exit_code(command: str, code: int, says: str, there: Terminal) -> None:
    said = there.run(f"proletarian jobs {command}")

    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert "Traceback" not in said.err


def test_of_several_jobs_those_are_named_to_which_it_cannot_be_done(here: Terminal, database: PrivateDatabase) -> None:
    waiting, other = map(str, database.put(NewJob("greet"), NewJob("greet")))
    unknown = "01a22638-ab96-7000-835e-12e4fde6ac4b"

    asks = here.run(f"proletarian jobs cancel {waiting} {unknown}")
    said = here.run(f"proletarian jobs cancel {waiting} {unknown} {waiting} -y --json")
    again = here.run(f"proletarian jobs cancel {waiting}")
    retried = here.run(f"proletarian jobs retry {waiting} {other} {unknown} -y")

    assert (asks.code, asks.out) == (2, "")
    assert (said.code, json.loads(said.out)["waiting"], json.loads(said.out)["unknown"]) == (1, 1, 1)
    assert said.err == f"Error: there is no job {unknown}\n"
    assert (again.code, again.out, again.err) == (1, "", f"Error: job {waiting} had ended before\n")
    assert (retried.code, retried.out) == (1, "retried 1 job\n")
    assert f"Error: job {other} is waiting: only a job that has ended can be retried; job {unknown} does not exist" in (
        retried.err
    )


def test_prune_deletes_what_is_old_and_fits(here: Terminal, database: PrivateDatabase) -> None:
    database.put(NewJob("greet", {"name": "Ann"}), NewJob("greet", {"name": "Bob"}), NewJob("fail"))
    here.run("proletarian worker shop.jobs --drain")

    assert asked(here, "prune --succeeded 1h --failed 1h --dry-run")["count"] == 0
    assert asked(here, "prune --succeeded 0 --failed 0 --dry-run") == {"dry_run": "prune", "count": 3, "at_least": []}
    assert asked(here, "prune --succeeded 0 --failed 0 type:f* -y") == {"deleted": 1}
    assert asked(here, "prune --succeeded 0 -y") == {"deleted": 2}


def on_a_terminal(there: Terminal, command: str, typed: bytes = b"", **environment: str) -> str:
    """What a command writes to a real terminal, in which this is typed."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        command.split(), cwd=there.folder, env={**there.environment, "TERM": "xterm", "COLUMNS": "160", **environment},
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, typed)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert program.wait(60) in (0, 1)
    return said.decode()


def test_a_person_is_asked_before_many_jobs_change(there: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(*[NewJob("greet")] * 2)

    no = on_a_terminal(there, "proletarian jobs cancel type:greet", b"n\n")
    kept = sqlite.count("job")
    yes = on_a_terminal(there, "proletarian jobs cancel type:greet", b"y\n")

    assert "Cancel 2 jobs: type:greet state:scheduled,waiting,held,running? [y/N]" in no
    assert (kept, sqlite.count("job")) == (2, 0)
    assert "cancelled 2 waiting jobs" in yes


def test_an_id_can_be_copied_from_a_narrow_terminal(there: Terminal, sqlite: PrivateDatabase) -> None:
    [one] = sqlite.put(NewJob("a_job_type_that_is_rather_long", queue="a queue with a long name, too"))

    narrow = on_a_terminal(there, "proletarian jobs list", COLUMNS="80")
    wide = on_a_terminal(there, "proletarian jobs list --why", COLUMNS="170")

    assert [line for line in narrow.splitlines() if line != line.rstrip()] == []
    assert str(one) in narrow
    assert str(one) in wide
    assert "no worker is alive at all" not in wide  # broken into lines, in its own column


def test_colours_are_for_terminals_and_only_if_they_are_wanted(there: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("fail"))
    there.run("proletarian worker shop.jobs --drain")

    assert "\x1b[31mfailed" in on_a_terminal(there, "proletarian jobs list")
    assert "\x1b[" not in on_a_terminal(there, "proletarian jobs list", NO_COLOR="1")
    assert "\x1b[" not in told(there.run("proletarian jobs list"))
