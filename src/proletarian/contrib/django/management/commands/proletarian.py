"""`manage.py proletarian worker`, and the other commands of `proletarian` on this project's database."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from proletarian.contrib.django import configuration


class Command(BaseCommand):  # type: ignore[misc]
    """Runs background jobs."""

    help = "Run background jobs: `worker`. Other commands (`status`, …) are those of `proletarian`."

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand on what is not ours to the command line of the library."""
        if len(argv) < 3 or argv[2] in ("worker", "-h", "--help"):
            super().run_from_argv(argv)
            return
        from proletarian.cli import main

        main([*argv[2:3], "--database", f"django://{configuration.alias()}", *argv[3:]])

    def add_arguments(self, parser: CommandParser) -> None:
        """`worker` and its options."""
        commands = parser.add_subparsers(dest="command", required=True, parser_class=CommandParser)
        worker = commands.add_parser("worker", help="run jobs until told to stop")
        worker.add_argument("--queue", action="append", metavar="NAME[=SLOTS]", help="a queue to serve; repeatable")
        worker.add_argument("--drain", action="store_true", help="run what is due, then end")
        worker.add_argument("--stop-timeout", type=float, metavar="SECONDS",
                            help="how long a stop waits for running jobs (10)")  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the worker."""
        from proletarian.cli.worker import slots_of
        from proletarian.contrib.django.running import project_worker

        queues = slots_of(tuple(options["queue"] or ()))
        said = {"queues": queues, "stop_timeout": options["stop_timeout"]}
        worker = project_worker(**{name: value for name, value in said.items() if value is not None})
        if options["drain"]:
            self.stdout.write(f"{worker.drain()} jobs run")
        else:
            self.stderr.write(f"serving {worker!r} until SIGTERM", ending="\n")
            sys.stderr.flush()
            worker.run()
