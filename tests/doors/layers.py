"""The doors on top of a driver: SQLAlchemy, SQLModel, Django, peewee, Tortoise, and proxies."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from proletarian.conformance import Library
from tests.databases import PrivateDatabase, mysql_options
from tests.doors.libraries import path_of


def sqlalchemy_url(database: PrivateDatabase, driver: str) -> str:
    scheme, _, rest = database.url.partition("://")
    suffix = "?charset=utf8mb4" if scheme == "mysql" and driver in ("pymysql", "mysqldb", "aiomysql", "asyncmy") else ""
    return f"{'mariadb' if database.product == 'mariadb' else scheme}+{driver}://{rest}{suffix}"


def engine(database: PrivateDatabase, driver: str) -> Any:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    return create_engine(sqlalchemy_url(database, driver), poolclass=NullPool)


def async_engine(database: PrivateDatabase, driver: str) -> Any:
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    return create_async_engine(sqlalchemy_url(database, driver), poolclass=NullPool)


Make = Callable[[PrivateDatabase], Library]


def connection(driver: str) -> Make:
    return lambda database: Library(
        open=lambda: engine(database, driver).connect(), execute=lambda opened, sql: opened.exec_driver_sql(sql)
    )


def text_in(session: Any, sql: str) -> Any:
    from sqlalchemy import text

    return session.execute(text(sql.replace("+05:45", r"+05\:45")))


def session(driver: str) -> Make:
    from sqlalchemy.orm import Session

    return lambda database: Library(open=lambda: Session(engine(database, driver)), execute=text_in)


def scoped(driver: str) -> Make:
    from sqlalchemy.orm import scoped_session, sessionmaker

    return lambda database: Library(
        open=lambda: scoped_session(sessionmaker(engine(database, driver))),
        execute=text_in,
        close=lambda opened: opened.remove(),
    )


def sqlmodel(driver: str) -> Make:
    from sqlmodel import Session

    return lambda database: Library(
        open=lambda: Session(engine(database, driver)),
        execute=lambda opened, sql: opened.connection().exec_driver_sql(sql),
    )


def async_connection(driver: str) -> Make:
    async def connect(database: PrivateDatabase) -> Any:
        return await async_engine(database, driver).connect()

    return lambda database: Library(
        open=lambda: connect(database), execute=lambda opened, sql: opened.exec_driver_sql(sql)
    )


def async_session(driver: str) -> Make:
    from sqlalchemy.ext.asyncio import AsyncSession

    return lambda database: Library(open=lambda: AsyncSession(async_engine(database, driver)), execute=text_in)


def async_scoped(driver: str) -> Make:
    from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker

    # Each run of the contract's loop is a task of its own, so one scope serves all.
    return lambda database: Library(
        open=lambda: async_scoped_session(async_sessionmaker(async_engine(database, driver)), scopefunc=lambda: 0),
        execute=text_in,
        close=lambda opened: opened.remove(),
    )


# Django.


def django_settings(database: PrivateDatabase) -> dict[str, Any]:
    if database.kind == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": path_of(database)}
    options = mysql_options(database.url)
    return {
        "ENGINE": f"django.db.backends.{database.kind}",
        "NAME": options["database"], "USER": options["user"], "PASSWORD": options["password"],
        "HOST": options["host"], "PORT": options["port"],
    }  # fmt: skip


def configure_django() -> None:
    """Have Django in this process, without a database."""
    import django as package
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_TZ=True, DATABASES={})
        package.setup()


def django(database: PrivateDatabase) -> Library:
    """A connection wrapper of Django's own, in `atomic()`."""
    from django.db import connections, transaction
    from django.db.utils import load_backend

    configure_django()
    blocks: dict[Any, Any] = {}  # the open block of each connection

    def connect() -> Any:
        connections.configure_settings({"default": {}})
        given = connections.configure_settings({"default": {}, "door": django_settings(database)})["door"]
        opened = load_backend(given["ENGINE"]).DatabaseWrapper(given, alias="door")
        connections["door"] = opened
        return opened

    def begin(opened: Any) -> None:
        connections["door"] = opened  # a block goes by the alias
        blocks[opened] = transaction.atomic(using="door")
        blocks[opened].__enter__()

    def end(opened: Any, *error: Any) -> None:
        if block := blocks.pop(opened, None):
            connections["door"] = opened
            block.__exit__(*error)

    def commit(opened: Any) -> None:
        end(opened, None, None, None)

    def rollback(opened: Any) -> None:
        end(opened, *(sys.exc_info() if sys.exc_info()[0] else (KeyError, KeyError(), None)))

    def close(opened: Any) -> None:
        rollback(opened)
        opened.close()

    return Library(open=connect, begin=begin, commit=commit, rollback=rollback, close=close)


# peewee and Tortoise.

MODELS = "tests.doors.tortoise_models"


def peewee(database: PrivateDatabase) -> Library:
    import peewee

    options = mysql_options(database.url)
    name = options.pop("database")

    def connect() -> Any:
        if database.kind == "sqlite":
            return peewee.SqliteDatabase(path_of(database))
        kind = peewee.PostgresqlDatabase if database.kind == "postgresql" else peewee.MySQLDatabase
        return kind(name, **options)

    return Library(
        open=connect,
        begin=lambda opened: opened.begin(),
        commit=lambda opened: opened.commit(),
        rollback=lambda opened: opened.rollback(),
        execute=lambda opened, sql: opened.execute_sql(sql),
    )


def tortoise_url(database: PrivateDatabase) -> str:
    scheme, _, rest = database.url.partition("://")
    if scheme == "sqlite":
        return f"sqlite://{path_of(database)}"
    return f"{'asyncpg' if scheme == 'postgresql' else scheme}://{rest}"


def tortoise() -> Make:
    def make(database: PrivateDatabase) -> Library:
        from tortoise import Tortoise
        from tortoise.transactions import in_transaction

        blocks: list[Any] = []

        async def start() -> Any:
            await Tortoise.init(db_url=tortoise_url(database), modules={"models": [MODELS]})
            blocks.append(in_transaction())
            return await blocks[-1].__aenter__()

        async def begin(client: Any) -> None:
            if client._finalized:
                client._finalized = False
                await client.begin()

        async def rollback(client: Any) -> None:
            if not client._finalized:
                await client.rollback()

        async def close(client: Any) -> None:
            await rollback(client)
            await blocks.pop().__aexit__(None, None, None)
            await Tortoise.close_connections()

        return Library(
            open=start, begin=begin, commit=lambda client: client.commit(), rollback=rollback, close=close,
            execute=lambda client, sql: client.execute_query(sql),
        )  # fmt: skip

    return make


# Proxies, as tracing tools put them around connections and cursors.


def traced(library: Callable[[PrivateDatabase], Library]) -> Make:
    """The same library behind proxies of wrapt's, the cursors too."""
    import wrapt

    class TracedCursor(wrapt.ObjectProxy[Any]):
        def __enter__(self) -> Any:
            return TracedCursor(self.__wrapped__.__enter__())

    class TracedConnection(wrapt.ObjectProxy[Any]):
        def cursor(self, *args: Any, **kwargs: Any) -> Any:
            return TracedCursor(self.__wrapped__.cursor(*args, **kwargs))

    def make(database: PrivateDatabase) -> Library:
        inner = library(database)
        return Library(lambda: TracedConnection(inner.open()), commit=inner.commit, rollback=inner.rollback)

    return make
