"""
Proletarian in a Flask application: settings, `flask proletarian …`, and handlers in the application's context.

    db = SQLAlchemy()                 # from Flask-SQLAlchemy, for example
    jobs = Proletarian(tasks)

    def create_app() -> Flask:
        app = Flask(__name__)
        db.init_app(app)
        jobs.init_app(app)
        return app

Enqueueing needs nothing from here: `task.enqueue(db.session, …)` goes into the session's transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from inspect import isawaitable
from pickle import PicklingError
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo

from proletarian.cli.context import Application, Context
from proletarian.cli.program import COMMANDS, Program
from proletarian.errors import ConfigurationError
from proletarian.job import Job
from proletarian.middleware import Handler
from proletarian.standing import place_of, standing
from proletarian.tasks import Tasks
from proletarian.worker import Worker


class Proletarian:
    """
    Adds background jobs to a Flask application: the commands, and workers that run in its context.

    `tasks` is your `Tasks`. One `Proletarian` serves any number of applications. It reads these settings of each:

    - `PROLETARIAN_DATABASE`: where the jobs are, a URL or an SQLAlchemy engine. Without it, the
      database of Flask-SQLAlchemy, or `SQLALCHEMY_DATABASE_URI`.
    - `PROLETARIAN_QUEUES`: which queues a worker serves, with how many slots each, as in
      `{"default": 10, "mail": 2}`. Without it, every queue that the tasks name, and the default one, with ten each.

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
        A worker that runs each job in the context of `app`, by default the current application.

        `options` are those of `Worker`. Tests may call its `drain()`. Raises `ConfigurationError`
        if the application does not say where its jobs are.
        """
        app = app or current()
        options.setdefault("queues", app.config.get("PROLETARIAN_QUEUES"))
        return Worker(database_of(app), self.tasks.within(InContext(app)), **options)


class InContext:
    """
    Middleware that runs each job in the context of an application.

    So `current_app` and `db.session` are available, and what an extension tears down after a request
    is torn down after a job.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __reduce__(self) -> tuple[Any, ...]:
        """For a child process: the application by its name, or created there as the command line does."""
        try:
            return _within, (standing, *place_of(self._app, [self._app.import_name]))
        except PicklingError:
            context = click.get_current_context(silent=True)
            script = context.find_object(ScriptInfo) if context else None
            if script is None or script.create_app is not None:
                raise
            return _within, (_loaded, script.app_import_path)

    def __call__(self, job: Job, call_next: Handler) -> Any:
        """Run one job."""
        with ExitStack() as context:
            context.enter_context(self._app.app_context())
            result = call_next(job)
            return _awaited(result, context.pop_all()) if isawaitable(result) else result


async def _awaited(coming: Awaitable[Any], context: ExitStack) -> Any:
    with context:
        return await coming


def _within(find: Callable[..., Flask], *arguments: Any) -> InContext:
    return InContext(find(*arguments))


def _loaded(path: str | None) -> Flask:
    return ScriptInfo(app_import_path=path).load_app()


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


# `flask proletarian …`: the commands of `proletarian`, for the current application.


def application() -> Application:
    """The jobs of the current application."""
    app = current()
    extension: Proletarian = app.extensions["proletarian"]

    def worker(where: Any, *, queues: Mapping[str, int] | None = None, **given: Any) -> Worker:
        return extension.worker(app, **given) if queues is None else extension.worker(app, queues=queues, **given)

    return Application(database_of(app), extension.tasks.queue, lambda: extension.tasks, worker)


class Commands(Program):
    """The commands, each of which works on the current application."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for, in the application's context."""
        app = ctx.ensure_object(ScriptInfo).load_app()
        ctx.obj = Context(application, "flask proletarian")
        with app.app_context():
            return super().invoke(ctx)


commands = Commands(
    "proletarian",
    commands=COMMANDS,
    help="Inspect, manage and run background jobs.",
)
