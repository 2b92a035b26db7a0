"""`proletarian.contrib.flask`: handlers in the application's context, its settings, its commands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, Integer, update

from proletarian import ConfigurationError, Job, NewJob, Queue, Tables, Tasks
from proletarian.contrib.flask import Proletarian
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def tasks(seen: list[Any]) -> Tasks:
    tasks = Tasks()

    @tasks.task
    def plain(n: int) -> None:
        seen.append((current_app.name, n, g.get("by")))

    @tasks.task
    async def coroutine(n: int) -> None:
        await asyncio.sleep(0)
        seen.append((current_app.name, n, g.get("by")))

    @tasks.task
    def broken() -> None:
        raise ValueError("no")

    return tasks


def new_app(name: str, database: PrivateDatabase | None = None, **settings: Any) -> Flask:
    app = Flask(name)
    if database is not None:
        app.config["PROLETARIAN_DATABASE"] = database.url
    app.config.update(settings)
    return app


def test_handlers_run_in_the_context_of_their_application(
    tasks: Tasks, seen: list[Any], sqlite: PrivateDatabase
) -> None:
    one, two = new_app("one", sqlite), new_app("two", sqlite)
    jobs = Proletarian(tasks, one)
    jobs.init_app(two)
    for app in (one, two):
        sqlite.put(NewJob("plain", {"n": 1}), NewJob("coroutine", {"n": 2}))

        assert jobs.worker(app).drain() == 2
        assert sorted(seen) == [(app.name, 1, None), (app.name, 2, None)]
        seen.clear()


def test_middleware_runs_in_it_too(tasks: Tasks, seen: list[Any], sqlite: PrivateDatabase) -> None:
    app = new_app("shop", sqlite)

    @tasks.use
    def signed(job: Job, call_next: Any) -> Any:
        g.by = current_app.name
        return call_next(job)

    sqlite.put(NewJob("plain", {"n": 1}), NewJob("coroutine", {"n": 2}))
    Proletarian(tasks).worker(app).drain()

    assert sorted(seen) == [("shop", 1, "shop"), ("shop", 2, "shop")]


def test_a_context_ends_with_its_job(tasks: Tasks, seen: list[Any], sqlite: PrivateDatabase) -> None:
    app = new_app("shop", sqlite)
    ended = []
    app.teardown_appcontext(lambda error: ended.append(type(error)))
    sqlite.put(NewJob("plain", {"n": 1}), NewJob("coroutine", {"n": 2}), NewJob("broken"))

    assert Proletarian(tasks).worker(app).drain() == 3
    assert len(seen) == 2
    assert sorted(ended, key=str) == [type(None), type(None), ValueError]


def test_the_session_of_flask_sqlalchemy(new_database: DatabaseOf) -> None:
    """A job goes in through it, a handler works with its own, and neither outlives its request or job."""
    database = new_database("postgresql")
    database.migrate()
    db, tasks = SQLAlchemy(), Tasks()

    class Account(db.Model):  # type: ignore[name-defined,misc]
        id = Column(Integer, primary_key=True)
        visits = Column(Integer, default=0)

    @tasks.task
    def visit(job: Job, account_id: int, well: bool) -> None:
        db.session.execute(update(Account).values(visits=Account.visits + 1).where(Account.id == account_id))
        job.complete(db.session)
        if well:
            db.session.commit()
        else:
            db.session.flush()
            raise ValueError("its transaction goes with it")

    app = new_app("shop", SQLALCHEMY_DATABASE_URI=database.url.replace("postgresql:", "postgresql+psycopg:"))
    db.init_app(app)
    jobs = Proletarian(tasks, app)
    with app.app_context():
        db.create_all()
        db.session.add(Account(id=1))
        visit.enqueue(db.session, account_id=1, well=True)
        visit.enqueue(db.session, account_id=1, well=False)
        db.session.commit()
        visit.enqueue(db.session, account_id=1, well=True)
    ran = jobs.worker(app).drain()

    with app.app_context():
        assert db.session.get_one(Account, 1).visits == 1
    with app.app_context():
        db.engine.dispose()
    assert ran == 2
    assert sorted(database.archive()) == [("visit", "failure"), ("visit", "success")]


def test_a_job_of_an_unknown_type_waits(tasks: Tasks, sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("of_a_later_release"))

    Proletarian(tasks).worker(new_app("shop", sqlite)).drain()

    assert (sqlite.count("job"), sqlite.count("archived_job")) == (1, 0)


def test_the_settings_of_an_application(tasks: Tasks) -> None:
    jobs = Proletarian(tasks)
    app = new_app("shop", PROLETARIAN_DATABASE="sqlite:///shop.db", PROLETARIAN_QUEUES={"mail": 2})
    only_uri = new_app("shop", SQLALCHEMY_DATABASE_URI="mysql+pymysql://app@db/shop")
    both = new_app("shop", PROLETARIAN_DATABASE="sqlite:///jobs.db", SQLALCHEMY_DATABASE_URI="mysql://app@db/shop")

    assert repr(jobs.worker(app)) == "<Worker mail=2>"
    assert repr(jobs.worker(app, queues={"default": 1})) == "<Worker default=1>"
    assert repr(jobs.worker(only_uri)) == "<Worker default=10>"
    assert [jobs.worker(where).database.kind for where in (app, only_uri, both)] == ["sqlite", "mysql", "sqlite"]
    with app.app_context():
        assert repr(jobs.worker()) == "<Worker mail=2>"
    with pytest.raises(ConfigurationError, match="'bare' does not say where its jobs are: set PROLETARIAN_DATABASE"):
        jobs.worker(new_app("bare"))
    with pytest.raises(ConfigurationError, match="takes a Tasks first, not <Flask 'shop'>"):
        Proletarian(app)  # type: ignore[arg-type]


def test_the_commands(tasks: Tasks, seen: list[Any], new_database: DatabaseOf) -> None:
    database = new_database("sqlite")
    own = Tasks(queue=Queue(tables=Tables(prefix="shop_")))
    own.task(name="plain")(tasks["plain"].function)
    app = new_app("shop", database, PROLETARIAN_QUEUES={"mail": 1})
    Proletarian(own, app)

    def said(*arguments: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["proletarian", *arguments])
        return result.exit_code, result.output

    early = said("status")
    behind = said("migrate", "--check")
    done = said("migrate"), said("migrate"), said("migrate", "--check")
    database.put(NewJob("plain", {"n": 1}, queue="mail"), NewJob("plain", {"n": 2}), queue=own.queue)
    full = said("status")
    ran = said("worker", "--drain", "--log-level", "error"), said("worker", "--drain", "--queue", "default=3")

    assert early[0] == 3
    assert "run `proletarian migrate" in early[1]
    assert behind[0] == 1
    assert "is behind this release by 0001 tables; run `flask proletarian migrate`" in behind[1]
    assert done == (
        (0, "applied 0001 tables\n"),
        (0, "nothing to apply: the tables are up to date\n"),
        (0, "the tables are up to date\n"),
    )
    assert full[0] == 0
    assert full[1].startswith("queue    waiting  due  running  failed  workers  oldest due\ndefault        1    1 ")
    assert [code for code, _ in ran] == [0, 0]
    assert seen == [("shop", 1, None), ("shop", 2, None)]
    assert said("worker", "--queue", "mail=many")[0] == 2
    assert said("enqueue", "plain", '{"n": 3}')[0] == 0
    assert said("enqueue", "plain", '{"m": 3}') == (2, "Error: plain: Object contains unknown field `m`\n")
    assert said("roles", "--worker", "shop")[0] == 2
    code, words = said("status", "--database", "sqlite:///other.db")
    assert (code, "--database is not for `flask proletarian`, which uses the application's settings" in words) == (
        2,
        True,
    )
