"""The application's own table and database: an SQLite file, or the one in PROLETARIAN_DATABASE."""

from __future__ import annotations

import os

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}

_given = make_url(os.environ.get("PROLETARIAN_DATABASE", "sqlite:///examples.db"))
URL = _given.set(drivername=DRIVERS.get(_given.drivername, _given.drivername))


class Model(DeclarativeBase):
    """The base class of this application's tables."""


class Account(Model):
    """A user who has signed up."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    welcomed: Mapped[bool] = mapped_column(default=False)


engine = create_async_engine(URL)
