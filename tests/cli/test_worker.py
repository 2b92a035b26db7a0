"""`proletarian worker`: how it finds the application, what it logs, how it ends."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.databases import PrivateDatabase


@pytest.fixture
def here(shell: Terminal, sqlite: PrivateDatabase) -> Terminal:
    """A terminal that knows an SQLite database."""
    shell.environment["PROLETARIAN_DATABASE"] = sqlite.url
    return shell


def test_it_runs_jobs_until_sigterm(here: Terminal) -> None:
    worker = here.start("proletarian worker shop.jobs:tasks --queue default=2")
    here.run('proletarian enqueue greet \'{"name": "Ann"}\'')
    worker.wait_for("hello, Ann")
    worker.send(signal.SIGTERM)

    assert worker.ends() == 0
    assert "worker.stopped" in worker.text


def test_a_queue_runs_in_child_processes(here: Terminal) -> None:
    here.run('proletarian enqueue greet \'{"name": "Ann"}\'')
    done = here.run("proletarian worker shop.jobs:tasks --queue default=processes:1 --drain --log-format json")

    assert (done.code, done.out) == (0, "hello, Ann\n")
    assert "ran 1" in done.err


def test_drain_runs_what_is_due_and_ends(here: Terminal) -> None:
    here.run('proletarian enqueue greet \'{"name": "Ann"}\'')
    here.run('proletarian enqueue greet \'{"name": "Bob"}\' --in 1h')

    said = here.run("proletarian worker shop.jobs --drain")

    assert (said.code, said.out) == (0, "hello, Ann\n")
    assert "ran 1" in said.err.splitlines()


def test_a_signal_breaks_draining_off_and_gives_back_what_runs(here: Terminal, sqlite: PrivateDatabase) -> None:
    here.run("proletarian enqueue sleep '{\"seconds\": 60}'")
    worker = here.start("proletarian worker shop.jobs --drain --stop-timeout 0.2s")
    worker.wait_for("asleep")
    worker.send(signal.SIGTERM)

    assert worker.ends() == 4
    assert sqlite.rows(f"SELECT attempts, lost FROM {sqlite.table('job')}") == [(0, 0)]


def test_every_flag_may_come_from_the_environment(here: Terminal, folder: Path) -> None:
    here.run('proletarian enqueue greet \'{"name": "Ann"}\' --queue mail')
    here.folder = folder.parent

    said = here.run(
        "proletarian worker",
        PROLETARIAN_APP="shop.jobs:tasks",
        PROLETARIAN_APP_DIR=str(folder),
        PROLETARIAN_QUEUE="mail=1 default",
        PROLETARIAN_DRAIN="1",
        PROLETARIAN_LOG_FORMAT="json",
        PROLETARIAN_LOG_LEVEL="info",
        PROLETARIAN_STOP_TIMEOUT="5s",
    )

    assert (said.code, said.out) == (0, "hello, Ann\n")
    events = {line["event"]: line for line in map(json.loads, said.err.splitlines()[:-1])}
    assert events["worker.started"]["queues"] == {"mail": 1, "default": 10}
    assert events["worker.stopping"]["timeout"] == 5.0


def test_any_function_of_a_job_is_a_handler(here: Terminal) -> None:
    here.run("proletarian enqueue whatever '[1, 2]'")

    assert here.run("proletarian worker shop.jobs:handle --drain").out == "handled whatever [1, 2]\n"


def test_json_lines_hold_the_error_and_its_traceback(here: Terminal) -> None:
    here.run("proletarian enqueue fail")

    said = here.run("proletarian worker shop.jobs --drain --log-format json --log-level debug")

    lines = [json.loads(line) for line in said.err.splitlines()[:-1]]
    [failed] = [line for line in lines if line["event"] == "job.failed"]
    assert failed["error"] == "ValueError: no luck"
    assert failed["level"] == "warning"
    assert failed["job_type"] == "fail"
    assert 'raise ValueError("no luck")' in failed["traceback"]
    assert failed["time"].endswith("+00:00")


def test_jobs_given_back_at_a_stop_give_exit_code_4(here: Terminal) -> None:
    here.run("proletarian enqueue sleep '{\"seconds\": 60}'")
    worker = here.start("proletarian worker shop.jobs --stop-timeout 0.2s")
    worker.wait_for("asleep")
    worker.send(signal.SIGINT)

    assert worker.ends() == 4
    assert "and went back to the queue: sleep" in worker.text.splitlines()[-1]
    assert "Traceback" not in worker.text


def test_the_second_signal_ends_the_wait(here: Terminal, sqlite: PrivateDatabase) -> None:
    here.run("proletarian enqueue sleep '{\"seconds\": 60}'")
    worker = here.start("proletarian worker shop.jobs --stop-timeout 1h")
    worker.wait_for("asleep")
    worker.send(signal.SIGTERM)
    worker.wait_for("worker.stopping")
    worker.send(signal.SIGTERM)

    assert worker.ends() == 4
    assert (sqlite.count("job"), sqlite.count("running_job")) == (1, 0)


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("shpo.jobs:tasks", "no module 'shpo' in "),
        ("shpo.jobs:tasks", "; did you mean shop?"),
        ("shop.jbos:tasks", "no module 'shop.jbos': package 'shop' has no 'jbos'; did you mean jobs?"),
        ("shop.jobs:taks", "module 'shop.jobs' has no attribute 'taks'; did you mean shop.jobs:tasks?"),
        ("shop.jobs:handel", "module 'shop.jobs' has no attribute 'handel'"),
        ("shop.jobs.tasks", "did you mean shop.jobs:tasks?"),
        ("shop/jobs.py", "'shop/jobs.py' is a file; name the module, as Python imports it: shop.jobs"),
        ("shop.jobs:greet", "shop.jobs:greet is a single task; name the Tasks that it belongs to"),
        ("shop.jobs:JOBS", "module 'shop.jobs' has no attribute 'JOBS'"),
        ("shop.jobs:time", "shop.jobs:time is <module 'time'"),
        ("shop.jobs:Tasks", "name a Tasks, a Worker, or a function of one argument, the job"),
        ("shop..jobs", "'shop..jobs' is not a module name"),
        ("shop.broken", "importing 'shop.broken' failed: NameError: name 'undefined' is not defined ("),
        ("shop.broken", "/shop/broken.py, line 2)"),
        ("shop.needy", "importing 'shop.needy' failed: ModuleNotFoundError: No module named 'a_library"),
        ("shop.scribbled", "importing 'shop.scribbled' failed: SyntaxError: invalid syntax ("),
    ],
)
def test_an_application_that_cannot_be_found_is_told_which_part(app: str, says: str, here: Terminal) -> None:
    said = here.run(f"proletarian worker {app} --drain")

    assert (said.code, said.out) == (2, "")
    assert says in said.err.splitlines()[-1]
    assert said.err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("--queue mail=x", "--queue mail=x: name a queue, or a queue and its slots, as in mail=2"),
        ("--queue =2", "--queue =2: name a queue"),
        ("--queue mail=threads:2", "--queue mail=threads:2: name a queue"),
        ("--queue mail=processes:0", "count is a whole number, 1 or more, not 0"),
        ("--queue mail --queue mail=3", "queue 'mail' is named twice"),
        ("--queue mail=0", "queue 'mail' needs a number of slots, 1 or more, not 0"),
        ("--stop-timeout soon", "'soon' is not a duration"),
        ("--log-level loud", "'loud' is not one of"),
        ("--app-dir nowhere", "'nowhere' does not exist"),
    ],
)
def test_wrong_usage_gives_exit_code_2(arguments: str, says: str, here: Terminal) -> None:
    said = here.run(f"proletarian worker shop.jobs {arguments}")

    assert said.code == 2
    assert says in said.err


def test_without_tables_it_ends_with_3_and_says_what_to_do(shell: Terminal, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    (tmp_path / "empty.db").touch()

    said = shell.run(f"proletarian worker shop.jobs --database {url}")

    assert said.code == 3
    assert said.err == f"Error: {url} has no tables of Proletarian; run `proletarian migrate {url}`\n"


def test_a_database_that_refuses_us_gives_exit_code_3(
    shell: Terminal, database_of: Callable[[str], PrivateDatabase]
) -> None:
    url = database_of("mariadb").url.replace("test:test@", "test:wrong-secret@")

    said = shell.run(f"proletarian worker shop.jobs --database {url}")

    assert said.code == 3
    assert len(said.err.splitlines()) == 1
    assert "test:***@" in said.err
    assert "wrong-secret" not in said.text


def test_a_database_that_cannot_be_reached_is_waited_for(shell: Terminal) -> None:
    worker = shell.start("proletarian worker shop.jobs --database postgresql://test:secret@127.0.0.1:1/test")
    worker.wait_for("database.unavailable")
    worker.send(signal.SIGTERM)

    assert worker.ends() == 0
    assert "secret" not in worker.text


DICT_CONFIG = """
import logging.config
from proletarian import Tasks
import proletarian.worker
logging.config.dictConfig({
    "version": 1, "handlers": {"h": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["h"], "level": "INFO"}
})
tasks = Tasks()
@tasks.task
def boom():
    raise RuntimeError("somebody\\nhears this")
"""


def test_an_application_that_disables_loggers_does_not_silence_the_worker(here: Terminal, folder: Path) -> None:
    (folder / "loud.py").write_text(DICT_CONFIG)
    here.run("proletarian enqueue boom")

    said = here.run("proletarian worker loud --drain").err

    assert "worker.started" in said
    assert 'error="RuntimeError: somebody\\nhears this"' in said
    assert "job.given_up" in said


def test_a_text_log_tells_the_type_of_an_error_and_its_traceback_once(here: Terminal) -> None:
    here.run("proletarian enqueue fail")

    said = here.run("proletarian worker shop.jobs --drain").err

    assert said.count('error="ValueError: no luck"') == 2
    assert said.count("Traceback") == 1
    assert next(line for line in said.splitlines() if "job.given_up" in line).count("ERROR") == 1


def test_the_end_of_its_terminal_stops_it_unless_that_is_ignored(here: Terminal) -> None:
    worker = here.start("proletarian worker shop.jobs")
    kept = here.start("nohup proletarian worker shop.jobs")
    for program in (worker, kept):
        program.wait_for("worker.started")
        program.send(signal.SIGHUP)

    assert worker.ends() == 0
    assert kept.process.poll() is None
    kept.send(signal.SIGTERM)
    assert kept.ends() == 0
