"""`manage.py proletarian worker`, and the other commands of `proletarian` on this project's database."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import REMAINDER
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import autoreload

from proletarian.contrib.django import configuration
from proletarian.errors import ProletarianError, StopTimeout

if TYPE_CHECKING:
    from proletarian.cli.context import Application
    from proletarian.worker import Worker


def application() -> Application:
    """The jobs of this project."""
    from proletarian.cli.context import Application
    from proletarian.contrib.django.running import project_tasks, project_worker

    return Application(
        f"django://{configuration.alias()}", configuration.queue(), project_tasks,
        lambda where, **given: project_worker(**given),
    )  # fmt: skip


OURS = ("queue", "drain", "reload", "stop_timeout")  # options of `worker` that this command takes itself
PROGRAM = "manage.py proletarian"


def is_ours(arguments: list[str]) -> bool:
    """
    Whether a worker with these arguments is run by Django's own command, with its reloader.

    >>> is_ours(["--queue", "mail=2", "--stop-timeout=5"]), is_ours(["--processes", "4"])
    (True, False)
    """
    own = {"--help", *(f"--{name.replace('_', '-')}" for name in OURS)}
    return all(one.partition("=")[0] in own for one in arguments if one.startswith("--"))


def parted(arguments: list[str]) -> tuple[list[str], list[str]]:
    """
    The options that all of Django's commands have, which may be anywhere, and the rest.

    >>> parted(["status", "--settings", "shop.settings", "--check", "-v0"])
    (['--settings=shop.settings', '--verbosity=0'], ['status', '--check'])
    """
    parser = CommandParser(prog=PROGRAM, add_help=False, allow_abbrev=False, called_from_command_line=True)
    for names in (("--settings",), ("--pythonpath",), ("--verbosity", "-v")):
        parser.add_argument(*names)
    for name in ("--traceback", "--no-color", "--force-color", "--skip-checks"):
        parser.add_argument(name, action="store_const", const=name)
    found, rest = parser.parse_known_args(arguments)
    said = {f"--{name.replace('_', '-')}": value for name, value in vars(found).items() if value is not None}
    return [name if value == name else f"{name}={value}" for name, value in said.items()], rest


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """End the command with a line, and with the exit code that `proletarian` has for it; a bug keeps its traceback."""
    from proletarian.cli import exit_codes
    from proletarian.cli.failures import code_of, in_one_line

    try:
        yield
    except Exception as error:
        code = code_of(error)
        if code == exit_codes.BUG:
            raise
        raise CommandError(in_one_line(error), returncode=code) from error


class Command(BaseCommand):  # type: ignore[misc]
    """Runs background jobs."""

    help = (
        "Run background jobs: `worker`. Other commands (`jobs`, `queues`, `status`, …), and more options of `worker` "
        "(`--processes`, `--max-jobs`, …), are those of `proletarian`."
    )
    stealth_options = OURS  # for call_command("proletarian", "worker", drain=True)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run it as `manage.py` does; only our own worker waits for the system checks."""
        djangos, rest = parted(argv[2:])
        is_checked = rest[:1] == ["worker"] and is_ours(rest[1:])
        super().run_from_argv([*argv[:2], *djangos, *([] if is_checked else ["--skip-checks"]), *rest])

    def add_arguments(self, parser: CommandParser) -> None:
        """A command, and whatever it takes."""
        parser.add_argument("command", help="`worker`, or another one of `proletarian`")
        parser.add_argument("arguments", nargs=REMAINDER, help="its arguments; `--help` after a command shows them")

    def handle(self, *args: Any, command: str, arguments: list[str], **options: Any) -> None:
        """Run the worker, or pass on what is not ours to the library's command line."""
        _, arguments = parted(arguments)
        if command == "worker" and is_ours(arguments):
            with in_words():
                self.work(arguments, {name: options[name] for name in OURS if name in options})
        else:
            self.pass_on([command, *arguments], options)

    def pass_on(self, arguments: list[str], options: dict[str, Any]) -> None:
        """Run a command of the library; one that fails ends the program with its exit code."""
        from proletarian.cli import main
        from proletarian.cli.context import Context

        context = Context(application, PROGRAM, tracebacks=options["traceback"])
        out, err = (options.get(name) or getattr(sys, name) for name in ("stdout", "stderr"))
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main(arguments, prog_name=PROGRAM, obj=context)
        except SystemExit as ended:
            if ended.code:
                raise

    def work(self, arguments: list[str], given: dict[str, Any]) -> None:
        """Run the worker."""
        from proletarian.cli.worker import slots_of

        parser = CommandParser(
            prog=f"{PROGRAM} worker", description="Run jobs until told to stop.",
            called_from_command_line=self._called_from_command_line,
        )  # fmt: skip
        parser.add_argument("--queue", action="append", metavar="NAME[=SLOTS]", help="a queue to serve; repeatable")
        parser.add_argument("--drain", action="store_true", help="run the jobs that are due, then exit")
        parser.add_argument("--reload", action="store_true",
                            help="for development: restart when code changes, as runserver does")  # fmt: skip
        parser.add_argument("--stop-timeout", type=float, metavar="SECONDS",
                            help="how long a stopping worker waits for running jobs (10)")  # fmt: skip
        options = {**vars(parser.parse_args(arguments)), **given}
        wanted = {"queues": slots_of(tuple(options["queue"] or ())), "stop_timeout": options["stop_timeout"]}
        said = {name: value for name, value in wanted.items() if value is not None}
        if options["reload"] and not options["drain"]:
            self.run_and_reload(said)
        elif options["drain"]:
            self.stdout.write(f"{self.worker(said).drain()} jobs run")
        else:
            worker = self.worker(said)
            self.stderr.write(f"serving {worker!r} until SIGTERM")
            sys.stderr.flush()
            worker.run()

    def worker(self, said: dict[str, Any]) -> Worker:
        """The project's worker, with the options from the command line."""
        from proletarian.contrib.django.running import project_worker

        return project_worker(**said)

    def run_and_reload(self, said: dict[str, Any]) -> None:
        """Run it in a process that Django's reloader restarts when code has changed."""
        serving: list[Worker] = []

        def serve() -> None:  # in a thread: the main one watches the files
            try:
                worker = self.worker(said)
                worker.start()
            except ProletarianError as error:
                self.stderr.write(str(error))
                sys.stderr.flush()
                os._exit(1)  # no change of code can help, or only after a restart; 3 would mean: start anew
            serving.append(worker)
            self.stderr.write(f"serving {worker!r} until SIGTERM, restarting when code changes")
            sys.stderr.flush()

        try:
            autoreload.run_with_reloader(serve)
        finally:  # the reloader ends this process by SystemExit
            for worker in serving:
                try:
                    worker.stop()
                except StopTimeout as error:
                    self.stderr.write(str(error))
