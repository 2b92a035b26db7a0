"""`proletarian worker --processes` and `--reload`: started anew when they die, or when their code changes."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from proletarian import NewJob
from proletarian.cli.reloading import Seen, Told
from tests.cli.terminal import Program, Terminal
from tests.databases import PrivateDatabase
from tests.waiting import wait_until

LOUD = "watchfiles is not installed, so that nothing tells of changes: make test installs it"


@pytest.fixture
def here(shell: Terminal, sqlite: PrivateDatabase) -> Terminal:
    """A terminal that knows an SQLite database."""
    shell.environment["PROLETARIAN_DATABASE"] = sqlite.url
    shell.environment["PYTHONUNBUFFERED"] = "1"
    return shell


def pids(program: Program) -> list[int]:
    """The processes that were started so far."""
    return [int(pid) for pid in re.findall(r"process\.started number=\d+ pid=(\d+)", program.text)]


def started(program: Program, count: int) -> list[int]:
    """Wait until so many workers have started; their processes."""
    wait_until(lambda: program.text.count("worker.started") >= count, 60, what=f"{count} workers: {program.text}")
    return pids(program)


def is_gone(pid: int) -> bool:
    """Whether there is no such process any more, or only its remains."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_dead_workers_are_restarted_and_a_stop_is_for_all(here: Terminal, sqlite: PrivateDatabase) -> None:
    program = here.start("proletarian worker shop.jobs --processes 2 --queue default=1")
    first, second = started(program, 2)
    os.kill(first, signal.SIGKILL)
    *_, third = started(program, 3)
    sqlite.put(NewJob("greet", {"name": "Ann"}))
    program.wait_for("hello, Ann")
    program.send(signal.SIGTERM)

    assert program.ends() == 0
    assert re.search(rf"process\.died number=\d pid={first} lived=\S+ signal=SIGKILL again_in=0.5", program.text)
    assert program.text.count("worker.stopped") == 2
    assert "supervisor.stopped exit_code=0" in program.text
    assert [is_gone(pid) for pid in (first, second, third)] == [True] * 3


def test_the_worst_exit_code_counts_and_a_second_signal_is_passed_on(here: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("sleep", {"seconds": 60}))
    program = here.start("proletarian worker shop.jobs --processes 2 --stop-timeout 1h")
    program.wait_for("asleep")
    started(program, 2)
    program.send(signal.SIGINT)
    wait_until(lambda: program.text.count("worker.stopping") == 2, what="the first signal with both")
    wait_until(lambda: "exit_code=0" in program.text, what="the end of the idle one")
    program.send(signal.SIGINT)

    assert program.ends() == 4
    assert (sqlite.count("job"), sqlite.count("running_job")) == (1, 0)


def test_a_platform_that_signals_every_process_stops_them_once(here: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("sleep", {"seconds": 1.5}))
    program = here.start("proletarian worker shop.jobs --processes 2")
    processes = started(program, 2)
    program.wait_for("asleep")
    for pid in (*processes, program.process.pid):
        os.kill(pid, signal.SIGTERM)

    assert program.ends() == 0, program.text
    assert sqlite.archive("status") == [("success",)], "the running job had its time"


def test_the_workers_stop_when_their_parent_is_killed(here: Terminal) -> None:
    program = here.start("proletarian worker shop.jobs --processes 2")
    children = started(program, 2)
    program.process.kill()
    program.ends()

    wait_until(lambda: all(map(is_gone, children)), what="the end of the orphans")
    wait_until(lambda: program.text.count("worker.stopped") == 2, what="a clean stop of both")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("shop.jbos", 2, "did you mean jobs?"),
        ("shop.jobs --database sqlite:///nothing.db", 3, "there is no file"),
    ],
)
def test_a_start_that_cannot_succeed_ends_all(arguments: str, code: int, says: str, here: Terminal) -> None:
    said = here.run(f"proletarian worker {arguments} --processes 2")

    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert "process.died" not in said.err


def test_a_drain_by_several_ends(here: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(*[NewJob("greet", {"name": str(number)}) for number in range(6)])
    said = here.run("proletarian worker shop.jobs --processes 2 --drain")

    assert (said.code, said.out.count("hello,")) == (0, 6)
    assert (sqlite.count("job"), sqlite.count("archived_job")) == (0, 6)


def test_one_that_has_done_its_share_is_replaced(here: Terminal, sqlite: PrivateDatabase) -> None:
    program = here.start("proletarian worker shop.jobs --processes 1 --queue default=1 --max-jobs 2 --name mail")
    started(program, 1)
    sqlite.put(*[NewJob("greet", {"name": str(number)}) for number in range(2)])
    started(program, 2)
    program.send(signal.SIGTERM)

    assert program.ends() == 0
    assert re.search(r"worker\.spent worker=mail@\S+:\d+ ran=2 reached=max_jobs", program.text)
    assert sqlite.rows(f"SELECT DISTINCT substr(worker, 1, 5) FROM {sqlite.table('archived_job')}") == [("mail@",)]


def test_a_worker_stops_by_itself_after_its_lifetime_and_can_make_its_tables(shell: Terminal) -> None:
    said = shell.run("proletarian worker shop.jobs --database sqlite:///new.db --migrate --max-lifetime 0.5")

    assert said.code == 0
    assert "applied 0001 tables" in said.err
    assert "reached=max_lifetime" in said.err


def test_it_starts_anew_when_code_changes_and_outlives_a_mistake(here: Terminal, sqlite: PrivateDatabase) -> None:
    code = "from proletarian import Tasks\ntasks = Tasks()\n@tasks.task\ndef greet() -> None:\n    print({!r})\n"
    module = here.folder / "fresh.py"
    module.write_text(code.format("before"))
    program = here.start("proletarian worker fresh --reload")
    started(program, 1)
    module.write_text("def (:\n")
    program.wait_for("importing 'fresh' failed: SyntaxError")
    program.wait_for('again="when code changes"')
    module.write_text(code.format("after the mistake"))
    started(program, 2)
    sqlite.put(NewJob("greet"))
    program.wait_for("after the mistake\n")
    program.send(signal.SIGINT)

    assert program.ends() == 0
    assert "code.changed" in program.text


@pytest.mark.parametrize("kind", [Seen, Told])
def test_changes_are_seen_in_source_files_alone(
    kind: type[Seen] | type[Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind is Told:
        pytest.importorskip("watchfiles", reason=LOUD)
    monkeypatch.setattr("proletarian.cli.reloading.EVERY", 0.0)
    for folder in ("env", ".git", "shop"):
        (tmp_path / folder).mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    changes = kind([str(tmp_path)])
    found: set[str] = set()

    def has_come(path: Path) -> bool:
        found.update(changes())
        return str(path) in found

    first = tmp_path / "shop" / "first.py"
    wait_until(lambda: first.write_text("") == 0 and has_come(first), what="the first change")  # it may still begin
    found.clear()
    for name in ("a.txt", "env/a.py", ".git/a.py"):
        (tmp_path / name).write_text("")
    last = tmp_path / "a.py"
    last.write_text("")
    wait_until(lambda: has_come(last), what="a new file")
    others = found - {str(first), str(last)}
    found.clear()
    last.unlink()
    wait_until(lambda: has_come(last), what="a file that is gone")

    assert others == set()


def test_where_nothing_can_tell_the_files_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("watchfiles", reason=LOUD)
    monkeypatch.setattr("proletarian.cli.reloading.EVERY", 0.0)
    (tmp_path / "shop").mkdir()
    changes = Told([str(tmp_path / "shop"), str(tmp_path / "gone")])  # it cannot watch the second
    source = tmp_path / "shop" / "jobs.py"
    number = iter(range(1_000_000))

    wait_until(lambda: source.write_text(str(next(number))) > 0 and str(source) in changes(), what="a change")
