"""`manage.py proletarian worker`, and the other commands of `proletarian` on this project's database."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandParser
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


# The worker's options that this command takes itself, besides Django's own; with others, the library's command runs.
OWN = {"--queue", "--drain", "--reload", "--stop-timeout", "--help"} | {
    "--settings", "--pythonpath", "--verbosity", "--traceback", "--no-color", "--force-color", "--skip-checks",
}  # fmt: skip


def is_ours(arguments: list[str]) -> bool:
    """
    Whether a worker with these arguments is run by Django's own command, with its reloader.

    >>> is_ours(["--queue", "mail=2", "-v", "0"]), is_ours(["--processes", "4"])
    (True, False)
    """
    return all(one.partition("=")[0] in OWN for one in arguments if one.startswith("--"))


class Command(BaseCommand):  # type: ignore[misc]
    """Runs background jobs."""

    help = (
        "Run background jobs: `worker`. Other commands (`jobs`, `queues`, `status`, …), and more options of `worker` "
        "(`--processes`, `--max-jobs`, …), are those of `proletarian`."
    )

    def run_from_argv(self, argv: list[str]) -> None:
        """Pass on what is not ours to the library's command line."""
        if len(argv) < 3 or argv[2] in ("-h", "--help") or (argv[2] == "worker" and is_ours(argv[3:])):
            super().run_from_argv(argv)
            return
        from proletarian.cli import main
        from proletarian.cli.context import Context

        main(argv[2:], prog_name="manage.py proletarian", obj=Context(application, "manage.py proletarian"))

    def add_arguments(self, parser: CommandParser) -> None:
        """`worker` and its options."""
        commands = parser.add_subparsers(dest="command", required=True, parser_class=CommandParser)
        worker = commands.add_parser("worker", help="run jobs until told to stop")
        worker.add_argument("--queue", action="append", metavar="NAME[=SLOTS]", help="a queue to serve; repeatable")
        worker.add_argument("--drain", action="store_true", help="run the jobs that are due, then exit")
        worker.add_argument("--reload", action="store_true",
                            help="for development: restart when code changes, as runserver does")  # fmt: skip
        worker.add_argument("--stop-timeout", type=float, metavar="SECONDS",
                            help="how long a stopping worker waits for running jobs (10)")  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the worker."""
        from proletarian.cli.worker import slots_of

        queues = slots_of(tuple(options["queue"] or ()))
        given = {"queues": queues, "stop_timeout": options["stop_timeout"]}
        said = {name: value for name, value in given.items() if value is not None}
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
                os._exit(1)  # no change of code can help, or only after a restart
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
