"""What a command works on: `--database` and `--app`, in all commands alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.databases import PrivateDatabase


@pytest.fixture
def shell(inner_shell: Terminal) -> Terminal:
    """A terminal that starts no process for what does not depend on one."""
    return inner_shell


@pytest.fixture
def here(shell: Terminal, database: PrivateDatabase) -> Terminal:
    """A terminal that knows the database."""
    shell.environment["PROLETARIAN_DATABASE"] = database.url
    return shell


def test_a_job_gets_queue_and_priority_of_its_task(here: Terminal, database: PrivateDatabase) -> None:
    said = here.run('proletarian enqueue welcome \'{"name": "Ann"}\' --app shop.jobs')
    other = here.run('proletarian enqueue welcome \'{"name": "Bob"}\' --app shop.jobs --queue slow --priority 0')

    assert (said.code, said.err, other.code) == (0, "", 0)
    rows = database.rows(f"SELECT queue, priority FROM {database.table('job')} ORDER BY priority DESC")
    assert rows == [("mail", 3), ("slow", 0)]


def test_a_payload_that_does_not_fit_its_task_is_refused(here: Terminal, database: PrivateDatabase) -> None:
    said = here.run('proletarian enqueue welcome \'{"nmae": "Ann"}\'', PROLETARIAN_APP="shop.jobs")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Error: welcome: Object contains unknown field `nmae`")
    assert database.count("job") == 0


def test_a_misspelt_type_is_a_warning_with_close_names(here: Terminal, database: PrivateDatabase) -> None:
    said = here.run("proletarian enqueue welcmoe --app shop.jobs:tasks")

    assert said.code == 0
    assert len(said.out.strip()) == 36
    assert said.err.startswith("Warning: the application has no task 'welcmoe'; did you mean welcome?")
    assert database.count("job") == 1


def test_an_empty_app_goes_without_the_one_in_the_environment(here: Terminal) -> None:
    broken = here.run("proletarian status", PROLETARIAN_APP="shop.broken")
    said = here.run("proletarian status --app ''", PROLETARIAN_APP="shop.broken")

    assert (broken.code, said.code) == (2, 0)


def test_a_worker_of_the_application_brings_its_own_options(shell: Terminal) -> None:
    made = shell.run("proletarian migrate --app shop.jobs:ready")
    shell.run('proletarian enqueue welcome \'{"name": "Ann"}\' --app shop.jobs:ready')
    ran = shell.run("proletarian worker shop.jobs:ready --drain", PROLETARIAN_DATABASE="sqlite:///other.db")

    assert made.out == "applied 0001 tables\n"
    assert (ran.code, ran.out) == (0, "welcome, Ann\n")
    for option in ("--queue mail", "--stop-timeout 3", "--keep-failed 1d", "--database sqlite:///own.db"):
        said = shell.run(f"proletarian worker shop.jobs:ready --drain {option}")
        flag = option.partition(" ")[0]
        assert (said.code, said.err) == (
            2,
            f"Error: shop.jobs:ready is a Worker with its own options: set {flag} there\n",
        )


def test_prefix_and_ids_are_said_by_the_application(here: Terminal) -> None:
    said = here.run("proletarian status --app shop.jobs --prefix work_")

    assert said.code == 2
    assert "--prefix is set by the Queue of shop.jobs" in said.err


@pytest.mark.parametrize("command", ["status", "migrate", "enqueue greet", "worker shop.jobs", "roles --worker x"])
def test_without_a_database_it_is_asked_for(command: str, shell: Terminal) -> None:
    said = shell.run(f"proletarian {command}")

    assert (said.code, said.err) == (2, "Error: where are the jobs? Give --database URL, or set PROLETARIAN_DATABASE\n")


def test_a_worker_needs_an_application(here: Terminal) -> None:
    said = here.run("proletarian worker")

    assert said.code == 2
    assert "PROLETARIAN_APP" in said.err


def test_migrate_and_roles_take_the_database_as_the_others_do(here: Terminal, database: PrivateDatabase) -> None:
    assert (
        here.run(f"proletarian migrate --database {database.url}").out
        == "nothing to apply: the tables are up to date\n"
    )
    roles = here.run(f"proletarian roles --database {database.url} --worker shop")
    assert ("GRANT" in roles.out) == (database.product != "sqlite")


def test_what_to_run_names_the_second_set_of_tables(shell: Terminal) -> None:
    url = "sqlite:///two.db"
    shell.run(f"proletarian migrate {url}")

    said = shell.run(f"proletarian status --database {url} --prefix shop_ --job-ids bigint")

    assert said.code == 3
    assert f"run `proletarian migrate {url} --prefix shop_ --job-ids bigint`" in said.err
    check = shell.run(f"proletarian migrate {url} --check --prefix shop_")
    assert f"run `proletarian migrate {url} --prefix shop_`" in check.err


@pytest.mark.parametrize("queues", ["mail=2,default=10", "mail=2 default=10", "mail=2, default"])
def test_queues_with_commas_are_several(queues: str, here: Terminal) -> None:
    told = here.run("proletarian worker shop.jobs --drain", PROLETARIAN_QUEUE=queues)
    said = here.run(f"proletarian worker shop.jobs --drain --queue '{queues.replace(' ', ',').replace(',,', ',')}'")

    assert "queues={'mail': 2, 'default': 10}" in told.err
    assert "queues={'mail': 2, 'default': 10}" in said.err


def test_a_program_that_is_imported_a_second_time_says_so(folder: Path, shell: Terminal) -> None:
    (folder / "app.py").write_text(
        "from proletarian import Tasks, Worker\ntasks = Tasks()\n@tasks.task\ndef a() -> None: ...\n"
        "if __name__ == '__main__':\n    import more\n    Worker('sqlite:///x.db', tasks).drain()\n"
    )
    (folder / "more.py").write_text("from app import tasks\n@tasks.task\ndef b() -> None: ...\n")

    for command in ("python -m app", "python app.py"):
        said = shell.run(command)
        assert said.code == 1
        assert "imported a second time, as 'app', so its tasks exist twice: the other one has b" in said.err


def test_tasks_of_the_program_itself_run(folder: Path, shell: Terminal) -> None:
    (folder / "app.py").write_text(
        "import sqlite3\nfrom proletarian import Tasks, Worker, migrate\ntasks = Tasks()\n"
        "@tasks.task\ndef a() -> None:\n    print('ran')\n"
        "if __name__ == '__main__':\n    migrate('sqlite:///x.db')\n    shop = sqlite3.connect('x.db')\n"
        "    with shop:\n        a.enqueue(shop)\n    shop.close()\n    Worker('sqlite:///x.db', tasks).drain()\n"
    )

    assert shell.run("python -m app").out == "ran\n"
    shell.run("proletarian enqueue a --app app --database sqlite:///x.db")
    assert shell.run("proletarian worker app --database sqlite:///x.db --drain").out == "ran\n"
