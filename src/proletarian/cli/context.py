"""
What a command works on: whose jobs, in which database.

The options `--database` and `--app` say so, or the framework that started the command: `flask proletarian` and
`manage.py proletarian` pass their own context. So a command is written once, as a function of a `Context`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from proletarian.cli import options
from proletarian.cli.application import load
from proletarian.cli.failures import wrong_usage

if TYPE_CHECKING:
    from proletarian.connections.database import Database
    from proletarian.queue import Queue
    from proletarian.tasks import Tasks
    from proletarian.worker import Worker

FLAGS = {"url": "--database", "app": "--app", "app_dir": "--app-dir", "prefix": "--prefix", "job_ids": "--job-ids"}


@dataclass(frozen=True)
class Application:
    """An application's jobs: where they are, how they are stored, who runs them."""

    where: Any  # a URL, an engine, a Database; None if it is not known
    queue: Queue
    tasks: Callable[[], Tasks | None]  # called only by commands that need them
    worker: Callable[..., Worker]  # makes one, from a function that returns where the jobs are, and options


class Context:
    """What a command works on; nothing is imported or opened before it is asked for."""

    def __init__(
        self, find: Callable[[], Application], program: str = "proletarian", *, tracebacks: bool = False
    ) -> None:
        self._find = find
        self.program = program  # how the commands are called, for messages that say what to do
        self.tracebacks = tracebacks  # whether an error is shown with its traceback

    @cached_property
    def application(self) -> Application:
        """The application; raises `Failure` if it cannot be found."""
        return self._find()

    @property
    def queue(self) -> Queue:
        """The `Queue` value: that of the application, or what the options describe."""
        return self.application.queue

    @cached_property
    def tasks(self) -> Tasks | None:
        """The application's tasks; None if no application is named, or a bare function runs its jobs."""
        return self.application.tasks()

    @property
    def where(self) -> Any:
        """Where the jobs are; raises `Failure` if that is not known."""
        if self.application.where is None:
            raise wrong_usage("where are the jobs? Give --database URL, or set PROLETARIAN_DATABASE")
        return self.application.where

    @cached_property
    def database(self) -> Database:
        """The database; no connection is made yet."""
        from proletarian.connections.database import Database

        return self.where if isinstance(self.where, Database) else Database(self.where, self.queue)

    @property
    def kind(self) -> str:
        """Which kind of database it is; a bare name (`postgresql`) is enough."""
        return options.kind_named(self.where) if isinstance(self.where, str) else self.database.kind

    def require_tasks(self) -> Tasks:
        """The tasks; raises `Failure` if no application is named."""
        if self.tasks is None:
            raise wrong_usage("name your application: --app module:attribute, or PROLETARIAN_APP")
        return self.tasks

    def worker(self, **given: Any) -> Worker:
        """A worker of the application, with these options."""
        return self.application.worker(lambda: self.where, **given)

    @property
    def migrate_command(self) -> str:
        """The command to run if tables are missing or out of date."""
        return self.database.migrate_command if self.program == "proletarian" else f"{self.program} migrate"


def in_context(command: Callable[..., Any]) -> Callable[..., Any]:
    """
    Make a function of a `Context` and options a command that gets what it works on from its options.

    An argument `place` or `named` replaces `--database` or `--app` if it is given.
    """

    @functools.wraps(command)
    def told(*, url: str | None, app: str | None, app_dir: str, prefix: str | None, job_ids: str, **own: Any) -> Any:
        place, named = own.pop("place", None), own.pop("named", None)
        context = click.get_current_context()
        said = {flag for name, flag in FLAGS.items() if is_said(context, name)}
        said |= {flag for flag, given in (("--database", place), ("--app", named)) if given}
        outer = context.find_object(Context)
        if outer is None:
            outer = Context(lambda: application_of(place or url, named or app, app_dir, prefix, job_ids, said))
        elif said:
            raise wrong_usage(f"{min(said)} is not for `{outer.program}`, which uses the application's settings")
        return command(outer, **own)

    for option in (options.prefix, options.job_ids, options.app_dir, options.app, options.database):
        told = option(told)
    return told


def is_said(context: click.Context, name: str) -> bool:
    """Whether an option was given on the command line, and not by the environment or by default."""
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def application_of(
    url: str | None, app: str | None, app_dir: str, prefix: str | None, job_ids: str, said: set[str]
) -> Application:
    """The application that the options name."""
    if not app:
        return Application(url, options.queue_of(prefix, job_ids), lambda: None, no_worker)
    found = load(app, app_dir)
    from proletarian.tasks import Tasks
    from proletarian.worker import Worker

    if isinstance(found, Worker):
        where = url if "--database" in said else found.database
        return Application(where, found.database.queue, lambda: found.tasks, as_it_is(found, app, said))

    def worker(where: Callable[[], Any], **given: Any) -> Worker:
        return Worker(where(), found, **given)

    if not isinstance(found, Tasks):
        return Application(url, options.queue_of(prefix, job_ids), lambda: None, worker)
    if own := {"--prefix", "--job-ids"} & said:
        raise wrong_usage(f"{min(own)} is set by the Queue of {app}: leave it out, or leave out --app")
    return Application(url, found.queue, lambda: found, worker)


def no_worker(where: Callable[[], Any], **given: Any) -> Worker:
    """A worker without an application."""
    raise wrong_usage("name your application: module:attribute, as in shop.jobs:tasks, or PROLETARIAN_APP")


def as_it_is(worker: Worker, app: str, said: set[str]) -> Callable[..., Worker]:
    """A worker that the application has made; options that it already has are refused on the command line."""

    def made(where: Callable[[], Any], **given: Any) -> Worker:
        context = click.get_current_context()
        flags = [flag for flag in ("--database",) if flag in said]
        flags += [
            "--queue" if name == "queues" else f"--{name.replace('_', '-')}" for name in given if is_said(context, name)
        ]
        if flags:
            raise wrong_usage(f"{app} is a Worker with its own options: set {flags[0]} there")
        return worker

    return made
