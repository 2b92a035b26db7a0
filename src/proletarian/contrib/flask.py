"""
Proletarian in a Flask application: settings, `flask proletarian …`, and handlers within the application's context.

    db = SQLAlchemy()                 # of Flask-SQLAlchemy, say
    jobs = Proletarian(tasks)

    def create_app() -> Flask:
        app = Flask(__name__)
        db.init_app(app)
        jobs.init_app(app)
        return app

Enqueueing needs nothing from here: `task.enqueue(db.session, …)` goes into the session's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from proletarian.cli.failures import ending_in_words
from proletarian.cli.worker import worker as worker_command
from proletarian.database import Database
from proletarian.errors import ConfigurationError
from proletarian.job import Job
from proletarian.tasks import Handler, Task, Tasks
from proletarian.worker import Worker


class Proletarian:
    """
    Gives a Flask application its background jobs: the commands, and workers that know its context.

    `tasks` is your `Tasks`. One `Proletarian` serves any number of applications. Of each it reads:

    - `PROLETARIAN_DATABASE`: where the jobs are, a URL or an SQLAlchemy engine. Without it, the
      database of Flask-SQLAlchemy, or what `SQLALCHEMY_DATABASE_URI` says.
    - `PROLETARIAN_QUEUES`: which queues a worker serves, with how many slots each, as in
      `{"default": 10, "mail": 2}`. Without it, ten of the default queue.

    >>> tasks = Tasks()
    >>> @tasks.task(queue="mail")
    ... def send_welcome(account_id: int) -> None:
    ...     current_app.logger.info("welcome, %s", account_id)
    >>> app = Flask("shop")
    >>> app.config.update(PROLETARIAN_DATABASE="sqlite:///shop.db", PROLETARIAN_QUEUES={"mail": 2})
    >>> Proletarian(tasks, app).worker(app)
    <Worker mail=2>
    """

    def __init__(self, tasks: Tasks, app: Flask | None = None) -> None:
        if not isinstance(tasks, Tasks):
            raise ConfigurationError(f"Proletarian(tasks, app) takes a Tasks first, not {tasks!r}")
        self.tasks = tasks
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the commands to an application; its settings are read when they are needed."""
        app.extensions["proletarian"] = self
        app.cli.add_command(commands)

    def worker(self, app: Flask | None = None, **options: Any) -> Worker:
        """
        A worker that runs each job within the context of `app`, by default the current one.

        `options` are those of `Worker`. Tests may call its `drain()`. Raises `ConfigurationError`
        when the application does not say where its jobs are.
        """
        app = app or current()
        options.setdefault("queues", app.config.get("PROLETARIAN_QUEUES"))
        return Worker(database_of(app), TasksInContext(self.tasks, app), **options)


class TasksInContext(Tasks):
    """
    The tasks of an application, each run within its context, middleware included.

    So `current_app` and `db.session` are there, and what an extension tears down after a request
    is torn down after a job.
    """

    def __init__(self, own: Tasks, app: Flask) -> None:
        super().__init__(queue=own.queue)
        self._own = own
        self._app = app

    def find(self, job_type: str) -> Task[..., Any] | None:
        """The task of this job type, if there is one."""
        return self._own.find(job_type)

    def direct(self, job_type: str) -> Callable[[Any], Any] | None:
        """Never: there is something to do around every job."""
        return None

    def handler(self, job_type: str) -> Handler:
        """The task within its middleware, within the context."""
        call_next, app = self._own.handler(job_type), self._app

        def run(job: Job) -> Any:
            with app.app_context():
                return call_next(job)

        async def arun(job: Job) -> Any:
            with app.app_context():
                return await call_next(job)

        return arun if self._own[job_type].is_async else run

    def __getitem__(self, job_type: str) -> Task[..., Any]:
        return self._own[job_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


def current() -> Flask:
    """The application whose context is active."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


def database_of(app: Flask) -> Any:
    """Where an application has its jobs; raises `ConfigurationError` if it does not say."""
    if where := app.config.get("PROLETARIAN_DATABASE"):
        return where
    if extension := app.extensions.get("sqlalchemy"):
        with app.app_context():
            return extension.engine
    if where := app.config.get("SQLALCHEMY_DATABASE_URI"):
        return where
    raise ConfigurationError(
        f"the application {app.name!r} does not say where its jobs are: set PROLETARIAN_DATABASE to a URL, "
        "or initialise Flask-SQLAlchemy"
    )


# `flask proletarian …`


class Commands(AppGroup):
    """A group of commands that end with a line and an exit code, as those of `proletarian` do."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        with ending_in_words():
            return super().invoke(ctx)


commands = Commands("proletarian", help="Background jobs: their tables, their workers, how full the queues are.")

# All that is not said by the application's settings is as in `proletarian worker`.
OPTIONS = [option for option in worker_command.params if option.name not in ("app", "url", "app_dir", "queues")]


def extension() -> Proletarian:
    """What `init_app` has left in the current application."""
    found: Proletarian = current_app.extensions["proletarian"]
    return found


def database() -> Database:
    """The database of the current application's jobs."""
    return Database(database_of(current()), extension().tasks.queue)


@commands.command(params=OPTIONS)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    metavar="NAME[=SLOTS]",
    help="A queue to serve, and how many of its jobs run at a time (10); repeatable. "
    "[default: PROLETARIAN_QUEUES of the application, else default=10]",
)
def worker(queues: tuple[str, ...], drain: bool, log_level: str, log_format: str, **options: Any) -> None:
    """Run jobs until told to stop, by SIGTERM or SIGINT (Ctrl-C)."""
    from proletarian.cli.logs import log_to_stderr
    from proletarian.cli.worker import slots_of

    log_to_stderr(log_level, log_format)
    if chosen := slots_of(queues):
        options["queues"] = chosen
    ready = extension().worker(**options)
    if drain:
        click.echo(f"ran {ready.drain()}", err=True)
    else:
        ready.run()


@commands.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if the tables are behind this release.")
def migrate(check: bool) -> None:
    """Make the tables, or bring them up to date."""
    from proletarian.cli import exit_codes
    from proletarian.cli.failures import Failure
    from proletarian.migration import migrate as apply_missing
    from proletarian.migration import missing

    if check:
        if found := missing(database()):
            names = ", ".join(f"{migration.number:04} {migration.name}" for migration in found)
            raise Failure(f"the tables lack {names}; run `flask proletarian migrate`", exit_codes.FAILED_CHECK)
        click.echo("the tables are up to date")
        return
    applied = apply_missing(database_of(current()), extension().tasks.queue)
    for migration in applied:
        click.echo(f"applied {migration.number:04} {migration.name}")
    if not applied:
        click.echo("nothing to apply: the tables are up to date")


@commands.command()
def status() -> None:
    """Show each queue and each worker."""
    from proletarian.cli.status import look, text_of

    click.echo(text_of(*look(database())))
