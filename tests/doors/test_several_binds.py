"""A session of SQLAlchemy's with several databases: jobs go where they are told to, and nothing is guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker
from sqlmodel import Session as SqlModelSession

from proletarian import Tasks, UnknownConnection
from tests.databases import PrivateDatabase
from tests.doors import layers

BLOCKING = {"postgresql": "psycopg", "mysql": "pymysql", "sqlite": "pysqlite"}
ASYNC = {"postgresql": "asyncpg", "mysql": "aiomysql", "sqlite": "aiosqlite"}

tasks = Tasks()


@tasks.task
def greet(name: str) -> None:
    """A task."""


class Model(DeclarativeBase):
    """What the tables have in common."""


class Account(Model):
    """A row that lies in the database of the jobs."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)


class Follower(Session):
    """Reads elsewhere than it writes, as SQLAlchemy's documentation shows."""

    leader: Any
    follower: Any

    def get_bind(self, mapper: Any = None, **given: Any) -> Any:
        return given.get("bind") or (self.leader if mapper is not None or self._flushing else self.follower)


Given = Callable[[Any, Any], Any]  # of the engine of the jobs' database, and that of another, makes what opens sessions


def partitioned(**options: Any) -> Given:
    return lambda own, other: sessionmaker(other, binds={Account: own}, **options)


def following(own: Any, other: Any, **options: Any) -> Any:
    kind = type("Routing", (Follower,), {"leader": own, "follower": other})
    return sessionmaker(class_=kind, **options)


SESSIONS: dict[str, Given] = {
    "Session": partitioned(),
    "SQLModel": partitioned(class_=SqlModelSession),
    "scoped": lambda own, other: scoped_session(partitioned()(own, other)),
    "get_bind": following,
    "no default": lambda own, other: sessionmaker(binds={Account: own, Follower: other}),
}


@pytest.mark.parametrize("kind", SESSIONS)
def test_which_one_is_meant_has_to_be_said(database: PrivateDatabase, sqlite: PrivateDatabase, kind: str) -> None:
    own, other = layers.engine(database, BLOCKING[database.kind]), layers.engine(sqlite, "pysqlite")
    with SESSIONS[kind](own, other)() as session:
        with pytest.raises(UnknownConnection, match=r"bind_arguments={'mapper': YourModel}.*info="):
            greet.enqueue(session, name="Ann")
        greet.enqueue(session.connection(bind_arguments={"mapper": Account}), name="Ann")
        session.rollback()
        assert database.count("job") == 0
        greet.enqueue(session.connection(bind_arguments={"mapper": Account}), name="Ann")
        session.commit()

    assert database.count("job") == 1


@pytest.mark.parametrize("arguments", [{"mapper": Account}, "bind"])
@pytest.mark.parametrize("kind", [partitioned, following], ids=["binds", "get_bind"])
def test_it_can_be_said_once_for_all_sessions(
    database: PrivateDatabase, sqlite: PrivateDatabase, kind: Any, arguments: Any
) -> None:
    own, other = layers.engine(database, BLOCKING[database.kind]), layers.engine(sqlite, "pysqlite")
    info = {"proletarian_bind_arguments": {"bind": own} if arguments == "bind" else arguments}
    new_session = kind(own, other, info=info) if kind is following else kind(info=info)(own, other)
    with new_session.begin() as session:
        for _ in range(2):  # what was said is not used up
            greet.enqueue(session, name="Ann")
        assert session.connection(bind_arguments={"bind": own}).in_transaction()

    assert database.count("job") == 2


@pytest.mark.parametrize("said", [{"mapper": Account}, "bind", None])
def test_async_sessions(database: PrivateDatabase, sqlite: PrivateDatabase, said: Any) -> None:
    async def given() -> None:
        own, other = layers.async_engine(database, ASYNC[database.kind]), layers.async_engine(sqlite, "aiosqlite")
        info = {"proletarian_bind_arguments": {"bind": own} if said == "bind" else said}
        new_session = async_sessionmaker(other, binds={Account: own}, info=info)
        for session in (new_session(), async_scoped_session(new_session, scopefunc=lambda: 0)):
            if said is None:
                with pytest.raises(UnknownConnection, match="several binds"):
                    await greet.aenqueue(session, name="Ann")
                connection = await session.connection(bind_arguments={"mapper": Account})
                await greet.aenqueue(connection, name="Ann")
            else:
                await greet.aenqueue(session, name="Ann")
            await session.commit()
            await session.close()

    asyncio.run(given())
    assert database.count("job") == 2


def test_an_async_session_with_a_get_bind_of_its_own(database: PrivateDatabase, sqlite: PrivateDatabase) -> None:
    async def given() -> None:
        own, other = layers.async_engine(database, ASYNC[database.kind]), layers.async_engine(sqlite, "aiosqlite")
        kind = type("Routing", (Follower,), {"leader": own.sync_engine, "follower": other.sync_engine})
        async with AsyncSession(sync_session_class=kind) as session:
            with pytest.raises(UnknownConnection, match=r"get_bind\(\)"):
                await greet.aenqueue(session, name="Ann")

    asyncio.run(given())


def test_several_binds_to_one_database_are_no_question(database: PrivateDatabase) -> None:
    own = layers.engine(database, BLOCKING[database.kind])
    with sessionmaker(binds={Account: own}).begin() as session:
        greet.enqueue(session, name="Ann")
    with sessionmaker(own, binds={Account: own}).begin() as session:
        greet.enqueue(session, name="Bob")

    assert database.count("job") == 2


@pytest.mark.parametrize("several", [False, True])
def test_flask_sqlalchemy(sqlite: PrivateDatabase, several: bool) -> None:
    """Its sessions have a `get_bind` of their own, and ask nobody as long as there is one database."""
    app, db = Flask("shop"), SQLAlchemy()
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlite.url
    if several:
        app.config["SQLALCHEMY_BINDS"] = {"figures": "sqlite://"}
    db.init_app(app)
    with app.app_context():
        if several:
            with pytest.raises(UnknownConnection, match="several binds"):
                greet.enqueue(db.session, name="Ann")
            greet.enqueue(db.session.connection(bind_arguments={"bind": db.engine}), name="Ann")
        else:
            greet.enqueue(db.session, name="Ann")
        db.session.commit()
        for engine in db.engines.values():
            engine.dispose()

    assert sqlite.count("job") == 1
